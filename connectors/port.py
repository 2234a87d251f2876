"""The port: what every connector can be asked, and the data in which it says what it is able to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from .cell import Cell
from .change import Batch, Outcome
from .chunk import Chunk
from .clock import Clock
from .finding import Finding
from .pace import UNLIMITED, Allowance, Pace
from .questions import Answer, Question
from .schema import Schema
from .secrets import Secrets

OUR_KEY: Final = "@our_key"
"""In `find(by=...)`: search by our key instead of by a field."""

KEY: Final = "@key"
"""In `find(by=...)`: search by the record's own key (as text, composite keys joined by `join_key`)."""


class OurKeyPlace(StrEnum):
    """Where our key lies on a target: in a side table, in a unique field of the object, or nowhere (DEGRADED)."""

    SIDE_TABLE = "side_table"
    FIELD = "field"
    NONE = "none"


class Ordeal(StrEnum):
    """What users and their administrators do to a record, so that a search may miss it afterwards: give it to another
    OWNER, LOCK it, put it into the bin from which it can be taken again (SOFT_DELETE)."""

    OWNER = "owner"
    LOCK = "lock"
    SOFT_DELETE = "soft_delete"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a connector is able to do, as data.

    batch_size: changes a write takes at most. at_once: how many calls of `write` may be under way at a time, each from
    a thread of its own; one, where the connector is not made for that. find_size: values a find takes at most. writes:
    it can be a target.
    our_key: where our key lies. compare_and_set: `Change.expect` is honoured in one act with the write.
    all_or_nothing: a batch commits whole or not at all (each bad record is still told apart). answers_as_one: where it
    refuses a batch it names no record: every change comes back REJECTED, and the bad ones are found by splitting.
    details: how many details one CREATE may carry (`Change.details`); none where that is 0. answers_details: the target
    tells what became of them; else only what became of their master, and they are asked for.
    deletes: DELETE is possible. ordered_reads: chunks come in key order, so that no key comes twice; a cursor resumes
    exactly. Whoever reads relies on the latter two, and on no order.
    read_back_lag: how long a write may stay unseen by `find`. server_maximum: how long the server may still finish a
    call that we gave up on; an UNKNOWN outcome is probed only after both have passed. allowance: the calls that the
    system takes and what our actions cost in calls; tells_calls: what writing costs depends on what is written, and
    it has the method of `telling_calls.TellsCalls`. ordeals: what the connector can do to a record of ours and take
    back, to prove that our key is found all the same; it has the methods of `UndergoesOrdeals` then. tells_unseen: it
    has the method of `TellsUnseen`. knows_holding: it has the methods of `holding.KnowsHolding`. questions: what only
    the system itself can tell; it has the methods of `AnswersQuestions` then. holds_files, takes_files: it gives and
    takes the bodies of files (`held_file.HoldsFiles`, `held_file.TakesFiles`); largest_file: the most bytes that it
    takes for one, None where it does not say. tells_changes: it tells what has changed since a moment
    (`changes.TellsChanges`); overlap: how much later than its time says a change may be seen. tells_deletes: it tells
    what was deleted, and until when it has told everything (`changes.TellsDeletes`).
    """

    batch_size: int = 1000
    at_once: int = 1
    find_size: int = 1000
    writes: bool = False
    our_key: OurKeyPlace = OurKeyPlace.NONE
    compare_and_set: bool = False
    all_or_nothing: bool = False
    answers_as_one: bool = False
    details: int = 0
    answers_details: bool = True
    deletes: bool = False
    ordered_reads: bool = True
    read_back_lag: dt.timedelta = dt.timedelta(0)
    server_maximum: dt.timedelta = dt.timedelta(0)
    allowance: Allowance = UNLIMITED
    ordeals: tuple[Ordeal, ...] = ()
    tells_lacking: bool = False
    tells_unseen: bool = False
    knows_holding: bool = False
    tells_calls: bool = False
    questions: tuple[Question, ...] = ()
    holds_files: bool = False
    takes_files: bool = False
    largest_file: int | None = None
    tells_changes: bool = False
    overlap: dt.timedelta = dt.timedelta(0)
    tells_deletes: bool = False


@dataclass(frozen=True, slots=True)
class LocationFact:
    """Something that a system says of where it lies. by: what says so, told: what it says. country: which that means,
    in the three letters of ISO 3166, None where it means no single one."""

    by: str
    told: str
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Which system this is, as it says itself.

    kind: `sqlite`, `postgresql`, ... id: stays the same while it is the same org or database, differs for a copy where
    the system has any way to tell. name: what a person calls it. production: what the system says, None when it does
    not say. location: what it says of where it lies; such facts may contradict each other, prove nothing,
    and make it no other system.
    """

    kind: str
    id: str
    name: str
    production: bool | None = None
    location: tuple[LocationFact, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class AuditFields:
    """Fields of an object that say who made and changed a record and when, None where the object has none."""

    modified_at: str | None = None
    modified_by: str | None = None
    created_at: str | None = None
    created_by: str | None = None


class Connector(Protocol):
    """A system, source or target. Methods raise UnavailableError when the system cannot be reached or refuses us, and
    InputError when they are asked for an object or field that is not there. Nothing else is raised on purpose."""

    capabilities: Capabilities

    def identity(self) -> Identity: ...

    def describe(self) -> Schema: ...

    def audit_fields(self, object_name: str) -> AuditFields: ...

    def acting_user(self) -> str | None:
        """Whom the system records as the author of our writes, where it records one."""

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        """All records in key order, in chunks of at most `size`; with `after`, those behind that cursor. Raises
        StaleCursorError before the first chunk where the cursor means nothing any more."""

    def count(self, object_name: str) -> int: ...

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        """Every record whose `by` fields equal one of `values` (at most `capabilities.find_size` tuples, one cell a
        `by` field). `by` may be (OUR_KEY,) or (KEY,). A record found twice comes once; one not found does not come.
        On a target the chunk carries our keys."""

    def write(self, batch: Batch) -> list[Outcome]:
        """Apply the changes; one Outcome for each, whatever happened, and one for each detail where the target tells.
        Raises only if nothing has left this machine."""

    def prepare(self) -> None:
        """Make room for our key (a target only), once before the first write: the side table on a database."""

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        """Every (our key, target key) that the target knows for this object, in lists of moderate length."""

    def now(self) -> dt.datetime:
        """The time by the system's own clock, aware, in UTC."""

    def record_url(self, object_name: str, key: str) -> str | None: ...

    def close(self) -> None: ...


class UndergoesOrdeals(Protocol):
    """What a connector has besides that declares ordeals. Both may be asked twice over: what is done already is ACKED.
    The outcome's key is our key. REJECTED: the system does not let us do this to such a record. As `write` they raise
    only if nothing has left this machine."""

    def put_through(self, ordeal: Ordeal, object_name: str, our_key: str, key: str) -> Outcome:
        """Do it to the record of this key."""

    def take_back(
        self, ordeal: Ordeal, object_name: str, our_key: str, key: str, before: Mapping[str, Cell]
    ) -> Outcome:
        """Undo it. before: every cell of the record as it was, by field; empty where that is lost."""


class TellsLacking(Protocol):
    """What a connector has besides whose capabilities say `tells_lacking`."""

    def lacking(self, object_name: str) -> tuple[Finding, ...]:
        """What has to be done in the system before records of this object may be written to it."""


class TellsUnseen(Protocol):
    """What a connector has besides whose capabilities say `tells_unseen`."""

    def unseen(self, object_names: Sequence[str]) -> tuple[Finding, ...]:
        """What of these objects our user cannot see, as far as that can be proven, and where it cannot."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a project says of one connection.

    name: the connection's name, which is the *source system* in our keys. connector: the entry point's name.
    options: the connector's own settings as plain YAML values; secrets only as `${NAME}` references.
    zone: the zone of the system's wall clock times, an IANA name. folder: the project's folder, for relative paths.
    answers: what the system has answered to the connector's questions, by their names; options outrank it.
    """

    name: str
    connector: str
    options: Mapping[str, object] = field(default_factory=dict)
    zone: str | None = None
    folder: str = "."
    answers: Mapping[str, Answer] = field(default_factory=dict)


class Connect(Protocol):
    """The entry point of a connector. pace: every call to the system waits for it. Raises InputError for options it
    does not know or that do not fit."""

    def __call__(self, settings: Settings, secrets: Secrets, pace: Pace, clock: Clock) -> Connector: ...
