"""A report as data. Renderers only lay it out; what must not be seen was masked before it came here.

Every text is a code of the catalogue plus parameters, so that one report renders in Chinese and in English.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ...connectors.finding import Severity

BUCKETS = (
    "created",
    "updated",
    "unchanged",
    "filtered",
    "rejected",
    "held",
    "conflicted",
    "merged",
    "deleted",
    "pending",
)


@dataclass(frozen=True, slots=True)
class Text:
    """A catalogue text: code and what fills it. A param may itself be a code when it starts with `@`."""

    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BranchCounts:
    """What became of the records read for one mapping branch. `balanced` is the counts identity of every report:
    read = the sum of the buckets. adopted: how many of updated and unchanged were found in the target and adopted."""

    mapping: str
    object: str
    read: int = 0
    buckets: Mapping[str, int] = field(default_factory=dict)
    adopted: int = 0

    @property
    def balanced(self) -> bool:
        return self.read == sum(self.buckets.get(name, 0) for name in BUCKETS)


@dataclass(frozen=True, slots=True)
class Cause:
    """Findings with one cause, together: what, how often, where to look, and a few keys.

    text: the finding's text. count: findings of this cause. keys: the first few source keys. samples: masked values.
    file, line: where in the project. mender: who can mend it (`data`, `mapping`, `administrator`), as a catalogue code.
    """

    text: Text
    severity: Severity
    count: int
    mapping: str | None = None
    object: str | None = None
    field: str | None = None
    keys: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    file: str | None = None
    line: int | None = None
    mender: str | None = None


Row: TypeAlias = tuple[str | int | Text | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table. columns: catalogue codes. rows: texts as they stand, numbers, or Text to be rendered.
    omitted: rows left out of this report because there were too many. detail: for the page and the JSON; on a terminal
    its title is enough. whole: every row is shown, also on a terminal."""

    title: Text
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    omitted: int = 0
    detail: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a verb says. The verdict comes first in every rendering, the causes next, the detail last.

    verb: the command. good: the verdict's colour and nothing else. facts: label code and value, in order.
    counts: a line a mapping branch. causes, tables: see there. next_steps: commands to type, most likely first.
    extra: further top-level members of the JSON document (plain JSON values).
    exit_code: what the command ends with.
    """

    verb: str
    verdict: Text
    good: bool
    exit_code: int = 0
    facts: tuple[tuple[str, str | int | Text], ...] = ()
    counts: tuple[BranchCounts, ...] = ()
    causes: tuple[Cause, ...] = ()
    tables: tuple[Table, ...] = ()
    next_steps: tuple[str, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origin:
    """Of which project and environment a page tells, when it was made, and by which version of changeover."""

    project: str
    environment: str
    made_at: dt.datetime
    version: str
