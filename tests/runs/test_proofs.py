"""What the ledger keeps of proofs, on both stores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from changeover.connectors.change import ChangeKind
from changeover.runs.ledger import events, operations, proofs, records, runlog
from changeover.runs.ledger.operations import PROVE, Intent, Settled
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.proofs import EFFECTS, RECORD, TWICE
from changeover.runs.ledger.store import Ledger

NOW = dt.datetime(2026, 11, 27, 8, 0, tzinfo=dt.UTC)
ACCOUNT, KEY = "account", "old:firm:f1"


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with Ledger(place) as opened:
        yield opened


@pytest.fixture
def run(ledger: Ledger) -> int:
    return runlog.begin(ledger, "run", NOW).id


def found(ledger: Ledger, run: int, *fields: str) -> None:
    told: proofs.Told = {"fields": list(fields), "records": {}}
    proofs.begin(ledger, ACCOUNT, EFFECTS, KEY, run, NOW)
    proofs.end(ledger, ACCOUNT, EFFECTS, "found", NOW, told, proofs.digest_of(told))


def test_what_is_begun_is_not_over(ledger: Ledger, run: int) -> None:
    proofs.begin_anew(ledger, ACCOUNT, KEY, run, NOW)
    proofs.begin(ledger, ACCOUNT, TWICE, KEY, run, NOW)
    assert {name: each.over for name, each in proofs.of(ledger, ACCOUNT).items()} == {RECORD: False, TWICE: False}
    proofs.end(ledger, ACCOUNT, TWICE, "refused", NOW, {"code": "target.exists"})
    told = proofs.of(ledger, ACCOUNT)[TWICE]
    assert (told.over, told.result, told.told, told.run) == (True, "refused", {"code": "target.exists"}, run)
    proofs.forget(ledger, ACCOUNT, TWICE)
    assert list(proofs.of(ledger, ACCOUNT)) == [RECORD]


def test_what_was_accepted_stays_accepted_and_other_effects_ask_again(ledger: Ledger, run: int) -> None:
    assert not proofs.accept(ledger, ACCOUNT, NOW)
    proofs.begin_anew(ledger, ACCOUNT, KEY, run, NOW)
    found(ledger, run, "city")
    assert proofs.of(ledger, ACCOUNT)[EFFECTS].unaccepted
    assert proofs.accept(ledger, ACCOUNT, NOW)
    assert proofs.accept(ledger, ACCOUNT, NOW)
    assert ledger.db.execute("select count(*) from event where what = 'accepted'").fetchone()[0] == 1
    assert not proofs.of(ledger, ACCOUNT)[EFFECTS].unaccepted
    proofs.begin_anew(ledger, ACCOUNT, "old:firm:f2", run, NOW)
    found(ledger, run, "city")
    assert not proofs.of(ledger, ACCOUNT)[EFFECTS].unaccepted
    found(ledger, run, "city", "owner")
    assert proofs.of(ledger, ACCOUNT)[EFFECTS].unaccepted


def test_proofs_and_their_acceptance_are_in_the_history(ledger: Ledger, run: int) -> None:
    found(ledger, run, "city")
    proofs.accept(ledger, ACCOUNT, NOW)
    rows = ledger.db.execute("select what from event order by id").fetchall()
    assert [row[0] for row in rows][-2:] == ["proved", "accepted"]
    events.check_chain(ledger)


def test_a_call_of_a_proof_changes_nothing_of_its_record(ledger: Ledger, run: int) -> None:
    fields = records.fieldset(ledger, ACCOUNT, ACCOUNT, "digest", ["name"])
    deadline = dt.timedelta(seconds=60)

    def attempt(kind: str, state: str, target_key: str | None) -> None:
        intent = Intent(KEY, kind, target_key, b"12345678", b"\x01", "created", "f1")
        batch = operations.intend(ledger, run, ACCOUNT, "firm", fields, [intent], NOW, deadline)
        operations.settle(ledger, run, batch, ACCOUNT, [Settled(KEY, state, "live", target_key, "code")], NOW)

    attempt(ChangeKind.CREATE, "acked", "1")
    before = records.lookup(ledger, ACCOUNT, [KEY])
    for state, target_key in (("rejected", "1"), ("acked", "2"), ("conflict", "1")):
        attempt(PROVE, state, target_key)
        assert records.lookup(ledger, ACCOUNT, [KEY]) == before


def test_objects_that_a_run_had_doubts_about(ledger: Ledger, run: int) -> None:
    other = runlog.begin(ledger, "run", NOW).id
    sent = ((ACCOUNT, run, ["acked"]), ("deal", run, ["unknown", "acked"]), ("task", other, ["unknown"]))
    for object_name, by, states in sent:
        intent = Intent(KEY, ChangeKind.CREATE, None, b"", b"", "created", "1")
        batch = operations.intend(ledger, by, object_name, "o", None, [intent], NOW, dt.timedelta(0))
        for state in states:
            operations.settle(ledger, by, batch, "m", [Settled(KEY, state, "live", "1")], NOW)
    assert operations.doubted(ledger, run) == {"deal"}
