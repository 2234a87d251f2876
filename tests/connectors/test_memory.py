"""The system in memory keeps the contract, refuses what a database refuses, and behaves as it is told to."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch, Change, ChangeKind, Outcome, OutcomeState
from changeover.connectors.clock import SystemClock, VirtualClock
from changeover.connectors.errors import InputError
from changeover.connectors.memory import MemoryConnector, connect
from changeover.connectors.pace import Pace
from changeover.connectors.port import KEY, OUR_KEY, AuditFields, Settings
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.contract import TargetContract
from changeover.connectors.testing.sample import SCHEMA, sample_row

START = dt.datetime(2026, 3, 1, 8, tzinfo=dt.UTC)


class TestMemory(TargetContract):
    refuses = TargetContract.refuses | {"target.check"}

    @pytest.fixture
    def connector(self) -> MemoryConnector:
        return MemoryConnector(SCHEMA, clock=VirtualClock(START))


class TestMemoryThatTakesSeveralCalls(TargetContract):
    refuses = TargetContract.refuses | {"target.check"}

    @pytest.fixture
    def connector(self) -> MemoryConnector:
        return MemoryConnector(SCHEMA, clock=VirtualClock(START), at_once=8)


class TestMemoryThatShowsWritesLate(TargetContract):
    @pytest.fixture
    def connector(self) -> MemoryConnector:
        self.clock = VirtualClock(START)
        return MemoryConnector(SCHEMA, clock=self.clock, read_back_lag=dt.timedelta(seconds=5))


ORDERS = Schema(
    {
        "order": ObjectSchema(
            "order",
            ("id",),
            (
                Field("id", FieldType.INTEGER, writable=False),
                Field("title", FieldType.TEXT, required=True, length=5),
                Field("total", FieldType.DECIMAL, precision=6, scale=2, minimum="0"),
                Field("pieces", FieldType.INTEGER, maximum="100"),
                Field("state", FieldType.CHOICE, choices=("open", "done")),
                Field("part_of", FieldType.REFERENCE, references=("order",)),
                Field("seen_at", FieldType.INSTANT),
                Field("due", FieldType.LOCAL_TIME),
                Field("number", FieldType.TEXT, unique=True),
                Field("worth", FieldType.DECIMAL, writable=False),
                Field("changed_at", FieldType.LOCAL_TIME),
                Field("changed_by", FieldType.TEXT),
            ),
        )
    }
)


def create(our_key: str = "k", /, **values: Cell) -> Change:
    return Change(ChangeKind.CREATE, our_key, values={"title": "one"} | values)


def one(connector: MemoryConnector, change: Change) -> Outcome:
    return connector.write(Batch("order", (change,)))[0]


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"title": None}, "target.required", "title"),
        ({"title": "longer than five"}, "target.too_long", "title"),
        ({"title": 5}, "target.type", "title"),
        ({"total": 1.5}, "target.type", "total"),
        ({"total": "1.5"}, "target.type", "total"),
        ({"total": Decimal("0.001")}, "target.out_of_range", "total"),
        ({"total": Decimal("12345.00")}, "target.out_of_range", "total"),
        ({"total": Decimal("-1")}, "target.out_of_range", "total"),
        ({"total": Decimal("NaN")}, "target.out_of_range", "total"),
        ({"pieces": 101}, "target.out_of_range", "pieces"),
        ({"pieces": 2**63}, "target.out_of_range", "pieces"),
        ({"pieces": True}, "target.type", "pieces"),
        ({"state": "lost"}, "target.check", "state"),
        ({"part_of": "77"}, "target.reference", "part_of"),
        ({"part_of": 1}, "target.type", "part_of"),
        ({"seen_at": START.replace(tzinfo=None)}, "target.type", "seen_at"),
        ({"due": START}, "target.type", "due"),
        ({"due": dt.date(2026, 1, 1)}, "target.type", "due"),
        ({"worth": Decimal(1)}, "target.refused", "worth"),
        ({"number": "A1"}, "target.duplicate", "number"),
    ],
)
def test_what_is_refused_says_why_and_where(values: dict[str, Cell], code: str, field: str) -> None:
    connector = MemoryConnector(ORDERS, rows={"order": [{"title": "old", "number": "A1"}]})
    outcome = one(connector, create("k", **values))
    assert (outcome.state, outcome.code, outcome.field) == (OutcomeState.REJECTED, code, field)
    assert connector.count("order") == 1


def test_keys_are_given_where_they_may_be_and_never_again() -> None:
    connector = MemoryConnector(ORDERS)
    assert [one(connector, create(name)).target_key for name in ("a", "b")] == ["1", "2"]
    one(connector, Change(ChangeKind.DELETE, "b", "2"))
    assert one(connector, create("c")).target_key == "3"
    connector.seed("order", [{"id": 40, "title": "old"}])
    assert one(connector, create("d")).target_key == "41"


def test_a_required_field_is_not_emptied() -> None:
    connector = MemoryConnector(ORDERS, rows={"order": [{"title": "old"}]})
    outcome = one(connector, Change(ChangeKind.UPDATE, "k", "1", {"title": None}))
    assert (outcome.state, outcome.code) == (OutcomeState.REJECTED, "target.required")
    assert connector.record("order", "1")["title"] == "old"


def test_a_record_keeps_its_key() -> None:
    connector = MemoryConnector(SCHEMA, rows={"sample": [sample_row(1)]})
    changed = Change(ChangeKind.UPDATE, "k", "s0001", {"id": "s0002", "note": "x"})
    same = Change(ChangeKind.UPDATE, "l", "s0001", {"id": "s0001", "note": "y"})
    refused, done = connector.write(Batch("sample", (changed, same)))
    assert (refused.state, refused.code, refused.field) == (OutcomeState.REJECTED, "target.refused", "id")
    assert done.state is OutcomeState.ACKED
    assert connector.record("sample", "s0001")["note"] == "y"


def test_integer_keys_are_read_in_the_order_of_numbers() -> None:
    connector = MemoryConnector(ORDERS, rows={"order": [{"id": n, "title": "x"} for n in (10, 9, 1, 100)]})
    chunks = list(connector.read("order", ["title"], size=3))
    assert [chunk.keys for chunk in chunks] == [["1", "9", "10"], ["100"]]


def test_a_record_with_children_is_not_deleted() -> None:
    connector = MemoryConnector(ORDERS)
    one(connector, create("parent"))
    one(connector, create("child", part_of="1"))
    one(connector, Change(ChangeKind.UPDATE, "parent", "1", {"part_of": "1"}))
    refused = one(connector, Change(ChangeKind.DELETE, "parent", "1"))
    assert (refused.state, refused.code) == (OutcomeState.REJECTED, "target.reference")
    assert one(connector, Change(ChangeKind.DELETE, "child", "2")).state is OutcomeState.ACKED
    assert one(connector, Change(ChangeKind.DELETE, "parent", "1")).state is OutcomeState.ACKED


def test_find_sees_the_old_state_until_the_lag_has_passed() -> None:
    clock = VirtualClock(START)
    connector = MemoryConnector(ORDERS, clock=clock, read_back_lag=dt.timedelta(seconds=10))

    def seen() -> list[object]:
        chunk = connector.find("order", (OUR_KEY,), [("a",)], ["title"])
        return chunk.frame["title"].to_list()

    one(connector, create("a", title="first"))
    clock.sleep(9)
    assert seen() == []
    clock.sleep(1)
    assert seen() == ["first"]
    one(connector, Change(ChangeKind.UPDATE, "a", "1", {"title": "2nd"}))
    clock.sleep(5)
    one(connector, Change(ChangeKind.UPDATE, "a", "1", {"title": "3rd"}))
    assert seen() == ["first"]
    clock.sleep(5)
    assert seen() == ["2nd"]
    clock.sleep(5)
    assert seen() == ["3rd"]
    one(connector, Change(ChangeKind.DELETE, "a", "1"))
    assert seen() == ["3rd"]
    clock.sleep(10)
    assert seen() == []


def test_a_key_that_is_not_seen_yet_is_there_all_the_same() -> None:
    connector = MemoryConnector(ORDERS, clock=VirtualClock(START), read_back_lag=dt.timedelta(seconds=10))
    one(connector, create("a"))
    assert one(connector, create("a")).state is OutcomeState.EXISTS


def test_writes_and_edits_are_stamped_with_time_and_author() -> None:
    clock = VirtualClock(START)
    audit = {"order": AuditFields("changed_at", "changed_by")}
    connector = MemoryConnector(ORDERS, clock=clock, zone="Asia/Shanghai", audit=audit, acting_user="changeover")
    one(connector, create("a", changed_by="somebody else"))
    record = connector.record("order", "1")
    assert (record["changed_at"], record["changed_by"]) == (dt.datetime(2026, 3, 1, 16), "changeover")  # noqa: DTZ001
    clock.sleep(3600)
    connector.edit("order", "1", {"title": "mine"}, by="wang.fang")
    record = connector.record("order", "1")
    assert record["title"] == "mine"
    assert (record["changed_at"], record["changed_by"]) == (dt.datetime(2026, 3, 1, 17), "wang.fang")  # noqa: DTZ001
    assert connector.find("order", (OUR_KEY,), [("a",)], []).keys == ["1"]
    assert connector.acting_user() == "changeover"


def test_adopting_without_values_leaves_the_stamp() -> None:
    audit = {"order": AuditFields("changed_at", "changed_by")}
    rows: dict[str, list[dict[str, Cell]]] = {"order": [{"title": "old", "changed_by": "li.na"}]}
    connector = MemoryConnector(ORDERS, audit=audit, acting_user="changeover", rows=rows)
    one(connector, Change(ChangeKind.ADOPT, "a", "1"))
    assert connector.record("order", "1")["changed_by"] == "li.na"
    one(connector, Change(ChangeKind.UPDATE, "a", "1", {"title": "new"}))
    assert connector.record("order", "1")["changed_by"] == "changeover"


def test_the_targets_automation_changes_what_was_written() -> None:
    calls: list[tuple[str, ChangeKind, str, Cell]] = []

    def shout(name: str, kind: ChangeKind, key: str, record: object) -> dict[str, Cell]:
        assert isinstance(record, dict)
        calls.append((name, kind, key, record["title"]))
        return {"title": str(record["title"]).upper()}

    connector = MemoryConnector(ORDERS, automation=shout)
    one(connector, create("a", title="low"))
    assert connector.record("order", "1")["title"] == "LOW"
    one(connector, Change(ChangeKind.UPDATE, "a", "1", {"title": "soft"}))
    assert connector.record("order", "1")["title"] == "SOFT"
    assert calls == [("order", ChangeKind.CREATE, "1", "low"), ("order", ChangeKind.UPDATE, "1", "soft")]


def test_what_users_delete_takes_our_key_with_it() -> None:
    connector = MemoryConnector(ORDERS)
    one(connector, create("a"))
    connector.remove("order", "1")
    assert connector.count("order") == 0
    assert list(connector.our_keys("order")) == []
    with pytest.raises(KeyError):
        connector.remove("order", "1")


def test_old_data_may_break_every_rule_but_types_and_keys() -> None:
    rows: list[dict[str, Cell]] = [
        {"title": None, "part_of": "99", "number": "A"},
        {"title": "far too long", "number": "A"},
    ]
    connector = MemoryConnector(ORDERS, rows={"order": rows})
    assert sorted(connector.find("order", ("number",), [("A",)], []).keys) == ["1", "2"]
    with pytest.raises(ValueError, match=r"target\.type total"):
        connector.seed("order", [{"total": 1.5}])
    with pytest.raises(ValueError, match="twice"):
        connector.seed("order", [{"id": 1}])


def settings(folder: Path, **options: object) -> Settings:
    return Settings("trial", "memory", options, zone="Asia/Shanghai", folder=str(folder))


def test_a_document_fills_a_system(tmp_path: Path) -> None:
    row = '{"id": "s1", "name": "007", "amount": 9999999999999999.99, "active": true, "number": 9007199254740993, '
    row += '"happened": "2026-03-01 08:00:00", "noted": "2026-03-01T08:00:00"}'
    document = f'{{"objects": {json.dumps(SCHEMA.to_json())}, "rows": {{"sample": [{row}]}}}}'
    (tmp_path / "trial.json").write_text(document, "utf-8")
    connector = connect(settings(tmp_path, file="trial.json"), Secrets(), Pace(SystemClock()), SystemClock())
    record = connector.record("sample", "s1")
    assert record["name"] == "007"
    assert record["amount"] == Decimal("9999999999999999.99")
    assert record["number"] == 2**53 + 1
    assert record["happened"] == dt.datetime(2026, 3, 1, 0, 0, tzinfo=dt.UTC)
    assert record["note"] is None
    assert connector.identity().name == "trial"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (None, "memory.file"),
        ("{", "memory.file"),
        ('{"rows": {}}', "memory.file"),
        ({"rows": {"nothing": [{}]}}, "memory.file"),
        ({"rows": {"sample": [{"id": "s1", "amount": "twelve"}]}}, "memory.cell"),
        ({"rows": {"sample": [{"id": "s1", "colour": "red"}]}}, "memory.no_field"),
        ({"rows": {"sample": [{"id": ["s1"]}]}}, "memory.file"),
        ({"rows": {"sample": [{"name": "no key"}]}}, "memory.file"),
    ],
)
def test_a_document_that_does_not_fit_is_told(tmp_path: Path, document: object, code: str) -> None:
    if document is not None:
        text = document if isinstance(document, str) else json.dumps({"objects": SCHEMA.to_json()} | dict(document))
        (tmp_path / "trial.json").write_text(text, "utf-8")
    with pytest.raises(InputError) as told:
        connect(settings(tmp_path, file="trial.json"), Secrets(), Pace(SystemClock()), SystemClock())
    assert told.value.code == code


def test_options_it_does_not_know_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"memory\.option"):
        connect(settings(tmp_path, flie="trial.json"), Secrets(), Pace(SystemClock()), SystemClock())


def test_more_than_it_takes_is_the_callers_mistake() -> None:
    connector = MemoryConnector(SCHEMA, batch_size=2, find_size=2)
    changes = tuple(Change(ChangeKind.CREATE, f"k{n}", values=sample_row(n)) for n in range(3))
    with pytest.raises(ValueError, match="2 at most"):
        connector.write(Batch("sample", changes))
    with pytest.raises(ValueError, match="2 at most"):
        connector.find("sample", (KEY,), [("a",), ("b",), ("c",)], [])
    assert connector.count("sample") == 0


def test_a_cursor_that_is_none_is_told() -> None:
    for cursor in ("", "x", "[]", "[[1]]", "[[0, 1], [0, 2]]"):
        with pytest.raises(InputError, match=r"memory\.cursor"):
            list(MemoryConnector(SCHEMA).read("sample", ["name"], after=cursor))
