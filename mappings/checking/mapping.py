"""A mapping against both schemas: every problem at once, before any record moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ...connectors.finding import Finding, Severity
from ...connectors.nearest import labelled, nearest
from ...connectors.schema import Field, FieldType, Schema
from ..assembly.derived import settled_by
from ..branches import models_of_file
from ..folding.check import settled_by_folds
from ..folding.lines import fields_in
from ..language import MappingFile, Rule, WritePolicy, spoken_of
from ..lookup import has_parts
from ..transform import WrongArgumentError
from ..yaml.document import YamlPath
from .cases import check_cases, told_whole
from .classes import check_class
from .conditions import check_conditions
from .files import check_files
from .life import check_life
from .links import check_links
from .outside import check_outside
from .people import check_people
from .place import Examined, finding_in, known_zone, labels
from .unwritten import check_unwritten, check_written_once
from .values import check_values
from .wins import check_wins

BLOCKS, WARNS, INFO = Severity.BLOCKS, Severity.WARNS, Severity.INFO

_TIMES = (FieldType.INSTANT, FieldType.LOCAL_TIME)
_NUMBERS = (FieldType.INTEGER, FieldType.DECIMAL, FieldType.FLOAT)
_NEVER_FITS: Mapping[FieldType, tuple[FieldType, ...]] = {
    FieldType.BOOLEAN: (FieldType.DATE, *_TIMES),
    FieldType.INTEGER: (FieldType.DATE, *_TIMES),
    FieldType.DECIMAL: (FieldType.DATE, *_TIMES),
    FieldType.FLOAT: (FieldType.DATE, *_TIMES),
    FieldType.DATE: (FieldType.BOOLEAN, *_NUMBERS),
    FieldType.INSTANT: (FieldType.BOOLEAN, *_NUMBERS),
    FieldType.LOCAL_TIME: (FieldType.BOOLEAN, *_NUMBERS),
    FieldType.BINARY: (FieldType.BOOLEAN, FieldType.DATE, *_NUMBERS, *_TIMES),
}


def check_objects(file: MappingFile, source: Schema, target: Schema) -> Iterator[Finding]:
    """Whether both objects exist."""
    for key, name, schema in (("from", file.model.from_, source), ("to", file.model.to, target)):
        if schema.object(name) is None:
            known = {each: found.label for each, found in schema.objects.items()}
            code = "mapping.no_source_object" if key == "from" else "mapping.no_target_object"
            yield finding_in(file, code, BLOCKS, key, name=name, nearest=nearest(name, known))


def check_together(files: Mapping[str, MappingFile]) -> Iterator[Finding]:
    """Two mappings that make the same object of the same object would give two records one and the same key of ours,
    unless both are branches, of different names."""
    known: dict[tuple[str, str], list[MappingFile]] = {}
    for file in files.values():
        source, target = pair = (file.model.from_, file.model.to)
        alike = [
            each for each in known.get(pair, ()) if not (file.branch and each.branch) or file.branch == each.branch
        ]
        if alike:
            yield finding_in(
                file, "mapping.same_twice", BLOCKS, "to", source=source, target=target, first=alike[0].name
            )
        else:
            known.setdefault(pair, []).append(file)


def check(examined: Examined) -> Iterator[Finding]:
    """Everything about one mapping whose objects exist."""
    yield from _check_required(examined)
    yield from _check_left_over(examined)
    yield from _check_match(examined)
    if examined.file.model.where is not None:
        yield from check_conditions(examined, examined.file.model.where, "where")
    yield from check_life(examined)
    yield from check_rules(examined)


def check_rules(examined: Examined) -> Iterator[Finding]:
    """Each rule by itself."""
    yield from _check_target_fields(examined)
    yield from _check_source_fields(examined)
    for name, rule in examined.rules.items():
        for here, way in examined.ways(rule):
            yield from _check_form(here, name, way)
            yield from _check_transforms(here, name, way)
    for name, rule, field in examined.filled():
        yield from check_cases(examined, name, rule, field)
        yield from check_unwritten(examined, name, rule)
        yield from check_written_once(examined, name, rule, field)
        yield from check_wins(examined, name, rule)
        yield from check_class(examined, name, rule)
        yield from check_outside(examined, name, told_whole(rule), field)
        yield from check_links(examined, name, rule, field)
        yield from check_files(examined, name, rule, field)
        for here, way in examined.ways(rule):
            yield from _check_reference(here, name, way, field)
            yield from check_people(here, name, way, field)
            yield from _check_type(here, name, way, field)
            yield from _check_zone(here, name, way, field)
            yield from check_values(here, name, way, field)


def _check_target_fields(examined: Examined) -> Iterator[Finding]:
    for name in examined.rules:
        field = examined.target.field(name)
        if field is None:
            told = {
                "object": examined.target.name,
                "name": name,
                "nearest": nearest(name, labels(examined.target.fields)),
            }
            yield examined.found("mapping.no_target_field", BLOCKS, "fields", name, **told)
        elif not field.writable and examined.rules[name].policy is not WritePolicy.NEVER:
            yield examined.found("mapping.not_writable", BLOCKS, "fields", name, name=name)


def _check_required(examined: Examined) -> Iterator[Finding]:
    for field in examined.target.fields:
        if not field.required:
            continue
        rule = examined.rules.get(field.name)
        if rule is None or rule.policy is WritePolicy.NEVER:
            if field.writable:
                missing = examined.found("mapping.required_not_fed", BLOCKS, "fields", name=field.name)
                yield replace(missing, field=field.name)
        elif _may_be_null(examined, rule):
            yield examined.found("mapping.required_may_be_null", WARNS, "fields", field.name, name=field.name)


def _may_be_null(examined: Examined, rule: Rule) -> bool:
    if rule.default is not None:
        return False
    if rule.when is not None:
        return True
    if rule.first:
        return all(_may_be_null(examined, case) for case in rule.first)
    if rule.cases:
        alone = [case.model_copy(update={"when": None}) for case in rule.cases]
        return rule.cases[-1].when is not None or any(_may_be_null(examined, case) for case in alone)
    if rule.constant is not None:
        return False
    sources = examined.source_fields(rule)
    sure = all(
        field.required or field.name in examined.source.key or _where_has_it(examined, field.name) for field in sources
    )
    return not sure or rule.of_people or any(result is None for result in (rule.values or {}).values())


def _where_has_it(examined: Examined, name: str) -> bool:
    """Whether `where` lets no record pass whose field is null or empty."""
    where = examined.file.model.where
    condition = where.fields.get(name) if where else None
    return condition is not None and bool(
        condition.present or condition.equals or (condition.in_ is not None and all(condition.in_)) or condition.limits
    )


def _check_source_fields(examined: Examined) -> Iterator[Finding]:
    places: list[tuple[YamlPath, str]] = [(("drop", name), name) for name in examined.file.model.drop]
    places += [
        (("fields", target, *place), name)
        for target, rule in examined.rules.items()
        for place, way in rule.ways()
        for name in way.fed
    ]
    for path, name in places:
        if examined.source.field(name) is None:
            told = {
                "object": examined.source.name,
                "name": name,
                "nearest": nearest(name, labels(examined.source.fields)),
            }
            yield examined.found("mapping.no_source_field", BLOCKS, *path, **told)


def _check_left_over(examined: Examined) -> Iterator[Finding]:
    """Every source field is mapped, or dropped with a reason, by one of the object's mappings, or named here: once, for
    the first of them."""
    model = examined.file.model
    mapped = {name for each in models_of_file(examined.file) for rule in each.fields.values() for name in rule.sources}
    mapped |= {name for spec in model.fold.values() for name in fields_in(spec.file)}
    for name in model.drop:
        if name in mapped:
            yield examined.found("mapping.mapped_and_dropped", BLOCKS, "drop", name, name=name)
    same = [each for each in examined.others.values() if each.model.from_ == examined.source.name]
    if same[0].model is not model:
        return
    settled = set(examined.source.key).union(settled_by(examined.file), *(spoken_of(each.model) for each in same))
    settled |= settled_by_folds(examined.source.name, examined.others.values())
    place = "fields" if examined.file.whole is None else "branches"
    for field in examined.source.fields:
        if field.name not in settled:
            told = examined.found("mapping.left_over", WARNS, place, called=labelled(field.name, field.label))
            yield replace(told, object=examined.source.name, field=field.name, mapping=model.mapping)


def _check_match(examined: Examined) -> Iterator[Finding]:
    for place, names in enumerate(examined.file.model.match):
        for name in names:
            if name not in examined.rules:
                told = {"name": name, "nearest": nearest(name, examined.rules.keys())}
                yield examined.found("mapping.match_not_mapped", BLOCKS, "match", place, **told)


def _check_form(examined: Examined, name: str, rule: Rule) -> Iterator[Finding]:
    """Whether the keys of a rule go together."""
    place = ("fields", name)
    if rule.constant is not None:
        covered = rule.default is not None and rule.when is None
        if rule.from_ or covered or rule.transform or rule.values or rule.reference or rule.of_people:
            yield examined.found("mapping.constant_with_more", BLOCKS, *place)
    elif not rule.from_:
        yield examined.found("mapping.nothing_from", BLOCKS, *place)
    if rule.values is not None and rule.otherwise is None:
        yield examined.found("mapping.otherwise_missing", BLOCKS, *place)
    if rule.values is None and rule.otherwise is not None:
        yield examined.found("mapping.otherwise_alone", BLOCKS, *place, "otherwise")
    if [bool(rule.reference), bool(rule.people), rule.department].count(True) > 1:
        yield examined.found("mapping.reference_and_people", BLOCKS, *place)
    if rule.reference and rule.default is not None:
        yield examined.found("mapping.default_with_reference", BLOCKS, *place, "default")
    if rule.zone is not None and known_zone(rule.zone) is None:
        yield examined.found("mapping.zone_unknown", BLOCKS, *place, "zone", name=rule.zone)


def _check_transforms(examined: Examined, name: str, rule: Rule) -> Iterator[Finding]:
    """Whether each transform exists, takes its arguments, and gets as many columns as it wants."""
    columns = len(rule.from_)
    for place, call in enumerate(rule.transform):
        path = ("fields", name, "transform", place)
        transform = examined.transforms.get(call.name)
        if transform is None:
            near = nearest(call.name, examined.transforms.keys())
            yield examined.found("mapping.no_transform", BLOCKS, *path, name=call.name, nearest=near)
            return
        try:
            transform.bind(call.arguments, columns)
        except WrongArgumentError as error:
            for problem in error.problems:
                yield examined.found("mapping.wrong_argument", BLOCKS, *path, name=call.name, problem=problem)
        if transform.joins and columns == 1 and not transform.alone:
            yield examined.found("mapping.nothing_to_join", BLOCKS, *path, name=call.name)
        if transform.joins:
            columns = 1
    of_files = _fills(examined, name) is FieldType.FILE
    if columns > 1 and rule.values is None and not rule.reference and not of_files:
        yield examined.found("mapping.several_sources", BLOCKS, "fields", name, count=columns)
    for key in rule.values or ():
        if columns > 1 and not has_parts(key, columns):
            told: dict[str, str | int] = {"count": columns, "key": key[:80]}
            yield examined.found("mapping.value_key_parts", BLOCKS, "fields", name, "values", key, **told)
            return  # the others will be wrong alike


def _fills(examined: Examined, name: str) -> FieldType | None:
    field = examined.target.field(name)
    return None if field is None else field.type


def _check_reference(examined: Examined, name: str, rule: Rule, field: Field) -> Iterator[Finding]:
    place = ("fields", name)
    if rule.reference is None:
        plain = rule.from_ and not rule.of_people and not rule.transform and rule.values is None
        if field.type is FieldType.REFERENCE and plain:
            yield examined.found("mapping.raw_reference", BLOCKS, *place, name=name)
        return
    if field.type is not FieldType.REFERENCE:
        yield examined.found("mapping.not_a_reference", BLOCKS, *place, name=name)
    for below, maker in rule.makers:
        yield from _check_maker(examined, (*place, *below), rule, field, maker)


def _check_maker(examined: Examined, place: YamlPath, rule: Rule, field: Field, maker: str) -> Iterator[Finding]:
    """One mapping that a reference names."""
    parent = examined.others.get(maker)
    if parent is None:
        branches = [each.name for each in examined.others.values() if each.branch and each.model.mapping == maker]
        if branches:
            told = {"name": maker, "branches": ", ".join(branches)}
            yield examined.found("mapping.reference_no_branch", BLOCKS, *place, **told)
            return
        told = {"name": maker, "nearest": nearest(maker, examined.others.keys())}
        yield examined.found("mapping.no_mapping", BLOCKS, *place, **told)
        return
    if field.type is FieldType.REFERENCE and field.references and parent.model.to not in field.references:
        told = {"name": parent.name, "makes": parent.model.to, "wanted": ", ".join(field.references)}
        yield examined.found("mapping.reference_elsewhere", BLOCKS, *place, **told)
    source = examined.sources.get(parent.model.from_)
    joined = rule.values is not None or (rule.transform and examined.transforms[rule.transform[-1].name].joins)
    given = 1 if joined else len(rule.from_)
    if source is not None and len(source.key) != given:
        wanted = ", ".join(source.key)
        yield examined.found("mapping.reference_key_parts", BLOCKS, *place[:2], given=given, wanted=wanted)


def _check_type(examined: Examined, name: str, rule: Rule, field: Field) -> Iterator[Finding]:
    """Pairs of types of which no cell ever fits, and narrower ones of which some may not."""
    if rule.transform or rule.values is not None or rule.reference or rule.of_people or len(rule.from_) != 1:
        return
    for source in examined.source_fields(rule):
        told: dict[str, str | int] = {"name": name, "source": source.name}
        if field.type in _NEVER_FITS.get(source.type, ()):
            yield examined.found(
                "mapping.never_fits", BLOCKS, "fields", name, **told, was=source.type, becomes=field.type
            )
        elif field.type is source.type is FieldType.TEXT and (source.length or 0) > (
            field.length or source.length or 0
        ):
            yield examined.found("mapping.may_be_too_long", WARNS, "fields", name, **told, limit=field.length or 0)
        elif field.type is source.type is FieldType.DECIMAL and (source.scale or 0) > (
            12 if field.scale is None else field.scale
        ):
            yield examined.found("mapping.may_lose_decimals", WARNS, "fields", name, **told, limit=field.scale or 0)


def _check_zone(examined: Examined, name: str, rule: Rule, field: Field) -> Iterator[Finding]:
    """A wall clock time needs a zone to become an instant, and an instant one to be shown as a wall clock time."""
    zone = rule.zone or examined.zone_of(rule)
    for source in examined.source_fields(rule):
        wall = field.type is FieldType.INSTANT and source.type in (FieldType.LOCAL_TIME, FieldType.DATE)
        text = field.type is FieldType.INSTANT and source.type is FieldType.TEXT
        shown = field.type is FieldType.LOCAL_TIME and source.type is FieldType.INSTANT
        if (wall or text) and zone is None:
            yield examined.found("mapping.no_zone", BLOCKS if wall else WARNS, "fields", name, source=source.name)
        elif shown and zone is None and examined.target_zone is None:
            yield examined.found("mapping.no_zone", BLOCKS, "fields", name, source=source.name)
