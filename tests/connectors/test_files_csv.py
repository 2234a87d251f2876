"""CSV as exports are: encodings, quotes, ragged rows, and places to go on from."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from changeover.connectors.change import Batch
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import ChangeoverError, InputError, UnavailableError
from changeover.connectors.files import connect, csv_fault, csv_table
from changeover.connectors.files.connector import FilesConnector
from changeover.connectors.pace import Pace
from changeover.connectors.port import KEY, OUR_KEY, Settings
from changeover.connectors.schema import FieldType
from changeover.connectors.secrets import Secrets
from hypothesis import given, settings
from hypothesis import strategies as st

CUSTOMERS = "编号,名称,电话,备注\n007,北京仁和医疗,010-1234,\n008,上海康健,,老客户\n"


def open_folder(folder: Path, **options: object) -> FilesConnector:
    return connect(
        Settings("export", "files", {"path": ".", **options}, folder=str(folder)),
        Secrets(),
        Pace(SystemClock()),
        SystemClock(),
    )


def customers(folder: Path, content: str | bytes, **options: object) -> FilesConnector:
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / "customer.csv").write_bytes(raw)
    return open_folder(folder, objects={"customer": {"file": "customer.csv", "key": "id"} | options})


def cells(connector: FilesConnector, *fields: str, size: int = 20_000) -> list[tuple[object, ...]]:
    names = fields or connector.describe().objects["customer"].field_names
    frames = [chunk.frame for chunk in connector.read("customer", list(names), size=size)]
    return [
        row
        for frame in frames
        for row in frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None)
    ]


def refused(connector: FilesConnector, kind: type[ChangeoverError] = InputError) -> tuple[str, dict[str, str | int]]:
    with pytest.raises(kind) as told:
        cells(connector)
    return told.value.code, dict(told.value.params)


def test_a_file_is_described_by_its_header(tmp_path: Path) -> None:
    connector = customers(tmp_path, CUSTOMERS, key="编号")
    described = connector.describe().objects["customer"]
    assert described.key == ("编号",)
    assert [(each.name, each.type, each.writable) for each in described.fields] == [
        (name, FieldType.TEXT, False) for name in ("编号", "名称", "电话", "备注")
    ]


@pytest.mark.parametrize(
    "encoding", ["gb18030", "gbk", "big5", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "shift_jis"]
)
def test_a_file_is_read_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    text = "id,name\n007,上海公司\n" * 1 + "".join(f"{number},北京公司\n" for number in range(3000))
    connector = customers(tmp_path, text.encode(encoding), encoding=encoding)
    rows = cells(connector)
    assert rows[0] == ("007", "上海公司")
    assert rows[-1] == ("2999", "北京公司")
    assert len(rows) == 3001


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path, encoding: str) -> None:
    raw = ("\ufeff" if encoding != "utf-8-sig" else "") + "id,name\n1,x\n"
    connector = customers(tmp_path, raw.encode(encoding), encoding=encoding)
    assert cells(connector) == [("1", "x")]


def test_a_wrong_encoding_is_told_with_line_byte_and_setting(tmp_path: Path) -> None:
    connector = customers(tmp_path, b"id,name\n1,plain\n2," + "上海".encode("gb18030") + b"\n")
    code, params = refused(connector)
    assert code == "files.wrong_encoding"
    assert params == {"object": "customer", "file": "customer.csv", "line": 3, "byte": 18, "encoding": "utf-8"}


@pytest.mark.parametrize("before", [0, 1_048_574, 1_048_575, 1_048_576, 3_000_000])
def test_a_wrong_byte_is_found_wherever_it_is(tmp_path: Path, before: int) -> None:
    lines = b"id,name\n" + "1,上\n".encode("gb18030") * (before // 5)
    raw = lines + b"2,\xff\xff\n"
    code, params = refused(customers(tmp_path, raw, encoding="gb18030"))
    assert code == "files.wrong_encoding"
    assert params["byte"] == raw.index(b"\xff")
    assert params["line"] == lines.count(b"\n") + 1


def test_a_wrong_byte_in_the_header_is_told(tmp_path: Path) -> None:
    code, params = refused(customers(tmp_path, CUSTOMERS.encode("gb18030")))
    assert (code, params["line"], params["byte"]) == ("files.wrong_encoding", 1, 0)


def test_codes_of_digits_stay_text(tmp_path: Path) -> None:
    connector = customers(tmp_path, "id,code,zip,amount\n007,00,010,1.50\n8,1e5,,-0\n")
    assert cells(connector) == [("007", "00", "010", "1.50"), ("8", "1e5", None, "-0")]


def test_an_empty_cell_is_null_and_quotes_make_it_empty_text(tmp_path: Path) -> None:
    connector = customers(tmp_path, 'id,a,b,c\n1,,"",NULL\n2, ,null,"NULL"\n')
    assert cells(connector) == [("1", None, "", "NULL"), ("2", " ", "null", "NULL")]


def test_quotes_delimiters_and_line_ends_inside_cells(tmp_path: Path) -> None:
    connector = customers(tmp_path, 'id,note\r\n1,"a ""b"", c"\r\n2,"two\r\nlines\nmore"\r\n3,5" pipe\r\n')
    assert cells(connector) == [("1", 'a "b", c'), ("2", "two\r\nlines\nmore"), ("3", '5" pipe')]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_every_kind_of_line_end(tmp_path: Path, ending: str, last: bool) -> None:
    text = ending.join(["id,name", "1,x", "", "2,y"]) + (ending * 2 if last else "")
    connector = customers(tmp_path, text)
    assert cells(connector) == [("1", "x"), ("2", "y")]
    assert connector.count("customer") == 2


def test_blank_lines_before_the_header(tmp_path: Path) -> None:
    assert cells(customers(tmp_path, "\n\r\nid,name\n1,x\n")) == [("1", "x")]


def test_find_tells_composed_letters_from_combined_ones(tmp_path: Path) -> None:
    connector = customers(tmp_path, "id,name\n1,caf\u00e9\n2,cafe\u0301\n")
    assert connector.find("customer", ("name",), [("caf\u00e9",)], []).keys == ["1"]
    assert connector.find("customer", ("name",), [("cafe\u0301",)], []).keys == ["2"]


def test_another_delimiter(tmp_path: Path) -> None:
    assert cells(customers(tmp_path, "id;name\n1;a,b\n", delimiter=";")) == [("1", "a,b")]
    (tmp_path / "t.tsv").write_text("id\tname\n1\ta,b\n")
    connector = open_folder(tmp_path, objects={"customer": {"file": "t.tsv", "key": ["id"]}})
    assert cells(connector) == [("1", "a,b")]


@pytest.mark.parametrize("text", ["id,name", "id,name\n", "id,name\r\n\r\n\n"])
def test_a_file_with_nothing_but_a_header_has_no_records(tmp_path: Path, text: str) -> None:
    connector = customers(tmp_path, text)
    assert cells(connector) == []
    assert connector.count("customer") == 0
    assert len(connector.find("customer", (KEY,), [("1",)], ["name"])) == 0


@pytest.mark.parametrize(
    ("text", "code", "params"),
    [
        ("", "files.no_header", {}),
        ("\n\n", "files.no_header", {}),
        ("id,name,name\n1,a,b\n", "files.same_column", {"column": "name"}),
        ("id,,name\n1,a,b\n", "files.unnamed_column", {"column": 2}),
        ("id,name\n1,a\n2,b,c\n", "files.ragged_row", {"line": 3, "columns": 3, "expected": 2}),
        ("id,name\n1\n", "files.ragged_row", {"line": 2, "columns": 1, "expected": 2}),
        ('id,name\n1,"two\nlines"\n\n2,"a\nb",c\n', "files.ragged_row", {"line": 5, "columns": 3}),
        ('id,name\n1,a\n2,"b\n3,c\n4,d\n', "files.open_quote", {"line": 3}),
        ('id,name\n1,a\n"2,b\n3,c\n', "files.open_quote", {"line": 3}),
        ('id,name\n1,a\n2,"b\n3,c\n4,""\n', "files.open_quote", {"line": 3}),
        ("name,ID\na,1\n", "files.no_key_column", {"column": "id", "nearest": "ID"}),
        ("id;name\n1;a\n", "files.no_key_column", {"column": "id", "nearest": "id;name"}),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(
    tmp_path: Path, text: str, code: str, params: dict[str, str | int]
) -> None:
    told_code, told = refused(customers(tmp_path, text))
    assert told_code == code
    assert told | params == told
    assert told["file"] == "customer.csv"


def test_a_quote_that_closes_at_the_end_is_closed(tmp_path: Path) -> None:
    for last in ('"a\nb"', '"a,""b"""', '"a\n"', '""', '"x ""y"" \n""z"""'):
        connector = customers(tmp_path, f"id,name\n1,x\n2,{last}\n")
        assert cells(connector, "id") == [("1",), ("2",)], last


