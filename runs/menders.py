"""Who can mend what keeps a record back: `texts/menders.yaml`, a line a code."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from ..connectors.finding import Severity

MENDERS = ("data", "mapping", "administrator")
_KEEPS_BACK = (Severity.BLOCKS, Severity.HOLDS)


def mender(code: str, severity: Severity = Severity.BLOCKS) -> str | None:
    """The catalogue code of who can mend it, None for what keeps no record back. What is wrong with a mapping is told
    as `mapping.` and a word; what a target refuses for a reason that only its own connector knows is for its
    administrator."""
    known = _menders().get(code)
    if known is None and severity in _KEEPS_BACK:
        known = "mapping" if code.startswith("mapping.") else "administrator"
    return None if known is None else f"mender.{known}"


@cache
def _menders() -> dict[str, str]:
    import yaml

    told: dict[str, str] = yaml.safe_load((files(__package__) / "texts" / "menders.yaml").read_text("utf-8"))
    return told
