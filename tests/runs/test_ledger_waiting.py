"""What waits for somebody: found with its reason, let go by a parent that came, forgotten once it is left out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from changeover.connectors.change import ChangeKind
from changeover.connectors.finding import Finding, Severity
from changeover.runs.ledger import operations, records, runlog
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.records import Parked
from changeover.runs.ledger.store import Ledger

NOW = dt.datetime(2026, 11, 21, 8, 0, tzinfo=dt.UTC)
RULES, FIRM, PERSON = "people", "account", "person"


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with Ledger(place) as opened:
        yield opened


@pytest.fixture
def run(ledger: Ledger) -> int:
    """A run that has parked three people, the first of them for want of a firm."""
    number = runlog.begin(ledger, "run", NOW).id
    parked = [
        Parked("p:1", "1", "held", "reference.missing", "f:1"),
        Parked("p:2", "2", "rejected", "too.long"),
        Parked("p:3", "3", "conflicted", "conflict.edited"),
    ]
    with ledger.transaction():
        records.park(ledger, number, RULES, "t_person", PERSON, parked)
        found = Finding("too.long", Severity.BLOCKS, {}, object="t_person", key="2", mapping=RULES)
        runlog.add_findings(ledger, number, [found])
    return number


def create(ledger: Ledger, run: int, object_name: str, our_key: str) -> None:
    fields = records.fieldset(ledger, object_name, object_name, "digest", ["name"])
    intent = Intent(our_key, ChangeKind.CREATE, None, b"12345678", b"\x01", "created", our_key)
    deadline = dt.timedelta(seconds=60)
    batch = operations.intend(ledger, run, object_name, "t", fields, [intent], NOW, deadline)
    operations.settle(ledger, run, batch, object_name, [Settled(our_key, "acked", "live", "T1")], NOW)


def test_what_waits_is_told_with_its_reason(ledger: Ledger, run: int) -> None:
    told = {each.our_key: (each.code, each.waits_for, each.source_key) for each in records.waiting(ledger)}
    assert told == {
        "p:1": ("reference.missing", "f:1", "1"),
        "p:2": ("too.long", None, "2"),
        "p:3": ("conflict.edited", None, "3"),
    }
    noted = runlog.findings_of_waiting(ledger)
    assert {key: [finding.code for _, finding in found] for key, found in noted.items()} == {
        (PERSON, "p:2"): ["too.long"]
    }


def test_a_parent_counts_as_brought_by_the_run_that_wrote_it(ledger: Ledger, run: int) -> None:
    create(ledger, run, FIRM, "f:1")
    assert records.brought(ledger, FIRM, ["f:1", "f:2"], [run]) == {"f:1"}
    assert records.brought(ledger, FIRM, ["f:1"], [run + 1]) == set()
    assert records.brought(ledger, PERSON, ["p:1"], [run]) == set()


def test_what_is_left_out_waits_no_longer(ledger: Ledger, run: int) -> None:
    create(ledger, run, PERSON, "p:4")
    with ledger.transaction():
        records.park(ledger, run, RULES, "t_person", PERSON, [Parked("p:4", "4", "conflicted", "conflict.edited")])
        records.leave_out(ledger, PERSON, ["p:1", "p:3", "p:4", "p:9"])
    assert [each.our_key for each in records.waiting(ledger)] == ["p:2"]
    assert records.target_keys(ledger, PERSON, ["p:1", "p:2", "p:3", "p:4"]) == {"p:4": "T1"}


def test_a_call_that_has_not_left_yet_may_leave_later(ledger: Ledger, run: int) -> None:
    intent = Intent("p:5", ChangeKind.CREATE, None, b"12345678", b"\x01", "created", "5")
    batch = operations.intend(ledger, run, PERSON, "t_person", None, [intent], NOW, dt.timedelta(seconds=60))
    later = NOW + dt.timedelta(hours=1)
    ((before,),) = ledger.db.execute("select not_after from batch").fetchall()
    operations.prolong(ledger, batch, later)
    ((after,),) = [(each.not_after,) for each in operations.open_operations(ledger)]
    moved_on = dt.datetime.fromisoformat(after) - dt.datetime.fromisoformat(before)
    assert moved_on == later - (NOW + dt.timedelta(seconds=60))
