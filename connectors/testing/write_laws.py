"""Laws of writing: every change has its outcome, and the outcome is the truth."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from ..cell import Cell
from ..change import Change, ChangeKind, Outcome, OutcomeState
from ..errors import InputError
from ..port import KEY, OUR_KEY, Connector, OurKeyPlace
from ..schema import FieldType
from .ground import Ground
from .sample import SAMPLE, Told, keys_of, read_all, sample_row, sent, told, write

BAD: dict[str, dict[str, Cell]] = {
    "target.duplicate": {"code": "taken"},
    "target.required": {"name": None},
    "target.reference": {"parent": "s9999"},
    "target.too_long": {"name": "x" * 201},
    "target.check": {"stage": "no such stage"},
}
"""What makes a sample bad, by the code that it is refused with, where a record with the code `taken` is there."""
LONG_AGO = dt.datetime(2016, 5, 6, 7, 8, 9, tzinfo=dt.UTC)


def create(number: int, /, **cells: Cell) -> Change:
    return Change(ChangeKind.CREATE, f"ours:{number}", values=sample_row(number, **cells))


def update(number: int, /, expect: dict[str, Cell] | None = None, **cells: Cell) -> Change:
    return Change(ChangeKind.UPDATE, f"ours:{number}", f"s{number:04}", cells, expect)


class WriteLaws(Ground):
    def record(self, connector: Connector, key: str, *fields: str) -> Told:
        """The named fields of one record, as found by its key."""
        self.settle(connector)
        found = told([connector.find("sample", (KEY,), [(key,)], fields)], SAMPLE, self.zone)
        assert key in found, f"record {key!r} is not there"
        return found[key]

    def keys_told(self, connector: Connector) -> dict[str, str] | None:
        """Our key -> target key of all samples; None where the target has no room for our key."""
        if connector.capabilities.our_key is OurKeyPlace.NONE:
            return None
        return dict(pair for some in connector.our_keys("sample") for pair in some)

    def test_a_read_needs_no_prepare(self, connector: Connector) -> None:
        """Reading, counting and finding, by our key too, work on a system that was never prepared."""
        assert keys_of(read_all(connector, "sample", ["name"])) == []
        assert connector.count("sample") == 0
        assert len(connector.find("sample", ("name",), [("nobody",)], ["name"])) == 0
        assert len(connector.find("sample", (OUR_KEY,), [("ours:1",)], ["name"])) == 0
        assert list(connector.our_keys("sample")) == []

    def test_preparing_twice_is_harmless(self, connector: Connector) -> None:
        """Preparing again changes nothing."""
        connector.prepare()
        write(connector, "sample", create(1))
        connector.prepare()
        assert self.keys_told(connector) in (None, {"ours:1": "s0001"})
        assert connector.count("sample") == 1

    def test_what_was_created_is_found(self, connector: Connector) -> None:
        """A record that was acknowledged is found by our key and by its own once the read-back lag has passed."""
        connector.prepare()
        outcome = write(connector, "sample", create(1, note="here"))["ours:1"]
        assert (outcome.state, outcome.target_key, outcome.code) == (OutcomeState.ACKED, "s0001", None)
        self.settle(connector)
        room = self.keys_told(connector) is not None
        for by, value in ((OUR_KEY, "ours:1"), (KEY, "s0001")) if room else ((KEY, "s0001"),):
            chunk = connector.find("sample", (by,), [(value,)], ["note"])
            assert told([chunk], SAMPLE, self.zone) == {"s0001": {"note": "here"}}, f"by {by}"
            assert not room or chunk.our_keys == ["ours:1"]

    def test_a_full_batch_is_taken(self, connector: Connector) -> None:
        """As many changes as `batch_size` says are taken in one call."""
        connector.prepare()
        size = min(connector.capabilities.batch_size, 5000)
        outcomes = write(connector, "sample", *(create(number) for number in range(size)))
        assert {outcome.state for outcome in outcomes.values()} == {OutcomeState.ACKED}
        assert connector.count("sample") == size

    def test_every_change_has_one_outcome(self, connector: Connector) -> None:
        """One outcome for each change, whatever kinds are mixed and whatever became of them."""
        connector.prepare()
        write(connector, "sample", create(1), create(2), create(3))
        mixed = [update(1, note="new"), update(2, expect={"name": "something else"}, note="new"), create(4)]
        gone = Change(ChangeKind.UPDATE, "ours:9", "s9999", {"note": "new"})
        if connector.capabilities.deletes:
            mixed.append(Change(ChangeKind.DELETE, "ours:3", "s0003"))
        write(connector, "sample", *mixed, create(5, name=None), gone)

    def test_outcomes_belong_to_their_changes(self, connector: Connector) -> None:
        """Whatever order changes and outcomes are in, the record behind an outcome's key is the one of its change."""
        connector.prepare()
        numbers = [5, 3, 9, 1, 7]
        outcomes = write(connector, "sample", *(create(number, note=f"note {number}") for number in numbers))
        for number in numbers:
            key = outcomes[f"ours:{number}"].target_key
            assert key is not None
            assert self.record(connector, key, "note") == {"note": f"note {number}"}
            if self.keys_told(connector) is not None:
                assert connector.find("sample", (OUR_KEY,), [(f"ours:{number}",)], []).keys == [key]

    def test_a_bad_record_is_rejected_alone(self, connector: Connector) -> None:
        """In each batch the bad record alone is rejected, by its own code; the others are done. A target whose batches
        are all or nothing may instead say NOT_SENT of all the others, and then nothing is there."""
        connector.prepare()
        write(connector, "sample", create(1, code="taken"))
        for place, code in enumerate(sorted(self.refuses), 1):
            numbers = [number + 10 * place for number in (3, 1, 2)]
            bad = f"ours:{numbers[1]}"
            cells = BAD[code]
            changes = (create(number, **(cells if f"ours:{number}" == bad else {})) for number in numbers)
            outcomes = write(connector, "sample", *changes)
            rejected = outcomes.pop(bad)
            assert (rejected.state, rejected.code) == (OutcomeState.REJECTED, code)
            self.settle(connector)
            found = connector.find("sample", (KEY,), [(f"s{number:04}",) for number in numbers], []).keys
            there = [f"ours:{int(key[1:])}" for key in found]
            states = {outcome.state for outcome in outcomes.values()}
            if connector.capabilities.all_or_nothing and states == {OutcomeState.NOT_SENT}:
                assert there == [], code
            else:
                assert states == {OutcomeState.ACKED}, code
                assert sorted(map(str, there)) == sorted(outcomes), code

    def test_what_was_rejected_left_nothing(self, connector: Connector) -> None:
        """A rejected record is not there, nor is its key, and it can be sent again once it is mended."""
        connector.prepare()
        before = write(connector, "sample", create(1, code="taken"), create(2))
        outcome = write(connector, "sample", create(3, code="taken"))["ours:3"]
        assert outcome.state is OutcomeState.REJECTED
        assert connector.count("sample") == len(before)
        assert write(connector, "sample", create(3, code="free"))["ours:3"].state is OutcomeState.ACKED

    def test_a_field_of_creation_alone_is_refused_of_an_update(self, connector: Connector) -> None:
        """A field that is not changeable is taken by a create. An update that names it is refused and writes nothing,
        rather than done without it."""
        connector.prepare()
        described = connector.describe().objects["sample"]
        fixed = [each for each in described.fields if each.writable and not each.changeable]
        first: dict[str, Cell] = {each.name: LONG_AGO for each in fixed if each.type is FieldType.INSTANT}
        if not first:
            pytest.skip("the system has no such field")
        assert write(connector, "sample", create(1, note="old", **first))["ours:1"].state is OutcomeState.ACKED
        for name, cell in first.items():
            outcome = write(connector, "sample", update(1, None, note="new", **{name: cell}))["ours:1"]
            assert (outcome.state, outcome.code) == (OutcomeState.REJECTED, "target.refused"), name
        self.settle(connector)
        found = connector.find("sample", (KEY,), [("s0001",)], ["note", *first])
        assert told([found], described, self.zone) == {"s0001": sent({"note": "old", **first}, described)}

    def test_an_update_touches_only_named_fields(self, connector: Connector) -> None:
        """An update writes the fields it names, null too, and leaves the others as they are."""
        connector.prepare()
        write(connector, "sample", create(1, note="old", number=4, code="c"), create(2, note="other"))
        assert write(connector, "sample", update(1, note="new", code=None))["ours:1"].state is OutcomeState.ACKED
        expected = sent({"name": "Sample 1", "note": "new", "number": 4, "code": None}, SAMPLE)
        assert self.record(connector, "s0001", "name", "note", "number", "code") == expected
        assert self.record(connector, "s0002", "note") == {"note": "other"}

    def test_an_update_of_a_bad_cell_writes_nothing(self, connector: Connector) -> None:
        """An update with one bad cell is rejected whole."""
        connector.prepare()
        write(connector, "sample", create(1, code="taken"), create(2, note="old"))
        outcome = write(connector, "sample", update(2, note="new", code="taken"))["ours:2"]
        assert (outcome.state, outcome.code) == (OutcomeState.REJECTED, "target.duplicate")
        assert self.record(connector, "s0002", "note", "code") == {"note": "old", "code": None}

    def test_a_record_that_is_gone_is_said_to_be_gone(self, connector: Connector) -> None:
        """Updating a record that is not there is rejected as gone, and creates nothing."""
        connector.prepare()
        outcome = write(connector, "sample", update(1, note="new"))["ours:1"]
        assert (outcome.state, outcome.code) == (OutcomeState.REJECTED, "target.gone")
        assert connector.count("sample") == 0

    def test_a_stale_change_is_refused_whole(self, connector: Connector) -> None:
        """Where a field no longer holds what is expected, nothing of the change is written; others of the batch are."""
        self._needs_compare_and_set(connector)
        connector.prepare()
        write(connector, "sample", create(1, note="a", number=1), create(2, note="a", number=1))
        outcomes = write(
            connector,
            "sample",
            update(1, expect={"number": 1, "note": "b"}, number=2, name="New"),
            update(2, expect={"number": 1, "note": "a"}, number=2, name="New"),
        )
        assert outcomes["ours:1"].state is OutcomeState.STALE
        assert outcomes["ours:2"].state is OutcomeState.ACKED
        fields = ("number", "name", "note")
        assert self.record(connector, "s0001", *fields) == sent({"number": 1, "name": "Sample 1", "note": "a"}, SAMPLE)
        assert self.record(connector, "s0002", *fields) == sent({"number": 2, "name": "New", "note": "a"}, SAMPLE)

    def test_what_is_expected_is_compared_by_canonical_text(self, connector: Connector) -> None:
        """12.5 is 12.50, and an instant is the same in every zone."""
        self._needs_compare_and_set(connector)
        connector.prepare()
        east = dt.timezone(dt.timedelta(hours=8))
        moment = dt.datetime(2024, 2, 29, 12, 30, tzinfo=dt.UTC)
        pairs: list[tuple[str, Cell, Cell]] = [
            ("amount", Decimal("12.5"), Decimal("12.50")),
            ("amount", Decimal("12.50"), Decimal("12.5")),
            ("happened", moment, moment.astimezone(east)),
            ("active", True, True),
            ("born", dt.date(2024, 2, 29), dt.date(2024, 2, 29)),
            ("noted", dt.datetime(2024, 2, 29, 1, 2, 3), dt.datetime(2024, 2, 29, 1, 2, 3)),  # noqa: DTZ001
            ("note", "x", "x"),
        ]
        for number, (name, held, expected) in enumerate(pairs):
            field = SAMPLE.field(name)
            if field is None or field.type in self.lacks:
                continue
            write(connector, "sample", create(number, **{name: held}))
            outcome = write(connector, "sample", update(number, {name: expected}, number=5))[f"ours:{number}"]
            assert outcome.state is OutcomeState.ACKED, name
            assert self.record(connector, f"s{number:04}", "number") == {"number": "5"}, name

    def test_null_and_empty_are_expected_apart(self, connector: Connector) -> None:
        """Expecting null is met by null alone, and expecting empty text by empty text alone."""
        self._needs_compare_and_set(connector)
        connector.prepare()
        held: list[tuple[Cell, Cell]] = [(None, None), ("", ""), (None, ""), ("", None), ("x", None), (None, "x")]
        for number, (stored, expected) in enumerate(held):
            write(connector, "sample", create(number, note=stored))
            outcome = write(connector, "sample", update(number, {"note": expected}, number=1))[f"ours:{number}"]
            wanted = OutcomeState.ACKED if stored == expected else OutcomeState.STALE
            assert outcome.state is wanted, f"{expected!r} expected, {stored!r} held"

    def test_calls_under_way_together_are_answered_apart(self, connector: Connector) -> None:
        """As many calls as `at_once` says may be under way together: each tells of its own changes, and all is done."""
        at_once = min(8, connector.capabilities.at_once)
        if at_once == 1:
            pytest.skip("one call after the other")
        connector.prepare()
        start = threading.Barrier(at_once, timeout=60)

        def call(place: int) -> dict[str, Outcome]:
            told: dict[str, Outcome] = {}
            for number in range(place, 5 * at_once, at_once):
                start.wait()
                try:
                    told |= write(connector, "sample", create(number))
                except BaseException:
                    start.abort()  # nobody waits for who is not coming
                    raise
            return told

        with ThreadPoolExecutor(at_once) as threads:
            outcomes = {key: each for told in threads.map(call, range(at_once)) for key, each in told.items()}
        keys = {f"ours:{number}": f"s{number:04}" for number in range(5 * at_once)}
        assert {key: each.target_key for key, each in outcomes.items()} == keys
        self.settle(connector)
        assert dict(pair for some in connector.our_keys("sample") for pair in some) == keys

    def test_delete_removes_record_and_key(self, connector: Connector) -> None:
        """A deleted record is gone, and so is our key of it: it can be created again."""
        if not connector.capabilities.deletes:
            pytest.skip("the target does not delete")
        connector.prepare()
        write(connector, "sample", create(1), create(2))
        outcome = write(connector, "sample", Change(ChangeKind.DELETE, "ours:1", "s0001"))["ours:1"]
        assert outcome.state is OutcomeState.ACKED
        self.settle(connector)
        assert keys_of(read_all(connector, "sample", [])) == ["s0002"]
        assert self.keys_told(connector) in (None, {"ours:2": "s0002"})
        assert len(connector.find("sample", (OUR_KEY,), [("ours:1",)], [])) == 0
        assert write(connector, "sample", create(1))["ours:1"].state is OutcomeState.ACKED

    def test_a_stale_delete_is_refused(self, connector: Connector) -> None:
        """A delete that expects what is no longer there deletes nothing."""
        self._needs_compare_and_set(connector)
        if not connector.capabilities.deletes:
            pytest.skip("the target does not delete")
        connector.prepare()
        write(connector, "sample", create(1, note="edited"))
        change = Change(ChangeKind.DELETE, "ours:1", "s0001", expect={"note": "as we wrote it"})
        assert write(connector, "sample", change)["ours:1"].state is OutcomeState.STALE
        assert self.record(connector, "s0001", "note") == {"note": "edited"}

    def test_reading_resumes_though_records_went(self, connector: Connector) -> None:
        """A record deleted behind the cursor, the cursor's own too, costs no record ahead of it."""
        if not connector.capabilities.deletes:
            pytest.skip("the target does not delete")
        connector.prepare()
        write(connector, "sample", *(create(number) for number in range(6)))
        first = next(connector.read("sample", [], size=3))
        gone = (Change(ChangeKind.DELETE, f"ours:{int(key[1:])}", key) for key in first.keys)
        write(connector, "sample", *gone)
        self.settle(connector)
        rest = keys_of(read_all(connector, "sample", [], after=first.cursor))
        assert sorted(first.keys + rest) == [f"s{number:04}" for number in range(6)]

    def test_a_field_that_is_not_there_is_not_written(self, connector: Connector) -> None:
        """A batch that names a field that does not exist is the asker's mistake, and none of it is sent."""
        connector.prepare()
        with pytest.raises(InputError):
            write(connector, "sample", create(1), create(2, no_such_field="x"))
        assert connector.count("sample") == 0

    def test_records_refer_to_records(self, connector: Connector) -> None:
        """A reference is written as the parent's key in the target."""
        self.need(FieldType.REFERENCE)
        connector.prepare()
        parent = write(connector, "sample", create(1))["ours:1"].target_key
        assert write(connector, "sample", create(2, parent=parent))["ours:2"].state is OutcomeState.ACKED
        assert self.record(connector, "s0002", "parent") == {"parent": "s0001"}

    def _needs_compare_and_set(self, connector: Connector) -> None:
        if not connector.capabilities.compare_and_set:
            pytest.skip("the target has no compare-and-set")
