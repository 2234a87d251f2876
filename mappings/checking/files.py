"""Rules that fill a field of files: files are carried as they are, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...connectors.finding import Finding, Severity
from ...connectors.schema import Field, FieldType
from ..folding import FOLD
from ..language import Rule
from .place import Examined


def check_files(examined: Examined, name: str, rule: Rule, field: Field) -> Iterator[Finding]:
    """Each way fills it from fields of files, with nothing between. What a fold makes is a file where the fold says
    so, and a text where it does not."""
    place = ("fields", name)
    if field.type is not FieldType.FILE:
        if rule.lost_file != "leave_out":
            yield examined.found("mapping.lost_file_alone", Severity.BLOCKS, *place, "lost_file", name=name)
        for here, way in examined.ways(rule):
            for made in _folds(here, way, FieldType.FILE):
                yield here.found("fold.is_file", Severity.BLOCKS, *place, fold=made, name=name)
        return
    if any(name in names for names in examined.file.model.match):
        yield examined.found("mapping.files_matched", Severity.BLOCKS, *place, name=name)
    for here, way in examined.ways(rule):
        sources = here.source_fields(way)
        changed = way.transform or way.values is not None or way.constant is not None or way.default is not None
        texts = _folds(here, way, FieldType.TEXT)
        for made in texts:
            yield here.found("fold.is_text", Severity.BLOCKS, *place, fold=made, name=name)
        strange = {each.name for each in sources if each.type is not FieldType.FILE} - set(texts)
        if changed or way.of_people or strange or not sources:
            yield here.found("mapping.files_from", Severity.BLOCKS, *place, name=name)


def _folds(examined: Examined, rule: Rule, kind: FieldType) -> list[str]:
    """The folds from which the rule is filled that make this."""
    fed = examined.source_fields(rule)
    return [each.name for each in fed if each.type is kind and each.name.startswith(f"{FOLD}.")]


def told_by_both(examined: Examined, rule: Rule, field: Field) -> Field:
    """The target field with the checksums that its source tells, too: only these can be compared."""
    sources = [each for here, way in examined.ways(rule) for each in here.source_fields(way)]
    if not field.checksum or all(each.checksum == field.checksum for each in sources):
        return field
    return replace(field, checksum="")
