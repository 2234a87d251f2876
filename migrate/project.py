"""The project folder: `changeover.yaml` and what lies beside it."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ..connectors.errors import InputError
from ..connectors.port import Settings
from ..connectors.secrets import Secrets
from ..mappings.people import PeopleConfig
from ..mappings.strict_yaml import load_model, read_yaml
from ..runs.ledger.place import Place, Server, schema_name

FILE = "changeover.yaml"
LEDGER_URL = r"^(postgresql(\+psycopg)?://\S+|\$\{[A-Z][A-Z0-9_]*\})$"


class ConnectionSpec(BaseModel):
    """One connection: which connector, the name that goes into our keys, the zone of its wall clock times; every other
    key is an option of the connector."""

    model_config = ConfigDict(extra="allow", frozen=True)

    connector: str
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$")]
    zone: str | None = None

    def settings(self, folder: Path) -> Settings:
        return Settings(self.name, self.connector, dict(self.model_extra or {}), self.zone, str(folder))


class EnvironmentSpec(BaseModel):
    """Where one environment's source and target are. production: what the project says; the system's own word
    outranks it. ledger: the URL of a PostgreSQL server, secrets as `${NAME}`; None: a file in the project."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: ConnectionSpec
    target: ConnectionSpec
    production: bool = False
    ledger: Annotated[str, Field(pattern=LEDGER_URL)] | None = None


class Limits(BaseModel):
    """chunk: records read and mapped at a time. batch: changes a write (the target's own limit outranks it).
    stop_after_alike, stop_share: an object stops when one cause has rejected at least so many of its records, and at
    least this share of those read so far. deadline: seconds a write may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    chunk: Annotated[int, Field(ge=1, le=200_000)] = 20_000
    batch: Annotated[int, Field(ge=1, le=10_000)] = 5_000
    stop_after_alike: Annotated[int, Field(ge=1)] = 100
    stop_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.2")
    deadline: Annotated[int, Field(ge=1)] = 120


class ProjectFile(BaseModel):
    """The model of changeover.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    default: str
    environments: Annotated[dict[str, EnvironmentSpec], Field(min_length=1)]
    mappings: list[str] | None = None
    people: PeopleConfig | None = None
    limits: Limits = Limits()


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


def load_project(folder: Path, env: str | None = None) -> Project:
    """Read the project. Raises InputError where there is none, where it is wrong (every problem at once), or where it
    has no such environment."""
    given = folder
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() would follow the engineer's own links
    path = folder / FILE
    if not path.is_file():
        raise InputError("project.missing", folder=str(folder), file=FILE)
    spec = load_model(read_yaml(path, shown_as=FILE), ProjectFile)
    chosen = env or spec.default
    if chosen not in spec.environments:
        raise InputError("project.no_environment", name=chosen, known=", ".join(spec.environments), file=FILE)
    options = "" if folder == Path.cwd() else f" --project {shlex.quote(str(given))}"
    return Project(folder, spec, chosen, options + (f" --env {chosen}" if chosen != spec.default else ""))
