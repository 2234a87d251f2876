"""A plan: what a dry run came to, and what everything it rests on looked like then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..connectors.errors import InputError
from .private_files import private_folder, write_private

VERSION = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """made_at: ISO time. environment, selection: of which the dry run was. systems: role -> kind and id. mappings:
    name -> digest of its meaning. schemas: `source NAME` or `target NAME` -> digest of the object's schema. counts:
    mapping -> bucket -> records. causes: code -> findings. corrections: a digest of what is corrected. calls: role of a
    system that limits its calls -> interface -> calls that a run makes to it. after: the number of the latest run then,
    0 where there was none, -1 where that was not noted."""

    made_at: str
    environment: str
    selection: str
    systems: Mapping[str, str]
    mappings: Mapping[str, str]
    schemas: Mapping[str, str]
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    causes: Mapping[str, int] = field(default_factory=dict)
    corrections: str = ""
    calls: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    after: int = -1
    version: int = VERSION

    @property
    def id(self) -> str:
        text = json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def save_plan(plan: Plan, folder: Path) -> Path:
    """Write the plan into the folder and return its path. Raises UnavailableError where the disk does not take it."""
    private_folder(folder)
    path = folder / f"plan-{plan.id}.json"
    write_private(path, json.dumps(asdict(plan), ensure_ascii=False, indent=2, sort_keys=True).encode() + b"\n")
    return path


def load_plan(name: str, folder: Path) -> Plan:
    """A plan by path or by its id. Raises InputError `plan.missing` or `plan.unreadable`."""
    candidates = [Path(name), folder / name, folder / f"plan-{name}.json"]
    path = next((each for each in candidates if each.is_file()), None)
    if path is None:
        raise InputError("plan.missing", name=name)
    try:
        plan = Plan(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError("plan.unreadable", path=str(path)) from error
    if plan.version != VERSION:
        raise InputError("plan.unreadable", path=str(path))
    return plan


def changed_since(plan: Plan, now: Plan) -> list[tuple[str, str]]:
    """What is not as the plan found it: (kind, name), kind one of `environment`, `selection`, `system`, `mapping`,
    `schema`, `corrections`."""
    changed: list[tuple[str, str]] = []
    if plan.environment != now.environment:
        changed.append(("environment", now.environment))
    if plan.selection != now.selection:
        changed.append(("selection", ""))
    if plan.corrections != now.corrections:
        changed.append(("corrections", ""))
    for kind, then, today in (
        ("system", plan.systems, now.systems),
        ("mapping", plan.mappings, now.mappings),
        ("schema", plan.schemas, now.schemas),
    ):
        changed += [(kind, name) for name in sorted({*then, *today}) if then.get(name) != today.get(name)]
    return changed
