"""Addresses of old records in texts: rewritten as their records come, told where they do not, compared, taken back."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.sql.connector import SqlConnector

from .company import Company, Told, make_company

OLD = "https://old.example.com"
LINKS = f"""
links:
  - {{address: "{OLD}/kh/{{key}}", reference: customer}}
  - {{address: "{OLD}/dd?id={{key}}*", reference: order}}
people:"""
NEW = 'production: false\n    record_url: "https://crm.example.com/{object}/{key}"'


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = make_company(tmp_path / "project", chunk=2)
    made.rewrite("changeover.yaml", ("\npeople:", LINKS), ("production: false", NEW))
    made.rewrite(
        "mappings/customer.yaml",
        ("remark: {from: bz, write: only_if_empty}", "remark: {from: bz, rewrite_links: true}"),
    )
    return made


def remarks(company: Company) -> dict[str, str]:
    """Customer -> its remark, in which new addresses are told by our key of the record that they lead to."""
    told = {}
    keys = {
        (name, str(key)): ours
        for name, ours, key in company.new("select object, our_key, target_key from changeover_keys")
    }
    for name, text in company.new("select name, remark from customer where remark is not null"):
        words = str(text).split(" ")
        for place, word in enumerate(words):
            if word.startswith("https://crm.example.com/"):
                words[place] = str(keys[tuple(word.split("/")[3:])]).removeprefix("legacy:")  # type: ignore[index]
        told[str(name).removeprefix("客户")] = " ".join(words)
    return told


def links(told: Told) -> dict[str, int]:
    return {str(each["address"]): each["count"] for each in told.document["links"]}  # type: ignore[attr-defined]


def test_texts_follow_their_records(company: Company) -> None:
    """Records before and behind, itself, one left out, one nowhere, one of no form; run, run again, and once the one
    that was nowhere has come; planned, explained, compared and undone."""
    company.customer("C0", zt="test")
    company.customer("C1", bz=f"{OLD}/kh/C1 {OLD}/kh/C3 {OLD}/dd?id=1&x=2 {OLD}/kh/C3")
    company.customer("C2", bz=f"{OLD}/kh/C0 {OLD}/kh/C9 {OLD}/kh/C1/edit")
    company.customer("C3", bz=f"x {OLD}/kh/C1", sjkh="C4")
    company.customer("C4", bz="none")
    company.order(1, "C2")
    planned, told = company.plan(), company.run()
    assert planned.counts("customer") == told.counts("customer") == {"read": 5, "created": 4, "filtered": 1}
    counted = {"rewritten": 5, "left_out": 1, "absent": 1, "no_form": 1}
    assert (links(planned), links(told), told.code) == (counted, counted, 0)
    assert {code for code, _ in told.causes()} == {
        "linking.names_absent",
        "linking.names_left_out",
        "linking.names_no_form",
    }
    filled = {
        "C1": "t_customer:C1 t_customer:C3 t_order:1 t_customer:C3",
        "C2": f"{OLD}/kh/C0 {OLD}/kh/C9 {OLD}/kh/C1/edit",
        "C3": "x t_customer:C1",
        "C4": "none",
    }
    assert remarks(company) == filled
    compared = company.reconcile()
    assert (compared.verdict, links(compared)) == ("reconcile.equal", counted)
    assert company.run().counts("customer") == {"read": 5, "unchanged": 4, "filtered": 1}
    becomes = [(row[2], row[3]) for row in company.explain("t_customer:C2").table("table.old_addresses")]
    assert becomes == [
        ("legacy:t_customer:C0", "linking.left_out"),
        ("legacy:t_customer:C9", "linking.absent"),
        (None, "linking.no_form"),
    ]

    company.customer("C9")
    assert company.run().counts("customer") == {"read": 6, "created": 1, "updated": 1, "unchanged": 3, "filtered": 1}
    assert remarks(company)["C2"] == f"{OLD}/kh/C0 t_customer:C9 {OLD}/kh/C1/edit"
    assert company.reconcile().verdict == "reconcile.equal"
    assert company.undo(3, execute=True).code == 0
    assert remarks(company) == filled
    assert company.undo(1, execute=True).code == 0
    assert company.new("select count(*) from customer") == [(0,)]


def test_a_text_waits_for_a_record_that_is_to_come(company: Company) -> None:
    company.customer("C1", bz=f"{OLD}/dd?id=7")
    company.order(7, "C2")
    told = company.run()
    assert (told.counts("customer"), links(told)) == ({"read": 1, "pending": 1}, {"to_come": 1})
    assert told.causes()["linking.pending", "t_customer"] == ["C1"]
    assert (told.code, company.reconcile().verdict) == (1, "reconcile.equal")
    assert company.run().counts("customer") == {"read": 1, "pending": 1}

    company.customer("C2")
    told = company.run(rejected=True)
    assert (told.counts("order"), told.counts("customer")) == ({"read": 1, "held": 1}, {"read": 1, "pending": 1})
    told = company.run()
    assert told.counts("customer") == {"read": 2, "created": 1, "updated": 1}
    assert (remarks(company), links(told)) == ({"C1": "t_order:7"}, {"rewritten": 1})
    assert company.reconcile().verdict == "reconcile.equal"


def test_of_many_that_name_what_is_nowhere_the_first_are_named_and_all_counted(company: Company) -> None:
    company.rewrite("changeover.yaml", ("chunk: 2", "chunk: 20"))
    for number in range(1, 9):
        company.customer(f"C{number}", bz=f"{OLD}/kh/X{number}")
    told = company.run()
    assert links(told) == {"absent": 8}
    [cause] = [each for each in told.report.causes if each.text.code == "linking.names_absent"]
    assert (cause.count, cause.keys[0]) == (8, "C1")


def test_a_record_that_is_there_is_updated_twice_and_counted_once(company: Company) -> None:
    """Its text names an order that moves after it, and a value of its own has changed as well."""
    company.customer("C1")
    company.run()
    company.old(f"update t_customer set bz = '{OLD}/dd?id=7', je = '5'")
    company.order(7, "C1")
    assert company.run().counts("customer") == {"read": 1, "updated": 1}
    assert remarks(company) == {"C1": "t_order:7"}


def test_an_address_stays_where_the_target_tells_none_of_the_record(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has pages for all but the second customer."""
    without: list[tuple[object, ...]] = []

    def page(_self: SqlConnector, name: str, key: str) -> str | None:
        return None if (name, key) in without else f"https://crm.example.com/{name}/{key}"

    monkeypatch.setattr(SqlConnector, "record_url", page)
    company.rewrite("changeover.yaml", (NEW, "production: false"))
    company.customer("C1")
    company.customer("C2")
    company.run()
    without += company.new("select 'customer', cast(id as text) from customer where name = '客户C2'")
    company.old(f"update t_customer set bz = '{OLD}/kh/C1 {OLD}/kh/C2' where khbh = 'C1'")
    told = company.run()
    assert (told.code, links(told)) == (0, {"no_address": 1, "rewritten": 1})
    assert told.causes() == {("linking.names_no_address", "t_customer"): ["C1"]}
    assert remarks(company) == {"C1": f"t_customer:C1 {OLD}/kh/C2"}
    assert company.reconcile().verdict == "reconcile.equal"


