"""Whether the addresses of old records that stand in a field can be rewritten."""

from __future__ import annotations

from collections.abc import Iterator

from ...connectors.finding import Finding, Severity
from ...connectors.schema import Field, FieldType
from ..language import Rule, WritePolicy
from .place import Examined


def check_links(examined: Examined, name: str, rule: Rule, field: Field) -> Iterator[Finding]:
    """`rewrite_links` of one rule: it belongs to a text, the project has to say how old addresses look, and a text that
    is written once would keep the addresses of records that come after it."""
    if not rule.rewrite_links:
        return
    place = ("fields", name, "rewrite_links")
    if field.type is not FieldType.TEXT or rule.of_people:
        yield examined.found("linking.no_text", Severity.BLOCKS, *place, name=name)
    elif rule.policy is not WritePolicy.ALWAYS:
        yield examined.found("linking.written_once", Severity.BLOCKS, *place, name=name)
    elif not examined.links.old:
        yield examined.found("linking.no_addresses", Severity.BLOCKS, *place)