def test_an_open_quote_is_found_though_its_column_was_not_asked_for(tmp_path: Path) -> None:
    connector = customers(tmp_path, 'id,name,note\n1,a,x\n2,b,"y\n3,c,z\n')
    with pytest.raises(InputError, match=r"files\.open_quote"):
        cells(connector, "name")


def test_an_open_quote_in_a_large_file_is_told_and_not_read_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_table, "BLOCKS", (1000, 10_000))
    monkeypatch.setattr(csv_fault, "LONGEST_ROW", 10_000)
    text = "id,name\n" + "1,a\n" * 10 + '2,"b\n' + "3,c\n" * 10_000 + '4,"and closed far away"\n'
    assert refused(customers(tmp_path, text)) == (
        "files.open_quote",
        {"object": "customer", "file": "customer.csv", "line": 12},
    )


def test_a_fault_is_found_behind_a_long_cell(tmp_path: Path) -> None:
    code, params = refused(customers(tmp_path, f"id,name\n1,{'x' * 200_000}\n2,b,c\n"))
    assert (code, params["line"]) == ("files.ragged_row", 3)


def test_a_cell_larger_than_a_block_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "BLOCKS", (1000, 10_000))
    code, params = refused(customers(tmp_path, "id,name\n1," + "x" * 30_000 + "\n2,y\n"))
    assert (code, params["megabytes"]) == ("files.row_too_long", 16)


