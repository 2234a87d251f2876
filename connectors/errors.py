"""What stops a command, sorted by what the operator does next. Bad data is a Finding and never comes here.

Each error is a code of the text catalogue with the parameters that fill it; the text ends with what to type next. The
exit codes are those of every command: 1 the data needs a decision, 2 fix your input, 3 a system could not be reached
or refused us, 4 another run holds the project.
"""

from __future__ import annotations

from .finding import Finding


class ChangeoverError(Exception):
    """code: the catalogue's key. params: names, numbers and paths to fill the text with; never a secret or a cell's
    value. findings: the single problems behind it, where there are several. again: the command that was typed, where
    the text says to type a run again; empty where it is not known."""

    exit_code = 1
    again = ""

    def __init__(self, code: str, findings: tuple[Finding, ...] = (), **params: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.params = params
        self.findings = findings

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.code}({told})"


class DecisionError(ChangeoverError):
    """The data needs a decision before the work can go on: findings that block, a reject storm, a lost digest key."""

    exit_code = 1


class InputError(ChangeoverError):
    """The command, the project or the mapping is wrong: mend it and type the command again."""

    exit_code = 2


class UnavailableError(ChangeoverError):
    """A system could not be reached or refused us: mend the connection, the rights or the disk, and try again."""

    exit_code = 3


class StaleCursorError(UnavailableError):
    """The source is no longer what the cursor was made of: read the object again from its start."""


class BusyError(ChangeoverError):
    """Another run holds the project: wait for it or stop it."""

    exit_code = 4
