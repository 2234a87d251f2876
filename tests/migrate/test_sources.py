"""Several source connections in one environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.schema import Schema
from changeover.migrate.project import load_project
from changeover.migrate.sources.several import Sources, role_of

from .three import ThreeSystems, make_three


@pytest.fixture
def company(tmp_path: Path) -> ThreeSystems:
    return make_three(tmp_path / "three")


def test_objects_of_several_systems_go_into_one(company: ThreeSystems) -> None:
    """By the real command, in one process each: every verb that reads a source."""
    assert company.say("check").code == 0
    schema = json.loads((company.folder / "schemas" / "source.json").read_text("utf-8"))
    assert {"approval.contract", "erp.customer", "oa.approval"} <= schema.keys()
    planned = company.say("plan")
    assert planned.code == 0
    name = planned.out.split("plan-")[1].split(".")[0]
    done = company.say("run", "--execute", "--plan", name, "--json")
    assert done.code == 0, done.err
    assert done.counts("contract") == {"read": 4, "created": 3, "filtered": 1}
    assert company.new(
        "select c.contract_no, k.name, k.owner_id from contract c join customer k on k.id = c.customer_id"
    ) == [
        ("C-1", "Alpha", 1),
        ("C-2", "Beta", 1),
        ("C-3", "Alpha", 1),
    ]
    assert company.say("reconcile").code == 0
    company.of("erp", "update customer set name = 'Alpha AG' where cust_no = 'K1'")
    again = company.say("run", "--execute", "--json")
    assert again.counts("customer") == {"read": 2, "updated": 1, "unchanged": 1}
    assert company.say("undo", "2", "--execute").code == 0
    assert company.say("undo", "1", "--execute").code == 0
    assert company.new("select count(*) from contract") == [(0,)]


def test_our_keys_are_those_of_each_system_alone(company: ThreeSystems) -> None:
    """So that a second source can be listed later without another key for what has been moved."""
    assert company.run().code == 0
    keys = {row[0] for row in company.new("select our_key from changeover_keys")}
    assert keys == {
        "erp:customer:K1",
        "erp:customer:K2",
        "approval:contract:1",
        "approval:contract:2",
        "approval:contract:3",
    }
    for typed in ("erp:customer:K1", "erp.customer:K1"):
        assert company.explain(typed).document["our_key"] == "erp:customer:K1"


def test_a_record_that_has_not_moved_is_explained_by_either_name(company: ThreeSystems) -> None:
    for typed in ("erp:customer:K2", "erp.customer:K2"):
        assert company.explain(typed).document["our_key"] == "erp:customer:K2"


def test_chosen_records_bring_their_parents_from_another_system(company: ThreeSystems) -> None:
    said = company.say("run", "--keys", "approval.contract:2", "--execute", "--json")
    assert said.code == 0, said.err
    assert company.new("select name from customer") == [("Beta",)]


def test_an_object_lies_in_one_of_the_systems_or_in_the_only_one() -> None:
    system = MemoryConnector(Schema({}))
    assert role_of(system, "oa.approval") == "source"
    assert role_of(Sources({"erp": system, "oa": system}), "oa.approval") == "source oa"


def test_a_system_that_is_not_there_is_named(company: ThreeSystems) -> None:
    company.rewrite("changeover.yaml", ("sqlite:///oa.db", "sqlite:///gone/oa.db"))
    said = company.say("check")
    assert said.code == 2
    assert said.err.startswith("oa: there is no file")


def test_each_system_is_pinned_for_itself(company: ThreeSystems) -> None:
    assert company.run().code == 0
    assert {row[0] for row in company.ledger("select role from system")} == {
        "source approval",
        "source erp",
        "source oa",
        "target",
    }
    company.rewrite("changeover.yaml", ("sqlite:///oa.db", "sqlite:///erp.db"))
    said = company.say("plan")
    assert said.code == 1
    assert "The source oa is" in said.err


def test_a_plan_names_the_system_that_is_another(company: ThreeSystems) -> None:
    name = company.say("plan").out.split("plan-")[1].split(".")[0]
    company.rewrite("changeover.yaml", ("sqlite:///oa.db", "sqlite:///erp.db"))
    said = company.say("run", "--execute", "--plan", name)
    assert said.code == 2
    assert "the source oa: it is another system" in said.err


def test_each_system_keeps_its_own_pace(company: ThreeSystems) -> None:
    company.rewrite("changeover.yaml", ("name: erp,", "name: erp, pace: {share: 0.5},"))
    sources = load_project(company.folder).environment.sources
    assert {role: str(spec.pace.share) for role, spec in sources.items()} == {
        "source approval": "1",
        "source erp": "0.5",
        "source oa": "1",
    }


def test_wall_clocks_of_each_system_are_read_in_its_own_zone(company: ThreeSystems) -> None:
    company.new("create table visit (id integer primary key autoincrement, at timestamp with time zone)")
    for system in ("approval", "oa"):
        company.of(system, "create table visit (id integer primary key, at timestamp)")
        company.of(system, "insert into visit values (1, '2024-01-31 20:00:00')")
        text = f"mapping: {system}\nfrom: {system}.visit\nto: visit\nfields:\n  at: at\n"
        (company.folder / "mappings" / f"{system}.yaml").write_text(text, encoding="utf-8")
    company.rewrite("changeover.yaml", ("name: crm,", "name: crm, zone: UTC,"))
    told = company.run()
    assert told.code == 0, told.document
    assert {row[0] for row in company.new("select substr(at, 1, 19) from visit")} == {
        "2024-01-31 20:00:00",
        "2024-01-31 12:00:00",
    }


@pytest.mark.parametrize(
    ("here", "there", "told"),
    [
        ("name: oa", "name: erp", "Two sources are called erp"),
        ("name: oa", "name: o.a", "o.a cannot be the name"),
        ("name: oa", "name: assembly", "assembly cannot be the name"),
        ("{connector: sql, name: oa, ", "{name: oa, ", "connector"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(company: ThreeSystems, here: str, there: str, told: str) -> None:
    company.rewrite("changeover.yaml", (here, there))
    said = company.say("check")
    assert said.code == 2
    assert told in said.err


def test_an_object_without_its_connection_is_told_the_nearest(company: ThreeSystems) -> None:
    company.rewrite("mappings/customer.yaml", ("from: erp.customer", "from: customer"))
    said = company.say("check")
    assert said.code == 2
    assert "erp.customer" in said.err