def test_a_text_that_grew_too_long_is_told(company: Company) -> None:
    company.rewrite("changeover.yaml", ("crm.example.com/", f"crm.example.com/{'x' * 200}/"))
    company.customer("C1", bz=f"{OLD}/dd?id=7")
    company.customer("C2", bz=f"{OLD}/kh/C2")
    company.order(7, "C1")
    planned, told = company.plan(), company.run()
    assert planned.counts("customer") == told.counts("customer") == {"read": 2, "rejected": 2}
    assert told.causes()["length.too_long", "t_customer"] == ["C1", "C2"]


def test_what_cannot_be_done_is_refused_and_what_is_there_is_counted(company: Company) -> None:
    company.customer("C1", bz=f"{OLD}/kh/C1 {OLD}/kh/C1/edit")
    found = {cause.text.code: cause.text.params for cause in company.check().report.causes}
    assert found["linking.found"] == {"count": 1, "told": f"0 {OLD}/dd?id={{key}}*, 1 {OLD}/kh/{{key}}"}
    assert found["linking.found_strange"] == {"count": 1}
    company.rewrite(
        "mappings/customer.yaml",
        ("tax_no: sh", "tax_no: {from: sh, rewrite_links: true, write: only_create}"),
        ("revenue: je", "revenue: {from: je, rewrite_links: true}"),
    )
    company.rewrite(
        "changeover.yaml",
        (f'"{OLD}/dd?id={{key}}*", reference: order', f'"{OLD}/dd?id={{key}}*", reference: ordre'),
    )
    said = company.say("check", "--json")
    wrong = {(each["code"], each["file"]) for each in said.document["findings"]}  # type: ignore[attr-defined]
    assert (said.code, wrong) == (
        2,
        {
            ("linking.written_once", "mappings/customer.yaml"),
            ("linking.no_text", "mappings/customer.yaml"),
            ("linking.no_mapping", "changeover.yaml"),
        },
    )


@pytest.mark.parametrize(
    ("said", "instead", "code"),
    [
        (NEW, "production: false", "linking.no_new_address"),
        ("crm.example.com/{object}", "old.example.com/kh", "linking.new_is_old"),
        (LINKS, "\npeople:", "linking.no_addresses"),
    ],
)
def test_addresses_that_cannot_be_are_refused(company: Company, said: str, instead: str, code: str) -> None:
    company.rewrite("changeover.yaml", (said, instead))
    told = company.say("check", "--json", "--no-data")
    assert (told.code, [each["code"] for each in told.document["findings"]]) == (2, [code])  # type: ignore[attr-defined]
