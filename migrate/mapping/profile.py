"""The verb `mapping profile`: what is really in the source's fields."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...connectors.clock import Clock
from ...connectors.schema import JsonObject
from ...connectors.secrets import Secrets
from ...mappings.compile import load_mapping_files
from ...mappings.profiling.profile import FieldProfile, ObjectProfile
from ...runs.report.model import Report, Row, Table, Text
from ..prepare import FOLDER
from ..project import Project
from ..session import Tick
from ..showing import showing
from .profiles import keep, measure
from .source import object_of, open_source

FIGURES = (
    "column.field",
    "profile.type",
    "profile.filled",
    "profile.distinct",
    "profile.longest",
    "profile.kind",
    "profile.last_used",
)
CELLS = ("column.field", "profile.lowest", "profile.highest", "profile.top", "profile.writers")
_Shown = Callable[[str, str, str], str]
"""Object, field and a cell of it, as it may be shown."""


def profile(
    project: Project,
    object_name: str | None,
    show_values: bool,
    secrets: Secrets,
    clock: Clock,
    tick: Callable[[Tick], None],
) -> Report:
    """Read one object of the source, or all, once, and keep the figures in `schemas/`. Nothing is written to a system.

    Raises InputError `profile.no_object`."""
    with open_source(project, secrets, clock) as (source, interruption):
        schema = source.describe()
        chosen = (
            [object_of(schema, object_name, "profile.no_object")]
            if object_name
            else [schema.objects[name] for name in sorted(schema.objects)]
        )
        size = project.spec.limits.chunk
        found = []
        for each in chosen:
            found.append(measure(source, each, size, tick, interruption).profile())
            keep(project, found[-1])
    files = load_mapping_files(project.folder / FOLDER) if project.spec.classes else ()
    shown = showing(project.spec.classes, files, show_values).source
    fields = sum(len(each.fields) for each in found)
    return Report(
        verb="mapping profile",
        verdict=Text("profile.done", {"objects": len(found), "fields": fields}),
        good=True,
        facts=(("fact.project", project.spec.project), ("fact.environment", project.env)),
        tables=_tables(found[0], shown) if object_name else (_objects(found),),
        next_steps=_next(project, found, object_name),
        extra={"objects": [_told(each, shown) for each in found]},
    )


def _next(project: Project, found: list[ObjectProfile], object_name: str | None) -> tuple[str, ...]:
    if object_name:
        return (project.command(f"mapping suggest {object_name}"),)
    most = max((each for each in found if each.records), key=lambda each: each.records, default=None)
    return (project.command(f"mapping profile {most.object}"),) if most else ()


def _objects(found: list[ObjectProfile]) -> Table:
    columns = ("column.object", "column.records", "column.fields", "profile.empty_fields")
    rows = tuple(
        (
            _named(each.object, each.label),
            each.records,
            len(each.fields),
            sum(not field.filled for field in each.fields),
        )
        for each in found
    )
    return Table(Text("profile.objects"), columns, rows, whole=True)


def _tables(found: ObjectProfile, shown: _Shown) -> tuple[Table, ...]:
    title: dict[str, str | int] = {"object": found.object, "count": found.records}
    figures = tuple(_figures(each, found.records) for each in found.fields)
    cells = tuple(
        _cells(each, partial(shown, found.object, each.name))
        for each in found.fields
        if each.top or each.lowest or each.written_by
    )
    return (
        Table(Text("profile.figures", title), FIGURES, figures, whole=True),
        *((Table(Text("profile.cells", title), CELLS, cells, whole=True),) if cells else ()),
    )


def _figures(field: FieldProfile, records: int) -> Row:
    return (
        _named(field.name, field.label),
        Text(f"field_type.{field.type.value}"),
        percent(field.share(records)),
        Text("profile.exactly" if field.exact else "profile.about", {"count": field.distinct}),
        field.longest or None,
        Text(f"kind.{field.kind.value}") if field.kind else None,
        field.last_used[:10] if field.last_used else None,
    )


def _cells(field: FieldProfile, shown: Callable[[str], str]) -> Row:
    return (
        field.name,
        shown(field.lowest) if field.lowest else None,
        shown(field.highest) if field.highest else None,
        _listed(field.top, shown),
        _listed(field.written_by, shown),
    )


def _listed(cells: tuple[tuple[str, int], ...], shown: Callable[[str], str]) -> str | None:
    return " · ".join(f"{shown(cell)} ×{count:,}" for cell, count in cells[:3]) or None


def _named(name: str, label: str) -> str:
    return f"{name} ({label})" if label and label != name else name


def percent(share: float) -> str:
    """Never 100 % where one is missing, never 0 % where there is one."""
    if share in (0.0, 1.0):
        return f"{share:.0%}"
    return f"{min(max(share, 0.001), 0.999):.1%}"


def _told(found: ObjectProfile, shown: _Shown) -> JsonObject:
    """The profile for programs, cells as far as they may be shown."""
    kept = found.to_json()
    listed: list[JsonObject] = kept["fields"]  # type: ignore[assignment]
    for told, field in zip(listed, found.fields, strict=True):
        own = partial(shown, found.object, field.name)
        told["lowest"] = own(field.lowest) if field.lowest else None
        told["highest"] = own(field.highest) if field.highest else None
        told["top"] = [{"value": own(cell), "records": count} for cell, count in field.top]
        told["written_by"] = [{"writer": own(cell), "records": count} for cell, count in field.written_by]
    return kept
