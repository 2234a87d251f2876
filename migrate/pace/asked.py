"""What the operator asks of the pace from another terminal, for any thread that calls a system."""

from __future__ import annotations

import threading
from pathlib import Path

from ...connectors.errors import ChangeoverError
from ...runs.ledger import control
from ...runs.ledger.place import Place
from ...runs.ledger.store import Ledger


class AskedShare:
    """The share (above 0, at most 1) that was asked for; all where none was, or where there is no ledger yet.

    It is read by a connection of its own, kept open, for a server's costs more than the question. What a ledger comes
    to, the run notices by itself; here it is opened anew for the next question.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._ledger: Ledger | None = None
        self._over = False

    def __call__(self) -> float:
        with self._lock:
            if self._over or (isinstance(self._place, Path) and not self._place.exists()):
                return 1.0
            try:
                ledger = self._ledger = self._ledger or Ledger(self._place, any_thread=True)
            except ChangeoverError:
                return 1.0
            try:
                share = control.read(ledger).pace
            except (ChangeoverError, ledger.db.error):
                self._forget()
                return 1.0
            return 1.0 if share is None else share

    def close(self) -> None:
        """Nothing is asked any more."""
        with self._lock:
            self._over = True
            self._forget()

    def _forget(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
        self._ledger = None
