"""A mapping that was changed after a run was cut off: what was on its way is finished as it was written down, the rest
is planned anew, and the report says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.sql.connector import SqlConnector
from changeover.runs.catalogue import Catalogue
from changeover.runs.report.model import Text

from .company import Company, Told, make_company
from .test_input import cut_off

CUSTOMERS = 6


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Customers for more than one batch, the first of them alone."""
    made = make_company(tmp_path / "move", batch=4)
    for number in range(CUSTOMERS):
        made.customer(f"C{number}")
    return made


def changed(told: Told) -> Text | None:
    fact = dict(told.report.facts).get("fact.mapping_changed")
    assert fact is None or isinstance(fact, Text)
    return fact


def test_open_operations_end_as_logged_and_the_rest_is_planned_anew(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cut_off(monkeypatch, least=4):
        company.run()
    assert company.ledger("select count(*) from operation where state = 'intent'") == [(4,)]
    company.rewrite("mappings/customer.yaml", ("constant: legacy", "constant: moved"))
    planned = company.plan()
    assert planned.counts("customer") == {"read": CUSTOMERS, "updated": 5, "created": 1}
    assert changed(planned) == Text("run.mapping_changed", {"run": 1})
    logged = "select distinct kind, state, fieldset from operation where kind <> 'prove'"
    assert company.ledger(logged) == [("create", "acked", 1)]
    done = company.run()
    assert (done.code, changed(done)) == (0, Text("run.mapping_changed", {"run": 1}))
    assert "fact.resumed" not in dict(done.report.facts)
    assert company.ledger("select count(distinct mapping_digest) from fieldset where mapping = 'customer'") == [(2,)]
    assert set(company.ledger(logged)) == {
        ("create", "verified", 1),
        ("update", "verified", 2),
        ("create", "verified", 2),
    }
    assert company.new("select kind, count(*) from customer group by 1") == [("moved", CUSTOMERS)]
    assert company.new("select count(distinct tax_no) from customer") == [(CUSTOMERS,)]
    assert changed(company.run()) is None


def test_the_report_says_it_in_words(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    with cut_off(monkeypatch):
        company.run()
    company.rewrite("mappings/customer.yaml", ("constant: legacy", "constant: moved"))
    said = company.say("run", "--execute")
    assert said.code == 0
    assert Catalogue("en").text("run.mapping_changed", {"run": 1}).split(".")[0] in " ".join(said.out.split())
    assert "finished as logged" in " ".join(said.out.split())


def test_the_same_mapping_goes_on_and_says_nothing(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    with cut_off(monkeypatch):
        company.run()
    done = company.run()
    assert changed(done) is None
    assert "fact.resumed" in dict(done.report.facts)


def test_an_update_of_a_field_that_is_mapped_no_longer_is_not_taken_for_undone(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert company.run().code == 0
    company.old("update t_customer set rq = '2021-01-01'")
    with cut_off(monkeypatch):
        company.run()
    company.rewrite("mappings/customer.yaml", ("  opened_on: rq\n", ""))
    told = company.run()
    assert changed(told) == Text("run.mapping_changed", {"run": 2})
    states = company.ledger(
        "select distinct state, code from operation where batch in (select id from batch where run = 2)"
    )
    assert states == [("conflict", "recover.mapping_gone")]
    assert company.run().code == 0
    assert company.new("select opened_on, count(*) from customer group by 1 order by 1") == [
        ("2020-02-29", 2),
        ("2021-01-01", 4),
    ]


def test_an_update_with_a_field_that_is_new_in_the_mapping_is_known_to_be_undone(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.rewrite("mappings/customer.yaml", ("  opened_on: rq\n", ""))
    assert company.run().code == 0
    company.rewrite("mappings/customer.yaml", ("  revenue: je\n", "  revenue: je\n  opened_on: rq\n"))

    def dies(*_given: object) -> None:
        raise RuntimeError("as if the process had been killed")

    with monkeypatch.context() as patch:
        patch.setattr(SqlConnector, "write", dies)
        with pytest.raises(RuntimeError):
            company.run()
    assert company.plan().counts("customer") == {"read": CUSTOMERS, "updated": CUSTOMERS}
    asked = "select distinct state, code from operation where batch in (select id from batch where run = 2)"
    assert company.ledger(asked) == [("not_sent", "target.no_answer")]
