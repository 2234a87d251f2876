"""What survives of who made and changed a record, and when: read off the mappings, told by mapping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from ...connectors.port import AuditFields
from ...mappings.compile import CompiledMapping
from ...mappings.language import WritePolicy
from ...runs.report.model import Row, Table, Text
from ..session import Session

KINDS = ("created_at", "created_by", "modified_at", "modified_by")
WRITTEN, KEPT, LOST = "written", "kept", "lost"


@dataclass(frozen=True, slots=True)
class Fate:
    """Of what the source says in its field `source`. fate: written into the target's own field, kept in another one, or
    lost. field: that field of the target; of what is lost, the one that tells of our own write, None where there is
    none. settable: that one could be written."""

    source: str
    fate: str
    field: str | None = None
    settable: bool = False


def survival(session: Session) -> dict[str, dict[str, Fate]]:
    """Mapping -> kind -> its fate; of kinds of which the source says something."""
    told: dict[str, dict[str, Fate]] = {}
    for name, mapping in session.mappings.items():
        source = session.source.audit_fields(mapping.source.name)
        target = session.target.audit_fields(mapping.target.name)
        if fates := dict(_fates(mapping, source, target)):
            told[name] = fates
    return told


def _fates(mapping: CompiledMapping, source: AuditFields, target: AuditFields) -> Iterator[tuple[str, Fate]]:
    theirs = asdict(target)
    for kind, field in asdict(source).items():
        if field is None:
            continue
        own = theirs[kind]
        fed = [
            rule.field.name
            for rule in mapping.rules
            if rule.rule.policy is not WritePolicy.NEVER and any(field in way.fed for _, way in rule.rule.ways())
        ]
        if own in fed:
            yield kind, Fate(field, WRITTEN, own)
        elif others := [name for name in fed if name not in theirs.values()]:
            yield kind, Fate(field, KEPT, ", ".join(others))
        else:
            described = mapping.target.field(own or "")
            yield kind, Fate(field, LOST, own, settable=described is not None and described.writable)


def survival_table(session: Session) -> tuple[Table, ...]:
    """A line a mapping; no table where no source says anything of that kind."""
    rows: tuple[Row, ...] = tuple(
        (name, *(_cell(fates.get(kind)) for kind in KINDS)) for name, fates in survival(session).items()
    )
    columns = ("column.mapping", *(f"column.{kind}" for kind in KINDS))
    return (Table(Text("table.survival"), columns, rows),) if rows else ()


def _cell(fate: Fate | None) -> Text | None:
    if fate is None:
        return None
    if fate.fate != LOST or fate.field is None:
        return Text(f"survival.{fate.fate}", {"field": fate.field or "-"})
    return Text("survival.lost_settable" if fate.settable else "survival.lost_ours", {"field": fate.field})


def survival_told(session: Session) -> dict[str, dict[str, dict[str, str | bool | None]]]:
    """The same for the JSON document."""
    return {name: {kind: asdict(fate) for kind, fate in fates.items()} for name, fates in survival(session).items()}