def test_a_record_longer_than_a_block_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "BLOCKS", (1000, 100_000))
    lengths = [*[5] * 400, 30_000, *[5] * 400, 50_000, 5]
    text = "id,name\n" + "".join(f"{number},{'x' * length}\n" for number, length in enumerate(lengths))
    connector = customers(tmp_path, text)
    assert [(int(str(key)), len(str(name))) for key, name in cells(connector, size=90)] == list(enumerate(lengths))
    assert connector.count("customer") == len(lengths)


def test_keys_come_as_they_stand(tmp_path: Path) -> None:
    connector = customers(tmp_path, 'id,name\n1,a\n1,b\n,c\n"",d\n 1,e\n')
    chunks = list(connector.read("customer", ["name"]))
    assert chunks[0].keys == ["1", "1", "", "", " 1"]
    assert connector.find("customer", (KEY,), [("1",)], ["name"]).frame["name"].to_list() == ["a", "b"]


@given(
    rows=st.lists(
        st.tuples(
            *[st.none() | st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8)]
            * 3
        ),
        max_size=25,
    ),
    size=st.integers(1, 30),
)
@settings(max_examples=40, deadline=None)
def test_every_cell_comes_back_and_every_cursor_resumes(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str | None, ...]], size: int
) -> None:
    lines = ["id,a,b,c"]
    for number, row in enumerate(rows):
        quoted = ("" if cell is None else '"' + cell.replace('"', '""') + '"' for cell in row)
        lines.append(",".join((str(number), *quoted)))
    connector = customers(tmp_path_factory.mktemp("csv"), "\n".join(lines) + "\n")
    assert cells(connector, "a", "b", "c", size=size) == rows
    whole = [str(number) for number in range(len(rows))]
    seen: list[str] = []
    for chunk in connector.read("customer", ["a"], size=size):
        seen += chunk.keys
        rest = [key for each in connector.read("customer", ["b"], after=chunk.cursor, size=size) for key in each.keys]
        assert seen + rest == whole


