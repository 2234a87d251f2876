"""Work on one partition that this process has leased: what a dead predecessor left open in it is settled first, then
what has not ended yet is sent, and it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from ...connectors.errors import BusyError, ChangeoverError
from ...runs.ledger import gathering, operations, partitions, proofs
from ...runs.ledger.lease import Lease
from ...runs.values import Item
from ..proving.grade import grades
from ..sending.send import Sender
from ..session import Session
from ..settling.recover import settle_left
from .content import Brought, Sealed
from .pulse import Pulse


@dataclass
class Worked:
    """What one process has done of a run. outcomes: changes by how they ended. recovered: operations that a dead worker
    had left open. lost: partitions that another worker took over while this one was at work on them."""

    partitions: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    recovered: int = 0
    lost: int = 0


class Hands:
    """One process at work on partitions, one at a time.

    worker: its number. pulse: keeps its leases. seconds: of a lease. enough: nobody wants the rest any more. carries:
    the target's own words go back in the partition, for this host's value store is not the coordinator's.
    """

    def __init__(
        self,
        session: Session,
        worker: int,
        pulse: Pulse,
        *,
        enough: Callable[[], bool],
        carries: bool,
    ) -> None:
        self.worked = Worked()
        self._session, self._worker, self._pulse = session, worker, pulse
        self._enough, self._carries = enough, carries
        self._seconds = session.project.spec.limits.lease
        self._calls = Counter(session.paces.target.made())

    def take(self) -> bool:
        """Lease a partition and work on it; false where there is none now. Raises what `Sender.send` raises, with the
        partition given back; BusyError `ledger.fenced` where another coordinator has come."""
        session = self._session
        lease = partitions.lease(session.ledger, self._worker, self._seconds)
        if lease is None:
            return False
        self._pulse.holds = lease
        try:
            self._work(lease)
        except BusyError as error:
            if error.code != "lease.lost":
                raise
            self.worked.lost += 1
        except BaseException:
            with suppress(ChangeoverError):
                partitions.give_back(session.ledger, lease)
            raise
        finally:
            self._pulse.holds = session.ledger.lease = session.carry = None
        return True

    def _work(self, lease: Lease) -> None:
        session = self._session
        _look_up_grades(session)
        words = _Words(session, lease)
        session.carry = words.keep if self._carries else None
        self.worked.recovered += settle_left(session, operations.open_operations(session.ledger, lease.partition))
        over = partitions.ended(session.ledger, lease.partition)
        left = [each for each in words.sealed.opened_changes(lease.content) if each.change.our_key not in over]
        sender = Sender(session, lease.run, lambda _ended: self._enough())
        ended = sender.send(lease.mapping, lease.object, lease.source_object, lease.fieldset, left)
        self.worked.outcomes.update(each.state for each in ended)
        if len(ended) < len(left):
            partitions.give_back(session.ledger, lease)
            return
        made = Counter(session.paces.target.made())
        calls, self._calls = made - self._calls, made
        aside = tuple(each.our_key for each in ended if each.state == "held")
        brought = Brought(words.told, dict(calls) if self._carries else {}, aside)
        content = words.sealed.brought(brought) if brought != Brought() else None
        partitions.done(session.ledger, lease, content, calls.total())
        self.worked.partitions += 1


def _look_up_grades(session: Session) -> None:
    """What the coordinator has proved since of the target's objects."""
    for each in grades(proofs.everything(session.ledger)):
        (session.proven.add if each.proven else session.proven.discard)(each.object)
        (session.degraded.add if each.degraded else session.degraded.discard)(each.object)


class _Words:
    """The target's own words about refusals in one partition, those that a dead predecessor heard among them."""

    def __init__(self, session: Session, lease: Lease) -> None:
        self.sealed = Sealed(session.keys.data, lease.run, lease.object)
        self._ledger, self._lease = session.ledger, lease
        kept = gathering.words_of(session.ledger, lease.partition)
        self.told = {} if kept is None else dict(self.sealed.opened_brought(kept).words)

    def keep(self, items: Iterable[Item]) -> None:
        """Before the outcomes are settled: nobody asks for them again afterwards."""
        self.told |= {our_key: said.decode() for *_, our_key, said in items}
        gathering.keep_words(self._ledger, self._lease, self.sealed.brought(Brought(self.told)))
