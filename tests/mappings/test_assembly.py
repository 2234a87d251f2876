"""What a mapping that puts records together says, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pytest
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Finding
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.mappings.assembly.compiled import CompiledAssembly, compile_assemblies
from changeover.mappings.assembly.derived import with_assemblies
from changeover.mappings.compile import CompiledMapping, compile_mappings, load_mapping_files
from changeover.runs.catalogue import Catalogue

T = FieldType
SOURCE = Schema(
    {
        "a.deal": ObjectSchema(
            "a.deal",
            ("id",),
            (
                Field("id", T.INTEGER, required=True),
                Field("nr", T.INTEGER),
                Field("line", T.TEXT),
                Field("sum", T.DECIMAL, precision=10, scale=2, required=True),
                Field("name", T.TEXT, length=10),
                Field("at", T.LOCAL_TIME),
            ),
        ),
        "b.slip": ObjectSchema(
            "b.slip",
            ("id",),
            (
                Field("id", T.TEXT),
                Field("nr", T.INTEGER),
                Field("pos", T.TEXT),
                Field("sum", T.DECIMAL, precision=12, scale=4),
                Field("title", T.TEXT, length=20),
                Field("at", T.LOCAL_TIME),
            ),
        ),
    }
)
TARGET = Schema(
    {
        "deal": ObjectSchema(
            "deal",
            ("id",),
            (
                Field("id", T.INTEGER, writable=False),
                Field("nr", T.TEXT),
                Field("sum", T.DECIMAL, precision=12, scale=4),
                Field("name", T.TEXT),
                Field("at", T.INSTANT),
            ),
        )
    }
)
GOOD = """
mapping: deal
assemble:
  key: nr
  contributors:
    one: {from: a.deal}
    two: {from: b.slip}
  required: [one]
  fields:
    sum: {prefer: [two, one]}
    name: {prefer: [one, two], from: {two: title}}
    at: {prefer: [one, two]}
to: deal
fields:
  nr: nr
  sum: sum
  name: name
