"""Chunks through a compiled mapping: values, misfits, what is filtered, and how each value came about."""

# ruff: noqa: DTZ001 - a local time is a datetime without a zone

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.cell import arrow_type
from changeover.connectors.chunk import Chunk
from changeover.connectors.finding import Severity
from changeover.mappings.people import Fate, People, Person
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import SHANGHAI, Project, ZoneInfo, all_told

Make = Callable[..., Chunk]


def misfits(mapped: object) -> list[tuple[int, str, str, str]]:
    return [(each.row, each.field, each.code, each.sample) for each in mapped.misfits]  # type: ignore[attr-defined]


def test_columns_are_typed_and_in_order(project: Project, customers: Make) -> None:
    mapping = project.account("  amount: amount\n  opened_on: opened\n  level: {constant: A}\n  changed_at: changed\n")
    chunk = customers(
        amount=["12.50", None],
        opened=["2023-01-05", ""],
        changed=[dt.datetime(2023, 1, 5, 8), None],
        cust_name=["a", ""],
    )
    mapped = mapping.apply(chunk)
    assert list(mapped.frame.columns) == ["name", "amount", "opened_on", "level", "changed_at"]
    assert [each.pyarrow_dtype for each in mapped.frame.dtypes] == [arrow_type(f) for f in mapping.target_fields]
    assert pa.Table.from_pandas(mapped.frame, preserve_index=False).to_pylist() == [
        {
            "name": "a",
            "amount": Decimal("12.50"),
            "opened_on": dt.date(2023, 1, 5),
            "level": "A",
            "changed_at": dt.datetime(2023, 1, 5, tzinfo=dt.UTC),
        },
        {"name": "", "amount": None, "opened_on": None, "level": "A", "changed_at": None},
    ]
    assert mapped.our_keys == ["legacy:t_customer:1", "legacy:t_customer:2"]
    assert (mapped.read, mapped.cursor, mapped.misfits, mapped.filtered_keys) == (2, "c1", [], [])
    assert list(mapped.frame.index) == [0, 1]


def test_one_bad_cell_costs_nothing_but_itself(project: Project, customers: Make) -> None:
    mapping = project.account("  amount: {from: amount, default: 0}\n  opened_on: opened\n")
    mapped = mapping.apply(customers(amount=["12", "twelve", None], opened=["2023-02-30", "2023-03-01", None]))
    assert mapped.frame["amount"].tolist() == [Decimal("12.00"), pd.NA, Decimal("0.00")]
    assert mapped.frame["opened_on"].tolist() == [pd.NA, dt.date(2023, 3, 1), pd.NA]
    assert misfits(mapped) == [
        (1, "amount", "type.not_a_number", "twelve"),
        (0, "opened_on", "type.not_a_date", "2023-02-30"),
    ]


@pytest.mark.parametrize(
    ("otherwise", "wanted", "unknown", "kept"),
    [
        ("reject", ["A", pd.NA, pd.NA, pd.NA, pd.NA], [(3, "level", "value.unknown", "丁")], 0),
        ("keep", ["A", pd.NA, pd.NA, "丁", pd.NA], [], 1),
        ("{default: C}", ["A", pd.NA, pd.NA, "C", pd.NA], [], 0),
    ],
)
def test_value_maps(
    project: Project, customers: Make, otherwise: str, wanted: list[object], unknown: list[object], kept: int
) -> None:
    mapping = project.account(f"  level: {{from: lvl, values: {{甲: A, 乙: null}}, otherwise: {otherwise}}}\n")
    mapped = mapping.apply(customers(lvl=["甲", "乙", None, "丁", " "]))
    all_told(mapped.findings)
    assert mapped.frame["level"].tolist() == wanted
    assert misfits(mapped) == unknown
    assert [(each.code, each.severity, each.params["count"], each.sample) for each in mapped.findings] == [
        ("value.kept", Severity.WARNS, 1, "丁")
    ] * kept


def test_no_default_covers_up_a_refused_value(project: Project, customers: Make) -> None:
    mapping = project.account("  level: {from: lvl, values: {甲: A}, otherwise: reject, default: C}\n")
    mapped = mapping.apply(customers(lvl=["甲", "丁", None]))
    assert mapped.frame["level"].tolist() == ["A", pd.NA, "C"]
    assert [each.row for each in mapped.misfits] == [1]


