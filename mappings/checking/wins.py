"""Whether `wins` is said of fields that are written again at all."""

from __future__ import annotations

from collections.abc import Iterator

from ...connectors.finding import Finding, Severity
from ..language import WRITTEN_ONCE, Rule
from .place import Examined


def check_wins(examined: Examined, name: str, rule: Rule) -> Iterator[Finding]:
    """Both sides are compared only where a change of the source would be written."""
    if rule.wins is not None and rule.policy in WRITTEN_ONCE:
        policy = "compare_only" if rule.compare_only else f"write: {rule.policy}"
        yield examined.found("mapping.wins_never_written", Severity.BLOCKS, "fields", name, "wins", policy=policy)
