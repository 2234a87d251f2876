"""The verb `mapping workbook export`: the mappings as a workbook for the workshop with the business."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...connectors.clock import Clock
from ...connectors.errors import InputError
from ...connectors.port import Connector
from ...connectors.schema import Field, ObjectSchema
from ...connectors.secrets import Secrets
from ...connectors.stored import text_of
from ...mappings.language import MappingFile, spoken_of
from ...mappings.profiling.profile import ObjectProfile
from ...runs.catalogue import Catalogue
from ...runs.masking import LONGEST_CELL, cell_of_lines, mask
from ...runs.private_files import write_private
from ...runs.report.model import Report, Text
from ...runs.report.spreadsheet import Sheet, workbook
from ..project import Project
from ..session import Tick
from .decisions import SAID, Place, Said, load_decisions
from .profile import percent
from .profiles import keep, kept, measure
from .source import open_both
from .wording import in_words
from .workbook_rows import (
    DROP,
    EDITED,
    FIELDS,
    MARK,
    OF_LEFT,
    OF_QUESTIONS,
    OF_RULES,
    REASON,
    RULE,
    Written,
    cell_of,
    mark_of,
    written_files,
)

LOOKED_AT = 1_000
"""Records of which samples are taken."""
SAMPLES = 3
SUFFIX = ".xlsx"
_Row = tuple[str | int | None, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """A mapping and what is known of its two objects; None where there is no such object, as for one that is put
    together of several. samples: source field -> masked cells."""

    written: Written
    source: ObjectSchema | None
    target: ObjectSchema | None
    profile: ObjectProfile | None
    samples: Mapping[str, str]

    @property
    def file(self) -> MappingFile:
        return self.written.file

    @property
    def rules(self) -> dict[str, object | None]:
        return {name: self.written.value(FIELDS, name) for name in self.file.model.fields}

    def sources_of(self, name: str) -> list[Field]:
        """The source fields of which that target field is made."""
        rule = self.file.model.fields.get(name)
        found = (self.source.field(each) for each in rule.sources) if rule and self.source else ()
        return [field for field in found if field]


def export(
    project: Project, file: Path, catalogue: Catalogue, secrets: Secrets, clock: Clock, tick: Callable[[Tick], None]
) -> Report:
    """Write the workbook, in the catalogue's language, samples masked. Neither system is written to, and no file is
    written over. Raises InputError `worklist.not_xlsx`, `worklist.no_folder`, `workbook.exists`, `mapping.invalid`."""
    path = _path(file)
    files = written_files(project.folder / "mappings")
    said = load_decisions(project)
    with open_both(project, secrets, clock) as (source, target, interruption):
        sources, targets = source.describe(), target.describe()
        profiles: dict[str, ObjectProfile] = {}
        known = []
        for each in files.values():
            mine = sources.object(each.file.model.from_)
            if mine is not None and mine.name not in profiles:
                found = kept(project, mine)
                if found is None:
                    found = measure(source, mine, project.spec.limits.chunk, tick, interruption).profile()
                    keep(project, found)
                profiles[mine.name] = found
            profile = profiles[mine.name] if mine else None
            samples = _samples(source, mine) if mine else {}
            known.append(_Known(each, mine, targets.object(each.file.model.to), profile, samples))
    questions = sorted(place for place, each in said.items() if each.question)
    sheets = [
        *(_rules_sheet(each, said, catalogue) for each in known),
        _sheet(
            "workbook.questions", OF_QUESTIONS, [_question(place, said, catalogue) for place in questions], catalogue
        ),
        _sheet("workbook.left", OF_LEFT, list(_left_over(known, said, catalogue)), catalogue),
    ]
    write_private(path, workbook(_named_apart(sheets), project.spec.project))
    rules = sum(len(each.rules) for each in known)
    return Report(
        verb="mapping workbook export",
        verdict=Text("workbook.exported", {"mappings": len(files), "rules": rules}),
        good=True,
        facts=(("fact.file", project.typed(path)),),
        next_steps=(project.command(f"mapping workbook import {project.typed(path)}"),),
        extra={"file": str(path), "rules": rules, "questions": len(questions)},
    )


def _path(file: Path) -> Path:
    if file.suffix.lower() != SUFFIX:
        raise InputError("worklist.not_xlsx", file=str(file))
    if not file.absolute().parent.is_dir():
        raise InputError("worklist.no_folder", folder=str(file.absolute().parent))
    if file.exists():
        raise InputError("workbook.exists", file=str(file))
    return file.absolute()


def _samples(source: Connector, mine: ObjectSchema) -> dict[str, str]:
    """A few different cells of each field, masked, of the object's first records."""
    chunk = next(iter(source.read(mine.name, mine.field_names, size=LOOKED_AT)), None)
    if chunk is None:
        return {}
    found = {}
    for name in mine.field_names:
        cells = (cell for cell in text_of(chunk.frame[name]).to_pylist() if cell)
        found[name] = " · ".join(mask(cell) for cell, _ in zip(dict.fromkeys(cells), range(SAMPLES), strict=False))
    return found


