"""Records in approval, locked or in the bin: what becomes of each is said in the mapping, and none is made normal
without a word."""

from __future__ import annotations

from pathlib import Path

import pytest

from .company import Company, make_company

LIFE = """
life:
  deleted: {when: {bz: {equals: bin}}, then: leave}
  in_approval: {when: {bz: {in: [asked, answered]}}, then: refuse}
  locked: {when: {bz: {equals: locked}}, then: {normal: "the new CRM locks by stage"}}
  closed: {when: {bz: {equals: closed}}, then: {set: {kind: closed}}}
fields:
"""


def company(folder: Path, life: str = LIFE) -> Company:
    made = make_company(folder / "project")
    made.rewrite("mappings/customer.yaml", ("\nfields:\n", life))
    for key, state in (("C1", None), ("C2", "bin"), ("C3", "asked"), ("C4", "locked"), ("C5", "closed")):
        made.customer(key, bz=state)
    return made


def kinds(made: Company) -> dict[object, object]:
    return dict(made.new("select substr(tax_no, 4), kind from customer"))  # type: ignore[arg-type]


def test_each_state_becomes_what_was_said(tmp_path: Path) -> None:
    made = company(tmp_path)
    planned, told = made.plan(), made.run()
    assert (
        planned.counts("customer")
        == told.counts("customer")
        == {
            "read": 5,
            "created": 3,
            "filtered": 1,
            "rejected": 1,
        }
    )
    assert kinds(made) == {"C1": "legacy", "C4": "legacy", "C5": "closed"}
    assert told.causes()["life.refused", "t_customer"] == ["C3"]
    assert told.table("table.left_out") == [("customer", "left_out.life", None, 1)]
    assert set(told.table("table.lives")) == {
        ("customer", "in_approval", "life.refuse", 1, None),
        ("customer", "locked", "life.normal", 1, "the new CRM locks by stage"),
        ("customer", "closed", "life.set", 1, None),
    }
    assert {"mapping": "customer", "state": "locked", "then": "normal", "count": 1} in told.document["lives"]  # type: ignore[operator]
    assert made.reconcile().verdict == "reconcile.equal"


def test_a_refused_record_moves_once_its_approval_is_over(tmp_path: Path) -> None:
    made = company(tmp_path)
    made.run()
    made.old("update t_customer set bz = null where khbh = 'C3'")
    assert made.run(rejected=True).counts("customer") == {"read": 1, "created": 1}


def test_a_record_that_comes_into_a_state_is_shown_in_it(tmp_path: Path) -> None:
    made = company(tmp_path)
    made.run()
    made.old("update t_customer set bz = 'closed' where khbh = 'C1'")
    assert made.run().counts("customer")["updated"] == 1
    assert kinds(made)["C1"] == "closed"


def test_what_refers_to_one_that_is_left_behind_leaves_the_scope(tmp_path: Path) -> None:
    made = company(tmp_path)
    made.rewrite("mappings/order.yaml", ("reference: customer}", "reference: customer, outside: skip}"))
    made.order(1, "C2")
    made.order(2, "C1")
    assert made.run().counts("order") == {"read": 2, "created": 1, "filtered": 1}


def test_explain_knows_the_state(tmp_path: Path) -> None:
    made = company(tmp_path)
    made.run()
    assert made.explain("t_customer:C2").report.verdict.code == "explain.life"
    shown = {row[0]: row for row in made.explain("t_customer:C5", show_values=True).table("table.fields")}
    assert (shown["kind"][3], shown["kind"][4]) == ("constant > life closed", "closed")


def test_a_state_that_cannot_be_told_is_refused(tmp_path: Path) -> None:
    life = "\nlife:\n  old: {when: {je: {less_than: 5}}, then: leave}\nfields:\n"
    made = company(tmp_path, life)
    made.old("update t_customer set je = 'a lot' where khbh = 'C1'")
    told = made.run()
    assert told.causes()["life.untold", "t_customer"] == ["C1"]
    assert told.counts("customer") == {"read": 5, "created": 4, "rejected": 1}


def test_why_a_state_is_normal_is_no_reason_to_move_it_again(tmp_path: Path) -> None:
    made = company(tmp_path)
    made.run()
    before = made.plan().report.extra["plan"]
    made.rewrite("mappings/customer.yaml", ("the new CRM locks by stage", "nobody minds"))
    made.run(plan=str(before))
    made.rewrite("mappings/customer.yaml", ("set: {kind: closed}", "set: {kind: gone}"))
    with pytest.raises(Exception, match=r"plan\.outdated"):
        made.run(plan=str(before))


def test_check_lets_through_what_the_data_says(tmp_path: Path) -> None:
    told = company(tmp_path).check()
    assert (told.code, told.causes()["life.refused", "t_customer"]) == (1, ["C3"])


@pytest.mark.parametrize(
    ("then", "code"),
    [
        ("normal", "mapping.life_form"),
        ('{normal: ""}', "mapping.life_form"),
        ("{set: {}}", "mapping.life_form"),
        ("{set: {knd: closed}}", "mapping.life_not_mapped"),
        ("{set: {parent_id: closed}}", "mapping.life_reference"),
        ("{set: {kind: much-too-long-a-kind}}", "mapping.value_too_long"),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path: Path, then: str, code: str) -> None:
    made = company(tmp_path, f"\nlife:\n  closed: {{when: {{bz: {{equals: closed}}}}, then: {then}}}\nfields:\n")
    said = made.say("check", "--no-data", "--json")
    assert (said.code, {each["code"] for each in said.document["findings"]}) == (2, {code})  # type: ignore[attr-defined]


def test_of_several_states_the_first_counts_and_its_value_covers_what_does_not_fit(tmp_path: Path) -> None:
    made = make_company(tmp_path / "project")
    life = """life:
  closed: {when: {zt: {in: [shut, both]}}, then: {set: {stage: won}}}
  locked: {when: {zt: {in: [locked, both]}}, then: leave}
fields:
"""
    made.rewrite("mappings/order.yaml", ("fields:\n", life))
    made.customer("C1")
    for number, state in enumerate(("shut", "both", "locked", "进行中"), 1):
        made.order(number, "C1", zt=state)
    told = made.run()
    assert told.counts("order") == {"read": 4, "created": 3, "filtered": 1}
    assert sorted(made.new("select stage from orders")) == [("open",), ("won",), ("won",)]
    assert told.table("table.lives") == [("order", "closed", "life.set", 2, None)]
