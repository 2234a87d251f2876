"""Whether as many records came as the source itself counts, which it is asked on another way than for the records."""

from __future__ import annotations

from ..connectors.finding import Finding, Severity
from ..connectors.forwarding import layer_of
from .session import Session
from .sources.assembled import AssembledSource

MISCOUNTED = "source.miscounted"


def miscounted(session: Session, object_name: str, counted: int, came: int) -> list[Finding]:
    """counted: before they were read. Where another number came, they are counted once more: users may write meanwhile.
    How many there are of what is put together nobody knows."""
    together = layer_of(session.source, AssembledSource)
    if came == counted or (together is not None and object_name in together.assemblies):
        return []
    again = session.source.count(object_name)
    if min(counted, again) <= came <= max(counted, again):
        return []
    params: dict[str, str | int] = {"object": object_name, "came": came, "counted": again}
    return [Finding(MISCOUNTED, Severity.HOLDS, params, object=object_name)]
