"""The worklist, read back by a reader that did not write it: who mends what, keys as texts, nothing that runs."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from changeover.runs.report.spreadsheet import Sheet, workbook

from .company import Company, make_company

HEADS = {
    "en": ("object", "old key", "new key", "field", "reason", "sample (masked)", "source field", "current value"),
    "zh": ("对象", "旧主键", "新主键", "字段", "原因", "样例（已脱敏）", "源字段", "当前值"),
}
SHEETS = {"en": ["summary", "data", "mapping", "administrator"], "zh": ["汇总", "数据", "映射", "管理员"]}
EVIL = '=cmd|" /C calc"!A0'


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Run 1 parks three, run 2 those and more."""
    company = make_company(tmp_path_factory.mktemp("worklist") / "move")
    company.new("insert into customer (name, tax_no) values ('theirs', 'X'), ('theirs', 'Y')")
    company.customer("012345", khmc=None, ywy="w1", je="13800000001.123")
    company.customer("123456789012345678", sjkh="012345", sh="TAX18")
    company.customer(EVIL, rq="2023-02-30", sh="EVIL", ywy="@SUM(A1)")
    company.run()
    company.order(1, "012345", zt="=2+3")
    company.customer("LIVE")
    company.run()
    company.old("update t_customer set je = '张三的电话' where khbh = 'LIVE'")
    company.run()
    return company


def sheets(path: Path) -> dict[str, list[tuple[object, ...]]]:
    book = openpyxl.load_workbook(path)
    return {page.title: [tuple(cell.value for cell in row) for row in page.iter_rows()] for page in book}


def cells(path: Path) -> Iterator[openpyxl.cell.Cell]:
    for page in openpyxl.load_workbook(path):
        for row in page.iter_rows():
            yield from row


def width(page: openpyxl.worksheet.worksheet.Worksheet, column: int) -> float:
    """Neighbours of the same width are told once."""
    return next(each.width for each in page.column_dimensions.values() if each.min <= column <= each.max)


def written(company: Company, *words: str) -> Path:
    said = company.say("worklist", *words, "--json")
    assert said.code == 0, said.err
    return company.folder / str(said.document["file"])


def test_a_sheet_for_each_who_can_mend_and_a_line_a_record(company: Company) -> None:
    path = written(company)
    assert path.parent == company.folder / "runs" / "mock" / "reports"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = sheets(path)
    assert list(told) == SHEETS["en"]
    assert told["data"][0][:8] == HEADS["en"]
    rows = {row[1]: row for row in told["data"][1:]}
    assert set(rows) == {"012345", "123456789012345678", f"'{EVIL}", "LIVE"}
    bad = rows["012345"]
    assert (bad[0], bad[3], bad[11], bad[12], bad[13]) == ("t_customer", "name", "mend in the source data", "w1", 1)
    assert bad[6:11] == ("khmc", None, None, None, None)
    assert str(bad[4]).startswith("name is required and has no value")
    assert "revenue: not a number" in str(bad[4])
    assert bad[15:17] == ("required.missing", "changeover run --rejected --code required.missing --execute")
    assert rows[f"'{EVIL}"][5:8] == ("2###-##-##", "rq", "2###-##-##")
    assert "legacy:t_customer:012345" in str(rows["123456789012345678"][4])
    assert rows["123456789012345678"][16] == bad[16]  # it goes along with what it waits for
    live = rows["LIVE"]
    assert (live[2], live[13], live[5]) == ("3", 3, "张****")
    assert [(row[1], row[3], row[11], row[13]) for row in told["mapping"][1:]] == [
        ("1", "stage", "mend in the mapping", 2)
    ]
    assert len(told["administrator"]) == 1
    assert sorted(row[:4] + row[5:] for row in told["summary"][1:]) == [
        ("customer", "name", "required.missing", 1, "mend in the source data"),
        ("customer", "opened_on", "type.not_a_date", 1, "mend in the source data"),
        ("customer", "parent_id", "reference.missing", 1, "mend in the source data"),
        ("customer", "revenue", "type.not_a_number", 1, "mend in the source data"),
        ("order", "stage", "value.unknown", 1, "mend in the mapping"),
    ]


