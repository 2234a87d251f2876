"""What is asked of a target and what came of it. Change and outcome find each other by our key, never by place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from .cell import Cell

CONTAGION: Final = "target.contagion"
"""Code of a NOT_SENT: the change fell with another one of its batch and may go again without that one."""


class ChangeKind(StrEnum):
    """CREATE a record; UPDATE fields of one; DELETE one; ADOPT writes our key on an existing record (and any values
    given with it); RELEASE takes our key off again and leaves the record (and writes any values given with it)."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ADOPT = "adopt"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Change:
    """One change to one target record.

    our_key: unique within the batch. target_key: the record's key in the target; None for CREATE.
    values: target field -> cell, typed as the field (Decimal, date, aware datetime for INSTANT, naive datetime for
    LOCAL_TIME, text for references: the *target's* key of the parent). Only these fields are written.
    expect: compare-and-set. Where given, the change is applied only while every named field still holds this cell (by
    canonical text); otherwise its outcome is STALE and nothing of it is written.
    details: records that a CREATE carries, as many as `Capabilities.details` says. They are done with it or not at all:
    where one of them is refused so is the whole change, and a record that EXISTS takes none.
    """

    kind: ChangeKind
    our_key: str
    target_key: str | None = None
    values: Mapping[str, Cell] = field(default_factory=dict)
    expect: Mapping[str, Cell] | None = None
    details: tuple[Details, ...] = ()


@dataclass(frozen=True, slots=True)
class Details:
    """Records of one object that are created inside their master's CREATE. by: their field that refers to it, which the
    target fills in, so that no change names it. changes: each a CREATE; our keys are unique among those of one object.
    """

    object: str
    by: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes of one object sent together, some of them with details. Our keys are unique within it; its size keeps to
    the target's capabilities, in which details do not count."""

    object: str
    changes: tuple[Change, ...]

    def __post_init__(self) -> None:
        if len({change.our_key for change in self.changes}) != len(self.changes):
            raise ValueError(f"{self.object}: the same key twice in one batch")


class OutcomeState(StrEnum):
    """ACKED: done. REJECTED: the target said no, and will say no again. NOT_SENT: certainly not done. UNKNOWN: ask
    the target. STALE: compare-and-set found another value, nothing written. EXISTS: a create found our key already
    there.

    Three more are certainly not done either, and say what to do about it. THROTTLED: the target takes no more for now
    (`Outcome.retry_after`). EXPIRED: our session is over; the connector signs in anew with its next call. FATAL: no
    further attempt will mend it (a full disk, no right to write, wrong credentials)."""

    ACKED = "acked"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    STALE = "stale"
    EXISTS = "exists"
    THROTTLED = "throttled"
    EXPIRED = "expired"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one change.

    target_key: the record's key where known. code: our catalogue's code of the cause (`target.duplicate`,
    `target.required`, ...), None when ACKED. detail: the server's own words; they may hold values, so they go to the
    value store and nowhere else. field: the target field at fault where the target names it. retry_after: seconds to
    wait before the next call where a THROTTLED says so. object: of a detail, its object; None for a change of the batch
    itself. A detail that the answer does not name is not done where its master is certainly not, else UNKNOWN.
    """

    our_key: str
    state: OutcomeState
    target_key: str | None = None
    code: str | None = None
    detail: str | None = None
    field: str | None = None
    retry_after: float | None = None
    object: str | None = None