"""
ZONES = {"a": ZoneInfo("UTC"), "b": ZoneInfo("Asia/Shanghai")}


def read(folder: Path, text: str) -> tuple[dict[str, CompiledMapping], list[Finding]]:
    (folder / "mappings").mkdir(exist_ok=True)
    (folder / "mappings" / "deal.yaml").write_text(text, encoding="utf-8")
    files = load_mapping_files(folder / "mappings")
    return compile_mappings(files, SOURCE, TARGET, "", zones=ZONES)


def assembly(folder: Path, text: str = GOOD) -> CompiledAssembly:
    read(folder, text)
    files = load_mapping_files(folder / "mappings")
    return compile_assemblies(files, with_assemblies(files, SOURCE))["assembly.deal"]


def chunk(of: str, keys: list[str], **columns: list[object] | pa.Array) -> Chunk:
    frame = pa.table(dict(columns)).to_pandas(types_mapper=pd.ArrowDtype)
    return Chunk(of, frame, keys)


def test_what_it_stands_for_is_a_source_object_of_its_own(tmp_path: Path) -> None:
    compiled, findings = read(tmp_path, GOOD)
    described = compiled["deal"].source
    assert (described.name, described.key) == ("assembly.deal", ("nr",))
    named = {each.name: each for each in described.fields}
    assert (named["nr"].type, named["one"].type) == (T.INTEGER, T.BOOLEAN)
    assert (named["sum"].type, named["sum"].scale) == (T.DECIMAL, 4)
    assert (named["name"].type, named["name"].length) == (T.TEXT, 20)
    assert (named["one.sum"].required, named["two.sum"].required) == (True, False)
    assert compiled["deal"].source_fields == ("nr", "sum", "name", "one")
    left_over = {each.field for each in findings if each.code == "mapping.left_over"}
    assert left_over == {"at", "one.id", "one.line", "two.id", "two.pos"}


@pytest.mark.parametrize(
    ("here", "there", "code", "line"),
    [
        ("from: a.deal", "from: a.dael", "mapping.no_source_object", 6),
        ("one: {from: a.deal}", "one: {from: a.deal, key: number}", "mapping.no_source_field", 6),
        ("one: {from: a.deal}", "one: {from: a.deal, key: [nr, line]}", "assembly.key_parts", 6),
        ("one: {from: a.deal}", "one: {from: a.deal, where: {stat: {present: true}}}", "mapping.no_source_field", 6),
        ("one: {from: a.deal}", "one: {from: a.deal, several: {first: when}}", "mapping.no_source_field", 6),
        ("one: {from: a.deal}", "one: {from: a.deal, transform: trimm}", "mapping.no_transform", 6),
        ("one: {from: a.deal}", "one: {from: a.deal, transform: {join: {with: x}}}", "assembly.joins", 6),
        ("one: {from: a.deal}", "one: {from: a.deal, transform: {pad: {}}}", "mapping.wrong_argument", 6),
        ("required: [one]", "required: [three]", "assembly.no_contributor", 8),
        ("prefer: [two, one]", "prefer: [two, three]", "assembly.no_contributor", 10),
        ("prefer: [two, one]", "prefer: [two, two]", "assembly.preferred_twice", 10),
        ("{prefer: [two, one]}", "{prefer: [two], from: {one: sum}}", "assembly.not_preferred", 10),
        ("{two: title}", "{two: titel}", "mapping.no_source_field", 11),
        ("key: nr", "key: one", "assembly.name_twice", 6),
        ("    two: {from", "    t.wo: {from", "assembly.name_with_dot", 7),
        ("  name: name", "  name: name\n  at: at", "assembly.clocks", 18),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, here: str, there: str, code: str, line: int) -> None:
    _, findings = read(tmp_path, GOOD.replace(here, there, 1))
    found = {each.code: each for each in findings if each.severity == "blocks"}
    assert code in found, found
    assert found[code].line == line
    for language in ("en", "zh"):
        assert "{" not in Catalogue(language).text(code, {"field": "", **found[code].params})


def test_it_has_no_other_source(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, GOOD.replace("to: deal", "from: a.deal\nto: deal"))
    assert [each.code for each in refused.value.findings] == ["mapping.from_and_assemble"]


def test_each_contributors_own_zone_is_that_of_its_fields(tmp_path: Path) -> None:
    for name, zone in (("one.at", "UTC"), ("two.at", "Asia/Shanghai")):
        compiled, _ = read(tmp_path, GOOD + f"  at: {name}\n")
        assert str(compiled["deal"].rules[-1].zone) == zone


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("prefer: [two, one]", "prefer: [one, two]"),
        ("required: [one]", "required: []"),
        ("two: {from: b.slip}", "two: {from: b.slip, where: {title: {present: true}}}"),
        ("two: {from: b.slip}", "two: {from: b.slip, several: {last: id}}"),
        ("sum: {prefer: [two, one]}", "sum: {prefer: [two, one], differ: holds}"),
    ],
)
def test_the_mapping_means_something_else_once_the_assembly_does(tmp_path: Path, here: str, there: str) -> None:
    before, after = (read(tmp_path, text)[0]["deal"].digest for text in (GOOD, GOOD.replace(here, there)))
    assert before != after


def test_values_of_one_number_do_not_differ(tmp_path: Path) -> None:
    """0.1 as text, as a decimal of four places and as one of two."""
    made = assembly(tmp_path)
    given = {
        "one": [made.contributors["one"].gather(chunk("a.deal", ["1", "2"], nr=[7, 8], sum=["0.10", "5"]), ("sum",))],
        "two": [
            made.contributors["two"].gather(chunk("b.slip", ["x", "y"], nr=["7", "8"], sum=["0.1000", "6"]), ("sum",))
        ],
    }
    chunked = made.assemble({name: [each.table for each in parts] for name, parts in given.items()}, ("nr", "sum"))
    assert [(each.key, each.sample) for each in chunked.findings] == [("8", "6 | 5")]
    assert chunked.frame["sum"].tolist() == ["0.1000", "6"]
    assert chunked.keys == chunked.frame["nr"].tolist() == ["7", "8"]


def test_empty_text_is_no_value(tmp_path: Path) -> None:
    made = assembly(tmp_path)
    one = made.contributors["one"].gather(
        chunk("a.deal", ["1", "2", "3"], nr=[1, 2, 3], name=["", None, "x"]), ("name",)
    )
    two = made.contributors["two"].gather(chunk("b.slip", ["1", "2"], nr=[1, 2], title=["b", "c"]), ("title",))
    chunked = made.assemble({"one": [one.table], "two": [two.table]}, ("name", "two"))
    assert chunked.frame["name"].tolist() == ["b", "c", "x"]
    assert chunked.frame["two"].tolist() == [True, True, False]
    assert not chunked.findings


def test_kinds_that_change_from_chunk_to_chunk_come_as_text(tmp_path: Path) -> None:
    made = assembly(tmp_path)
    pieces = [
        made.contributors["one"].gather(chunk("a.deal", [str(key)], nr=[key], sum=[cell]), ("sum",)).table
        for key, cell in ((1, 5), (2, "x"), (3, None))
    ]
    assert made.assemble({"one": pieces}, ("one.sum",)).frame["one.sum"].tolist()[:2] == ["5", "x"]


def test_a_key_of_several_parts(tmp_path: Path) -> None:
    text = GOOD.replace("key: nr", "key: [nr, pos]").replace("{from: a.deal}", "{from: a.deal, key: [nr, line]}")
    made = assembly(tmp_path, text)
    one = made.contributors["one"].gather(chunk("a.deal", ["1", "2"], nr=[1, 1], line=["a|b", None]), ())
    two = made.contributors["two"].gather(chunk("b.slip", ["9"], nr=[1], pos=["a|b"]), ())
    chunked = made.assemble({"one": [one.table], "two": [two.table]}, ("pos", "one", "two"))
    assert one.keyless == 1
    assert chunked.keys == ["1|a\\|b"]
    assert chunked.frame.loc[0].tolist() == ["a|b", True, True]
    assert chunked.made_of == {"one": ["1"], "two": ["9"]}


def test_a_key_that_a_transform_makes_empty_is_none(tmp_path: Path) -> None:
    text = GOOD.replace("{from: a.deal}", '{from: a.deal, key: line, transform: {replace: {old: none, new: ""}}}')
    gathered = assembly(tmp_path, text).contributors["one"].gather(chunk("a.deal", ["1", "2"], line=["none", "7"]), ())
    assert (gathered.keyless, gathered.table.column("@own").to_pylist()) == (1, ["2"])


def test_a_condition_that_nobody_can_tell_leaves_its_record_out(tmp_path: Path) -> None:
    text = GOOD.replace("{from: a.deal}", "{from: a.deal, where: {sum: {at_least: 5}}}")
    columns = {"nr": [1, 2, 3], "sum": ["4", "5", "many"]}
    gathered = assembly(tmp_path, text).contributors["one"].gather(chunk("a.deal", ["1", "2", "3"], **columns), ())
    assert (gathered.left_out, gathered.untold, gathered.table.column("@own").to_pylist()) == (2, 1, ["2"])