def test_no_cell_runs_and_no_key_is_a_number(company: Company) -> None:
    path = written(company)
    texts = [cell for cell in cells(path) if isinstance(cell.value, str)]
    assert len(texts) > 60
    assert [cell.value for cell in cells(path) if cell.data_type == "f"] == []
    assert [cell.value for cell in texts if str(cell.value).lstrip().startswith(tuple("=+-@＝＋－＠"))] == []
    page = openpyxl.load_workbook(path)["data"]
    keys = [row[1] for row in page.iter_rows(min_row=2)]
    assert {(type(cell.value), cell.data_type, cell.number_format) for cell in keys} == {(str, "s", "@")}
    with zipfile.ZipFile(path) as archive:
        inside = b"".join(archive.read(name) for name in archive.namelist())
    for secret in ("13800000001", "2023-02-30", "张三", "=2+3<", "<f>"):
        assert secret.encode() not in inside


def test_it_is_laid_out_to_be_worked_through(company: Company) -> None:
    book = openpyxl.load_workbook(written(company))
    for page in book:
        assert page.freeze_panes == "A2"
        assert page.auto_filter.ref.startswith("A1:")
        assert page.auto_filter.ref.endswith(str(max(page.max_row, 2)))
        for column in page.iter_cols():
            wide = width(page, column[0].column)
            longest = max(len(str(cell.value)) for cell in column if cell.value is not None)
            assert 8 <= wide <= 63
            assert wide >= min(longest, 60)


def test_in_chinese(company: Company) -> None:
    path = written(company, "--lang", "zh")
    told = sheets(path)
    assert list(told) == SHEETS["zh"]
    assert told["数据"][0][:8] == HEADS["zh"]
    assert "不是数字" in str(told["数据"][1][4]) or "数字" in str(told["数据"][1][4])
    page = openpyxl.load_workbook(path)["数据"]
    assert width(page, 6) >= 2 * len(HEADS["zh"][5])  # a Chinese character is twice as wide


def test_only_one_cause_or_one_owner_and_where_it_is_wanted(company: Company, tmp_path: Path) -> None:
    path = written(company, "--code", "reference.missing", str(tmp_path / "mine.xlsx"))
    assert path == tmp_path / "mine.xlsx"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [row[1] for row in sheets(path)["data"][1:]] == ["123456789012345678"]
    said = company.say("worklist", "--owner", "wang.fang@old.example", "--json")
    assert said.document["next"] == ["changeover run --rejected --owner wang.fang@old.example"]
    rows = sheets(company.folder / str(said.document["file"]))["data"][1:]
    assert {row[1] for row in rows} == {"012345", "123456789012345678", "LIVE"}
    assert said.document["parked"] == 3


def test_what_it_cannot_write_is_said(company: Company, tmp_path: Path) -> None:
    for file, code in (("list.csv", "worklist.not_xlsx"), (f"{tmp_path}/none/list.xlsx", "worklist.no_folder")):
        said = company.say("worklist", file, "--json")
        assert (said.code, said.document["error"]["code"]) == (2, code)  # type: ignore[index]


def test_what_somebody_may_have_filled_in_is_not_written_over(company: Company, tmp_path: Path) -> None:
    path = tmp_path / "mine.xlsx"
    path.write_bytes(b"filled in")
    said = company.say("worklist", str(path), "--json")
    assert (said.code, said.document["error"]["code"]) == (2, "worklist.exists")  # type: ignore[index]
    assert path.read_bytes() == b"filled in"


def test_nothing_waits_nothing_is_written(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.run()
    said = company.say("worklist", "--json")
    assert (said.code, said.document["file"], said.document["next"]) == (0, None, [])
    assert list((company.folder / "runs").rglob("*.xlsx")) == []


def test_since_which_run_it_waits(tmp_path: Path) -> None:
    """Mended in between, it waits anew since the later run."""
    company = make_company(tmp_path / "move")
    company.customer("A", khmc=None)
    company.customer("B", khmc=None)
    company.run()
    company.old("update t_customer set khmc = 'b' where khbh = 'B'")
    company.run()
    company.old("update t_customer set khmc = null where khbh = 'B'")
    company.run()
    rows = sheets(written(company))["data"][1:]
    assert {row[1]: row[13] for row in rows} == {"A": 1, "B": 3}


def test_a_sheet_goes_on_in_another_when_it_is_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("changeover.runs.report.spreadsheet.MOST_ROWS", 2)
    path = tmp_path / "long.xlsx"
    path.write_bytes(workbook([Sheet("a name that is just as long as it", ("n",), [("1",), ("2",), ("\t=3",)])], "t"))
    told = sheets(path)
    assert list(told) == ["a name that is just as long as ", "a name that is just as long 2"]
    assert [row for rows in told.values() for row in rows[1:]] == [("1",), ("2",), ("'�=3",)]
