"""Who can mend what keeps a record back: `texts/menders.yaml`, a line a code."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from ..connectors.finding import Severity
from .catalogue import read_texts

MENDERS = ("data", "mapping", "administrator")
_OF_THE_PROJECT = ("mapping.", "objects.", "project.")
_OF_A_LINE = ("correction.", "worklist.")
"""What is wrong in a file that people have filled in keeps no record back, and says itself what to do."""
_KEEPS_BACK = (Severity.BLOCKS, Severity.HOLDS)


def mender(code: str, severity: Severity = Severity.BLOCKS) -> str | None:
    """The catalogue code of who can mend it, None for what keeps no record back. What a target refuses for a reason
    that only its own connector knows is for its administrator; what is wrong in the project stands in its files."""
    known = _menders().get(code)
    if known is None and severity in _KEEPS_BACK and not code.startswith(_OF_A_LINE):
        known = "mapping" if code.startswith(_OF_THE_PROJECT) else "administrator"
    return None if known is None else f"mender.{known}"


@cache
def _menders() -> dict[str, str]:
    return read_texts(files(__package__) / "texts" / "menders.yaml")
