"""Leases against a small model: whatever workers and coordinators do, one holds a partition, none is lost, none is done
twice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from changeover.connectors.change import ChangeKind
from changeover.connectors.errors import BusyError
from changeover.runs.ledger import operations, partitions, runlog, workers
from changeover.runs.ledger.lease import Lease
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.ledger.partitions import States
from changeover.runs.ledger.store import Ledger
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

NOW = dt.datetime(2026, 11, 27, 8, 0, tzinfo=dt.UTC)
LONG = 3600.0
WHO = st.integers(0, 2)


@dataclass
class Expected:
    """A partition as it should be."""

    epoch: int
    state: str = "open"
    fence: int = 0
    worker: int = 0
    run_out: bool = False


@dataclass
class Hand:
    """A worker as it knows itself. late: leases that it has not forgotten."""

    ledger: Ledger
    number: int
    epoch: int
    late: list[Lease] = field(default_factory=list)


class Leases(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.path = Path(self.folder.name) / "runs" / "ledger.db"
        self.names = count()
        self.leader = Ledger(self.path, durable=False)
        self.epoch = self.leader.take_over()
        self.run = runlog.begin(self.leader, "run", NOW).id
        self.expected: dict[int, Expected] = {}
        self.written: dict[str, int] = {}
        self.hands = [self._enlisted(Ledger(self.path, durable=False)) for _ in range(3)]
        self.put(3)

    def _enlisted(self, ledger: Ledger) -> Hand:
        ledger.lease = None
        ledger.follow(self.epoch)
        return Hand(ledger, workers.enlist(ledger, f"host {next(self.names)}"), self.epoch)

    def _valid(self, lease: Lease) -> bool:
        its = self.expected[lease.partition]
        return its.epoch == self.epoch and its.state == "leased" and its.fence == lease.fence

    def _refusal(self, hand: Hand, *held: Lease | None) -> str | None:
        """What should keep it from writing."""
        if hand.epoch != self.epoch:
            return "ledger.fenced"
        known = [each for each in (hand.ledger.lease, *held) if each is not None]
        return None if all(self._valid(each) for each in known) else "lease.lost"

    def _waiting(self) -> int | None:
        return next(
            (
                number
                for number, its in sorted(self.expected.items())
                if its.epoch == self.epoch and (its.state == "open" or (its.state == "leased" and its.run_out))
            ),
            None,
        )

    @rule(size=st.integers(1, 2))
    def put(self, size: int) -> None:
        contents = [(1, f"content {number}".encode()) for number in range(size)]
        for number in partitions.put(self.leader, self.run, "account", "customer", None, None, contents):
            assert number not in self.expected
            self.expected[number] = Expected(self.epoch)

    @rule(who=WHO)
    def lease(self, who: int) -> None:
        free = [each for each in self.hands if each.ledger.lease is None] or self.hands
        hand, wanted = free[who % len(free)], self._waiting()
        hand.ledger.lease = None
        if (expected := self._refusal(hand)) is not None:
            assert refusal(lambda: partitions.lease(hand.ledger, hand.number, LONG)) == expected
            return
        lease = partitions.lease(hand.ledger, hand.number, LONG)
        assert (lease and lease.partition) == wanted
        if lease is not None:
            its = self.expected[lease.partition]
            assert lease.fence == its.fence + 1
            its.state, its.fence, its.worker, its.run_out = "leased", lease.fence, hand.number, False
            hand.late.append(lease)

    @precondition(lambda self: self._leased())
    @rule(which=st.integers(0, 9))
    def run_out(self, which: int) -> None:
        leased = self._leased()
        number = leased[which % len(leased)]
        self.expected[number].run_out = True
        self.leader.db.execute("update partition set lease_until = ? where id = ?", (NOW.isoformat(), number))

    def _leased(self) -> list[int]:
        return [number for number, its in sorted(self.expected.items()) if its.state == "leased"]

    @rule(who=WHO, which=st.integers(0, 9))
    def renew(self, who: int, which: int) -> None:
        self._with_a_lease(who, which, lambda ledger, lease: partitions.renew(ledger, lease, LONG), None)

    @rule(who=WHO, which=st.integers(0, 9))
    def done(self, who: int, which: int) -> None:
        self._with_a_lease(who, which, lambda ledger, lease: partitions.done(ledger, lease, b"words"), "done")

    @rule(who=WHO, which=st.integers(0, 9))
    def give_back(self, who: int, which: int) -> None:
        self._with_a_lease(who, which, partitions.give_back, "open")

    def _with_a_lease(self, who: int, which: int, act: Callable[[Ledger, Lease], object], state: str | None) -> None:
        """With any that the worker ever had."""
        holders = [each for each in self.hands if each.late]
        if not holders:
            return
        hand = holders[who % len(holders)]
        lease = hand.late[-1 - which % len(hand.late)]
        expected = self._refusal(hand, lease)
        assert refusal(lambda: act(hand.ledger, lease)) == expected
        if expected is None:
            its = self.expected[lease.partition]
            its.state, its.run_out = state or its.state, False

    @precondition(lambda self: any(each.ledger.lease for each in self.hands))
    @rule(who=WHO, forgetful=st.booleans())
    def write(self, who: int, forgetful: bool) -> None:
        """What it holds, it sends: an operation that begins and ends in its partition."""
        holders = [each for each in self.hands if each.ledger.lease]
        hand = holders[who % len(holders)]
        assert hand.ledger.lease is not None
        partition, key = hand.ledger.lease.partition, f"key {next(self.names)}"
        intent = Intent(key, ChangeKind.CREATE, None, None, None, "created")
        expected = self._refusal(hand)

        def send() -> None:
            deadline = dt.timedelta(seconds=60)
            batch = operations.intend(hand.ledger, self.run, "customer", None, None, [intent], NOW, deadline)
            settled = [Settled(key, "acked", "live", f"T-{key}")]
            operations.settle(hand.ledger, self.run, batch, "account", settled, NOW)

        assert refusal(send) == expected
        if expected is None:
            self.written[key] = partition
        elif forgetful:
            hand.ledger.lease = None

    @precondition(lambda self: self._leased())
    @rule(which=st.integers(0, 9))
    def declared_dead(self, which: int) -> None:
        """It may not be dead at all, and go on with what it held."""
        leased = self._leased()
        number = self.expected[leased[which % len(leased)]].worker
        held = [its for its in self.expected.values() if its.state == "leased" and its.worker == number]
        assert partitions.release_of(self.leader, number) == len(held)
        for its in held:
            its.state, its.fence, its.run_out = "open", its.fence + 1, False
        workers.left(self.leader, number)

    @rule(chance=st.integers(1, 8), late=WHO)
    def taken_over(self, chance: int, late: int) -> None:
        """Now and then. One worker does not notice."""
        if chance != 5:
            return
        former = self.leader
        self.leader = Ledger(self.path, durable=False)
        self.epoch = self.leader.take_over()
        assert refusal(lambda: partitions.put(former, self.run, "account", "customer", None, None, [(1, b"")])) == (
            "ledger.fenced"
        )
        former.close()
        self.hands = [each if who == late else self._enlisted(each.ledger) for who, each in enumerate(self.hands)]
        self.put(2)

    @rule(who=WHO)
    def enlisted_anew(self, who: int) -> None:
        self.hands[who] = self._enlisted(self.hands[who].ledger)

    @invariant()
    def the_ledger_says_the_same(self) -> None:
        rows = self.leader.db.execute("select id, epoch, state, fence from partition").fetchall()
        assert {row[0]: row[1:] for row in rows} == {
            number: (its.epoch, its.state, its.fence) for number, its in self.expected.items()
        }
        states = [its.state for its in self.expected.values() if its.epoch == self.epoch]
        assert partitions.states(self.leader, self.run) == States(*map(states.count, ("open", "leased", "done")))
        for number in self.expected:
            assert partitions.ended(self.leader, number) == {key for key, of in self.written.items() if of == number}

    def teardown(self) -> None:
        """Whatever happened, a worker that comes now gets all that is left, each once."""
        left = [number for number, its in self.expected.items() if its.epoch == self.epoch and its.state != "done"]
        self.leader.db.execute("update partition set lease_until = ? where state = 'leased'", (NOW.isoformat(),))
        last = self._enlisted(self.hands[0].ledger)
        for number in left:
            lease = partitions.lease(last.ledger, last.number, LONG)
            assert lease is not None
            assert lease.partition == number
            partitions.done(last.ledger, lease, None)
        assert partitions.lease(last.ledger, last.number, LONG) is None
        for each in (self.leader, *(hand.ledger for hand in self.hands)):
            each.close()
        self.folder.cleanup()


def refusal(act: Callable[[], object]) -> str | None:
    try:
        act()
    except BusyError as error:
        return error.code
    return None


def test_leases_agree_with_a_model() -> None:
    run_state_machine_as_test(Leases, settings=settings(max_examples=40, stateful_step_count=50, deadline=None))
