"""Whether every field has a data class, where the project declares some, and whether there is such a class."""

from __future__ import annotations

from collections.abc import Iterator

from ...connectors.finding import Finding, Severity
from ...connectors.nearest import nearest
from ..language import Rule, WritePolicy
from .place import Examined


def check_class(examined: Examined, name: str, rule: Rule) -> Iterator[Finding]:
    """What is never written needs no class, and may have one all the same: it is shown as its class allows."""
    said, known = rule.class_, examined.classes
    if known is None:
        return
    if said is None:
        if known and rule.policy is not WritePolicy.NEVER:
            told = {"name": name, "known": ", ".join(known)}
            yield examined.found("mapping.class_missing", Severity.BLOCKS, "fields", name, **told)
    elif not known:
        yield examined.found("mapping.no_classes", Severity.BLOCKS, "fields", name, "class", name=said)
    elif said not in known:
        near = nearest(said, known.keys())
        told = {"name": said, "nearest": near, "known": ", ".join(known)}
        yield examined.found("mapping.no_class", Severity.BLOCKS, "fields", name, "class", **told)