def test_a_value_map_compares_texts_of_numbers_too(project: Project, customers: Make) -> None:
    mapping = project.account("  level: {from: owner, values: {1: A, 2: B}, otherwise: reject}\n")
    column = pa.array([Decimal("1.00"), Decimal("2.00")], pa.decimal128(9, 2))
    assert mapping.apply(customers(owner=column)).frame["level"].tolist() == ["A", "B"]


def test_order_of_steps(project: Project, customers: Make) -> None:
    mapping = project.account(
        "  level: {from: lvl, transform: [trim, upper], values: {X: A}, otherwise: reject, default: B}\n"
    )
    [_, level] = mapping.trace(customers(lvl=[" x "]))
    assert [(each.name, each.text) for each in level.steps] == [
        ("trim", "x"),
        ("upper", "X"),
        ("values", "A"),
        ("cast", "A"),
        ("default", "A"),
    ]
    assert (level.sources, level.result, level.misfit) == ((("lvl", " x "),), "A", None)
    assert (level.file, level.line) == ("mappings/account.yaml", 6)


def test_a_trace_shows_where_it_went_wrong(project: Project, customers: Make) -> None:
    mapping = project.account(
        "  amount: {from: amount, transform: number}\n  parent_id: {from: parent, reference: account}\n"
    )
    traces = {each.field: each for each in mapping.trace(customers(amount=["1,23"], parent=[7]))}
    assert (traces["amount"].result, traces["amount"].misfit) == (None, "type.not_a_number")
    assert [each.text for each in traces["amount"].steps] == ["1,23", None]
    assert traces["parent_id"].result == "legacy:t_customer:7"
    assert [each.name for each in traces["parent_id"].steps] == ["reference"]


def test_references_become_our_keys_of_the_parent(project: Project, customers: Make) -> None:
    mapping = project.account("  parent_id: {from: parent, reference: account}\n")
    keys = ["legacy:t_customer:12", None, None]
    assert mapping.references == {"parent_id": ("account",)}
    assert mapping.parents == ()
    for cells in (
        ["12", "", None],
        [" 012 ", " ", None],
        pa.array([12, None, None]),
        pa.array([12.0, None, None]),
        pa.array([Decimal("12.00"), None, None], pa.decimal128(9, 2)),
    ):
        assert mapping.apply(customers(parent=cells)).frame["parent_id"].replace({pd.NA: None}).tolist() == keys
    # what cannot be a key of the parent stays: no parent will be found for it
    assert mapping.apply(customers(parent=["12a"])).frame["parent_id"].tolist() == ["legacy:t_customer:12a"]


def test_a_reference_to_a_parent_with_a_key_of_two_parts(project: Project) -> None:
    project.write(
        "line", "mapping: line\nfrom: t_line\nto: line\nfields:\n  customer_id: {from: cust, transform: trim}\n"
    )
    project.write(
        "note",
        "mapping: note\nfrom: t_note\nto: note\nfields:\n  line_id: {from: [order_no, line_no], reference: line}\n",
    )
    compiled, findings = project.compile()
    assert compiled.keys() == {"line", "note"}, findings
    frame = pd.DataFrame({"order_no": ["A|1", "B", "C", None], "line_no": ["02", "3", None, "4"]}).astype(
        pd.ArrowDtype(pa.string())
    )
    mapped = compiled["note"].apply(Chunk("t_note", frame, ["1", "2", "3", "4"]))
    assert mapped.frame["line_id"].tolist() == ["legacy:t_line:A\\|1|2", "legacy:t_line:B|3", pd.NA, pd.NA]
    assert compiled["note"].parents == ("line",)


def people() -> People:
    found = Person("u1", Fate.FOUND)
    return People({"1": found, "2": Person("u9", Fate.SUBSTITUTED)}, {"ada@old.cn": found}, Person(None, Fate.UNKNOWN))


def test_people(project: Project, customers: Make) -> None:
    mapping = project.account("  owner_id: {from: owner, people: true}\n")
    mapped = mapping.apply(customers(owner=["1", "2", "2", "Ada@Old.CN ", "", None, "77"]), people())
    assert mapped.frame["owner_id"].replace({pd.NA: None}).tolist() == ["u1", "u9", "u9", "u1", None, None, None]
    assert misfits(mapped) == [(6, "owner_id", "people.unknown", "77")]
    [finding] = mapped.findings
    assert (finding.code, finding.severity, finding.params, finding.sample) == (
        "people.substituted",
        Severity.WARNS,
        {"field": "owner_id", "count": 2, "person": "2", "successor": "u9", "department": "", "steps": 0},
        "2",
    )
    with pytest.raises(ValueError, match="people"):
        mapping.apply(customers(owner=["1"]))