def _rules_sheet(known: _Known, said: Mapping[Place, Said], catalogue: Catalogue) -> Sheet:
    """A line a rule, in the file's order, then one for each target field without a rule."""
    rules = known.rules
    fields, key = (known.target.fields, known.target.key) if known.target else ((), ())
    open_fields = [each.name for each in fields if each.writable and each.name not in (*rules, *key)]
    rows = [_rule(known, name, rules.get(name), said, catalogue) for name in (*rules, *open_fields)]
    return _sheet(known.file.name, OF_RULES, rows, catalogue, titled=True)


def _rule(known: _Known, name: str, rule: object | None, said: Mapping[Place, Said], catalogue: Catalogue) -> _Row:
    target = known.target.field(name) if known.target else None
    must = f" ({catalogue.text('suggest.required')})" if target and target.required else ""
    cell = cell_of(FIELDS, rule)
    return _marked(
        (
            *_of_source(known.sources_of(name), known, catalogue),
            name,
            target.label if target else None,
            catalogue.text(f"field_type.{target.type.value}") + must if target else None,
            in_words(rule, catalogue),
        ),
        (known.file.name, FIELDS, name),
        {RULE: cell if len(cell) <= LONGEST_CELL else catalogue.text("workbook.too_long")},
        said,
    )


def _left_over(known: Sequence[_Known], said: Mapping[Place, Said], catalogue: Catalogue) -> Iterator[_Row]:
    """Source fields that no rule uses: those that are dropped with their reason, and those nobody has settled. A file
    with branches has each field once."""
    spoken: dict[str, set[str]] = defaultdict(set)
    firsts: dict[str, _Known] = {}
    for each in known:
        firsts.setdefault(each.file.file, each)
        spoken[each.file.file] |= spoken_of(each.file.model) - each.file.model.drop.keys()
    for first in firsts.values():
        used = spoken[first.file.file] | set(first.source.key if first.source else ())
        for field in first.source.fields if first.source else ():
            if field.name not in used or field.name in first.file.model.drop:
                yield _marked(
                    (first.file.name, *_of_source([field], first, catalogue)),
                    (first.file.name, DROP, field.name),
                    {REASON: cell_of(DROP, first.written.value(DROP, field.name))},
                    said,
                )


def _question(place: Place, said: Mapping[Place, Said], catalogue: Catalogue) -> _Row:
    mapping, section, field = place
    return _marked((mapping, catalogue.text(f"workbook.section_{section}"), field), place, {}, said)


def _of_source(fields: Sequence[Field], known: _Known, catalogue: Catalogue) -> _Row:
    """Label, name, type, fill and samples of the source fields of a line."""
    profile = known.profile
    filled = [
        percent(found.share(profile.records)) for each in fields if profile and (found := profile.field(each.name))
    ]
    return (
        ", ".join(each.label for each in fields if each.label),
        ", ".join(each.name for each in fields),
        ", ".join(catalogue.text(f"field_type.{each.type.value}") for each in fields),
        ", ".join(filled),
        "\n".join(sample for each in fields if (sample := known.samples.get(each.name))),
    )


def _marked(before: _Row, place: Place, own: Mapping[str, str], said: Mapping[Place, Said]) -> _Row:
    """The line with what people fill in, and its mark. own: the rule or the reason."""
    spoken = said.get(place, Said())
    cells = {**own, **{EDITED[name]: str(getattr(spoken, name)) for name in SAID}}
    shown = {column: cell_of_lines(cell) for column, cell in cells.items()}
    return (*before, *shown.values(), mark_of(*place, shown).text())


def _sheet(name: str, columns: Sequence[str], rows: list[_Row], catalogue: Catalogue, *, titled: bool = False) -> Sheet:
    heads = (*map(catalogue.text, columns), MARK)
    return Sheet(name if titled else catalogue.text(name), heads, rows, hidden=(len(columns),), lines=True)


def _named_apart(sheets: Sequence[Sheet]) -> list[Sheet]:
    """No two tabs of one name, whatever their capitals, none longer than a spreadsheet takes."""
    taken: set[str] = set()
    told = []
    for each in sheets:
        name = short = each.name[:28]
        number = 2
        while name.casefold() in taken:
            name, number = f"{short[:25]} {number}", number + 1
        taken.add(name.casefold())
        told.append(replace(each, name=name))
    return told
