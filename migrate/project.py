"""The project folder: `changeover.yaml` and what lies beside it."""

from __future__ import annotations

import datetime as dt
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from ..connectors.errors import InputError
from ..connectors.pace import ALWAYS, Hours, Narrowed, Schedule
from ..connectors.port import Settings
from ..connectors.secrets import Secrets
from ..mappings.assembly import ASSEMBLY
from ..mappings.classes import DataClass
from ..mappings.linking.language import OldAddress, RecordUrl
from ..mappings.people_config import PeopleConfig
from ..mappings.wins import Wins
from ..mappings.yaml.strict_yaml import load_model, read_yaml
from ..runs.ledger.place import Place, Server, schema_name
from .objects import ObjectSpec
from .sources.several import BETWEEN

FILE = "changeover.yaml"
OWN_NAMES = frozenset({"objects", "classes"})
"""Keys below which keys are names that the source gives, or the project itself."""
LEDGER_URL = r"^(postgresql(\+psycopg)?://\S+|\$\{[A-Z][A-Z0-9_]*\})$"


WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Share = Annotated[Decimal, Field(ge=0, le=1)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class PaceSpec(BaseModel):
    """What this project takes of what the system allows. share: of every rate. daily: calls a day. reserve: of the
    day's calls, those kept for the business."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal(1)
    daily: Annotated[int, Field(ge=1)] | None = None
    reserve: Annotated[int, Field(ge=0)] = 0

    @field_validator("reserve")
    @classmethod
    def _leaves_some(cls, reserve: int, told: ValidationInfo) -> int:
        daily = told.data.get("daily")
        if daily is not None and reserve >= daily:
            raise PydanticCustomError("pace.nothing_left", "nothing_left", {"daily": daily, "reserve": reserve})
        return reserve

    def narrowed(self) -> Narrowed:
        return Narrowed(float(self.share), self.daily, self.reserve)


class HoursSpec(BaseModel):
    """Business hours. quota: how much of the day's calls may be spent by their end."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    days: Annotated[list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]], Field(min_length=1)]
    begins: Annotated[TimeOfDay, Field(alias="from")]
    ends: Annotated[TimeOfDay, Field(alias="to")]
    share: Share = Decimal(1)
    quota: Share = Decimal(1)

    def hours(self) -> Hours:
        begins, ends = (dt.time.fromisoformat(text) for text in (self.begins, self.ends))
        return Hours(frozenset(map(WEEK.index, self.days)), begins, ends, float(self.share), float(self.quota))


class ScheduleSpec(BaseModel):
    """When to take less, by the clock of this zone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    zone: str
    hours: Annotated[list[HoursSpec], Field(min_length=1)]


class ConnectionSpec(BaseModel):
    """One connection: which connector, the name that goes into our keys, the zone of its wall clock times, how fast it
    may be called; every other key is an option of the connector."""

    model_config = ConfigDict(extra="allow", frozen=True)

    connector: str
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")]
    zone: str | None = None
    pace: PaceSpec = PaceSpec()

    def settings(self, folder: Path) -> Settings:
        return Settings(self.name, self.connector, dict(self.model_extra or {}), self.zone, str(folder))


def _one_or_several(value: Any) -> str:
    return "several" if isinstance(value, list) else "one"


Several = Annotated[tuple[ConnectionSpec, ...], Field(min_length=1)]


class EnvironmentSpec(BaseModel):
    """Where one environment's source, or sources, and target are. production: what the project says; the system's own
    word outranks it. ledger: the URL of a PostgreSQL server, secrets as `${NAME}`; None: a file in the project.
    record_url: addresses of the target's records, where the target does not tell them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Annotated[
        Annotated[ConnectionSpec, Tag("one")] | Annotated[Several, Tag("several")], Discriminator(_one_or_several)
    ]
    target: ConnectionSpec
    production: bool = False
    ledger: Annotated[str, Field(pattern=LEDGER_URL)] | None = None
    record_url: RecordUrl | None = None

    @field_validator("source")
    @classmethod
    def _told_apart(cls, value: ConnectionSpec | tuple[ConnectionSpec, ...]) -> object:
        """Several connections name their objects `CONNECTION.object`."""
        names = [each.name for each in value] if isinstance(value, tuple) else []
        for name in names:
            if names.count(name) > 1:
                raise PydanticCustomError("sources.same_name", "same_name", {"name": name})
            if "." in name or name == ASSEMBLY:
                raise PydanticCustomError("sources.name", "name", {"name": name})
        return value

    @property
    def sources(self) -> Mapping[str, ConnectionSpec]:
        """Each source connection by its role: `source`, or `source NAME` where several are listed."""
        if isinstance(self.source, ConnectionSpec):
            return {"source": self.source}
        return {f"source {each.name}": each for each in self.source}

    @property
    def system(self) -> str:
        """The source in our keys; empty where several sources have it in the names of their objects."""
        return self.source.name if isinstance(self.source, ConnectionSpec) else ""

    @property
    def source_zone(self) -> ZoneInfo | None:
        """Of the only source. Raises InputError `project.no_zone`, as the others, for an unknown one."""
        return zone_or_none(self.source.zone) if isinstance(self.source, ConnectionSpec) else None

    @property
    def source_zones(self) -> dict[str, ZoneInfo | None]:
        """By connection, where there are several."""
        return {} if isinstance(self.source, ConnectionSpec) else {x.name: zone_or_none(x.zone) for x in self.source}

    def zone_of(self, source_object: str) -> ZoneInfo | None:
        """What the wall clock times of that source object mean."""
        return self.source_zones.get(source_object.partition(BETWEEN)[0], self.source_zone)

    @property
    def target_zone(self) -> ZoneInfo | None:
        return zone_or_none(self.target.zone)


