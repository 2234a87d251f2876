"""The ledger's promises: legal ways only, one open operation a record, all or nothing, private."""

from __future__ import annotations

import datetime as dt
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from changeover.connectors.change import ChangeKind
from changeover.connectors.errors import BusyError, DecisionError, InputError, UnavailableError
from changeover.connectors.port import Identity
from changeover.runs.ledger import operations, records, runlog
from changeover.runs.ledger.claims import Claims
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.records import Parked
from changeover.runs.ledger.sqlite import SQLite
from changeover.runs.ledger.store import Ledger, hold
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

NOW = dt.datetime(2026, 11, 21, 8, 0, tzinfo=dt.UTC)
DEADLINE = dt.timedelta(seconds=60)
EDGES = {
    ("planned", "intent"),
    ("planned", "skipped"),
    ("intent", "acked"),
    ("intent", "rejected"),
    ("intent", "not_sent"),
    ("intent", "unknown"),
    ("intent", "conflict"),
    ("unknown", "acked"),
    ("unknown", "not_sent"),
    ("unknown", "conflict"),
    ("acked", "verified"),
    ("acked", "diverged"),
}
STATES = sorted({state for edge in EDGES for state in edge})


REFUSED = (sqlite3.IntegrityError, psycopg.IntegrityError)


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with Ledger(place) as opened:
        yield opened


@pytest.fixture
def filed(tmp_path: Path) -> Iterator[Ledger]:
    """A ledger in a file, for what only a file has."""
    with Ledger(tmp_path / "runs" / "ledger.db") as opened:
        yield opened


def forced(ledger: Ledger, state: str) -> None:
    """Put every operation into a state, whatever the store says to it."""
    if isinstance(ledger.db, SQLite):
        guard = ledger.db.execute("select sql from sqlite_schema where name = 'operation_edge'").fetchone()[0]
        ledger.db.execute("drop trigger operation_edge")
        ledger.db.execute("update operation set state = ?", (state,))
        ledger.db.execute(guard)
    else:
        ledger.db.execute("alter table operation disable trigger operation_edge")
        ledger.db.execute("update operation set state = ?", (state,))
        ledger.db.execute("alter table operation enable trigger operation_edge")


def intend(ledger: Ledger, run: int, *keys: str, kind: ChangeKind = ChangeKind.CREATE) -> int:
    number = records.fieldset(ledger, "customer", "account", "digest", ["name"])
    intents = [Intent(key, kind, None, b"12345678", b"\x01", "created", f"source {key}") for key in keys]
    return operations.intend(ledger, run, "customer", "t_customer", number, intents, NOW, DEADLINE)


def begin(ledger: Ledger) -> int:
    return runlog.begin(ledger, "run", NOW).id


@pytest.mark.parametrize("here", STATES)
def test_the_store_itself_refuses_every_other_transition(ledger: Ledger, here: str) -> None:
    batch = intend(ledger, begin(ledger), "k")
    change = "update operation set state = ? where batch = ?"
    for there in STATES:
        forced(ledger, here)
        if here == there or (here, there) in EDGES:
            ledger.db.execute(change, (there, batch))
        else:
            with pytest.raises(REFUSED, match="illegal transition"):
                ledger.db.execute(change, (there, batch))


def test_an_operation_cannot_begin_as_done(ledger: Ledger) -> None:
    batch = intend(ledger, begin(ledger), "k")
    with pytest.raises(REFUSED, match="starts planned"):
        ledger.db.execute(
            "insert into operation (batch, object, our_key, kind, state, bucket) "
            "values (?, 'customer', 'x', 'create', 'acked', 'created')",
            (batch,),
        )


def test_a_record_has_at_most_one_open_operation(ledger: Ledger) -> None:
    run = begin(ledger)
    intend(ledger, run, "k")
    with pytest.raises(UnavailableError):
        intend(ledger, run, "k")
    assert operations.count_open(ledger) == 1


