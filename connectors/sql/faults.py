"""What a database's error means for the change that met it, and for the transaction around it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from ..change import Outcome, OutcomeState

FATAL = frozenset({"target.disk_full", "target.read_only"})
"""Codes of what another attempt will not mend."""


@dataclass(frozen=True, slots=True)
class Fault:
    """code: our catalogue's code. detail: the server's own words. field: the field at fault, where it is told.
    breaks: not this record's doing; the transaction cannot go on. lost: the connection is gone, or what it did last is
    not known."""

    code: str
    detail: str
    field: str | None = None
    breaks: bool = False
    lost: bool = False


class BrokenError(Exception):
    """The transaction cannot go on."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


class LeftOutError(Exception):
    """The database took the statement and did not do all of it, without a word."""


class RowError(Exception):
    """An insert of many rows was refused at this row; the driver's error is its cause."""

    def __init__(self, row: int) -> None:
        super().__init__(row)
        self.row = row


def original(error: BaseException) -> BaseException:
    """The driver's own error beneath SQLAlchemy's."""
    inner = error.orig if isinstance(error, sa.exc.DBAPIError) else None
    return inner if isinstance(inner, BaseException) else error


def words(error: BaseException) -> str:
    """What the server said, without SQLAlchemy's statement and parameters."""
    return str(original(error)).strip()


def plain_fault(error: Exception) -> Fault:
    """For a database whose error codes are not known: by the kind of exception alone."""
    if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
        return Fault("target.connection_lost", words(error), breaks=True, lost=True)
    if isinstance(error, OverflowError):
        return Fault("target.out_of_range", words(error))
    if isinstance(error, sa.exc.DataError | ValueError):
        return Fault("target.type", words(error))
    if isinstance(error, sa.exc.OperationalError | sa.exc.InternalError | sa.exc.InterfaceError):
        return Fault("target.connection_lost", words(error), breaks=True, lost=True)
    return Fault("target.refused", words(error))


def rejected(our_key: str, target_key: str | None, fault: Fault) -> Outcome:
    return Outcome(our_key, OutcomeState.REJECTED, target_key, fault.code, fault.detail, fault.field)
