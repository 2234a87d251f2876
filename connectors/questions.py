"""What only a system itself can tell: questions that may be put to it, and what it answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from .finding import Finding

UNTRIED: Final = "untried"
"""The word for what could not be tried: no such field, no such record, not without writing."""


@dataclass(frozen=True, slots=True)
class Question:
    """code: the catalogue's key of its text, whose last part is its name. words: every answer that there may be; the
    text of one has the key `code_word`. writes: it makes records of its own and takes them away again; else it reads,
    and does more only where it is told an object."""

    code: str
    words: tuple[str, ...]
    writes: bool = False

    @property
    def name(self) -> str:
        return self.code.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Answer:
    """word: what the system answered. number: what belongs to it, seconds or the system's own code."""

    word: str
    number: int | None = None


Answers: TypeAlias = Mapping[str, Answer]
"""By the name of the question."""


class AnswersQuestions(Protocol):
    """What a connector has besides whose capabilities name `questions`. Raises as every method of a connector does."""

    def probe(self, question: Question, object_name: str | None) -> Answer:
        """Try it. object_name: where records of our own may be made; None: nothing may be written."""

    def tidy(self, object_name: str) -> tuple[str, ...]:
        """Take away what questions have made in this object, in this process or in one that ended since. Returns the
        keys of what could not be taken away."""

    def contradicted(self) -> tuple[Finding, ...]:
        """Settings of the project that are not as the system answered; they are followed all the same."""
