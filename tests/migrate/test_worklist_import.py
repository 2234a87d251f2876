"""A worklist goes out, people fill it in, and it comes back as corrections: whole lines, of what they were shown."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import openpyxl
import pytest

from .company import Company, Said, copied, make_company

NEW, WHO, WHY = "new value", "who", "why"
EVIL = '=cmd|" /C calc"!A0'


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Company:
    company = make_company(tmp_path_factory.mktemp("moved") / "move")
    company.customer("012345", je="13,800")
    company.customer(EVIL, rq="2023-02-30", sh="EVIL")
    company.customer("NAMELESS", khmc=None)
    company.customer("GOOD")
    company.run()
    return company


@pytest.fixture
def company(moved: Company, tmp_path: Path) -> Company:
    return copied(moved, tmp_path / "desk")


def fill(path: Path, lines: Mapping[str, Mapping[str, object]]) -> None:
    """Fill in cells by old key and the head's text, as somebody with a spreadsheet does."""
    book = openpyxl.load_workbook(path)
    for page in book:
        heads = [cell.value for cell in page[1]]
        for row in page.iter_rows(min_row=2):
            key = str(row[1].value) if len(heads) > 10 else ""
            for name, value in lines.get(key, {}).items():
                row[heads.index(name)].value = value
    book.save(path)


def filled(company: Company, lines: Mapping[str, Mapping[str, object]], *words: str) -> Said:
    path = company.folder / "mine.xlsx"
    assert company.say("worklist", "mine.xlsx", *words).code == 0
    fill(path, lines)
    return company.say("worklist", "--import", "mine.xlsx", "--json")


def written(said: Said) -> list[dict[str, str]]:
    with Path(str(said.document["file"])).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_is_filled_in_mends_the_records(company: Company) -> None:
    said = filled(
        company,
        {
            "012345": {NEW: 13800.5, WHO: "Zhou Min", WHY: "contract, page 2"},
            f"'{EVIL}": {NEW: dt.date(2023, 2, 28), WHO: "Zhou Min", WHY: "called"},
            "NAMELESS": {NEW: "乙公司", WHO: "Zhou Min", WHY: "business licence"},
        },
    )
    assert (said.code, said.document["imported"], said.document["refused"]) == (0, 3, 0)
    assert {(each["key"], each["field"], each["old"], each["new"]) for each in written(said)} == {
        ("012345", "je", "13,800", "13800.5"),
        (EVIL, "rq", "2023-02-30", "2023-02-28"),
        ("NAMELESS", "khmc", "", "乙公司"),
    }
    assert company.run(rejected=True).counts("customer") == {"read": 3, "created": 3}
    shown = company.explain("NAMELESS", show_values=True).table("table.corrections")
    assert [row[:5] for row in shown] == [("khmc", None, "乙公司", "Zhou Min", "business licence")]
    assert company.say("worklist", "--json").document["file"] is None


def test_lines_without_who_or_why_are_refused_and_the_others_taken(company: Company) -> None:
    said = filled(
        company,
        {
            "012345": {NEW: "13800", WHO: "Zhou Min", WHY: "contract"},
            "NAMELESS": {NEW: "乙公司", WHO: " "},
            f"'{EVIL}": {WHO: "Zhou Min", WHY: "called"},
        },
    )
    assert (said.code, said.document["imported"], said.document["refused"]) == (1, 1, 2)
    told = said.document["findings"]
    assert {(each["code"], each["file"]) for each in told} == {("worklist.line_incomplete", "mine.xlsx data")}  # type: ignore[attr-defined]
    assert [each["key"] for each in written(said)] == ["012345"]


def test_what_has_changed_since_or_does_not_fit_is_refused(company: Company) -> None:
    company.say("worklist", "mine.xlsx")
    line = {WHO: "Zhou Min", WHY: "contract"}
    fill(
        company.folder / "mine.xlsx",
        {
            "012345": {NEW: "much", **line},
            f"'{EVIL}": {NEW: "2023-02-28", **line},
            "NAMELESS": {NEW: "乙公司", **line},
        },
    )
    company.old("update t_customer set rq = '2023-02-29' where rq = '2023-02-30'")
    company.old("delete from t_customer where khbh = 'NAMELESS'")
    said = company.say("worklist", "--import", "mine.xlsx", "--json")
    assert (said.code, said.document["file"], said.document["imported"]) == (1, None, 0)
    codes = {each["code"] for each in said.document["findings"]}  # type: ignore[attr-defined]
    assert codes == {"correction.value_type", "worklist.line_changed", "worklist.line_no_record"}
    assert list((company.folder / "corrections").glob("*.csv")) == []


def test_the_same_workbook_twice_corrects_nothing_twice(company: Company) -> None:
    said = filled(company, {"NAMELESS": {NEW: "乙公司", WHO: "Zhou Min", WHY: "licence"}})
    again = company.say("worklist", "--import", "mine.xlsx", "--json")
    (told,) = again.document["findings"]  # type: ignore[misc]
    assert (again.code, told["code"]) == (1, "correction.twice")  # type: ignore[call-overload]
    assert Path(str(said.document["file"])).name in told["text"]  # type: ignore[call-overload]
    assert company.say("check", "--no-data").code == 0


def test_keys_that_a_workbook_cannot_show_as_they_are(company: Company) -> None:
    keys = ["tab\tkey", "bell\akey", "line\nkey", "line key", "cr\r\nkey", "trailing ", "\t=1+1", "'=1+1"]
    company.old("delete from t_customer")
    for place, key in enumerate(keys):
        company.customer(key, khmc=None, sh=f"TAX{place}")
    company.run()
    company.say("worklist", "mine.xlsx")
    book = openpyxl.load_workbook(company.folder / "mine.xlsx")
    for row in book["data"].iter_rows(min_row=2):
        for place, cell in ((8, "甲公司"), (9, "Zhou Min"), (10, "licence")) if row[6].value else ():
            row[place].value = cell
    book.save(company.folder / "mine.xlsx")
    said = company.say("worklist", "--import", "mine.xlsx", "--json")
    assert (said.code, {each["key"] for each in written(said)}) == (0, set(keys))
    assert company.run(rejected=True).counts("customer") == {"read": len(keys), "created": len(keys)}


def test_a_chinese_workbook_and_cells_as_they_are(company: Company) -> None:
    said = filled(
        company, {"NAMELESS": {"新值": "乙公司", "更正人": "周敏", "更正理由": "执照"}}, "--lang", "zh", "--show-values"
    )
    assert (said.code, [each["who"] for each in written(said)]) == (0, ["周敏"])
    page = openpyxl.load_workbook(company.folder / "mine.xlsx")["数据"]
    assert {row[1].value: row[7].value for row in page.iter_rows(min_row=2)}["012345"] == "13,800"


def test_what_is_no_filled_worklist_is_said(company: Company) -> None:
    company.say("worklist", "mine.xlsx")
    said = company.say("worklist", "--import", "mine.xlsx", "--json")
    assert (said.code, said.document["verdict"]["code"]) == (0, "worklist.nothing_filled")  # type: ignore[index]
    openpyxl.Workbook().save(company.folder / "other.xlsx")
    (company.folder / "text.xlsx").write_text("no workbook")
    for file, code in (("none.xlsx", "no_file"), ("other.xlsx", "not_a_worklist"), ("text.xlsx", "unreadable")):
        said = company.say("worklist", "--import", file, "--json")
        assert (said.code, said.document["error"]["code"]) == (2, f"worklist.{code}")  # type: ignore[index]
