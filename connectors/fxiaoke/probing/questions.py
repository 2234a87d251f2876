"""The questions whose answers no document has, and the settings that follow from what a tenant answers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Final

from ...finding import Finding, Severity
from ...port import Settings
from ...questions import Answer, Question

REFUSALS: Final = ("recognised", "unrecognised", "accepted")
"""Of a value that should be refused: refused in words that tell why, in others, or not at all."""


def _question(name: str, *words: str, writes: bool = False) -> Question:
    return Question(f"fxiaoke.ask.{name}", words, writes)


READING: Final = (
    _question("limit", "refused", "cut", "accepted"),
    _question("offset", "refused", "accepted"),
    _question("total", "when_asked", "always"),
    _question("trace_id", "ignored", "required"),
    _question("preset_on_custom", "accepted", "refused"),
    _question("custom_on_preset", "accepted", "refused"),
    _question("unknown_user", "refused", "nothing"),
    _question("clock", "measured"),
    _question("function", "there", "none"),
    _question("details_described", "told", "untold"),
    _question("bin", "shown", "hidden"),
)
"""They only read; whether queries show what is in the bin is certain only of a record of our own."""
WRITING: Final = (
    _question("lag", "measured", "unseen", writes=True),
    _question("no_owner", "acting_user", "nobody", "refused", writes=True),
    _question("left_creator", "accepted", "refused", writes=True),
    _question("same_key", *REFUSALS, writes=True),
    _question("bin_key", "held", "free", writes=True),
    _question("duplicate", "refused", "refused_with_rows", "accepted", writes=True),
    _question("required", *REFUSALS, writes=True),
    _question("too_long", *REFUSALS, writes=True),
    _question("no_option", *REFUSALS, writes=True),
    _question("decimals", "refused", "rounded", "kept", writes=True),
    _question("empty_text", "null", "text", "refused", writes=True),
    _question("clears", "null", "empty", "neither", writes=True),
    _question("update", "patch", "overwrite", writes=True),
    _question("locked", "refused", "accepted", writes=True),
    _question("stage", "accepted", "refused", "ignored", writes=True),
)
QUESTIONS: Final = READING + WRITING
REFUSED_FOR: Final = {
    "same_key": "duplicate",
    "required": "required",
    "too_long": "too_long",
    "no_option": "check",
}
"""Question -> for what a record is refused there: our code without its room."""
LEAST_LAG: Final = 5.0
"""Seconds. What was measured once is no bound: twice that is waited for, and not less than without a measure."""
_FOLLOWS: Final[dict[tuple[str, str], tuple[str, object]]] = {
    ("clears", "null"): ("empty", "null"),
    ("clears", "empty"): ("empty", "empty"),
    ("empty_text", "null"): ("empty_text", "null"),
    ("empty_text", "text"): ("empty_text", "kept"),
    ("trace_id", "required"): ("trace_ids", True),
    ("preset_on_custom", "refused"): ("custom_path", "custom"),
    ("stage", "refused"): ("stages", "interface"),
    ("stage", "ignored"): ("stages", "interface"),
    ("update", "overwrite"): ("updates", "overwrite"),
}
"""Question and answer -> option and value."""


def learned(settings: Settings) -> dict[str, object]:
    """Options that follow from what the tenant answered; those of the project outrank them."""
    return {option: value for _, option, value in _following(settings)} | _refusals(settings)


def contradictions(settings: Settings) -> tuple[Finding, ...]:
    """Options of the project that are not as the tenant answered."""
    told = []
    for question, option, value in _following(settings):
        said = settings.options.get(option, value)
        if option == "read_back_lag":
            measured = settings.answers[question].number or 0
            differs = float(str(said)) < measured
            value = measured
        else:
            differs = said != value
        if differs:
            params: dict[str, str | int] = {
                "connection": settings.name,
                "option": option,
                "said": _shown(said),
                "answered": _shown(value),
            }
            told.append(Finding("fxiaoke.answered_otherwise", Severity.WARNS, params))
    return tuple(told)


def _following(settings: Settings) -> Iterator[tuple[str, str, object]]:
    for name, answer in settings.answers.items():
        if name == "lag" and answer.word == "measured":
            yield name, "read_back_lag", _lag(answer)
        elif (name, answer.word) in _FOLLOWS:
            yield name, *_FOLLOWS[name, answer.word]


def _refusals(settings: Settings) -> dict[str, object]:
    """What an error number means, of those that the tenant answers for one reason alone."""
    numbers = [(settings.answers[name].number, name) for name in REFUSED_FOR if name in settings.answers]
    told = [(number, name) for number, name in numbers if number is not None]
    alone = Counter(number for number, _ in told)
    meant = {str(number): REFUSED_FOR[name] for number, name in told if alone[number] == 1}
    return {"refusals": meant} if meant else {}


def _lag(answer: Answer) -> float:
    return max(LEAST_LAG, 2.0 * math.ceil(answer.number or 0))


def _shown(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
