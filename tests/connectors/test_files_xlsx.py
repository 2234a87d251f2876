"""Excel workbooks as people keep them: titles above the header, empty rows, codes, dates, formulas, damage."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest
import xlsxwriter
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import InputError
from changeover.connectors.files import connect
from changeover.connectors.files.connector import FilesConnector
from changeover.connectors.pace import Pace
from changeover.connectors.port import KEY, Settings
from changeover.connectors.schema import FieldType
from changeover.connectors.secrets import Secrets

MOMENT = dt.datetime(2024, 3, 1, 18, 5)  # noqa: DTZ001 - a wall clock


def workbook(folder: Path, *rows: Sequence[object], name: str = "deals.xlsx", sheets: Sequence[str] = ("表",)) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append([*row])
    book.save(folder / name)
    return folder / name


def opened(folder: Path, name: str = "deals.xlsx", **options: object) -> FilesConnector:
    objects = {"deal": {"file": name, "key": "id"} | options}
    settings = Settings("export", "files", {"path": ".", "objects": objects}, folder=str(folder))
    return connect(settings, Secrets(), Pace(SystemClock()), SystemClock())


def columns(connector: FilesConnector) -> dict[str, list[object]]:
    names = connector.describe().objects["deal"].field_names
    chunks = list(connector.read("deal", names))
    return {name: [cell for each in chunks for cell in pa.array(each.frame[name]).to_pylist()] for name in names}


def refused(connector: FilesConnector) -> tuple[str, dict[str, str | int]]:
    with pytest.raises(InputError) as told:
        columns(connector)
    return told.value.code, dict(told.value.params)


def test_codes_keep_their_zeros_and_numbers_are_text_as_excel_shows_them(tmp_path: Path) -> None:
    workbook(
        tmp_path,
        ["id", "code", "amount", "mixed"],
        ["0012", "007", 12.0, "x"],
        [13, 8, 0.1 + 0.2, 1.5],
        [14.0, None, 1234567.89, True],
        [123456789012345, "1e5", 1e-7, MOMENT],
    )
    assert columns(opened(tmp_path)) == {
        "id": ["0012", "13", "14", "123456789012345"],
        "code": ["007", "8", None, "1e5"],
        "amount": ["12", "0.3", "1234567.89", "0.0000001"],
        "mixed": ["x", "1.5", "true", "2024-03-01 18:05:00"],
    }
    assert opened(tmp_path).find("deal", (KEY,), [("0012",), ("14",), ("012",)], []).keys == ["0012", "14"]


def test_columns_of_dates_and_booleans_have_their_type(tmp_path: Path) -> None:
    day = dt.datetime(2024, 2, 29)  # noqa: DTZ001 - a wall clock
    workbook(tmp_path, ["id", "day", "at", "both", "flag"], ["1", day, MOMENT, day, True], ["2", None, None, MOMENT])
    connector = opened(tmp_path)
    assert {each.name: each.type for each in connector.describe().objects["deal"].fields} == {
        "id": FieldType.TEXT,
        "day": FieldType.DATE,
        "at": FieldType.LOCAL_TIME,
        "both": FieldType.LOCAL_TIME,
        "flag": FieldType.BOOLEAN,
    }
    assert columns(connector) == {
        "id": ["1", "2"],
        "day": [day.date(), None],
        "at": [MOMENT, None],
        "both": [day, MOMENT],
        "flag": [True, None],
    }


def test_empty_rows_and_titles_are_passed_over(tmp_path: Path) -> None:
    workbook(tmp_path, [], ["二〇二四年合同"], [None], ["id", " 名称 "], [], ["1", "甲"], [None, None], ["2", None])
    assert columns(opened(tmp_path, header=4)) == {"id": ["1", "2"], "名称": ["甲", None]}
    connector = opened(tmp_path, header=4)
    assert connector.count("deal") == 2
    first = next(connector.read("deal", ["id"], size=1))
    assert [each.keys for each in connector.read("deal", ["id"], after=first.cursor)] == [["2"]]


def test_a_sheet_is_taken_by_its_name(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for title, key in (("甲", "1"), ("乙", "2")):
        sheet = book.create_sheet(title)
        sheet.append(["id"])
        sheet.append([key])
    book.remove(book.worksheets[0])
    book.save(tmp_path / "deals.xlsx")
    assert columns(opened(tmp_path, sheet="乙")) == {"id": ["2"]}
    for options in ({}, {"sheet": "丙"}):
        code, params = refused(opened(tmp_path, **options))
        assert (code, params["sheets"]) == ("files.no_sheet", "甲, 乙")


def test_formulas_give_the_value_that_was_saved(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "deals.xlsx"))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["id", "sum", "bad"])
    sheet.write_row(1, 0, ["1"])
    sheet.write_formula(1, 1, "=1+1", None, 2)
    sheet.write_formula(1, 2, "=1/0", None, "#DIV/0!")
    book.close()
    assert columns(opened(tmp_path)) == {"id": ["1"], "sum": ["2"], "bad": ["#DIV/0!"]}


def test_a_formula_without_a_value_is_no_empty_cell(tmp_path: Path) -> None:
    workbook(tmp_path, ["id", "sum"], ["1", 2], ["2", "=1+1"])
    code, params = refused(opened(tmp_path))
    assert (code, params["row"], params["column"]) == ("files.no_value", 3, "B")


def test_a_folder_of_workbooks(tmp_path: Path) -> None:
    workbook(tmp_path, ["id"], ["7"], name="deal.xlsx")
    settings = Settings("export", "files", {"path": ".", "keys": {"deal": "id"}}, folder=str(tmp_path))
    assert columns(connect(settings, Secrets(), Pace(SystemClock()), SystemClock())) == {"id": ["7"]}


@pytest.mark.parametrize(
    ("rows", "code", "params"),
    [
        ([], "files.no_header_row", {}),
        ([["id", None, "name"], ["1"]], "files.unnamed_column", {"column": 2}),
        ([["id", "id"], ["1"]], "files.same_column", {"column": "id"}),
        ([["ID"], ["1"]], "files.no_key_column", {"column": "id", "nearest": "ID"}),
        ([["id"], ["1"], ["2", None, "x"]], "files.beyond_header", {"row": 3, "columns": 1}),
    ],
)
def test_what_is_wrong_with_a_sheet_is_told_with_sheet_and_row(
    tmp_path: Path, rows: list[list[object]], code: str, params: dict[str, str | int]
) -> None:
    workbook(tmp_path, *rows)
    told_code, told = refused(opened(tmp_path, sheet="表"))
    assert told_code == code
    assert told | params | {"file": "deals.xlsx [表]"} == told


def test_a_header_beyond_the_end_is_told(tmp_path: Path) -> None:
    workbook(tmp_path, ["id"], ["1"])
    assert refused(opened(tmp_path, header=9))[0] == "files.no_header_row"


@pytest.mark.parametrize("damage", ["no zip", "cut off", "no sheet", "broken xml", "no number"])
def test_a_damaged_workbook_is_told(tmp_path: Path, damage: str) -> None:
    path = workbook(tmp_path, ["id", "n"], ["1", 5])
    if damage == "no zip":
        path.write_bytes(b"\xd0\xcf\x11\xe0 an old or locked workbook")
    elif damage == "cut off":
        path.write_bytes(path.read_bytes()[:-200])
    else:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        name = "xl/worksheets/sheet1.xml"
        sheet = parts.pop(name)
        if damage == "broken xml":
            parts[name] = sheet[:-40]
        elif damage == "no number":
            parts[name] = re.sub(rb"<v>5</v>", b"<v>five</v>", sheet)
        with zipfile.ZipFile(path, "w") as archive:
            for part, content in parts.items():
                archive.writestr(part, content)
    assert refused(opened(tmp_path))[0] == "files.not_xlsx"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("deals.csv", {"sheet": "表"}),
        ("deals.csv", {"header": 2}),
        ("deals.xlsx", {"header": 0}),
        ("deals.xlsx", {"header": True}),
        ("deals.xlsx", {"header": "2"}),
        ("deals.xlsx", {"sheet": 7}),
        ("deals.xlsx", {"sheet": ""}),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, name: str, options: dict[str, object]) -> None:
    workbook(tmp_path, ["id"], ["1"])
    (tmp_path / "deals.csv").write_text("id\n1\n")
    with pytest.raises(InputError, match=r"files\.sheet"):
        opened(tmp_path, name, **options)