CONDITIONS = [
    ("is_test: {equals: false}", [True, False, True, None], [1]),
    ("is_test: {equals: 0}", [True, False, True, None], [1]),
    ("is_test: {not_equals: true}", [True, False, True, None], [1, 3]),
    ("lvl: {equals: A}", ["A", "a", "", None], [0]),
    ("lvl: {equals: ''}", ["A", "a", "", None], [2]),
    ("lvl: {in: [A, a]}", ["A", "a", "", None], [0, 1]),
    ("lvl: {not_in: [A, a]}", ["A", "a", "", None], [2, 3]),
    ("lvl: {present: true}", ["A", "a", "", None], [0, 1]),
    ("lvl: {present: false}", ["A", "a", "", None], [2, 3]),
    ("lvl: {present: true, not_equals: A}", ["A", "a", "", None], [1]),
    ("parent: {in: [1, 2.0]}", ["1", "2", "x", None], [0, 1]),
    ("parent: {equals: x}", ["1", "2", "x", None], [2]),
]


@pytest.mark.parametrize(("line", "cells", "passing"), CONDITIONS)
def test_where(project: Project, customers: Make, line: str, cells: list[object], passing: list[int]) -> None:
    mapping = project.account("", f"where:\n  {line}\n")
    name = line.split(":")[0]
    mapped = mapping.apply(customers(**{name: cells}))
    assert mapped.source_keys == [str(row + 1) for row in passing]
    assert mapped.filtered_keys == [str(row + 1) for row in range(4) if row not in passing]
    assert mapped.frame["name"].tolist() == [f"客户{row}" for row in passing]
    assert (mapped.read, len(mapped)) == (4, len(passing))
    assert list(mapped.frame.index) == list(range(len(passing)))
    assert mapping.passes(customers(**{name: cells})).to_pylist() == [row in passing for row in range(4)]


def test_misfits_count_rows_behind_the_filter(project: Project, customers: Make) -> None:
    mapping = project.account("  amount: amount\n", "where:\n  lvl: {equals: A}\n")
    mapped = mapping.apply(customers(lvl=["B", "A", "A"], amount=["bad", "1", "worse"]))
    assert misfits(mapped) == [(1, "amount", "type.not_a_number", "worse")]


def test_several_sources(project: Project, customers: Make) -> None:
    mapping = project.account("  remark: {from: [lvl, tel], transform: [{join: {separator: '-'}}, upper]}\n")
    mapped = mapping.apply(customers(lvl=["a", None, None], tel=["b", "c", None]))
    assert mapped.frame["remark"].replace({pd.NA: None}).tolist() == ["A-B", "C", None]


def test_bytes_that_are_no_text_are_misfits_on_every_way(project: Project, customers: Make) -> None:
    mapping = project.account("  phone: {from: tel, transform: trim}\n  remark: lvl\n")
    raw = pa.array([b"ok", b"\xb1\xb1"])
    mapped = mapping.apply(customers(tel=raw, lvl=raw.cast(pa.string(), safe=False)))
    assert mapped.frame["phone"].tolist() == mapped.frame["remark"].tolist() == ["ok", pd.NA]
    assert [(each.row, each.field, each.code) for each in mapped.misfits] == [
        (1, "phone", "type.not_text"),
        (1, "remark", "type.not_text"),
    ]


def test_zones(project: Project, customers: Make) -> None:
    cells = pa.array([dt.datetime(2023, 1, 5, 8)], pa.timestamp("us"))
    rule = "  changed_at: changed\n"
    at_eight = project.account(rule, zone=SHANGHAI).apply(customers(changed=cells)).frame["changed_at"][0]
    assert at_eight == pd.Timestamp("2023-01-05 00:00", tz="UTC")
    own = project.account("  changed_at: {from: changed, zone: UTC}\n").apply(customers(changed=cells))
    assert own.frame["changed_at"][0] == pd.Timestamp("2023-01-05 08:00", tz="UTC")


