"""One pass over the source for `check`: each object is read once, and all that want to see its records look on.

To look on as well, write a class with what `Probe` has, in a file of its own beside this one, and add it where
`data.py` makes the probes. Its fields are read along with those of the others, in the same pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from ...connectors.chunk import Chunk
from ...connectors.finding import Finding
from ...connectors.pace import Action
from ..counted import miscounted
from ..pace.predict import calls_of
from ..session import Session, Tick


class Probe(Protocol):
    """Looks at one source object's records. object: its name. fields: those it must have; others' are beside them."""

    @property
    def object(self) -> str: ...

    @property
    def fields(self) -> Sequence[str]: ...

    def see(self, chunk: Chunk) -> Iterable[Finding]:
        """What is to be said of these records."""
        ...

    def end(self) -> Iterable[Finding]:
        """What is to be said of them all, once the object was read to its end."""
        ...


def read_through(session: Session, probes: Sequence[Probe]) -> Iterator[Finding]:
    """Read each object that a probe wants, in the order in which they first come, and say what the probes say, and
    where not all came that the source counts; first, where it counts calls, how many that will cost. Raises
    Interrupted."""
    totals = {name: session.source.count(name) for name in dict.fromkeys(probe.object for probe in probes)}
    allowance = session.source.capabilities.allowance
    if allowance.limited:
        calls = sum(sum(calls_of({Action.READ: each}, allowance, name).values()) for name, each in totals.items())
        session.tick(Tick("reading_calls", session.source.identity().name, calls, calls))
    for name, total in totals.items():
        looking = [probe for probe in probes if probe.object == name]
        fields = tuple(dict.fromkeys(field for probe in looking for field in probe.fields))
        done = 0
        session.tick(Tick("check", name, 0, total))
        for chunk in session.source.read(name, fields, size=session.project.spec.limits.chunk):
            session.interruption.check()
            for probe in looking:
                yield from probe.see(chunk)
            done += len(chunk)
            session.tick(Tick("check", name, done, max(done, total)))
        for probe in looking:
            yield from probe.end()
        yield from miscounted(session, name, total, done)
