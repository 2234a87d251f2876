"""A batch in one transaction: each bad record is told apart, all good ones are committed.

A refusal rolls back to a savepoint, and the changes that met it are tried by halves until each bad one stands alone.
What is not a record's doing (the connection, the disk, a lock) undoes the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..change import Batch, Change, ChangeKind, Outcome, OutcomeState
from .alter import Alteration
from .cells import UnfitError
from .create import Creation
from .database import Database
from .faults import FATAL, BrokenError, Fault, LeftOutError, RowError, rejected
from .keys import our_keys_of
from .tables import Table

Act = Callable[[Sequence[Change]], list[Outcome]]
Judge = Callable[[Sequence[Change]], tuple[list[Outcome], list[Change]]]
ORDER = (ChangeKind.DELETE, ChangeKind.RELEASE, ChangeKind.UPDATE, ChangeKind.ADOPT, ChangeKind.CREATE)
"""What makes room comes first: a value that one record gives up may be another's in the same batch."""


def write_batch(database: Database, table: Table, batch: Batch) -> list[Outcome]:
    """One outcome for each change, in their order. Raises UnavailableError where there is no connection to write by."""
    with database.open(writes=True) as connection:
        told = _Writing(database, table, connection).run(batch.changes)
    return [told[change.our_key] for change in batch.changes]


class _Writing:
    def __init__(self, database: Database, table: Table, connection: Connection) -> None:
        self.database = database
        self.dialect = database.dialect
        self.table = table
        self.connection = connection

    def run(self, changes: Sequence[Change]) -> dict[str, Outcome]:
        try:
            transaction = self.connection.begin()
        except self._errors as error:
            return self._none_sent(changes, self._fault(error))
        try:
            self.dialect.writing(self.connection)
            outcomes = {outcome.our_key: outcome for outcome in self._apply(changes)}
        except self._errors as error:
            fault = self._fault(error)
            self._undo(transaction, fault)
            return self._none_sent(changes, fault)
        try:
            transaction.commit()
        except self._errors as error:
            fault = self._fault(error)
            self._undo(transaction, fault)
            return self._not_committed(changes, outcomes, fault)
        return outcomes

    def _apply(self, changes: Sequence[Change]) -> Iterable[Outcome]:
        ours = our_keys_of(self.database, self.table)
        altering = [change for kind in ORDER[:-1] for change in changes if change.kind is kind]
        if altering:
            alteration = Alteration(self.connection, self.dialect, self.table, ours)
            refused, ready = alteration.judge(altering)
            yield from refused
            for kind in ORDER[:-1]:
                yield from self._settle([change for change in ready if change.kind is kind], alteration.apply)
        creating = [change for change in changes if change.kind is ChangeKind.CREATE]
        if creating:
            creation = Creation(self.connection, self.dialect, self.table, ours)
            yield from self._settle(creating, creation.apply, creation.judge)

    def _settle(self, changes: Sequence[Change], act: Act, judge: Judge | None = None) -> Iterable[Outcome]:
        """Do it for all at once, and where that is refused, for ever fewer. judge: who is asked after the first refusal
        which changes have an outcome already; before, it would mostly be asked in vain. Raises BrokenError."""
        waiting = [changes]
        while waiting:
            part = waiting.pop()
            if not part:
                continue
            savepoint = self.connection.begin_nested()
            try:
                done = act(part)
                savepoint.commit()
            except self._errors as error:
                fault = self._fault(error)
                if fault.breaks:
                    raise BrokenError(fault) from error
                savepoint.rollback()
                if judge is not None:
                    told, rest = judge(part)
                    judge = None
                    yield from told
                    if told:
                        waiting.append(rest)
                        continue
                if len(part) == 1:
                    yield rejected(part[0].our_key, part[0].target_key, fault)
                else:
                    waiting += reversed(_parts(part, error.row if isinstance(error, RowError) else None))
            else:
                yield from done

    @property
    def _errors(self) -> tuple[type[Exception], ...]:
        """The driver's errors, SQLAlchemy's around them, and those of cells that no parameter can carry."""
        ours = (LeftOutError, RowError, BrokenError)
        return (sa.exc.SQLAlchemyError, self.connection.dialect.loaded_dbapi.Error, ValueError, OverflowError, *ours)

    def _fault(self, error: BaseException) -> Fault:
        match error:
            case RowError(__cause__=BaseException() as cause):
                return self._fault(cause)
            case BrokenError():
                return error.fault
            case UnfitError():
                return Fault(error.code, str(error), error.field)
            case LeftOutError():
                return Fault("target.refused", str(error))
            case Exception():
                return self.dialect.fault(error, self.table)
            case _:
                raise error

    def _undo(self, transaction: sa.RootTransaction, fault: Fault) -> None:
        """A connection that cannot even roll back is not used again; the server does it when the connection ends."""
        if not fault.lost:
            with suppress(*self._errors):
                transaction.rollback()
                self.connection.connection.rollback()  # SQLAlchemy's own does nothing after a commit that failed
                return
        self.database.drop(self.connection)

    def _none_sent(self, changes: Sequence[Change], fault: Fault) -> dict[str, Outcome]:
        state = OutcomeState.FATAL if fault.code in FATAL else OutcomeState.NOT_SENT
        detail = self.database.hidden(fault.detail)
        return {
            change.our_key: Outcome(change.our_key, state, change.target_key, fault.code, detail) for change in changes
        }

    def _not_committed(
        self, changes: Sequence[Change], outcomes: dict[str, Outcome], fault: Fault
    ) -> dict[str, Outcome]:
        """What a failed commit makes of the outcomes: unknown where the connection went while it was on its way, else
        certainly not done. A commit that is refused on account of some record is tried by halves."""
        done = [change for change in changes if outcomes[change.our_key].state is OutcomeState.ACKED]
        if fault.lost:
            unknown = Fault("target.unknown", self.database.hidden(fault.detail))
            return outcomes | {
                change.our_key: replace(
                    outcomes[change.our_key], state=OutcomeState.UNKNOWN, code=unknown.code, detail=unknown.detail
                )
                for change in done
            }
        if fault.breaks:
            return outcomes | self._none_sent(done, fault)
        if len(done) == 1:
            return outcomes | {done[0].our_key: rejected(done[0].our_key, done[0].target_key, fault)}
        middle = len(done) // 2
        return outcomes | self.run(done[:middle]) | self.run(done[middle:])


def _parts(changes: Sequence[Change], bad: int | None) -> list[Sequence[Change]]:
    """What to try next, in order: halves; where one change is known to be bad, what precedes it, it alone, and the rest
    in halves."""
    first = [] if bad is None else [changes[:bad], changes[bad : bad + 1]]
    rest = changes if bad is None else changes[bad + 1 :]
    middle = (len(rest) + 1) // 2
    return [*first, rest[:middle], rest[middle:]]