def test_a_batch_whose_intents_cannot_be_written_leaves_nothing(ledger: Ledger) -> None:
    run = begin(ledger)
    intend(ledger, run, "b")
    with pytest.raises(UnavailableError):
        intend(ledger, run, "a", "b", "c")
    assert [each.our_key for each in operations.open_operations(ledger)] == ["b"]


def test_a_transaction_inside_another_stands_and_falls_with_it(ledger: Ledger) -> None:
    def outer() -> None:
        with ledger.transaction():
            with ledger.transaction():
                ledger.set_meta("inner", "1")
            raise ValueError("outer")

    with pytest.raises(ValueError, match="outer"):
        outer()
    assert ledger.get_meta("inner") is None
    with ledger.transaction():
        ledger.set_meta("later", "1")
    assert ledger.get_meta("later") == "1"


def test_outcome_and_crosswalk_are_one_transaction(ledger: Ledger) -> None:
    run = begin(ledger)
    batch = intend(ledger, run, "a", "b")
    settled = [Settled("a", "acked", "live", "T1"), Settled("b", "acked", "live", "T1")]
    with pytest.raises(UnavailableError):  # two records cannot be the same target record
        operations.settle(ledger, run, batch, "account", settled, NOW)
    assert records.target_keys(ledger, "customer", ["a", "b"]) == {}
    assert operations.count_open(ledger) == 2


def test_a_rejected_update_keeps_what_the_record_was(ledger: Ledger) -> None:
    run = begin(ledger)
    operations.settle(ledger, run, intend(ledger, run, "a"), "account", [Settled("a", "acked", "live", "T1")], NOW)
    later = intend(ledger, run, "a", kind=ChangeKind.UPDATE)
    operations.settle(ledger, run, later, "account", [Settled("a", "rejected", code="target.too_long")], NOW)
    row = records.lookup(ledger, "customer", ["a"])["a"]
    assert (row.state, row.target_key, row.code) == ("live", "T1", "target.too_long")


def test_parking_never_takes_a_record_out_of_the_target(ledger: Ledger) -> None:
    run = begin(ledger)
    operations.settle(ledger, run, intend(ledger, run, "a"), "account", [Settled("a", "acked", "live", "T1")], NOW)
    with ledger.transaction():
        parked = [
            Parked("a", "source a", "held", "reference.missing", "p"),
            Parked("n", "source n", "held", "reference.missing", "p"),
        ]
        records.park(ledger, run, "account", "t_customer", "customer", parked)
    rows = records.lookup(ledger, "customer", ["a", "n"])
    assert (rows["a"].state, rows["a"].target_key, rows["a"].waits_for) == ("live", "T1", "p")
    assert (rows["n"].state, rows["n"].target_key) == ("held", None)


def test_the_crosswalk_answers_both_ways(ledger: Ledger) -> None:
    run = begin(ledger)
    operations.settle(ledger, run, intend(ledger, run, "a"), "account", [Settled("a", "acked", "live", "T1")], NOW)
    row = records.lookup(ledger, "customer", ["a"])["a"]
    assert (row.source_object, row.source_key, row.target_key) == ("t_customer", "source a", "T1")
    assert records.our_keys(ledger, "customer", ["T1", "T2"]) == {"T1": "a"}


def test_what_was_taken_back_has_no_target_key(ledger: Ledger) -> None:
    run = begin(ledger)
    operations.settle(ledger, run, intend(ledger, run, "a"), "account", [Settled("a", "acked", "live", "T1")], NOW)
    gone = intend(ledger, run, "a", kind=ChangeKind.DELETE)
    operations.settle(ledger, run, gone, "account", [Settled("a", "acked", "gone", "T1")], NOW)
    assert records.lookup(ledger, "customer", ["a"])["a"].state == "gone"
    assert records.our_keys(ledger, "customer", ["T1"]) == {}