class Limits(BaseModel):
    """chunk: records read and mapped at a time. batch: changes a write (the target's own limit outranks it).
    stop_after_alike, stop_share: an object stops when one cause has rejected at least so many of its records, and at
    least this share of those read so far. deadline: seconds a write may take. pause_after: calls in a row without an
    answer after which the target is left alone for cool_down seconds and then asked with one change; the run pauses
    where that fails too. pause_after_throttled: calls in a row that were turned away until it pauses. longest_wait:
    seconds that a target may ask us to wait; where it asks for more the run pauses. lease: seconds for which a worker
    holds what it sends without a sign of life."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    chunk: Annotated[int, Field(ge=1, le=200_000)] = 20_000
    batch: Annotated[int, Field(ge=1, le=10_000)] = 5_000
    stop_after_alike: Annotated[int, Field(ge=1)] = 100
    stop_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.2")
    deadline: Annotated[int, Field(ge=1)] = 120
    pause_after: Annotated[int, Field(ge=1)] = 5
    cool_down: Annotated[int, Field(ge=0)] = 30
    pause_after_throttled: Annotated[int, Field(ge=1)] = 10
    longest_wait: Annotated[int, Field(ge=0)] = 900
    lease: Annotated[int, Field(ge=1)] = 30


class Hooks(BaseModel):
    """Commands that are run when something has happened, each as a list of arguments; seconds: how long one may take.
    What they are given: migrate/hooks.py."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paused: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    failed: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    finished: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    quota_low: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    seconds: Annotated[int, Field(ge=1)] = 30


class ProjectFile(BaseModel):
    """The model of changeover.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    default: str
    environments: Annotated[dict[str, EnvironmentSpec], Field(min_length=1)]
    mappings: list[str] | None = None
    objects: dict[str, ObjectSpec] = {}
    links: list[OldAddress] = []
    people: PeopleConfig | None = None
    wins: Wins = Wins.ASK
    classes: dict[str, DataClass] = {}
    limits: Limits = Limits()
    schedule: ScheduleSpec | None = None
    hooks: Hooks = Hooks()


@dataclass(frozen=True)
class Project:
    """A project folder seen through one of its environments. options: those by which the engineer named both, such as
    ` --project DIR --env NAME`."""

    folder: Path
    spec: ProjectFile
    env: str
    options: str = ""

    @property
    def environment(self) -> EnvironmentSpec:
        return self.spec.environments[self.env]

    @property
    def schedule(self) -> Schedule:
        """Raises InputError `project.no_zone` for an unknown zone."""
        spec = self.spec.schedule
        if spec is None:
            return ALWAYS
        return Schedule(zone_of(spec.zone), tuple(each.hours() for each in spec.hours))

    @property
    def runs(self) -> Path:
        """Value store, stage and reports of this environment, and its ledger where that is a file."""
        return self.folder / "runs" / self.env

    def ledger(self, secrets: Secrets) -> Place:
        """Where this environment's ledger lies."""
        url = self.environment.ledger
        if url is None:
            return self.runs / "ledger.db"
        return Server(url, schema_name(self.spec.project, self.env), secrets)

    @property
    def key_id(self) -> str:
        """Under which name this project's keys are kept on this machine."""
        return f"{self.spec.project}-{self.env}"

    def command(self, words: str) -> str:
        """A command for the engineer to type next, from where this one was typed."""
        return f"changeover {words}{self.options}"

    def typed(self, path: Path) -> str:
        """A path as the engineer would type it: relative to where they are, if that is shorter."""
        return min(str(path), os.path.relpath(path), key=len)

    def shown(self, path: Path) -> str:
        """A path as the project knows it: relative to its folder where it lies inside."""
        try:
            return str(path.relative_to(self.folder))
        except ValueError:
            return str(path)


def zone_of(name: str) -> ZoneInfo:
    """The zone of that IANA name. Raises InputError `project.no_zone` for an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError("project.no_zone", name=name) from error


def zone_or_none(name: str | None) -> ZoneInfo | None:
    """The same, None for none."""
    return None if name is None else zone_of(name)


def load_project(folder: Path, env: str | None = None) -> Project:
    """Read the project. Raises InputError where there is none, where it is wrong (every problem at once), or where it
    has no such environment."""
    given = folder
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow the engineer's own links
    path = folder / FILE
    if not path.is_file():
        raise InputError("project.missing", folder=str(folder), file=FILE)
    spec = load_model(read_yaml(path, shown_as=FILE, own_names=OWN_NAMES), ProjectFile)
    chosen = env or spec.default
    if chosen not in spec.environments:
        raise InputError("project.no_environment", name=chosen, known=", ".join(spec.environments), file=FILE)
    options = "" if folder == Path.cwd() else f" --project {shlex.quote(str(given))}"
    return Project(folder, spec, chosen, options + (f" --env {chosen}" if chosen != spec.default else ""))
