"""Status, runs, the crosswalk and the connectors: what is known without asking a system."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from changeover.runs.ledger.store import hold

from .company import Company, make_company


def make_moved(folder: Path) -> Company:
    company = make_company(folder)
    company.customer("甲,1", khmc="甲")
    company.customer('Q"2')
    company.customer("BAD", khmc=None)
    company.order(1, "BAD")
    company.run()
    return company


def test_status_before_and_after(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    said = company.say("status", "--json")
    assert (said.code, said.document["verdict"]["code"], said.document["next"]) == (  # type: ignore[index]
        0,
        "status.never_run",
        ["changeover plan"],
    )
    assert company.say("runs", "--json").document["next"] == ["changeover plan"]
    company.customer("A")
    company.run()
    assert company.say("status", "--json").document["verdict"]["code"] == "status.clean"  # type: ignore[index]
    company.order(1, "B")
    company.run()
    said = company.say("status", "--json")
    assert (said.document["verdict"]["code"], said.document["parked"]) == ("status.parked", 1)  # type: ignore[index]
    table, _grades, waiting = said.document["tables"]  # type: ignore[misc]
    (row,) = waiting["rows"]  # type: ignore[index]
    assert row[:2] == ["reference.missing", 1]
    assert row[2]["code"] == "mender.data"
    (cause,) = said.document["findings"]  # type: ignore[misc]
    assert cause["text"].startswith("customer_id refers to legacy:t_customer:B, which")  # type: ignore[index]
    assert cause["mender"] == "mender.data"  # type: ignore[index]
    assert said.document["next"] == [f"changeover {words}" for words in ("worklist", "run --rejected", "reconcile")]
    told = [[cell["code"] if isinstance(cell, dict) else cell for cell in row] for row in table["rows"]]  # type: ignore[index]
    assert told == [["customer", "customer", "state.live", 1], ["orders", "order", "state.held", 1]]
    company.ledger("update run set state = 'open' where id = 2")  # as a killed process leaves it
    said = company.say("status", "--json")
    assert said.document["verdict"]["code"] == "status.open"  # type: ignore[index]
    assert said.document["next"] == ["changeover run --execute"]


def verdict_of(company: Company, *words: str) -> tuple[int, object, object]:
    said = company.say(*words, "--json")
    return said.code, said.document["verdict"]["code"], said.document["next"]  # type: ignore[index]


def test_a_run_that_was_killed_is_told_apart_from_one_at_work(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.run()
    company.ledger("update run set state = 'open'")  # as it is while it works, and as a killed process leaves it
    with hold(company.folder / "runs" / "mock"):
        assert verdict_of(company, "status") == (0, "status.at_work", ["changeover pause"])
        assert verdict_of(company, "pause") == (0, "pause.asked", ["changeover continue"])
        assert verdict_of(company, "status") == (0, "status.at_work", ["changeover continue"])
        assert verdict_of(company, "continue") == (0, "continue.asked", [])
        assert verdict_of(company, "runs") == (0, "runs.listed", ["changeover status"])
    assert verdict_of(company, "runs") == (0, "runs.listed", ["changeover undo 1"])
    assert verdict_of(company, "pause") == (0, "pause.next", ["changeover continue"])
    assert verdict_of(company, "status") == (0, "status.open", ["changeover run --execute"])
    assert verdict_of(company, "continue") == (0, "continue.asked", ["changeover run --execute"])


def test_what_did_not_end_is_gone_on_with_by_what_began_it(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.run()
    for state, selection, undoes, words in (
        ("interrupted", "", "null", "run --execute"),
        ("paused", "", "null", "run --execute"),
        ("failed", "", "null", "run --execute"),
        ("interrupted", "abc", "null", "plan"),
        ("interrupted", "", "1", "undo 1 --execute"),
        ("open", "", "1", "undo 1 --execute"),
    ):
        company.ledger(f"update run set state = '{state}', selection = '{selection}', undoes = {undoes}")
        assert verdict_of(company, "status") == (0, "status.open", [f"changeover {words}"])


def test_runs_are_listed_the_latest_first_with_their_reports(tmp_path: Path) -> None:
    company = make_moved(tmp_path / "move")
    company.say("run", "--execute")
    company.undo(1, execute=True)
    said = company.say("runs", "--json")
    assert said.document["runs"] == [3, 2, 1]
    (table,) = said.document["tables"]  # type: ignore[misc]
    rows = [[cell["code"] if isinstance(cell, dict) else cell for cell in row] for row in table["rows"]]  # type: ignore[index]
    assert [row[:3] for row in rows] == [
        [3, "undo 1", "runstate.finished"],
        [2, "run", "runstate.finished"],
        [1, "run", "runs.undone"],
    ]
    assert rows[2][4:] == [4, 2, 0]
    ((report,),) = company.ledger("select report from run where id = 2")
    page = (company.folder / str(report)).read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "://" not in page  # self-contained


def test_the_crosswalk_comes_as_csv_and_as_json(tmp_path: Path) -> None:
    company = make_moved(tmp_path / "move")
    rows = list(csv.DictReader(company.say("crosswalk").out.splitlines()))
    assert json.loads(company.say("crosswalk", "--json").out) == [
        {**row, "target_key": row["target_key"] or None} for row in rows
    ]
    told = {(row["source_object"], row["source_key"]): (row["our_key"], row["state"]) for row in rows}
    assert told == {
        ("t_customer", "甲,1"): ("legacy:t_customer:甲,1", "live"),
        ("t_customer", 'Q"2'): ('legacy:t_customer:Q"2', "live"),
        ("t_customer", "BAD"): ("legacy:t_customer:BAD", "rejected"),
        ("t_order", "1"): ("legacy:t_order:1", "held"),
    }
    there = dict(company.new("select 'TAX' || substr(k.our_key, 19), k.target_key from changeover_keys k"))  # type: ignore[arg-type]
    assert {f"TAX{row['source_key']}": row["target_key"] for row in rows if row["target_key"]} == there
    only = list(csv.DictReader(company.say("crosswalk", "t_order").out.splitlines()))
    assert [row["source_key"] for row in only] == ["1"]
    assert [row["source_key"] for row in csv.DictReader(company.say("crosswalk", "orders").out.splitlines())] == ["1"]
    assert json.loads(company.say("crosswalk", "nothing", "--json").out) == []


def test_connectors_are_listed(tmp_path: Path) -> None:
    said = make_company(tmp_path / "move").say("connectors", "--json")
    assert said.code == 0
    assert {"files", "memory", "sql"} <= set(said.document["connectors"])  # type: ignore[call-overload]
