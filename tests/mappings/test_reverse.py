"""A mapping turned around: out and back is what it was, and back and out; what goes one way says why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.cell import arrow_type, canonical_text
from changeover.connectors.chunk import Chunk
from changeover.connectors.finding import Severity
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.mappings.compile import CompiledMapping, compile_mappings, load_mapping_files
from changeover.mappings.people import Fate, People, Person
from changeover.mappings.reverse import Reversed, reverse
from hypothesis import given, settings
from hypothesis import strategies as st

T = FieldType
ZONE = ZoneInfo("Asia/Shanghai")
SOURCE = ObjectSchema(
    "t_deal",
    ("id",),
    (
        Field("id", T.TEXT),
        Field("title", T.TEXT),
        Field("stage", T.TEXT),
        Field("level", T.INTEGER),
        Field("amount", T.DECIMAL, precision=18, scale=4),
        Field("number", T.INTEGER),
        Field("closed", T.DATE),
        Field("changed", T.INSTANT, changeable=False),
        Field("is_open", T.TEXT),
        Field("parent", T.REFERENCE, references=("t_deal",)),
        Field("owner", T.TEXT),
        Field("kind", T.TEXT),
        Field("row", T.INTEGER, writable=False),
    ),
)
TARGET = ObjectSchema(
    "deal",
    ("did",),
    (
        Field("did", T.INTEGER, required=True, writable=False),
        Field("name", T.TEXT, length=40),
        Field("stage", T.CHOICE, choices=("won", "lost", "no")),
        Field("grade", T.DECIMAL, precision=5, scale=2),
        Field("amount", T.DECIMAL, precision=18, scale=2),
        Field("number", T.DECIMAL, precision=18, scale=0),
        Field("closed_on", T.DATE),
        Field("changed_at", T.INSTANT),
        Field("open", T.BOOLEAN),
        Field("parent_id", T.REFERENCE, references=("deal",)),
        Field("owner_id", T.TEXT),
        Field("kind", T.TEXT),
        Field("code", T.TEXT),
        Field("remark", T.TEXT),
        Field("row", T.INTEGER),
    ),
)
MAPPING = """\
mapping: deal
from: t_deal
to: deal
where: {id: {present: true}}
fields:
  name: title
  stage: {from: stage, values: {"赢单": won, "输单": lost, "no": "no"}, otherwise: reject}
  grade: {from: level, values: {"1": "1.50", "2": "2"}, otherwise: reject}
  amount: amount
  number: number
  closed_on: closed
  changed_at: changed
  open: {from: is_open, transform: {boolean: {'yes': ["开"], 'no': ["关"]}}}
  parent_id: {from: parent, reference: deal}
  owner_id: {from: owner, people: true, write: only_create}