def test_a_large_file_is_read_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "BLOCKS", (1000,))
    text = "id,name\n" + "".join(f'{number},"公司 {number}\n"\n' for number in range(5000))
    connector = customers(tmp_path, text.encode("gb18030"), encoding="gb18030")
    chunks = list(connector.read("customer", ["name"], size=700))
    assert [len(chunk) for chunk in chunks] == [700] * 7 + [100]
    assert [key for chunk in chunks for key in chunk.keys] == [str(number) for number in range(5000)]
    assert connector.count("customer") == 5000


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    connector = customers(tmp_path, "id,name\n" + "".join(f"{number},x\n" for number in range(100)))
    chunks = connector.read("customer", ["name"], size=10)
    first = next(chunks)
    with (tmp_path / "customer.csv").open("a") as stream:
        stream.write("100,late\n")
    with pytest.raises(UnavailableError, match=r"files\.changed"):
        next(chunks)
    with pytest.raises(UnavailableError, match=r"files\.changed"):
        list(connector.read("customer", ["name"], after=first.cursor))


@pytest.mark.parametrize(
    "other",
    [
        lambda lines: [lines[0], "0001,another name\n", *lines[2:]],
        lambda lines: [*lines[:-1], lines[-1].replace("x", "y")],
        lambda lines: [*lines[:5000], "5000,one more\n", *lines[5000:]],
    ],
    ids=["begins otherwise", "ends otherwise", "is longer in the middle"],
)
def test_a_cursor_of_another_file_is_refused(tmp_path: Path, other: Callable[[list[str]], list[str]]) -> None:
    lines = ["id,name\n", *(f"{number:04},x" + "x" * 20 + "\n" for number in range(1, 10_000))]
    first = next(customers(tmp_path, "".join(lines)).read("customer", ["name"], size=10))
    again = customers(tmp_path, "".join(lines))
    assert next(again.read("customer", ["name"], after=first.cursor)).keys[0] == "0011"
    changed = customers(tmp_path, "".join(other(lines)))
    with pytest.raises(UnavailableError, match=r"files\.changed"):
        list(changed.read("customer", ["name"], after=first.cursor))


def test_a_file_that_was_only_touched_goes_on(tmp_path: Path) -> None:
    connector = customers(tmp_path, "id,name\n1,a\n2,b\n")
    first = next(connector.read("customer", ["name"], size=1))
    os.utime(tmp_path / "customer.csv", (1, 1))
    assert [chunk.keys for chunk in connector.read("customer", ["name"], after=first.cursor)] == [["2"]]


def test_a_cursor_that_is_none_is_told(tmp_path: Path) -> None:
    connector = customers(tmp_path, "id,name\n1,a\n")
    for cursor in ("", "x", "1", "-1@ab"):
        if cursor:
            with pytest.raises(InputError, match=r"files\.cursor"):
                list(connector.read("customer", ["name"], after=cursor))


def test_a_file_that_went_away_is_told(tmp_path: Path) -> None:
    connector = customers(tmp_path, "id,name\n1,a\n")
    (tmp_path / "customer.csv").unlink()
    for ask in (connector.describe, lambda: connector.count("customer"), lambda: cells(connector, "name")):
        with pytest.raises(InputError, match=r"files\.unreadable"):
            ask()


def test_files_are_never_written(tmp_path: Path) -> None:
    connector = customers(tmp_path, "id,name\n1,a\n")
    with pytest.raises(InputError, match=r"files\.source_only"):
        connector.write(Batch("customer", ()))
    with pytest.raises(InputError, match=r"files\.source_only"):
        connector.prepare()
    assert list(connector.our_keys("customer")) == []
    assert len(connector.find("customer", (OUR_KEY,), [("crm:customer:1",)], ["name"])) == 0
