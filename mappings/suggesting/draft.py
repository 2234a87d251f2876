"""A suggested mapping as YAML for people: every rule with its reason, and what is open named where it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from ..yaml.plain_yaml import flow, scalar
from .likeness import Reason
from .pairing import Pairing

Say = Callable[[str, Mapping[str, str | int]], str]
"""A code of the catalogue and its params as a text."""
MOST_VALUES: Final = 40


@dataclass(frozen=True, slots=True)
class Drafted:
    """A rule for a target field. rule: as the language takes it, the long form or a source field's name. notes: what
    is said of it besides the reasons of its pair. live: false where it only stands there as a comment. open: cells of
    a picklist for which no choice is sure."""

    rule: str | dict[str, object]
    notes: tuple[Reason, ...] = ()
    live: bool = True
    open: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """name, source, target: of the mapping. rules: target field -> its rule, for every pair of the pairing."""

    name: str
    source: str
    target: str
    pairing: Pairing
    rules: Mapping[str, Drafted]
    command: str = ""
    required: Sequence[str] = field(default=())


def draft_text(draft: Draft, say: Say) -> str:
    """The file. It passes the strict reader as long as one rule is live."""
    return "".join(f"{line}\n" for line in _lines(draft, say))


def _lines(draft: Draft, say: Say) -> Iterator[str]:
    live = sum(each.live for each in draft.rules.values())
    yield from _comment(say("suggest.head", {"command": draft.command}))
    yield from _comment(say("suggest.head_count", {"count": live, "open": len(draft.pairing.unsure)}))
    yield f"mapping: {draft.name}"
    yield f"from: {scalar(draft.source)}"
    yield f"to: {scalar(draft.target)}"
    yield ""
    yield "fields:"
    for pair in draft.pairing.pairs:
        drafted = draft.rules[pair.target.name]
        told = " · ".join(say(each.code, each.params) for each in (*pair.reasons, *drafted.notes))
        yield from _comment(f"{pair.confidence:.0%}: {told}", "  ")
        yield from _rule(pair.target.name, drafted, say)
    yield from _unsure(draft, say)
    yield from _left(draft.pairing, say)


def _rule(name: str, drafted: Drafted, say: Say) -> Iterator[str]:
    rule, before = drafted.rule, "  " if drafted.live else "  # "
    values = rule.get("values") if isinstance(rule, dict) else None
    if not isinstance(rule, dict) or not isinstance(values, dict):
        yield f"{before}{scalar(name)}: {flow(rule)}"
    else:
        yield f"{before}{scalar(name)}:"
        for key, value in rule.items():
            if key == "values":
                yield f"{before}  values:"
                yield from (f"{before}    {scalar(cell)}: {scalar(choice)}" for cell, choice in values.items())
            else:
                yield f"{before}  {key}: {flow(value)}"
    if drafted.open:
        listed = ", ".join(scalar(cell) for cell in drafted.open[:MOST_VALUES])
        yield from _comment(say("suggest.open_values", {"count": len(drafted.open), "values": listed}), "    ")


def _unsure(draft: Draft, say: Say) -> Iterator[str]:
    if not draft.pairing.unsure:
        return
    yield ""
    yield from _comment(say("suggest.unsure", {}), "  ")
    for each in draft.pairing.unsure:
        told = ", ".join(f"{scalar(name)} {score:.0%}" for name, score in each.candidates)
        must = f" ({say('suggest.required', {})})" if each.target.required else ""
        yield f"  #   {scalar(each.target.name)}{must}: {told or '?'}"


def _left(pairing: Pairing, say: Say) -> Iterator[str]:
    if not pairing.left:
        return
    yield ""
    yield from _comment(say("suggest.left", {}))
    yield "# drop:"
    for each in pairing.left:
        label = f" {each.label}" if each.label and each.label != each.name else ""
        yield f"#   {scalar(each.name)}: ?{label}"


def _comment(text: str, indent: str = "") -> Iterator[str]:
    """A text on one line; what would end a comment's line is taken out of it."""
    yield f"{indent}# {' '.join(part for part in text.split() if part.isprintable())}"
