"""Children that become one text of their parent."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .company import Company, make_company

FOLD = """
fold:
  history:
    from: t_visit
    by: khbh
    where: {kind: {not_equals: test}}
    order: [visited_on]
    line: ["{visited_on}", " {who}", ": {text}"]
    most: 3
    drop: {place: nobody reads it}
"""
NOTES = "select o.our_key, c.remark from customer c join changeover_keys o on o.target_key = c.id order by 1"


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Three customers; A has two visits that count, B one, C none; one visit is nobody's, one is a stranger's."""
    company = make_company(tmp_path / "move", chunk=2)
    company.old(
        "create table t_visit (id integer primary key, khbh text, kind text, visited_on text, who text, text text, "
        "place text)"
    )
    for key in ("A", "B", "C"):
        company.customer(key)
    for row in (
        (10, "A", "call", "2024-03-01", "李娜", "second"),
        (9, "A", "call", "2024-01-01", None, "first"),
        (1, "A", "test", "2024-02-01", "li", "not this one"),
        (2, "B", "call", None, "王芳", "undated"),
        (3, None, "call", "2024-02-01", "li", "nobody's"),
        (4, "Z", "call", "2024-02-01", "li", "a stranger's"),
    ):
        visit(company, *row)
    company.rewrite("mappings/customer.yaml", ("fields:\n", FOLD.lstrip() + "fields:\n"))
    company.rewrite("mappings/customer.yaml", ("remark: {from: bz, write: only_if_empty}", "remark: fold.history"))
    return company


def visit(company: Company, *cells: object) -> None:
    company.old("insert into t_visit (id, khbh, kind, visited_on, who, text) values (?, ?, ?, ?, ?, ?)", cells)


def remarks(company: Company) -> dict[str, str | None]:
    return {str(key).rpartition(":")[2]: text for key, text in company.new(NOTES)}  # type: ignore[misc]


def test_children_become_text_of_their_parent_by_the_real_command(company: Company) -> None:
    """Run; a child added, changed and deleted; run again; reconciled to zero; undone."""
    done = company.say("run", "--execute", "--json")
    assert (done.code, done.counts("customer")) == (0, {"read": 3, "created": 3}), done.out
    assert remarks(company) == {
        "A": "2024-01-01: first\n2024-03-01 李娜: second",
        "B": " 王芳: undated",
        "C": None,
    }
    assert company.say("reconcile").code == 0
    assert company.say("run", "--execute", "--json").counts("customer") == {"read": 3, "unchanged": 3}
    visit(company, 20, "C", "call", "2024-04-01", None, "added")
    company.old("update t_visit set text = 'changed' where id = 2")
    changed = company.say("run", "--execute", "--json")
    assert changed.counts("customer") == {"read": 3, "updated": 2, "unchanged": 1}
    company.old("delete from t_visit where id = 9")
    company.old("delete from t_visit where id = 2")
    again = company.say("run", "--execute", "--json")
    assert again.counts("customer") == {"read": 3, "updated": 2, "unchanged": 1}
    assert remarks(company) == {"A": "2024-03-01 李娜: second", "B": None, "C": "2024-04-01: added"}
    assert company.say("reconcile").code == 0
    for number in (4, 3):
        assert company.say("undo", str(number), "--execute").code == 0
    assert remarks(company)["B"] == " 王芳: undated"
    company.say("undo", "1", "--execute")
    assert company.new("select count(*) from customer") == [(0,)]


def test_one_record_comes_with_its_children_alone(company: Company) -> None:
    assert company.run("t_customer:A").counts("customer") == {"read": 1, "created": 1}
    assert remarks(company) == {"A": "2024-01-01: first\n2024-03-01 李娜: second"}
    assert company.run().counts("customer") == {"read": 3, "created": 2, "unchanged": 1}


def test_the_last_lines_are_kept_and_the_rest_is_told(company: Company) -> None:
    for number, day in ((30, "2024-05-01"), (31, "2023-01-01"), (8, "2024-05-01")):
        visit(company, number, "A", "call", day, None, f"of {number}")
    told = company.run()
    assert remarks(company)["A"] == "2024-03-01 李娜: second\n2024-05-01: of 8\n2024-05-01: of 30"
    cause = next(each for each in told.report.causes if each.text.code == "fold.too_many")
    assert (cause.keys, cause.count, cause.line) == (("A",), 1, 9)
    assert cause.text.params == {"name": "fold.history", "kept": 3, "lines": 5}


def test_explain_tells_how_many_children_there_are(company: Company) -> None:
    assert company.run().code == 0
    table = company.explain("t_customer:A").table("table.folded")
    assert table == [("fold.history", "t_visit", 3, 2, "mappings/customer.yaml:9")]
    assert company.explain("t_customer:C").table("table.folded")[0][2:4] == (0, 0)


def test_check_counts_children_without_a_parent_and_forgets_no_field(company: Company) -> None:
    company.old("update t_visit set place = '沈阳'")
    visit(company, 40, "Y", "test", "2024-04-01", None, "left out by the fold, so nobody's business")
    told = {each.text.code: each for each in company.check().report.causes}
    assert (told["fold.no_key"].count, told["fold.no_parent"].count) == (1, 1)
    assert told["fold.no_parent"].text.params["parent"] == "t_customer"
    assert "mapping.data_left_over" not in told
    company.rewrite("mappings/customer.yaml", ("    drop: {place: nobody reads it}\n", ""))
    said = company.say("check")
    assert said.code == 2
    assert "Source field place holds data in 6 of 7 records" in " ".join(said.out.split()), said.out
    assert "mappings/customer.yaml:9" in said.out
    assert "t_visit" not in company.say("check", "--no-data").err