def test_what_the_target_refused_is_known_until_something_else_is_done(ledger: Ledger) -> None:
    run = begin(ledger)
    refused = intend(ledger, run, "a", "b")
    told = [Settled("a", "rejected", code="target.check", field="name"), Settled("b", "acked", "live", "T1")]
    operations.settle(ledger, run, refused, "account", told, NOW)
    number = records.fieldset(ledger, "customer", "account", "digest", ["name"])
    assert operations.last_refused(ledger, "customer", ["a", "b", "c"]) == {"a": (number, b"12345678", "name")}
    operations.settle(ledger, run, intend(ledger, run, "a"), "account", [Settled("a", "acked", "live", "T2")], NOW)
    assert operations.last_refused(ledger, "customer", ["a", "b", "c"]) == {}


def test_a_records_history_is_its_own_and_in_order(ledger: Ledger) -> None:
    run = begin(ledger)
    operations.settle(ledger, run, intend(ledger, run, "a", "b"), "account", [Settled("b", "acked", "live", "T1")], NOW)
    operations.settle(ledger, run, 1, "account", [Settled("a", "unknown", code="target.no_answer")], NOW)
    operations.settle(ledger, run, 1, "account", [Settled("a", "not_sent", code="target.no_answer")], NOW)
    again = intend(ledger, run, "a", kind=ChangeKind.UPDATE)
    operations.settle(ledger, run, again, "account", [Settled("a", "acked", "live", "T2")], NOW)
    told = [(each.kind, each.state) for each in operations.history(ledger, "customer", "a")]
    assert told == [("create", "not_sent"), ("update", "acked")]
    assert operations.history(ledger, "supplier", "a") == []


def test_only_runs_that_touched_the_same_records_and_still_stand_count_as_later(ledger: Ledger) -> None:
    def wrote(verb: str, key: str, target: str, undoes: int | None = None) -> int:
        run = runlog.begin(ledger, verb, NOW, undoes=undoes).id
        operations.settle(
            ledger, run, intend(ledger, run, key), "account", [Settled(key, "acked", "live", target)], NOW
        )
        return run

    first, second, elsewhere = wrote("run", "a", "T1"), wrote("run", "a", "T1"), wrote("run", "b", "T2")
    assert operations.later_runs(ledger, first) == [second]
    assert operations.later_runs(ledger, elsewhere) == []
    taken_back = wrote("undo", "a", "T1", undoes=second)
    assert operations.later_runs(ledger, first) == [second]  # begun is not done
    runlog.end(ledger, taken_back, "finished", NOW)
    assert operations.later_runs(ledger, first) == []


def test_files_are_private(filed: Ledger, tmp_path: Path) -> None:
    begin(filed)
    folder = tmp_path / "runs"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == dict.fromkeys(modes, 0o600)


def test_a_commit_is_on_the_disk_when_it_returns(filed: Ledger) -> None:
    assert filed.db.execute("pragma journal_mode").fetchone()[0] == "wal"
    assert filed.db.execute("pragma synchronous").fetchone()[0] == 2


def test_a_full_disk_keeps_nothing_of_the_transaction(filed: Ledger) -> None:
    ledger = filed
    run = begin(ledger)
    pages = ledger.db.execute("pragma page_count").fetchone()[0]
    ledger.db.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(UnavailableError) as caught:
        intend(ledger, run, *(f"key {number}" * 50 for number in range(2_000)))
    assert caught.value.code == "ledger.disk_full"
    assert operations.count_open(ledger) == 0
    ledger.check()


