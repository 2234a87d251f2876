"""What the target's administrator must make before the mappings fit: read off the mapping files and both schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...connectors.schema import Field, FieldType, ObjectSchema, Schema
from ...mappings.language import MappingFile, Rule
from ...runs.report.model import Text
from .measures import Measures

OBJECT, FIELD, OPTION, LENGTH, OUR_KEY, START = "object", "field", "option", "length", "our_key", "start"
KINDS = (OBJECT, FIELD, OPTION, LENGTH, OUR_KEY, START)
LENGTHS = (10, 20, 40, 80, 120, 255, 500, 1_000, 2_000, 4_000, 32_000)
OUR_KEY_FIELD, OUR_KEY_LENGTH = "changeover_key", 255
_MADE_BY = {
    "date": FieldType.DATE,
    "number": FieldType.DECIMAL,
    "boolean": FieldType.BOOLEAN,
}
"""Transform -> the type of what it makes, where that is no text."""
_NO_LONGER = frozenset({"trim", "collapse_spaces", "half_width", "company_name", "lower", "upper"})
"""Transforms that make of a text one of about its length."""


@dataclass(frozen=True, slots=True)
class Need:
    """One line of the sheet. kind: see above. value: an option, or the number to start with. class_: of its data.
    why: for the reader. file, line: the rule that asks for it."""

    kind: str
    object: str
    why: Text
    file: str
    line: int
    field: str = ""
    label: str = ""
    type: FieldType | None = None
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    required: bool = False
    unique: bool = False
    refers: str = ""
    value: str = ""
    class_: str = ""


@dataclass(frozen=True, slots=True)
class Sides:
    """Everything that needs are read off. people, departments: the objects that hold the target's. measures: by source
    object, of those that were read. unknown: (mapping, target field) -> values of the data that no picklist has."""

    files: Mapping[str, MappingFile]
    source: Schema
    target: Schema
    people: str = ""
    departments: str = ""
    measures: Mapping[str, Measures] = field(default_factory=dict)
    unknown: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    our_key: bool = False

    def refers(self, rule: Rule) -> str:
        """The object to which a rule that names people or departments refers; empty where it is another."""
        if rule.department:
            return self.departments
        return self.people if rule.people and rule.of_one else ""


def needs(sides: Sides) -> list[Need]:
    """Objects first, then by object: fields, options, lengths, our key, starts."""
    found = [need for file in sides.files.values() for need in _of_file(sides, file)]
    unique: dict[tuple[str, str, str, str], Need] = {}
    for each in found:
        unique.setdefault((each.kind, each.object, each.field, each.value), each)
    order = {kind: place for place, kind in enumerate(KINDS)}
    return sorted(unique.values(), key=lambda each: (each.kind != OBJECT, each.object, order[each.kind]))


def _of_file(sides: Sides, file: MappingFile) -> Iterator[Need]:
    source, target = sides.source.object(file.model.from_), sides.target.object(file.model.to)
    line = file.line("to")
    if target is None:
        label = source.label if source else ""
        told = Text("sheet.because_object", {"mapping": file.name, "source": file.model.from_})
        yield Need(OBJECT, file.model.to, told, file.file, line, label=label)
    for name, whole in file.model.fields.items():
        existing = target.field(name) if target else None
        ways = [way for _, way in whole.ways()]
        if existing is None:
            yield from _missing(sides, file, name, ways, source)
        for way in ways:
            if existing is not None:
                yield from _options(sides, file, existing, way)
                yield from _longer(sides, file, existing, way, source)
            yield from _start(sides, file, name, way, source)
    if sides.our_key:
        yield Need(
            OUR_KEY,
            file.model.to,
            Text("sheet.because_our_key"),
            file.file,
            line,
            field=OUR_KEY_FIELD,
            type=FieldType.TEXT,
            length=OUR_KEY_LENGTH,
            unique=True,
        )


def _missing(
    sides: Sides, file: MappingFile, name: str, ways: Sequence[Rule], source: ObjectSchema | None
) -> Iterator[Need]:
    """The field as the first of its ways to be filled wants it."""
    rule = ways[0]
    fed = source.field(rule.from_[0]) if source and rule.from_ else None
    kind = _type(rule, fed)
    length = _length(sides, file, rule, fed) if kind is FieldType.TEXT else None
    exact = fed if fed is not None and kind is fed.type is FieldType.DECIMAL else None
    measured = sides.measures.get(file.model.from_)
    refers = sides.refers(rule) or _parents(sides, ways)
    plain = len(ways) == len(rule.from_) == 1 and not (
        rule.values or rule.transform or rule.reference or rule.of_people
    )
    why = Text("sheet.because_constant")
    if rule.from_:
        told: dict[str, str | int] = {
            "source": ", ".join(rule.from_),
            "type": f"@sheet.type_{fed.type}" if fed else "?",
        }
        why = Text("sheet.because_mapped", told)
    yield Need(
        FIELD,
        object=file.model.to,
        field=name,
        label=fed.label if fed else "",
        type=kind,
        length=length,
        precision=exact.precision if exact else None,
        scale=exact.scale if exact else None,
        required=bool(fed and plain and (fed.required or (measured and measured.always_filled(fed.name)))),
        unique=bool(source and plain and (source.key == rule.from_ or (fed and fed.unique))),
        refers=refers,
        why=why,
        file=file.file,
        line=file.line("fields", name),
        class_=file.model.fields[name].class_ or "",
    )
    if kind is FieldType.CHOICE:
        for option in dict.fromkeys(value for way in ways for value in _written(way)):
            yield _option(file, name, option, Text("sheet.because_values"))


def _type(rule: Rule, fed: Field | None) -> FieldType:
    if not rule.of_one:
        return FieldType.TEXT
    if rule.reference or rule.of_people:
        return FieldType.REFERENCE
    if rule.values is not None:
        return FieldType.CHOICE
    if rule.transform:
        return _MADE_BY.get(rule.transform[-1].name, FieldType.TEXT)
    if fed is None or fed.type in (FieldType.CHOICE, FieldType.REFERENCE):
        return FieldType.TEXT
    return fed.type


def _parents(sides: Sides, ways: Sequence[Rule]) -> str:
    """The objects to which it may refer."""
    makers = [sides.files[maker] for way in ways for _, maker in way.makers if maker in sides.files]
    return ", ".join(dict.fromkeys(each.model.to for each in makers))


def _length(sides: Sides, file: MappingFile, rule: Rule, fed: Field | None) -> int | None:
    """Long enough for what the mapping writes and for what the source holds; None where nothing is known of it."""
    wanted = [len(value) for value in _written(rule)]
    if fed is not None:
        measured = sides.measures.get(file.model.from_)
        longest = measured.longest.get(fed.name, 0) if measured and measured.rows else 0
        if not (fed.length or longest):
            return None
        wanted.append(fed.length or longest)
    most = max(wanted, default=0)
    if fed is not None and fed.length == most:
        return most
    return next((length for length in LENGTHS if length >= most), most) if most else None


def _written(rule: Rule) -> list[str]:
    """Every value that the rule itself writes."""
    otherwise = rule.otherwise.default if rule.otherwise else None
    values = [*(rule.values or {}).values(), otherwise, rule.constant, rule.default]
    return list(dict.fromkeys(value for value in values if value is not None))


def _options(sides: Sides, file: MappingFile, existing: Field, rule: Rule) -> Iterator[Need]:
    if not existing.choices or rule.reference or rule.of_people:
        return
    for value in _written(rule):
        if value not in existing.choices:
            yield _option(file, existing.name, value, Text("sheet.because_values"))
    for value in sides.unknown.get((file.name, existing.name), ()):
        yield _option(file, existing.name, value, Text("sheet.because_data"))


def _option(file: MappingFile, name: str, value: str, why: Text) -> Need:
    line = file.line("fields", name, "values")
    return Need(OPTION, object=file.model.to, field=name, value=value, why=why, file=file.file, line=line)


def _longer(
    sides: Sides, file: MappingFile, existing: Field, rule: Rule, source: ObjectSchema | None
) -> Iterator[Need]:
    """A text field that is too short: for the texts there are, or, where these were not read, for those there may
    be."""
    fed = source.field(rule.from_[0]) if source and len(rule.from_) == 1 else None
    copied = all(call.name in _NO_LONGER for call in rule.transform) and not (
        rule.values is not None or rule.reference or rule.of_people
    )
    if fed is None or not copied or existing.type is not FieldType.TEXT or existing.length is None:
        return
    measured = sides.measures.get(file.model.from_)
    read = measured is not None and measured.rows > 0
    longest = measured.longest.get(fed.name, 0) if measured and read else fed.length or 0
    if longest > existing.length:
        told: dict[str, str | int] = {"source": fed.name, "longest": longest, "limit": existing.length}
        yield Need(
            LENGTH,
            object=file.model.to,
            field=existing.name,
            label=existing.label,
            type=existing.type,
            length=longest,
            why=Text("sheet.because_longer" if read else "sheet.because_may_be_longer", told),
            file=file.file,
            line=file.line("fields", existing.name),
        )


def _start(sides: Sides, file: MappingFile, name: str, rule: Rule, source: ObjectSchema | None) -> Iterator[Need]:
    """Where the target is to count on: behind the highest key of the source that is kept in a field."""
    measured = sides.measures.get(file.model.from_)
    if source is None or measured is None or rule.from_ != source.key or len(source.key) != 1:
        return
    following = None if rule.reference or rule.transform else measured.next_number(source.key[0])
    if following is not None:
        yield Need(
            START,
            object=file.model.to,
            field=name,
            value=following,
            why=Text("sheet.because_start", {"source": source.key[0]}),
            file=file.file,
            line=file.line("fields", name),
        )
