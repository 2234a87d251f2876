"""`check` reads the source once and says what of it would not arrive, why, and where in the mapping to look."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from changeover.connectors.pace import Action, Allowance, Interface
from changeover.connectors.pace.limits import Need, Rate
from changeover.connectors.sql.connector import SqlConnector

from .company import Company, Told, make_company
from .test_input import ROWS, make_csv_company


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = make_company(tmp_path / "move", chunk=2)
    made.customer("A")
    return made


def told(checked: Told) -> dict[str, tuple[int, tuple[str, ...], str]]:
    """Code -> how often, the first keys, file and line."""
    return {
        cause.text.code: (cause.count, cause.keys, f"{cause.file}:{cause.line}")
        for cause in checked.report.causes
        if cause.object is not None
    }


def test_sound_data_is_said_to_be_sound(company: Company) -> None:
    checked = company.check()
    assert (checked.code, checked.verdict, checked.document["data_read"]) == (0, "check.good", 1)
    assert told(checked) == {}


def test_what_would_not_arrive_is_found_where_the_plan_finds_it(company: Company) -> None:
    company.customer("B", khmc="长" * 41)
    company.customer("C", je="1.005")
    company.customer("D", rq="2023-02-30")
    company.customer("E", sh="TAXA")
    company.order(1, "A", zt="新")
    checked, planned = company.check(), company.plan()
    assert (checked.code, checked.verdict) == (1, "check.data")
    assert told(checked) == {
        "length.too_long": (1, ("B",), "mappings/customer.yaml:9"),
        "type.not_a_number": (1, ("C",), "mappings/customer.yaml:12"),
        "type.not_a_date": (1, ("D",), "mappings/customer.yaml:13"),
        "unique.duplicate": (1, ("E",), "mappings/customer.yaml:11"),
        "value.unknown": (1, ("1",), "mappings/order.yaml:8"),
    }
    assert told(planned).items() >= told(checked).items(), "in the same words"


def test_what_the_records_have_answered_is_not_asked_of_the_mapping_any_more(company: Company) -> None:
    may_be_null = "mapping.required_may_be_null"
    codes = [{cause.text.code for cause in told.report.causes} for told in (company.check(), company.plan())]
    assert not any(may_be_null in each for each in codes), codes
    unread = company.say("check", "--json", "--no-data").document["findings"]
    assert may_be_null in {each["code"] for each in unread}  # type: ignore[union-attr]


def test_unknown_values_are_counted_and_masked(company: Company) -> None:
    for number, stage in enumerate(["赢单", "新建单", "新建单", "旧"]):
        company.order(number, "A", zt=stage)
    checked = company.say("check", "--json", "--lang", "en")
    [table] = [each for each in checked.document["tables"] if "picklist" in each["title"]["text"]]  # type: ignore[index,union-attr,call-overload]
    assert [row[:4] for row in table["rows"]] == [["order", "stage", "新**", 2], ["order", "stage", "*", 1]]
    assert "新建单" not in checked.out
    shown = company.say("check", "--json", "--show-values").document
    assert [
        row[2] for table in shown["tables"] for row in table["rows"] if row[0] == "order" and row[1] == "stage"
    ] == [  # type: ignore[index,union-attr]
        "新建单",
        "旧",
    ]


def test_references_astray_are_told_apart(company: Company) -> None:
    company.customer("T", zt="test")
    company.customer("B", sjkh="T")
    company.order(1, "NONE")
    company.order(2, "A")
    company.order(3, "T")
    checked = company.check()
    assert {(cause.text.code, cause.mapping, cause.keys) for cause in checked.report.causes if cause.keys} == {
        ("reference.nowhere", "order", ("1",)),
        ("reference.left_behind", "order", ("3",)),
        ("reference.left_behind", "customer", ("B",)),
    }
    assert checked.code == 1


def test_a_parent_that_the_target_has_already_is_not_astray(company: Company) -> None:
    company.order(1, "A")
    company.run()
    company.old("delete from t_customer where khbh = 'A'")
    assert company.check().code == 0


def test_levels_are_counted_and_rings_named(company: Company) -> None:
    for key, parent in (("B", "A"), ("C", "B"), ("D", "C"), ("X", "Y"), ("Y", "X"), ("Z", "Y"), ("S", "S")):
        company.customer(key, sjkh=parent)
    checked = company.check()
    causes = {cause.text.code: cause for cause in checked.report.causes}
    assert causes["links.levels"].text.params == {"levels": 4}
    assert set(causes["links.ring"].keys) == {"X", "Y", "S"}
    assert checked.code == 0, "a ring is loaded all the same"


def test_a_mapping_whose_parent_would_stop_is_judged_too(company: Company) -> None:
    """A run stops at a hundred of a kind, and passes over what depends on that; here it is all told at once."""
    for number in range(120):
        company.customer(f"B{number}", khmc=None)
    company.order(1, "A", je="much")
    codes = {cause.text.code: cause.count for cause in company.check().report.causes}
    assert (codes["required.missing"], codes["type.not_a_number"]) == (120, 1)
    assert "type.not_a_number" not in {cause.text.code for cause in company.plan().report.causes}


def test_the_data_may_be_left_unread(company: Company) -> None:
    company.customer("B", khmc=None)
    said = company.say("check", "--no-data", "--json")
    assert (said.code, said.document["data_read"]) == (0, None)
    assert company.say("check").code == 1


def test_nothing_is_left_behind_by_a_check(company: Company) -> None:
    company.check()
    assert company.ledger("select count(*) from claim") == [(0,)]
    assert list((company.folder / "runs" / "mock").glob("rehearsal-*")) == []


def test_what_leaves_the_scope_by_policy_keeps_nothing_back(company: Company) -> None:
    company.customer("B", sjkh="NONE")
    for policy, code, told in (
        ("null", 0, "reference.nulled"),
        ("skip", 0, "reference.skipped"),
        ("error", 1, "reference.outside"),
    ):
        company.rewrite("mappings/customer.yaml", ("reference: customer}", f"reference: customer, outside: {policy}}}"))
        checked = company.check()
        assert (checked.code, [cause.text.code for cause in checked.report.causes if cause.keys]) == (code, [told])
        company.rewrite("mappings/customer.yaml", (f"reference: customer, outside: {policy}}}", "reference: customer}"))


def test_a_source_that_counts_calls_is_told_of_before_it_is_read(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        company.order(number, "A")
    made = SqlConnector.__init__

    def metered(connector: SqlConnector, *given: object, **named: object) -> None:
        made(connector, *given, **named)  # type: ignore[arg-type]
        allowance = Allowance(others=Interface((Rate(1_000, 1),), threads=9), needs={Action.READ: (Need("query", 2),)})
        connector.capabilities = replace(connector.capabilities, allowance=allowance)

    monkeypatch.setattr(SqlConnector, "__init__", metered)
    lines = company.say("check", "--lang", "en").err.splitlines()
    told = [line for line in lines if "calls" in line or "t_customer" in line]
    assert [line.partition(":")[0] for line in told] == [
        "calls that reading legacy.db costs at most",
        "check t_customer",
    ]
    assert "4" in told[0]


def test_a_source_key_that_two_records_have_is_found(tmp_path: Path) -> None:
    company = make_csv_company(tmp_path / "files", ROWS + "03,again,009\n,nobody,010\n")
    checked = company.check()
    codes = {cause.text.code: cause.keys for cause in checked.report.causes if cause.keys}
    assert (checked.code, codes) == (1, {"key.duplicate": ("03",), "key.empty": ("",)})