@pytest.mark.parametrize(
    ("here", "there", "said"),
    [
        ("from: t_visit", "from: t_visits", "no object t_visits"),
        ("by: khbh", "by: [khbh, id]", "`by` has 2 fields, but the key of t_customer is: khbh"),
        (" {who}", " {whom}", "t_visit has no field whom in the source. Nearest: who"),
        ("order: [visited_on]", "order: [visited]", "t_visit has no field visited in the source"),
        ("{kind: {not_equals", "{kint: {not_equals", "t_visit has no field kint"),
        ('["{visited_on}", " {who}", ": {text}"]', "all alike", "`line` names no field"),
        ("drop: {place", "drop: {text", "Source field text is dropped, but a rule uses it"),
        ("remark: fold.history", "remark: bz", "No rule speaks of fold.history"),
        ("remark: fold.history", "remark: fold.histories", "no field fold.histories in the source"),
        ("most: 3", "most: 0", "fold.history.most"),
    ],
)
def test_a_wrong_fold_is_told_before_anything_is_read(company: Company, here: str, there: str, said: str) -> None:
    company.rewrite("mappings/customer.yaml", (here, there))
    told = company.say("check")
    assert told.code == 2
    assert said in " ".join(told.err.split()), told.err


def test_what_was_corrected_in_a_child_is_folded_so(company: Company) -> None:
    """Its cells, and whose child it is."""
    (company.folder / "corrections").mkdir()
    text = "object,key,field,old,new,who,why\nt_visit,10,text,second,mended,Li Na,typed wrong\n"
    text += "t_visit,3,khbh,,C,Li Na,forgotten\n"
    (company.folder / "corrections" / "visits.csv").write_text(text, encoding="utf-8")
    told = company.run()
    assert "correction.not_read" not in {each.text.code for each in told.report.causes}
    assert remarks(company)["A"] == "2024-01-01: first\n2024-03-01 李娜: mended"
    assert remarks(company)["C"] == "2024-02-01 li: nobody's"
    company.old("update t_visit set text = 'mended by somebody' where id = 10")
    told = company.run()
    lapsed = [(each.text.code, each.keys) for each in told.report.causes if each.text.code.startswith("correction.")]
    assert lapsed == [("correction.lapsed", ("10",))]


def test_a_fold_is_part_of_what_the_mapping_means(company: Company) -> None:
    """What does something to records makes a plan stale; why a field is dropped does not."""
    plan = str(company.say("plan", "--json").document["plan"])
    company.rewrite("mappings/customer.yaml", ("nobody reads it", "nobody has read it for years"))
    company.rewrite("mappings/customer.yaml", ("most: 3", "most: 3   # the last three"))
    assert company.say("run", "--plan", plan, "--execute").code == 0
    plan = str(company.say("plan", "--json").document["plan"])
    shutil.copytree(company.folder / "mappings", company.folder / "before" / "mappings")
    company.rewrite("mappings/customer.yaml", ("most: 3", "most: 1"))
    assert "the mapping customer" in company.say("run", "--plan", plan, "--execute").err
    differs = company.say("mapping", "diff", "before/mappings", "--json").document
    assert differs["records"] == {"customer": {"updated": ["A"]}}
    assert company.run().counts("customer") == {"read": 3, "updated": 1, "unchanged": 2}


def test_an_example_says_what_a_folded_text_becomes(company: Company) -> None:
    example = (
        "examples:\n  - from: {khmc: A, fold.history: a line too long}\n    people: {w1: 1}\n"
        "    to: {name: A, remark: a line}\n"
    )
    path = company.folder / "mappings" / "customer.yaml"
    path.write_text(path.read_text(encoding="utf-8") + example, encoding="utf-8")
    assert company.say("check").code == 2
    company.rewrite(
        "mappings/customer.yaml",
        ("remark: fold.history", "remark: {from: fold.history, transform: {cut: {length: 6}}}"),
    )
    assert company.say("check").code == 0, company.say("check").err


def test_several_mappings_may_fold_alike_but_not_otherwise(company: Company) -> None:
    text = (company.folder / "mappings" / "customer.yaml").read_text(encoding="utf-8")
    again = text.replace("mapping: customer", "mapping: visit").replace("to: customer", "to: visit")
    again = again[: again.index("match:")] + FOLD.lstrip() + "fields: {note: fold.history}\n"
    (company.folder / "mappings" / "visit.yaml").write_text(again, encoding="utf-8")
    assert company.say("check").code == 0, company.say("check").err
    company.rewrite("mappings/visit.yaml", ("most: 3", "most: 4"))
    assert "folds something else into fold.history of t_customer" in company.say("check").err


def test_a_child_that_moves_as_well_is_told_of_once(company: Company) -> None:
    """What the fold uses of it needs no rule of its own; what neither uses is the mapping's."""
    text = "mapping: visit\nfrom: t_visit\nto: visit\nfields: {customer_id: {from: khbh, reference: customer}}\n"
    (company.folder / "mappings" / "visit.yaml").write_text(text, encoding="utf-8")
    company.old("update t_visit set place = '沈阳'")
    company.rewrite("mappings/customer.yaml", ("    drop: {place: nobody reads it}\n", ""))
    said = company.say("check").out
    assert said.count("mapping.data_left_over") == 1, said
    assert "mappings/visit.yaml:4  visit · t_visit · place" in said
    assert "mend in the mapping · mapping.data_left_over" in said
