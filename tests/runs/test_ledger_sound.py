"""What lies in a ledger is compared with what its history says of it, whatever was altered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from changeover.connectors.change import ChangeKind
from changeover.connectors.errors import DecisionError
from changeover.connectors.finding import Finding, Severity
from changeover.connectors.port import Identity
from changeover.runs.ledger import events, operations, proofs, records, runlog, sound
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.records import Parked
from changeover.runs.ledger.store import Ledger

NOW = dt.datetime(2024, 2, 29, 8, 0, tzinfo=dt.UTC)
FINISHED, CUT_OFF = 1, 2


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "runs" / "ledger.db", durable=False) as opened:
        yield moved(opened)


def sent(ledger: Ledger, run: int, *keys: str) -> int:
    """A batch whose outcome nobody knows yet."""
    fields = records.fieldset(ledger, "customer", "account", "digest", ["name"])
    intents = [Intent(f"old:t:{key}", ChangeKind.CREATE, None, b"12345678", b"\1", "created", key) for key in keys]
    return operations.intend(ledger, run, "customer", "t", fields, intents, NOW, dt.timedelta(seconds=60))


def moved(ledger: Ledger) -> Ledger:
    """A run that ended, and one that was cut off after a batch, a refusal, a finding, an adoption and proofs, with a
    batch under way."""
    with ledger.transaction():
        ledger.pin("target", Identity("sql", "T-1", "crm", False))
        events.note(ledger, NOW, "pinned", None, {"target": "sql T-1"})
    for number, keys in ((FINISHED, ("a", "b")), (CUT_OFF, ("c", "d"))):
        assert runlog.begin(ledger, "run", NOW).id == number
        batch = sent(ledger, number, *keys)
        done = Settled(f"old:t:{keys[0]}", "acked", "live", f"T-{keys[0]}")
        refused = Settled(f"old:t:{keys[1]}", "rejected", code="target.refused", field="name")
        operations.settle(ledger, number, batch, "account", [done, refused], NOW)
        if number == FINISHED:
            runlog.end(ledger, number, "finished", NOW)
    adopted = [Intent("old:t:h", "adopt", "T-h", b"12345678", b"\1", "unchanged", "h")]
    batch = operations.intend(ledger, CUT_OFF, "customer", "t", 1, adopted, NOW, dt.timedelta(seconds=60))
    operations.settle(ledger, CUT_OFF, batch, "account", [Settled("old:t:h", "acked", "live", "T-h")], NOW)
    effects: proofs.Told = {"fields": ["city"]}
    proofs.begin_anew(ledger, "customer", "old:t:c", CUT_OFF, NOW)
    proofs.begin(ledger, "customer", proofs.EFFECTS, "old:t:c", CUT_OFF, NOW)
    proofs.end(ledger, "customer", proofs.EFFECTS, "found", NOW, effects, proofs.digest_of(effects))
    proofs.accept(ledger, "customer", NOW)
    proofs.begin(ledger, "customer", proofs.TWICE, "old:t:c", CUT_OFF, NOW)
    sent(ledger, CUT_OFF, "e")
    with ledger.transaction():
        runlog.add_findings(ledger, CUT_OFF, [Finding("target.refused", Severity.BLOCKS, {}, object="t", key="d")])
        parked = [Parked("old:t:f", "f", "held", "reference.missing", "old:t:g")]
        records.park(ledger, CUT_OFF, "account", "t", "customer", parked)
    return ledger


def noticed(ledger: Ledger) -> str:
    with pytest.raises(DecisionError) as caught:
        sound.check(ledger)
    return caught.value.code


def test_as_it_was_written_it_is_sound(ledger: Ledger) -> None:
    sound.check(ledger)
    sound.check_run(ledger, FINISHED)


@pytest.mark.parametrize(
    "altered",
    [
        "update operation set bucket = 'updated' where our_key = 'old:t:e'",
        "update operation set sent = x'00' where our_key = 'old:t:c'",
        "update operation set code = 'target.other' where our_key = 'old:t:d'",
        "update operation set our_key = 'old:t:x' where our_key = 'old:t:e'",
        "update batch set object = 'orders' where id = 4",
        "delete from operation where batch = 2",
        "delete from batch where id = 2",
        "update run set selection = 'x' where id = 1",
        "update run set verb = 'undo' where id = 2",
        "update system set id = 'T-2'",
        "delete from system",
        "update proof set our_key = 'old:t:x' where what = 'twice'",
        "update proof set our_key = 'old:t:x' where what = 'record'",
        "update proof set result = 'none' where what = 'effects'",
        "update proof set told = '{}' where what = 'effects'",
        "update proof set digest = 'x' where what = 'effects'",
        "update proof set accepted = 'x' where what = 'effects'",
    ],
)
def test_what_the_history_tells_otherwise_is_noticed(ledger: Ledger, altered: str) -> None:
    ledger.db.execute("pragma foreign_keys = off")
    ledger.db.execute(altered)
    assert noticed(ledger) == "ledger.history_broken"


@pytest.mark.parametrize(
    "altered",
    [
        "update finding set key = 'x'",
        'update finding set params = \'{"field": "x"}\'',
        "update batch set not_after = 'when' where id = 4",
        "insert into run (id, verb, state, started, mapping_digest, source_time) values (9, 'run', 'open', '', '', '')",
        "update record set bucket = 'crested' where our_key = 'old:t:a'",
        "update record set run = 9 where our_key = 'old:t:a'",
        "update record set adopted = 9 where our_key = 'old:t:a'",
        "update proof set object = 'orders' where what = 'twice'",
        "update record set adopted = 2 where our_key = 'old:t:c'",
        "update record set adopted = 0 where our_key = 'old:t:h'",
        "update record set fieldset = 9 where our_key = 'old:t:a'",
        "update record set mapping = 'other' where our_key = 'old:t:a'",
        "update record set source_key = 'x' where our_key = 'old:t:a'",
        "update record set code = 'target.other' where our_key = 'old:t:d'",
        "update record set waits_for = 'old:t:x' where our_key = 'old:t:f'",
        "update record set why = 'x' where our_key = 'old:t:f'",
    ],
)
def test_what_contradicts_itself_is_noticed(ledger: Ledger, altered: str) -> None:
    ledger.db.execute(altered)
    assert noticed(ledger) == "ledger.damaged"


def test_a_run_that_ended_is_looked_at_when_it_is_to_be_taken_back(ledger: Ledger) -> None:
    """There may be millions of its operations: not before every command."""
    ledger.db.execute("update operation set sent = x'00' where our_key = 'old:t:a'")
    sound.check(ledger)
    with pytest.raises(DecisionError, match=r"history_broken.*event=3"):
        sound.check_run(ledger, FINISHED)


def test_a_record_may_count_as_what_an_operation_said_and_be_of_no_mapping(ledger: Ledger) -> None:
    """An undo counts a record as restored, and what was settled for a mapping that is gone has none."""
    undo = runlog.begin(ledger, "undo", NOW, undoes=FINISHED).id
    intents = [Intent("old:t:a", ChangeKind.UPDATE, "T-a", b"12345678", b"\1", "restored")]
    batch = operations.intend(ledger, undo, "customer", None, 1, intents, NOW, dt.timedelta(seconds=60))
    operations.settle(ledger, undo, batch, "", [Settled("old:t:a", "acked", "live", "T-a")], NOW)
    assert records.lookup(ledger, "customer", ["old:t:a"])["old:t:a"].bucket == "restored"
    sound.check(ledger)


def test_on_a_server_only_the_history_is_compared(place: Place) -> None:
    with Ledger(place, durable=False) as ledger:
        moved(ledger)
        ledger.db.execute("update record set bucket = 'crested' where our_key = 'old:t:a'")
        ledger.db.execute("update operation set sent = null where our_key = 'old:t:a'")
        if not ledger.shared:
            assert noticed(ledger) == "ledger.damaged"
            return
        sound.check(ledger)
        sound.check_run(ledger, FINISHED)
        ledger.db.execute("drop trigger event_unchanged on event")
        assert noticed(ledger) == "ledger.damaged"


def test_a_report_is_found_again_and_how_far_a_run_is_must_be_as_it_was_written(place: Place) -> None:
    with Ledger(place, durable=False) as ledger:
        run = runlog.begin(ledger, "run", NOW).id
        runlog.name_report(ledger, run, "reports/1.html")
        assert runlog.get(ledger, run).report == "reports/1.html"
        with pytest.raises(KeyError):
            runlog.get(ledger, 9)
        assert not runlog.paused(ledger)
        with ledger.transaction():
            runlog.save_progress(ledger, run, runlog.Progress("account", "C-7"))
        assert runlog.progress_of(ledger, run)["account"].cursor == "C-7"
        ledger.db.execute("update progress set cursor = 'C-9'")
        with pytest.raises(DecisionError, match=r"ledger\.damaged"):
            runlog.progress_of(ledger, run)
