"""A ledger opened twice by one process is still safe from every other process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from changeover.runs.ledger.store import Ledger

LOOK = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('select epoch from control').fetchone()[0])"


def seen_from_outside(path: Path) -> int:
    """The epoch, as a process reads it that opens the file and ends."""
    told = subprocess.run([sys.executable, "-c", LOOK, str(path)], capture_output=True, text=True, check=True)
    return int(told.stdout)


def test_a_second_look_does_not_give_our_locks_away(tmp_path: Path) -> None:
    """Locks of a process on a file end when it closes any of its handles on that file (POSIX, fcntl); whoever opens it
    then takes himself for the last one, and sweeps away a log that we go on writing."""
    path = tmp_path / "runs" / "ledger.db"
    with Ledger(path) as ledger:
        assert ledger.take_over() == seen_from_outside(path) == 1
        Ledger(path).close()
        assert seen_from_outside(path) == 1
        assert ledger.take_over() == seen_from_outside(path) == 2
