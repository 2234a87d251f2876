"""What undo asks the ledger, on both stores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from changeover.connectors.change import ChangeKind
from changeover.connectors.finding import Finding, Severity
from changeover.runs.ledger import operations, records, runlog, undone
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.store import Ledger
from changeover.runs.ledger.undone import Did

NOW = dt.datetime(2026, 11, 21, 8, 0, tzinfo=dt.UTC)
CREATE, UPDATE, DELETE, ADOPT, RELEASE = (
    ChangeKind.CREATE,
    ChangeKind.UPDATE,
    ChangeKind.DELETE,
    ChangeKind.ADOPT,
    ChangeKind.RELEASE,
)


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with Ledger(place) as opened:
        yield opened


def begin(ledger: Ledger, verb: str = "run", undoes: int | None = None) -> int:
    return runlog.begin(ledger, verb, NOW, undoes=undoes).id


def did(
    ledger: Ledger,
    run: int,
    key: str,
    kind: ChangeKind,
    *states: str,
    written: bytes | None = b"\x01\x00",
    bucket: str = "x",
    target_key: str | None = None,
) -> None:
    """One operation, through these states to its end."""
    number = records.fieldset(ledger, "customer", "account", "digest", ["name", "city"])
    sent = None if written is None else b"12345678abcdefgh"
    given = None if kind is CREATE else target_key or f"T-{key}"
    intent = Intent(key, kind, given, sent, written, bucket, f"source {key}")
    batch = operations.intend(ledger, run, "customer", "cust", number, [intent], NOW, dt.timedelta(0))
    record = "gone" if kind in (DELETE, RELEASE) else "live"
    for state in states or ("acked",):
        end = Settled(key, state, record, target_key or f"T-{key}") if state == "acked" else Settled(key, state)
        operations.settle(ledger, run, batch, "account", [end], NOW)


def test_what_a_run_did_to_each_record(ledger: Ledger) -> None:
    run = begin(ledger)
    did(ledger, run, "new", CREATE)
    did(ledger, run, "new", UPDATE)
    did(ledger, run, "touched", UPDATE)
    did(ledger, run, "filled", ADOPT)
    did(ledger, run, "let be", ADOPT, written=b"\x00\x00")
    did(ledger, run, "refused", UPDATE, "rejected")
    did(ledger, run, "not sent", CREATE, "not_sent")
    did(ledger, begin(ledger), "of another run", CREATE)
    assert undone.did(ledger, run, "customer") == {
        "new": Did(created=True, wrote=True),
        "touched": Did(wrote=True),
        "filled": Did(adopted=True, wrote=True),
        "let be": Did(adopted=True),
    }
    assert undone.did(ledger, run, "supplier") == {}


def test_what_may_have_been_created_and_cannot_be_told(ledger: Ledger) -> None:
    run = begin(ledger)
    did(ledger, run, "known", CREATE)
    did(ledger, run, "asked in vain", CREATE, "unknown")
    did(ledger, run, "several", CREATE, "unknown", "conflict")
    did(ledger, run, "made later", CREATE, "unknown", "conflict")
    did(ledger, run, "made later", CREATE)
    did(ledger, run, "gone since", CREATE, "unknown", "conflict")
    did(ledger, run, "gone since", CREATE)
    did(ledger, begin(ledger, "undo", run), "gone since", DELETE)
    did(ledger, run, "there", UPDATE, "unknown", "conflict")
    assert undone.untold(ledger, run, "customer") == ["asked in vain", "several"]


def test_how_far_an_undo_is_over_all_its_processes(ledger: Ledger) -> None:
    run = begin(ledger)
    for key in "abcdef":
        did(ledger, run, key, CREATE)
    undo = begin(ledger, "undo", run)
    did(ledger, undo, "a", UPDATE, written=b"\x01\x01", bucket=undone.RESTORED)
    did(ledger, undo, "a", UPDATE, written=b"\x00\x01", bucket=undone.RESTORED)
    did(ledger, undo, "b", UPDATE, "rejected", bucket=undone.RESTORED)
    did(ledger, undo, "c", UPDATE, bucket=undone.LOOSENED)
    did(ledger, undo, "c", DELETE, written=None)
    did(ledger, undo, "d", RELEASE, written=b"\x01\x00", bucket=undone.RELEASED)
    did(ledger, undo, "e", UPDATE, written=b"\x01\x00", bucket=undone.RELEASED)
    did(ledger, undo, "e", RELEASE, written=None, bucket=undone.RELEASED)
    assert undone.tally(ledger, undo) == {
        ("customer", "deleted"): 1,
        ("customer", "restored"): 1,
        ("customer", "released"): 2,
        ("customer", "fields"): 5,
    }
    assert undone.tally(ledger, begin(ledger, "undo", run)) == {}
    assert undone.released_keys(ledger) == {("customer", "T-d"): "d", ("customer", "T-e"): "e"}


def test_the_latest_name_of_a_record_that_was_let_go_counts(ledger: Ledger) -> None:
    for key in ("first", "second"):
        run = begin(ledger)
        did(ledger, run, key, ADOPT, target_key="T1")
        did(ledger, begin(ledger, "undo", run), key, RELEASE, target_key="T1")
    assert undone.released_keys(ledger) == {("customer", "T1"): "second"}


def test_an_undo_is_gone_on_with_until_it_ends(ledger: Ledger) -> None:
    run, other = begin(ledger), begin(ledger)
    assert undone.unfinished(ledger, run) is None
    undo = begin(ledger, "undo", run)
    for state in ("interrupted", "paused", "failed"):
        runlog.end(ledger, undo, state, NOW)
        left = undone.unfinished(ledger, run)
        assert left is not None
        assert left.id == undo
    assert undone.unfinished(ledger, other) is None
    assert undone.by_run(runlog.history(ledger)) == {}
    runlog.end(ledger, undo, "finished", NOW)
    assert undone.unfinished(ledger, run) is None
    again = begin(ledger, "undo", run)
    runlog.end(ledger, again, "finished", NOW)
    assert undone.by_run(runlog.history(ledger)) == {run: [undo, again]}


def test_why_records_are_spared_is_kept_anew_and_other_findings_stay(ledger: Ledger) -> None:
    undo = begin(ledger, "undo", begin(ledger))

    def found(code: str, key: str) -> Finding:
        return Finding(code, Severity.WARNS, {}, object="cust", key=key, mapping="account")

    with ledger.transaction():
        runlog.add_findings(ledger, undo, [found("readback.diverged", "a")])
    undone.replace_findings(ledger, undo, [found("undo.children", "a"), found("undo.edited", "b")])
    undone.replace_findings(ledger, undo, [found("undo.edited", "b")])
    told = [(each.code, each.key) for each in runlog.findings_of(ledger, undo)]
    assert told == [("readback.diverged", "a"), ("undo.edited", "b")]
