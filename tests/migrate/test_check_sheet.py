"""`check --build-sheet`: what the target's administrator must make, so that the mappings fit."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from openpyxl import load_workbook

from .company import Company, Said, make_company

WISH = """
mapping: customer
from: t_customer
to: customer
fields:
  name: khmc
  legacy_no: khbh
  short: {from: bz, transform: trim}
  amount: je
  since: {from: rq, transform: {date: {formats: ["%Y-%m-%d"]}}}
  level: {from: zt, values: {a: gold, b: silver}, otherwise: {default: none}}
  mother_id: {from: sjkh, reference: customer}
  keeper_id: {from: ywy, people: true}
  origin: {constant: legacy}
"""
CONTRACT = "mapping: order\nfrom: t_order\nto: contract\nfields:\n  owner_ref: {from: khbh, reference: customer}\n"
KINDS = {"object to make", "field to make", "option to add", "length to raise", "number to start with", "our key"}


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = make_company(tmp_path / "move", chunk=2)
    for number, note in ((7, "n" * 9), (11, "n" * 30), (9, None)):
        made.customer(f"KH{number:04d}", bz=note, sjkh="KH0007")
    return made


def wish(company: Company, **texts: str) -> None:
    for name, text in texts.items():
        (company.folder / "mappings" / f"{name}.yaml").write_text(text, encoding="utf-8")


def sheet(company: Company, *more: str) -> tuple[Said, dict[tuple[str, str, str], list[str]]]:
    """What was said, and (what, object, field or value) -> the line's further cells."""
    said = company.say("check", "--build-sheet", "-", "--lang", "en", *more)
    lines = list(csv.reader(io.StringIO(said.out)))
    assert lines[0][:3] == ["what", "object", "field"]
    assert {line[0] for line in lines[1:]} <= KINDS
    return said, {
        (line[0], line[1], line[10] if line[0] == "option to add" else line[2]): line[3:] for line in lines[1:]
    }


def test_fields_that_are_missing_are_proposed_from_the_source(company: Company) -> None:
    wish(
        company,
        customer=WISH,
        order="mapping: order\nfrom: t_order\nto: orders\nfields:\n  customer_id: {from: khbh, reference: customer}\n",
    )
    said, lines = sheet(company)
    told = {name: cells[1:7] for (what, _, name), cells in lines.items() if what == "field to make"}
    assert told == {  # type, length, digits, required, unique, refers to
        "legacy_no": ["text", "10", "", "yes", "yes", ""],
        "short": ["text", "40", "", "", "", ""],
        "amount": ["decimal number", "", "18, 2", "yes", "", ""],
        "since": ["date", "", "", "", "", ""],
        "level": ["picklist", "", "", "", "", ""],
        "mother_id": ["reference", "", "", "", "", "customer"],
        "keeper_id": ["reference", "", "", "", "", "users"],
        "origin": ["text", "10", "", "", "", ""],
    }
    assert {value for what, _, value in lines if what == "option to add"} == {"gold", "silver", "none"}
    assert lines["number to start with", "customer", "legacy_no"][7] == "KH0012"
    assert lines["field to make", "customer", "level"][-1] == "mappings/customer.yaml:11"
    assert said.code == 0, "all that is wrong with the mappings is in the sheet"


def test_a_missing_object_comes_with_its_fields(company: Company) -> None:
    wish(company, order=CONTRACT)
    _, lines = sheet(company)
    assert ("object to make", "contract", "") in lines
    assert lines["field to make", "contract", "owner_ref"][1:7] == ["reference", "", "", "", "", "customer"]


def test_lengths_are_raised_for_the_texts_that_there_are(company: Company) -> None:
    company.customer("KH0001", khmc="长" * 41)
    _, lines = sheet(company)
    assert lines["length to raise", "customer", "name"][2] == "41"
    company.old("update t_customer set khmc = 'short'")
    _, lines = sheet(company)
    assert lines == {}


def test_options_are_read_off_value_maps_and_off_the_data(company: Company) -> None:
    company.rewrite("mappings/order.yaml", ('"赢单": won}, otherwise: reject', '"赢单": won}, otherwise: keep'))
    for number, stage in enumerate(["谈判", "谈判", "搁置"]):
        company.order(number, "KH0007", zt=stage)
    _, lines = sheet(company)
    assert [value for what, _, value in lines if what == "option to add"] == ["谈判", "搁置"]
    company.rewrite("mappings/order.yaml", ('"赢单": won}', '"赢单": done}'))
    said, lines = sheet(company)
    assert [value for what, _, value in lines if what == "option to add"] == ["done"]
    assert said.code == 0
    assert "--build-sheet" in company.say("check", "--lang", "en").err


@pytest.mark.parametrize("option", ["--no-data", "--offline"])
def test_without_the_data_the_schemas_say_what_they_can(company: Company, option: str) -> None:
    assert company.check().code == 0
    wish(company, customer=WISH)
    _, lines = sheet(company, option)
    assert lines["field to make", "customer", "short"][1:3] == ["text", ""], "nobody knows how long"
    assert not [what for what, _, _ in lines if what == "number to start with"]


def test_what_the_sheet_does_not_cure_is_an_error_all_the_same(company: Company) -> None:
    wish(company, customer=WISH.replace("from: bz,", "from: bzz,"))
    said, lines = sheet(company)
    assert ("field to make", "customer", "short") in lines
    assert said.code == 2
    assert "mappings/customer.yaml:8" in said.err
    assert "no field bzz" in said.err
    assert "legacy_no" not in said.err


def test_files_in_both_languages(company: Company) -> None:
    wish(company, customer=WISH)
    for name, language in (("sheet.xlsx", "zh"), ("sheet.csv", "en")):
        said = company.say("check", "--build-sheet", str(company.folder / name), "--lang", language, "--json")
        assert (said.code, said.document["needs"]) == (0, {"field": 8, "option": 3, "start": 1})
    book = load_workbook(company.folder / "sheet.xlsx")
    rows = list(book.active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert rows[0][1:3] == ("对象", "字段")
    assert {row[0] for row in rows[1:]} == {"需建字段", "需加选项", "自动编号起始值"}
    text = (company.folder / "sheet.csv").read_text(encoding="utf-8-sig")
    assert len(text.splitlines()) == 13
    for wrong in ("sheet.doc", str(company.folder / "nowhere" / "sheet.csv")):
        assert company.say("check", "--build-sheet", wrong).code == 2


def test_a_target_that_has_all_needs_nothing(company: Company) -> None:
    said = company.say("check", "--build-sheet", str(company.folder / "sheet.csv"), "--json")
    assert (said.code, said.document["verdict"]["code"]) == (0, "sheet.nothing")  # type: ignore[index]
