"""The verb `mapping suggest`: a mapping from both schemas and what was measured, for people to go on with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from ...connectors.clock import Clock
from ...connectors.errors import InputError, UnavailableError
from ...connectors.port import Connector
from ...connectors.schema import FieldType, JsonObject, ObjectSchema, Schema
from ...connectors.secrets import Secrets
from ...mappings.compile import load_mapping_files
from ...mappings.language import MappingFile
from ...mappings.profiling.kinds import MOST_CHOICES
from ...mappings.profiling.measure import ObjectMeasure
from ...mappings.profiling.profile import ObjectProfile
from ...mappings.suggesting.draft import Draft, Drafted, draft_text
from ...mappings.suggesting.pairing import Pairing, pairing
from ...mappings.suggesting.ruling import Surroundings, mapping_name, rule_for
from ...mappings.suggesting.target import likely_targets
from ...runs.catalogue import Catalogue
from ...runs.report.model import Report, Row, Table, Text
from ..project import Project
from ..session import Interruption, Tick
from .profiles import keep, kept, measure
from .source import object_of, open_both

COLUMNS = ("suggest.target_field", "column.source_field", "suggest.sure", "column.rule")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def suggest(
    project: Project,
    object_name: str,
    to: str | None,
    out: Path | None,
    catalogue: Catalogue,
    secrets: Secrets,
    clock: Clock,
    tick: Callable[[Tick], None],
) -> Report:
    """Write a mapping file of that object to `to`, or to the target object that is most like it. Neither system is
    written to, and no file is written over.

    Raises InputError `profile.no_object`, `mapping.no_target_object`, `suggest.no_target`, `suggest.nothing_sure`,
    `suggest.name`, `suggest.exists`."""
    with open_both(project, secrets, clock) as (source, target, interruption):
        described = target.describe()
        mine = object_of(source.describe(), object_name, "profile.no_object")
        theirs = _target(mine, described, to)
        path = _path(project, out, theirs.name)
        profile = _profile(project, source, mine, tick, interruption)
        paired = pairing(mine, theirs, profile)
        cells = _cells(project, source, mine, paired, profile)
    people = project.spec.people
    around = Surroundings(
        name=path.stem,
        source=mine.name,
        target=theirs.name,
        others=_others(project),
        people=people.target.object if people else None,
        cells=cells,
        profile=profile,
    )
    rules = {pair.target.name: rule_for(pair, around) for pair in paired.pairs}
    if not any(each.live for each in rules.values()):
        raise InputError("suggest.nothing_sure", source=mine.name, target=theirs.name)
    command = f"changeover mapping suggest {mine.name} --to {theirs.name}"
    _write(path, draft_text(Draft(path.stem, mine.name, theirs.name, paired, rules, command), catalogue.text))
    return _report(project, path, mine, theirs, paired, rules)


def _target(mine: ObjectSchema, described: Schema, to: str | None) -> ObjectSchema:
    if to is not None:
        return object_of(described, to, "mapping.no_target_object")
    likely = likely_targets(mine, described)
    if not likely.sure:
        told = ", ".join(likely.names) or "-"
        raise InputError("suggest.no_target", name=mine.name, nearest=told)
    return described.objects[likely.names[0]]


def _path(project: Project, out: Path | None, target: str) -> Path:
    path = out.absolute() if out else project.folder / "mappings" / f"{mapping_name(target)}.yaml"
    if path.suffix != ".yaml" or not NAME.fullmatch(path.stem):
        raise InputError("suggest.name", file=path.name)
    if path.exists():
        raise InputError("suggest.exists", file=project.shown(path), name=path.stem)
    return path


def _profile(
    project: Project,
    source: Connector,
    mine: ObjectSchema,
    tick: Callable[[Tick], None],
    interruption: Interruption,
) -> ObjectProfile:
    """What was kept of an earlier look, else a new one."""
    found = kept(project, mine)
    if found is None:
        found = measure(source, mine, project.spec.limits.chunk, tick, interruption).profile()
        keep(project, found)
    return found


def _cells(
    project: Project, source: Connector, mine: ObjectSchema, paired: Pairing, profile: ObjectProfile
) -> dict[str, tuple[str, ...]]:
    """The different cells of the source fields that become choices; those of a field with too many are left out."""
    wanted = [
        field
        for field in (
            pair.source for pair in paired.pairs if pair.target.type is FieldType.CHOICE and pair.target.choices
        )
        if (measured := profile.field(field.name)) and measured.exact and 0 < measured.distinct <= MOST_CHOICES
    ]
    if not wanted:
        return {}
    part = ObjectSchema(mine.name, mine.key, tuple(wanted), mine.label)
    looked = ObjectMeasure(part)
    for chunk in source.read(mine.name, part.field_names, size=project.spec.limits.chunk):
        looked.take(chunk)
    return {field.name: cells for field in wanted if (cells := looked.cells_of(field.name))}


def _others(project: Project) -> dict[str, MappingFile]:
    """The project's mappings, for references to name. While one of them cannot be read, `check` says so; a suggestion
    need not wait for that."""
    try:
        return {file.name: file for file in load_mapping_files(project.folder / "mappings")}
    except InputError:
        return {}


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UnavailableError("file.write_refused", path=str(path), reason=error.strerror or "?") from error


def _report(
    project: Project,
    path: Path,
    mine: ObjectSchema,
    theirs: ObjectSchema,
    paired: Pairing,
    rules: dict[str, Drafted],
) -> Report:
    fields = len(paired.pairs) + len(paired.unsure)
    params: dict[str, str | int] = {"count": len(paired.pairs), "fields": fields}
    return Report(
        verb="mapping suggest",
        verdict=Text("suggest.written", params | {"source": mine.name, "target": theirs.name}),
        good=True,
        facts=(("fact.file", project.typed(path)),),
        tables=(
            Table(Text("suggest.pairs"), COLUMNS, tuple(_rows(paired, rules)), whole=True),
            Table(Text("suggest.open"), COLUMNS[:2], tuple(_open_rows(paired)), whole=True),
        ),
        next_steps=(project.command("check"),),
        extra=_told(path, paired),
    )


def _rows(paired: Pairing, rules: dict[str, Drafted]) -> Iterable[Row]:
    for pair in paired.pairs:
        drafted = rules[pair.target.name]
        shape = drafted.rule if isinstance(drafted.rule, dict) else {}
        told = ", ".join(key for key in shape if key != "from") or None
        yield (
            pair.target.name,
            pair.source.name,
            f"{pair.confidence:.0%}",
            told if drafted.live else Text("suggest.as_comment"),
        )


def _open_rows(paired: Pairing) -> Iterable[Row]:
    for each in paired.unsure:
        told = ", ".join(f"{name} {score:.0%}" for name, score in each.candidates)
        yield each.target.name, told or None


def _told(path: Path, paired: Pairing) -> JsonObject:
    return {
        "file": str(path),
        "pairs": [
            {
                "source": pair.source.name,
                "target": pair.target.name,
                "confidence": pair.confidence,
                "reasons": [{"code": why.code, "params": dict(why.params)} for why in pair.reasons],
            }
            for pair in paired.pairs
        ],
        "unsure": {each.target.name: dict(each.candidates) for each in paired.unsure},
        "left": [each.name for each in paired.left],
    }