def test_a_wall_clock_time_moves_to_the_targets_own_zone(project: Project, customers: Make) -> None:
    chunk = customers(changed=pa.array([dt.datetime(2023, 1, 5, 8), dt.datetime(1, 1, 1)], pa.timestamp("us")))
    rule = "  seen_at: changed\n"
    same = project.account(rule, target_zone=SHANGHAI).apply(chunk)
    assert same.frame["seen_at"].tolist() == [dt.datetime(2023, 1, 5, 8), dt.datetime(1, 1, 1)]
    moved = project.account(rule, target_zone=ZoneInfo("UTC")).apply(chunk)
    assert moved.frame["seen_at"][0] == dt.datetime(2023, 1, 5)
    assert [(each.row, each.code) for each in moved.misfits] == [(1, "type.not_a_time")]
    late = customers(changed=pa.array([dt.datetime(9999, 12, 31, 20)], pa.timestamp("us")))
    beyond = project.account(rule, zone=ZoneInfo("UTC"), target_zone=SHANGHAI).apply(late)
    assert [(each.row, each.code) for each in beyond.misfits] == [(0, "type.not_a_time")]


def test_nothing_in_nothing_out(project: Project, customers: Make) -> None:
    mapping = project.account(
        "  level: {constant: A}\n  amount: amount\n  parent_id: {from: parent, reference: account}\n"
    )
    empty = customers(amount=[]).frame.iloc[:0]
    mapped = mapping.apply(Chunk("t_customer", empty, []))
    assert (len(mapped), mapped.our_keys, mapped.misfits) == (0, [], [])
    assert [each.pyarrow_dtype for each in mapped.frame.dtypes] == [arrow_type(f) for f in mapping.target_fields]


def test_the_digest_is_of_the_meaning(project: Project) -> None:
    rule = "  phone: {from: tel, transform: trim}\n"
    digest = project.account(rule).digest
    assert project.account("  # a comment\n  phone: {transform: [trim], from: [tel], write: always}\n").digest == digest
    assert project.account(rule, "drop:\n  lvl: 不再使用\n").digest == digest
    assert project.account(rule, zone=ZoneInfo("UTC")).digest != digest
    assert project.account("  phone: tel\n").digest != digest
    assert project.account(rule, "where:\n  lvl: {equals: A}\n").digest != digest
    assert project.account("  phone: {from: tel, transform: trim, write: only_create}\n").digest != digest


def test_what_callers_ask_a_mapping(project: Project) -> None:
    mapping = project.account(
        "  phone: {from: tel, write: only_create}\n", "where:\n  is_test: {equals: false}\nmatch: [name, phone]\n"
    )
    assert mapping.source_fields == ("cust_name", "tel", "is_test")
    assert mapping.write_policy == {"name": "always", "phone": "only_create"}
    assert mapping.match == (("name", "phone"),)
    assert mapping.rule_lines["phone"] == ("mappings/account.yaml", 9)


CELLS = (
    st.none() | st.text(max_size=6) | st.sampled_from(["12", "1.5", "2023-02-30", "2023-02-28", "A", "甲", "０", " 7 "])
)
ALL = """\
  phone: {from: tel, transform: [half_width, trim]}
  level: {from: lvl, values: {甲: A}, otherwise: reject, default: B}
  amount: {from: amount, transform: number}
  parent_id: {from: parent, reference: account}
  owner_id: {from: owner, people: true}
  opened_on: opened
  changed_at: changed
"""


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_chunk_is_its_records_one_by_one(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    mapping = Project(tmp_path_factory.mktemp("mappings")).account(ALL)
    count = data.draw(st.integers(1, 4))
    frame = pd.DataFrame(
        {name: data.draw(st.lists(CELLS, min_size=count, max_size=count)) for name in mapping.source_fields}
    )
    frame = frame.astype(pd.ArrowDtype(pa.string()))
    together = mapping.apply(Chunk("t_customer", frame, [str(row) for row in range(count)]), people())
    for row in range(count):
        alone = Chunk("t_customer", frame.iloc[[row]].reset_index(drop=True), [str(row)])
        single = mapping.apply(alone, people())
        assert together.frame.iloc[[row]].reset_index(drop=True).equals(single.frame)
        assert [(m.field, m.code, m.sample) for m in together.misfits if m.row == row] == [
            (m.field, m.code, m.sample) for m in single.misfits
        ]
        assert [trace.misfit for trace in mapping.trace(alone, people()) if trace.misfit] == [
            m.code for m in single.misfits
        ]