def test_a_flipped_ledger_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        run = begin(ledger)
        intend(ledger, run, *(f"key {number}" for number in range(5_000)))
        ledger.db.execute("pragma wal_checkpoint(truncate)")
    torn = bytearray(path.read_bytes())
    middle = len(torn) // 2 // 4096 * 4096
    torn[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(torn)
    with pytest.raises(DecisionError) as caught, Ledger(path) as damaged:
        damaged.check()
    assert caught.value.code == "ledger.damaged"


def test_a_file_that_is_no_ledger_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    with pytest.raises(DecisionError, match=r"ledger\.damaged"):
        Ledger(path)


def test_a_second_process_is_kept_out_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom changeover.runs.ledger.store import hold\n"
        "with hold(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with Ledger(tmp_path / "ledger.db") as ledger:
            assert (ledger.at_work(tmp_path), ledger.at_work(tmp_path / "another")) == (True, False)
        with pytest.raises(BusyError) as caught, hold(tmp_path):
            pass
        assert caught.value.exit_code == 4
    finally:
        holder.kill()
        holder.wait()
    with Ledger(tmp_path / "ledger.db") as ledger:
        assert not ledger.at_work(tmp_path)
    with hold(tmp_path):
        pass


def test_a_scratch_copy_leaves_the_ledger_alone(ledger: Ledger, tmp_path: Path) -> None:
    run = begin(ledger)
    with ledger.scratch(tmp_path / "copy" / "ledger.db") as copy:
        operations.settle(copy, run, intend(copy, run, "a"), "account", [Settled("a", "acked", "live", "T1")], NOW)
        assert records.target_keys(copy, "customer", ["a"]) == {"a": "T1"}
    assert records.lookup(ledger, "customer", ["a"]) == {}


def test_pins_tell_which_systems_it_belongs_to(ledger: Ledger) -> None:
    with ledger.transaction():
        ledger.pin("target", Identity("sqlite", "1", "crm", None))
    assert ledger.pinned("target") == Identity("sqlite", "1", "crm", None)
    assert ledger.pinned("source") is None


class Holders(RuleBasedStateMachine):
    """Claims against a dict: who holds which value."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.claims = Claims(ledger, b"0123456789abcdef")
        self.claims.forget("customer")
        self.held: dict[str, str] = {}

    @rule(
        pairs=st.lists(
            st.tuples(st.sampled_from("abcd"), st.sampled_from(["x", "y", "z", ""])),
            max_size=6,
            unique_by=lambda p: p[0],
        )
    )
    def claim(self, pairs: list[tuple[str, str]]) -> None:
        answers = self.claims.claim("customer", "tax_no", [value for _, value in pairs], [key for key, _ in pairs])
        before = dict(self.held)
        taken: dict[str, str] = {}
        for (key, value), answer in zip(pairs, answers, strict=True):
            holder = before_holder(before, value) or taken.get(value)
            expected = None if holder in (None, key) else holder
            assert answer == expected
            if answer is None:
                taken[value] = key
                self.held[key] = value

    @rule(key=st.sampled_from("abcd"))
    def release(self, key: str) -> None:
        self.claims.release("customer", "tax_no", [key])
        self.held.pop(key, None)

    @invariant()
    def nobody_shares(self) -> None:
        assert len(set(self.held.values())) == len(self.held)


def before_holder(held: dict[str, str], value: str) -> str | None:
    return next((key for key, its in held.items() if its == value), None)


def test_claims_agree_with_a_dict(ledger: Ledger) -> None:
    run_state_machine_as_test(
        lambda: Holders(ledger), settings=settings(max_examples=40, stateful_step_count=15, deadline=None)
    )


def test_a_ledger_of_another_version_is_left_alone(ledger: Ledger) -> None:
    with ledger.transaction():
        ledger.set_meta("version", "1")
        ledger.set_meta("version_again", "1")
    with pytest.raises(InputError, match=r"ledger\.version.*found=1, wanted=4"):
        Ledger(ledger.place)


@pytest.mark.parametrize("figure", ["t", "5"])
def test_a_ledger_whose_version_is_not_as_it_was_noted_is_damaged(ledger: Ledger, figure: str) -> None:
    """A flipped bit makes a letter of the figure, or another one."""
    with ledger.transaction():
        ledger.set_meta("version", figure)
    with pytest.raises(DecisionError, match=r"ledger\.damaged"):
        Ledger(ledger.place)


def test_a_run_cut_off_is_gone_on_with_only_if_it_means_the_same(ledger: Ledger) -> None:
    run = runlog.begin(ledger, "run", NOW, "mapping A")
    assert runlog.resumable(ledger, "run", "mapping A", "") == runlog.get(ledger, run.id)
    assert runlog.resumable(ledger, "run", "mapping B", "") is None
    assert runlog.resumable(ledger, "run", "mapping A", "a few") is None
    runlog.end(ledger, run.id, "finished", NOW)
    assert runlog.resumable(ledger, "run", "mapping A", "") is None
