"""Corrections in a project: every command sees the corrected cells, only the records concerned change, and one that
no longer holds is told."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from changeover.connectors.errors import InputError

from .company import Company, Told, make_company
from .test_input import cut_off

HEAD = ("object", "key", "field", "old", "new", "who", "why")
WHO, WHY = "周敏", "called the customer"


def correct(company: Company, *lines: tuple[str, ...], file: str = "corrections.csv") -> None:
    """Write a corrections file; who and why are filled in."""
    path = company.folder / "corrections" / file
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as opened:
        csv.writer(opened).writerows([HEAD, *((*line, WHO, WHY)[:7] for line in lines)])


def lapsed(told: Told) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [
        (each.text.code, each.file and f"{each.file}:{each.line}", each.keys)
        for each in told.report.causes
        if each.text.code.startswith("correction.")
    ]


@pytest.fixture
def company(tmp_path: Path) -> Company:
    company = make_company(tmp_path / "move")
    company.customer("A", je="1000.50")
    company.customer("B", rq="2023-02-30")
    company.customer("C", zt="test", sjkh="A")
    company.order(1, "A")
    return company


def names(company: Company) -> dict[str, tuple[object, ...]]:
    rows = company.new("select tax_no, name, revenue, opened_on from customer order by tax_no")
    return {str(row[0]): row[1:] for row in rows}


def test_the_rules_see_the_corrected_cells_and_where_does_too(company: Company) -> None:
    correct(
        company,
        ("t_customer", "A", "je", "1000.5", "2000.25"),
        ("t_customer", "B", "rq", "2023-02-30", "2023-02-28"),
        ("t_customer", "C", "zt", "test", ""),
    )
    assert company.plan().counts("customer") == {"read": 3, "created": 3}
    told = company.run()
    assert (told.counts("customer"), lapsed(told)) == ({"read": 3, "created": 3}, [])
    moved = names(company)
    assert (float(str(moved["TAXA"][1])), moved["TAXB"][2]) == (2000.25, "2023-02-28")
    assert company.reconcile().code == 0
    assert company.old("select je, rq from t_customer where khbh in ('A', 'B')")[0][0] == 1000.5


def test_a_changed_file_changes_the_records_concerned_and_no_other(company: Company) -> None:
    company.run()
    correct(company, ("t_customer", "A", "khmc", "客户A", "甲公司"))
    changed = {"read": 3, "updated": 1, "filtered": 1, "rejected": 1}
    assert company.plan().counts("customer") == changed
    assert company.reconcile().table("table.differences") == [("whose.source_moved", "customer", "name", 1)]
    told = company.run("t_customer:A")
    assert told.counts("customer")["updated"] == 1
    assert names(company)["TAXA"][0] == "甲公司"
    assert company.run().counts("customer") == {"read": 3, "unchanged": 1, "filtered": 1, "rejected": 1}


def test_what_waits_goes_on_once_it_is_corrected(company: Company) -> None:
    assert company.run().code == 1
    correct(company, ("t_customer", "B", "rq", "2023-02-30", "2023-02-28"))
    told = company.run(rejected=True)
    assert (told.code, told.counts("customer")) == (0, {"read": 1, "created": 1})


def test_it_lapses_when_the_source_changes_and_the_source_counts(company: Company) -> None:
    correct(company, ("t_customer", "A", "je", "1000.5", "2000.25"))
    company.run()
    company.old("update t_customer set je = 3000 where khbh = 'A'")
    told = [("correction.lapsed", "corrections/corrections.csv:2", ("A",))]
    for done in (company.plan(), company.run("t_customer:A"), company.reconcile(), company.run()):
        assert lapsed(done) == told
    assert float(str(names(company)["TAXA"][1])) == 3000


def test_a_record_that_is_not_there_is_told_at_the_end_of_a_whole_run(company: Company) -> None:
    correct(company, ("t_customer", "NOBODY", "je", "1", "2"), ("t_customer", "A", "je", "1000.5", "2"))
    missing = [("correction.no_record", "corrections/corrections.csv:2", ("NOBODY",))]
    assert lapsed(company.run()) == missing
    assert lapsed(company.reconcile()) == missing
    assert lapsed(company.run("t_customer:A")) == []


def test_explain_shows_who_corrected_what_and_why(company: Company) -> None:
    correct(
        company,
        ("t_customer", "A", "je", "1000.5", "2000.25"),
        ("t_customer", "A", "khmc", "another", "name"),
        ("t_customer", "A", "rq", "2020-02-29", ""),
    )
    company.run()
    shown = company.explain("A", show_values=True).table("table.corrections")
    place = "corrections/corrections.csv:"
    assert shown == [
        ("je", "1000.5", "2000.25", WHO, WHY, "correction.holds", place + "2"),
        ("khmc", "another", "name", WHO, WHY, "correction.holds_no_more", place + "3"),
        ("rq", "2020-02-29", None, WHO, WHY, "correction.holds", place + "4"),
    ]
    masked = company.explain("A")
    assert [row[1:3] for row in masked.table("table.corrections")] == [
        ("1###.#", "2###.##"),
        ("axxxxxx", "nxxx"),
        ("2###-##-##", None),
    ]


def test_no_value_gets_into_ledger_or_reports(company: Company) -> None:
    correct(company, ("t_customer", "A", "khmc", "客户A", "机密甲"), ("t_customer", "B", "bz", "机密乙", "机密丙"))
    said = [company.say(*words).out for words in (("plan",), ("run", "--execute"), ("reconcile",), ("explain", "A"))]
    kept = [path.read_bytes() for path in (company.folder / "runs").rglob("*") if path.is_file()]
    for secret in ("机密甲", "机密乙", "机密丙"):
        assert not any(secret in text for text in said)
        assert not any(secret.encode() in content for content in kept)


def test_chosen_records_are_closed_under_corrected_references(company: Company) -> None:
    """Children are found by what their reference has become, parents likewise."""
    company.customer("D")
    company.customer("E", sjkh="A")
    correct(company, ("t_customer", "D", "sjkh", "", "A"), ("t_customer", "E", "sjkh", "A", "B"))
    told = company.run("t_customer:A", children=True)
    assert (told.counts("customer"), told.counts("order")["read"]) == ({"read": 3, "created": 2, "filtered": 1}, 1)
    assert set(names(company)) == {"TAXA", "TAXD"}
    assert company.run("t_customer:E").counts("customer") == {"read": 2, "held": 1, "rejected": 1}


def test_the_people_are_those_of_the_corrected_lists(company: Company) -> None:
    company.old("insert into t_staff values ('w3', 'li.nal@new.example', null)")
    company.customer("P", ywy="w3")
    company.rewrite("changeover.yaml", ("  successor: li.na@new.example\n", ""))
    correct(company, ("t_staff", "w3", "yx", "li.nal@new.example", "li.na@new.example"))
    company.run("t_customer:P")
    assert company.new("select owner_id from customer") == [(2,)]


def test_a_plan_is_outdated_by_other_corrections(company: Company) -> None:
    plan = Path(str(company.plan().document["plan"])).stem.removeprefix("plan-")
    correct(company, ("t_customer", "A", "khmc", "客户A", "甲公司"))
    with pytest.raises(InputError) as refused:
        company.run(plan=plan)
    assert (refused.value.code, [each.code for each in refused.value.findings]) == (
        "plan.outdated",
        ["changed.corrections"],
    )


def test_a_run_goes_on_only_with_the_same_corrections(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has passed already would else keep its old cells."""
    correct(company, ("t_customer", "A", "bz", "gone", "new"), ("t_customer", "NOBODY", "bz", "", "new"))
    with cut_off(monkeypatch):
        company.run()
    told = [(code, keys) for code, _, keys in lapsed(company.run())]
    assert told == [("correction.lapsed", ("A",)), ("correction.no_record", ("NOBODY",))]
    assert company.run().document["run"] == 2
    correct(company, ("t_customer", "B", "rq", "2023-02-30", "2023-02-28"))
    company.order(2, "B")
    with cut_off(monkeypatch):
        company.run()
    correct(company, ("t_customer", "B", "rq", "2023-02-30", "2023-02-28"), ("t_customer", "A", "bz", "", "new"))
    done = company.run()
    assert (done.document["run"], done.counts("customer")) == (
        4,
        {"read": 3, "updated": 1, "unchanged": 1, "filtered": 1},
    )


def test_what_is_wrong_is_told_at_once_and_nothing_moves(company: Company) -> None:
    correct(company, ("t_custom", "A", "je", "1", "2"), ("t_customer", "A", "jee", "1", "2"), file="one.csv")
    correct(company, ("t_customer", "A", "je", "1", "2"), ("t_customer", "A", "je", "1", "3"), file="two.csv")
    with pytest.raises(InputError) as refused:
        company.check()
    told = [(each.code, f"{each.file}:{each.line}") for each in refused.value.findings]
    assert told == [
        ("correction.no_object", "corrections/one.csv:2"),
        ("correction.no_field", "corrections/one.csv:3"),
        ("correction.twice", "corrections/two.csv:3"),
    ]
    (company.folder / "corrections" / "one.csv").write_bytes("object,key\n客户".encode("gb18030"))
    said = company.say("run", "--execute")
    assert (said.code, "corrections/one.csv:2: Not UTF-8" in said.err) == (2, True)


def test_a_new_project_has_room_for_them(company: Company) -> None:
    said = company.say("init", "fresh", "--json")
    text = (company.folder / "fresh" / "corrections" / "README.md").read_text(encoding="utf-8")
    assert (said.code, ",".join(HEAD) in text) == (0, True)
