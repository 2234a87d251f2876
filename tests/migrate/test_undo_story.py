"""Undo in the ledger's story: chains of runs, what explain and runs say of it, and records that are moved again."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.errors import DecisionError

from .company import Company, Told, make_company


def three_runs(folder: Path) -> Company:
    """A is created, then renamed twice; B is adopted by the second run, C created by the third one."""
    company = make_company(folder)
    company.customer("A", khmc="first")
    company.run()
    company.old("update t_customer set khmc = 'second' where khbh = 'A'")
    company.new("insert into customer (name, tax_no, revenue) values ('theirs', 'TAXB', 7)")
    company.customer("B", sjkh="A")
    company.run()
    company.old("update t_customer set khmc = 'third' where khbh = 'A'")
    company.customer("C", sjkh="B")
    company.run()
    return company


def held(company: Company) -> list[tuple[object, ...]]:
    return company.new(
        "select c.name, c.revenue, p.name from customer c left join customer p on p.id = c.parent_id order by c.id"
    )


def sentence(told: Told) -> str:
    return str(told.document["verdict"]["text"])  # type: ignore[index]


def test_a_chain_is_taken_back_the_latest_first_and_each_step_is_as_before_its_run(tmp_path: Path) -> None:
    company = three_runs(tmp_path / "move")
    for run, later in ((1, "2, 3"), (2, "3")):
        with pytest.raises(DecisionError) as refused:
            company.undo(run, execute=True)
        assert (refused.value.code, refused.value.params["later"]) == ("undo.later_runs", later)
    assert held(company) == [("third", 1000.5, None), ("客户B", 1000.5, "third"), ("客户C", 1000.5, "客户B")]
    for run, left in (
        (3, [("second", 1000.5, None), ("客户B", 1000.5, "second")]),
        (2, [("first", 1000.5, None), ("theirs", 7, None)]),
        (1, [("theirs", 7, None)]),
    ):
        done = company.undo(run, execute=True)
        assert (done.code, done.verdict, held(company)) == (0, "undo.done", left)
    assert company.new("select count(*) from changeover_keys") == [(0,)]
    assert company.undo(1).verdict == "undo.nothing"


def test_what_was_taken_back_is_moved_again_and_taken_back_again(tmp_path: Path) -> None:
    company = three_runs(tmp_path / "move")
    moved = held(company)
    for run in (3, 2, 1):
        company.undo(run, execute=True)
    again = company.run()
    assert (again.code, again.counts("customer")) == (0, {"read": 3, "created": 2, "updated": 1, "adopted": 1})
    assert sorted(map(str, held(company))) == sorted(map(str, moved))
    assert company.reconcile().verdict == "reconcile.equal"
    with pytest.raises(DecisionError) as refused:
        company.undo(3, execute=True)
    assert refused.value.params["later"] == "7"
    assert company.undo(7, execute=True).code == 0
    assert held(company) == [("theirs", 7, None)]


def test_the_parent_of_a_record_may_be_let_go_before_the_record_is_taken_back(tmp_path: Path) -> None:
    """A record counts as unedited though its parent, adopted by an earlier run, is no longer ours by name."""
    company = make_company(tmp_path / "move")
    company.new("insert into customer (name, tax_no) values ('theirs', 'TAXA')")
    company.customer("A", khmc="theirs")
    company.run()
    company.customer("B", sjkh="A")
    company.run()
    assert company.undo(1, execute=True).code == 0
    done = company.undo(2, execute=True)
    assert (done.code, done.table("table.undo")) == (0, [("customer", 1, 0, 0, 0, 0)])
    assert company.new("select name, owner_id from customer") == [("theirs", None)]


def test_what_the_target_refuses_is_tried_once_more_when_the_rest_is_gone(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move", chunk=1)
    company.new("create unique index tax on customer (tax_no)")
    company.customer("A", sh="T5")
    company.run()
    company.old("update t_customer set sh = 'T6'")
    company.customer("C", sh="T5")
    company.run()
    done = company.undo(2, execute=True)
    assert (done.code, done.table("table.undo")) == (0, [("customer", 1, 1, 0, 1, 0)])
    assert company.new("select name, tax_no from customer") == [("客户A", "T5")]


def test_explain_tells_what_became_of_each_record(tmp_path: Path) -> None:
    company = three_runs(tmp_path / "move")
    company.new("update customer set revenue = 99 where tax_no = 'TAXC'")
    assert company.undo(3, execute=True).code == 1  # C was edited, and hangs on B
    restored = company.explain("A")
    assert (restored.verdict, sentence(restored)) == (
        "explain.restored",
        "t_customer:A is customer:1; run 4 put back what run 3 had written over.",
    )
    assert [row[:3] for row in restored.table("table.operations")] == [
        (1, "change.create", "state.verified"),
        (2, "change.update", "state.verified"),
        (3, "change.update", "state.verified"),
        ("explain.undo", "change.update", "state.verified"),
    ]
    spared = company.explain("C")
    assert spared.verdict == "explain.live"
    assert [row[2] for row in spared.table("table.findings")] == ["undo.edited"]
    company.new("delete from customer where tax_no = 'TAXC'")
    assert company.undo(2, execute=True).code == 0
    released = company.explain("B")
    assert released.verdict == "explain.released"
    assert "adopted by run 2; run 5 let the record go" in sentence(released)
    assert company.undo(1, execute=True).code == 0
    gone = company.explain("A")
    assert sentence(gone) == "t_customer:A was brought into the target by run 1, and run 6 took it back."
    assert [row[1:3] for row in gone.table("table.operations")][-1] == ("change.delete", "state.acked")


def test_runs_says_which_run_took_back_which(tmp_path: Path) -> None:
    company = three_runs(tmp_path / "move")
    company.undo(3, execute=True)
    said = company.say("runs", "--json")
    (table,) = said.document["tables"]  # type: ignore[misc]
    assert [row[1] for row in table["rows"]] == ["undo 3", "run", "run", "run"]  # type: ignore[index]
    assert table["rows"][1][2]["text"] == "finished; undone by 4"  # type: ignore[index]
    assert said.document["undone"] == {"3": [4]}
    assert said.document["next"] == ["changeover undo 2"]