"""
BACK_AND_FORTH = ("title", "stage", "level", "amount", "number", "closed", "changed", "is_open")


def compiled(folder: Path, text: str, source: ObjectSchema, target: ObjectSchema) -> dict[str, CompiledMapping]:
    folder.mkdir(exist_ok=True)
    (folder / "deal.yaml").write_text(text, "utf-8")
    mappings, findings = compile_mappings(
        load_mapping_files(folder),
        Schema({source.name: source}),
        Schema({target.name: target}),
        "legacy",
        ZONE,
        people=True,
        target_zone=ZONE,
    )
    assert [each for each in findings if each.severity is Severity.BLOCKS] == []
    return mappings


def one_to_one(**pairs: str) -> People:
    return People({key: Person(to, Fate.FOUND) for key, to in pairs.items()}, {}, Person(None, Fate.UNKNOWN))


PEOPLE, BACK = one_to_one(w1="u1", w2="u2"), one_to_one(u1="w1", u2="w2")


def turned(folder: Path, text: str = MAPPING, people: People | None = PEOPLE) -> tuple[CompiledMapping, Reversed]:
    mappings = compiled(folder / "mappings", text, SOURCE, TARGET)
    done = reverse(mappings["deal"], mappings, people)
    return mappings["deal"], done


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[CompiledMapping, CompiledMapping]:
    """There and back, the latter as its text is read and checked."""
    folder = tmp_path_factory.mktemp("reverse")
    there, done = turned(folder)
    assert done.one_way == ()
    return there, compiled(folder / "reverse", done.text, TARGET, SOURCE)["deal"]


def moved(mapping: CompiledMapping, cells: Mapping[str, list[object]], people: People) -> tuple[pd.DataFrame, set[int]]:
    """The frame that a mapping makes, and the rows with a cell that fits not."""
    count = len(next(iter(cells.values())))
    keys: dict[str, list[object]] = {"id": list(map(str, range(count))), "did": list(range(count))}
    filled = {**cells, **keys}
    frame = pd.DataFrame(
        {
            each.name: pd.Series(
                pd.arrays.ArrowExtensionArray(pa.array(filled.get(each.name, [None] * count), arrow_type(each)))
            )
            for each in mapping.source.fields
        }
    )
    done = mapping.apply(Chunk(mapping.source.name, frame, [str(row + 1) for row in range(count)]), people)
    return done.frame, {each.row for each in done.misfits}


def texts(frame: pd.DataFrame, field: Field) -> list[str | None]:
    told: list[str | None] = canonical_text(column_of(frame, field.name), field).to_pylist()
    return told


def column_of(frame: pd.DataFrame, name: str) -> pa.Array:
    column = pa.array(frame[name])
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def there_and_back(
    first: CompiledMapping, second: CompiledMapping, cells: Mapping[str, list[object]], people: tuple[People, People]
) -> int:
    """Every cell of a row that fits on both ways is what it was. Returns how many rows that were."""
    made, bad = moved(first, cells, people[0])
    columns = {name: column_of(made, name).to_pylist() for name in made.columns}
    again, worse = moved(second, columns, people[1])
    rows = sorted(set(range(len(made))) - bad - worse)
    for field in second.target_fields:
        if field.name in cells:
            was = canonical_text(pa.array(cells[field.name], arrow_type(field)), field).to_pylist()
            now = texts(again, field)
            assert [now[row] for row in rows] == [was[row] for row in rows], field.name
    return len(rows)


def lists(**cells: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, list[object]]]:
    row = st.fixed_dictionaries({name: st.none() | cell for name, cell in cells.items()})
    return st.lists(row, min_size=1, max_size=20).map(
        lambda rows: {name: [row[name] for row in rows] for name in cells}
    )


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)
MONEY = st.decimals(-(10**6), 10**6, places=2, allow_nan=False)
WHOLE = st.integers(-(10**15), 10**15)
DAYS = st.dates(dt.date(1, 1, 2), dt.date(9999, 12, 30))
MOMENTS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001


@settings(max_examples=10, deadline=None)
@given(
    lists(
        title=WORDS,
        stage=st.sampled_from(["赢单", "输单", "no"]) | WORDS.filter(str.strip),  # blank: nothing, in a choice
        level=st.integers(0, 4),
        amount=MONEY | st.decimals(-(10**6), 10**6, places=4, allow_nan=False),
        number=WHOLE,
        closed=DAYS,
        changed=MOMENTS,
        is_open=st.sampled_from(["开", "关"]),
        owner=st.sampled_from(["w1", "w2", "w3"]),
    )
)
def test_out_and_back(pair: tuple[CompiledMapping, CompiledMapping], cells: dict[str, list[object]]) -> None:
    there_and_back(*pair, cells, (PEOPLE, BACK))


@settings(max_examples=10, deadline=None)
@given(
    lists(
        name=WORDS,
        stage=st.sampled_from(["won", "lost", "no"]),
        grade=st.sampled_from([Decimal("1.5"), Decimal("2.00"), Decimal(3)]),
        amount=MONEY,
        number=WHOLE.map(Decimal),
        closed_on=DAYS,
        changed_at=MOMENTS,
        open=st.booleans(),
        owner_id=st.sampled_from(["u1", "u2", "u3"]),
    )
)
def test_back_and_out(pair: tuple[CompiledMapping, CompiledMapping], cells: dict[str, list[object]]) -> None:
    there, back = pair
    there_and_back(back, there, cells, (BACK, PEOPLE))


def test_whole_records_do_come_through(pair: tuple[CompiledMapping, CompiledMapping]) -> None:
    """So that the laws above are not held by nothing."""
    cells: dict[str, list[object]] = {
        "title": ["a", None],
        "stage": ["赢单", "no"],
        "level": [1, 2],
        "amount": [Decimal("1.25"), None],
        "is_open": ["开", "关"],
        "owner": ["w1", "w2"],
    }
    assert there_and_back(*pair, cells, (PEOPLE, BACK)) == 2


def test_a_reference_comes_back_as_one(pair: tuple[CompiledMapping, CompiledMapping]) -> None:
    there, back = pair
    assert (there.references, back.references) == ({"parent_id": ("deal",)}, {"parent": ("deal",)})
    frame, _ = moved(back, {"parent_id": ["7"]}, BACK)
    assert frame["parent"].tolist() == ["legacy:deal:7"]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("kind: {constant: legacy}", "reverse.constant"),
        ("kind: {from: kind, default: none}", "reverse.default"),
        ("kind: {from: [kind, title], transform: {join: {separator: ' '}}}", "reverse.several"),
        ("kind: {from: kind, transform: trim}", "reverse.transform"),
        ("kind: {from: kind, transform: [{boolean: {'yes': ['a'], 'no': ['b']}}, upper]}", "reverse.transform"),
        ("open: {from: kind, transform: boolean}", "reverse.transform"),
        ("kind: {from: kind, values: {a: x, b: x}, otherwise: reject}", "reverse.many_to_one"),
        ("grade: {from: kind, values: {a: '1.5', b: '1.50'}, otherwise: reject}", "reverse.many_to_one"),
        ("kind: {from: kind, values: {a: x}, otherwise: {default: z}}", "reverse.values_default"),
        ("kind: {from: kind, values: {a: x, b: null}, otherwise: reject}", "reverse.values_null"),
        ("kind: {from: kind, values: {a: x}, otherwise: keep}", "reverse.values_kept"),
        ("grade: level", None),
        ("grade: kind", "reverse.type"),
        ("kind: level", "reverse.type"),
        ("code: id", "reverse.of_the_key"),
        ("row: row", "reverse.not_writable"),
        ("parent_id: {from: parent, reference: deal, outside: skip}", "reverse.outside"),
        ("kind: {from: kind, values: {a: b, b: a}, otherwise: keep}", None),
    ],
)
def test_a_rule_that_goes_one_way_says_why(tmp_path: Path, rule: str, code: str | None) -> None:
    text = f"mapping: deal\nfrom: t_deal\nto: deal\nfields:\n  {rule}\n"
    _, done = turned(tmp_path, text)
    assert [each.code for each in done.one_way] == ([code] if code else [])
    assert [each.line for each in done.one_way] == ([5] if code else [])
    assert len(done.rules) == (0 if code else 1)


def test_of_two_rules_from_one_field_the_first_comes_back(tmp_path: Path) -> None:
    _, done = turned(tmp_path, "mapping: deal\nfrom: t_deal\nto: deal\nfields:\n  name: title\n  remark: title\n")
    assert ({name: rule.source for name, rule in done.rules.items()}, done.one_way[0].params["first"]) == (
        {"title": "name"},
        "name",
    )


@pytest.mark.parametrize(
    ("people", "count"),
    [
        (None, 0),
        (one_to_one(w1="u1", w2="u1", w3="u3"), 2),
        (People({"w1": Person("u1", Fate.SUBSTITUTED)}, {}, Person(None, Fate.UNKNOWN)), 1),
    ],
)
def test_people_come_back_where_each_is_one(tmp_path: Path, people: People | None, count: int) -> None:
    _, done = turned(tmp_path, people=people)
    assert [(each.code, each.params["count"]) for each in done.one_way] == [("reverse.people", count)]
