"""Whether what a mapping says of references that leave the scope can be done."""

from __future__ import annotations

from collections.abc import Iterator

from ...connectors.finding import Finding, Severity
from ...connectors.schema import Field
from ..language import Outside, Rule
from .place import Examined


def check_outside(examined: Examined, name: str, rule: Rule, field: Field) -> Iterator[Finding]:
    """`outside` of one rule: it belongs to references and people, nobody is held for a person or stands for one, a
    required field cannot be left empty, and a stub is made as its mapping says."""
    if rule.outside is None:
        return
    place = ("fields", name, "outside")
    if rule.reference is None and not rule.of_people:
        yield examined.found("mapping.outside_alone", Severity.BLOCKS, *place)
    elif rule.of_people and rule.outside in (Outside.HOLD, Outside.STUB):
        yield examined.found("mapping.outside_person", Severity.BLOCKS, *place)
    elif field.required and rule.outside is Outside.NULL:
        yield examined.found("mapping.outside_required", Severity.BLOCKS, *place, name=name)
    elif rule.outside is Outside.STUB:
        makers = {maker for _, way in examined.rules[name].ways() for _, maker in way.makers}
        for maker in sorted(makers & examined.others.keys()):
            if not examined.others[maker].model.stub:
                yield examined.found("mapping.outside_no_stub", Severity.BLOCKS, *place, name=maker)
