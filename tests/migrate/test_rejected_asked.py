"""`run --rejected` of some records only: which are asked for, what cannot be tried, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.errors import InputError, UnavailableError
from changeover.connectors.secrets import Secrets
from changeover.migrate.loading.pipeline import Pipeline
from changeover.migrate.session import Interrupted
from changeover.migrate.status import status

from .company import Company, copied, make_company
from .retrying import PICKLIST, mend, names, nothing_waits, parked, retried, sent

# Which are asked for


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Four that wait, of Wang, by key and by e-mail, of Li's predecessor, and of nobody; and an order below the
    first. They are mended."""
    company = make_company(tmp_path_factory.mktemp("waiting") / "move")
    for key, owner in (("KEY", "w1"), ("MAIL", " Wang.Fang@old.example"), ("GONE", "w2"), ("NONE", None)):
        company.customer(key, khmc=None, ywy=owner)
    company.order(1, "KEY")
    company.run()
    company.old("update t_customer set khmc = khbh")
    return company


@pytest.fixture
def owned(waiting: Company, tmp_path: Path) -> Company:
    return copied(waiting, tmp_path / "desk")


@pytest.mark.parametrize(
    ("who", "keys"),
    [
        ("w1", {"KEY", "MAIL"}),
        ("wang.fang@OLD.example", {"KEY", "MAIL"}),
        ("1", {"KEY", "MAIL"}),  # in the target
        ("w2", {"GONE"}),
        ("gone@old.example", {"GONE"}),
        ("li.na@new.example", {"GONE"}),  # who takes over
        ("2", {"GONE"}),
    ],
)
def test_only_those_of_one_owner(owned: Company, who: str, keys: set[str]) -> None:
    done = retried(owned, owner=who)
    assert names(owned) == keys
    assert done.counts("order") == ({"read": 1, "created": 1} if "KEY" in keys else {})
    assert done.report.facts[3:5] == (("fact.run", 2), ("fact.asked", len(keys)))


def test_owner_and_code_together(owned: Company) -> None:
    owned.customer("CLASH", je="x", ywy="w1")
    owned.run("t_customer:CLASH")
    assert retried(owned, owner="w1", code="type.not_a_number").counts("customer") == {"read": 1, "rejected": 1}


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"rejected": True, "owner": "stranger"}, "owner.unknown"),
        ({"rejected": True, "code": "target.chekc"}, "parked.no_code"),
        ({"rejected": True, "sample": 3}, "rejected.with_others"),
        ({"rejected": True, "children": True}, "rejected.with_others"),
        ({"owner": "w1"}, "rejected.missing"),
        ({"code": "required.missing"}, "rejected.missing"),
    ],
)
def test_what_cannot_be_asked_is_said(owned: Company, order: dict[str, object], code: str) -> None:
    for verb in (owned.plan, owned.run):
        with pytest.raises(InputError) as refused:
            verb(**order)
        assert (refused.value.code, refused.value.exit_code) == (code, 2)
    assert names(owned) == set()


def test_without_people_there_is_no_owner_to_ask_for(owned: Company) -> None:
    owned.rewrite("mappings/customer.yaml", ("  owner_id: {from: ywy, people: true}\n", ""))
    with pytest.raises(InputError) as refused:
        owned.run(rejected=True, owner="w1")
    assert refused.value.code == "owner.no_people"


def test_keys_of_every_form_are_found_again(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("12345")
    keys = ["012345", "123456789012345678", "a,b", "it's", "甲 1", "x|y\\z", "=1+1"]
    for key in keys:
        company.customer(key, khmc=None, sh=None)
    company.order(9_007_199_254_740_993, "nobody")
    company.run()
    assert set(parked(company)) == {*keys, "9007199254740993"}
    company.old("update t_customer set khmc = khbh")
    company.old("update t_order set khbh = '012345'")
    done = retried(company)
    assert done.counts("customer") == {"read": len(keys), "created": len(keys)}
    assert done.counts("order") == {"read": 1, "created": 1}
    assert names(company) == {"客户12345", *keys}
    nothing_waits(company)


def test_keys_that_differ_only_in_how_a_letter_is_composed_are_two_parents(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    for key in ("caf\u00e9", "cafe\u0301"):
        company.customer(key, sh=f"TAX{len(key)}")
    company.order(1, "cafe\u0301")
    assert company.run().verdict == "run.done"  # nor is what reads back another parent
    assert company.reconcile().verdict == "reconcile.equal"
    company.old("update t_order set khbh = ?", ("caf\u00e9",))
    assert company.run().counts("order") == {"read": 1, "updated": 1}
    assert company.new("select tax_no from customer join orders on customer.id = customer_id") == [("TAX4",)]


# What cannot be tried


def test_what_is_no_longer_in_the_source_is_told_and_kept(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("BAD", khmc=None)
    company.customer("GONE", khmc=None)
    company.run()
    company.old("delete from t_customer where khbh = 'GONE'")
    mend(company, "BAD", khmc="mended")
    done = retried(company)
    assert (done.code, done.verdict, done.report.verdict.params["count"]) == (1, "run.left_behind", 1)
    assert done.counts("customer") == {"read": 1, "created": 1}
    assert done.causes()[("parked.source_gone", "t_customer")] == ["GONE"]
    assert parked(company) == {"GONE": "required.missing"}
    again = retried(company)
    assert (again.code, again.verdict) == (1, "run.left_behind")


def test_what_has_lost_its_mapping_is_told_and_kept(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.order(1, "nobody")
    company.order(2, "nobody")
    company.run()
    (company.folder / "mappings" / "order.yaml").unlink()
    told = retried(company)
    assert (told.code, told.report.verdict.params["count"]) == (1, 2)
    assert [(each.text.code, each.count) for each in told.report.causes if each.mapping == "order"] == [
        ("parked.no_mapping", 2)
    ]
    assert set(parked(company)) == {"1", "2"}


def test_a_storm_of_refusals_stops_it_and_our_own_rejects_do_not(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move", batch=5)
    company.rewrite("changeover.yaml", ("batch: 5", "batch: 5, stop_after_alike: 10, stop_share: 0.3"))
    for number in range(30):
        company.customer(f"N{number:02}")
        company.customer(f"B{number:02}", khmc=None)
        company.order(number, f"N{number:02}")
    company.new(PICKLIST)
    company.rewrite("changeover.yaml", ("stop_after_alike: 10", "stop_after_alike: 100"))
    company.run()
    company.rewrite("changeover.yaml", ("stop_after_alike: 100", "stop_after_alike: 10"))
    before = sent(company)
    done = company.run(rejected=True)
    assert done.counts("customer") == {"read": 30, "rejected": 30}
    assert done.verdict == "run.stopped"
    assert sent(company) == before + 10
    assert done.report.next_steps[0] == "changeover run --execute --rejected"
    assert len(parked(company)) == 60
    company.new("drop trigger picklist")
    assert company.run(rejected=True).counts("order") == {"read": 30, "created": 30}


# Interrupted, in production, taken back


@pytest.mark.parametrize("end", [Interrupted(), UnavailableError("target.paused"), RuntimeError()])
def test_one_that_did_not_end_goes_on_by_the_same_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: BaseException
) -> None:
    """The children of what had been released before are not forgotten, though their parent waits no longer."""
    company = make_company(tmp_path / "move")
    company.customer("BAD", khmc=None)
    company.order(1, "BAD")
    company.order(2, "nobody")
    company.run()
    mend(company, "BAD", khmc="mended")
    real = Pipeline._move_one

    def cut_off(self: Pipeline, mapping: object) -> None:
        if mapping.name == "order":  # type: ignore[attr-defined]
            raise end
        real(self, mapping)  # type: ignore[arg-type]

    monkeypatch.setattr(Pipeline, "_move_one", cut_off)
    if isinstance(end, Interrupted):
        told = company.run(rejected=True, code="required.missing")
        assert told.report.next_steps[0] == "changeover run --execute --rejected --code required.missing"
    else:
        with pytest.raises(type(end)):
            company.run(rejected=True, code="required.missing")
    monkeypatch.undo()
    assert names(company) == {"mended"}
    done = company.run(rejected=True, code="required.missing")
    assert (done.code, done.verdict, done.counts("order")) == (0, "run.done", {"read": 1, "created": 1})
    assert parked(company) == {"2": "reference.missing"}
    assert company.run(rejected=True, code="required.missing").verdict == "run.none_parked"


def test_production_wants_the_plan_of_the_same_choice(owned: Company) -> None:
    owned.rewrite("changeover.yaml", ("production: false", "production: true"))
    planned = owned.say("plan", "--rejected", "--owner", "w1", "--json")
    (step,) = planned.document["next"]  # type: ignore[misc]
    words = str(step).split()[1:]
    assert words[-3:] == ["--rejected", "--owner", "w1"]
    assert owned.say("run", "--execute", "--rejected", "--owner", "w1").code == 2
    confirm = ("--confirm", "crm.db", "--json")
    other = owned.say(*words[:-1], "w2", *confirm)
    assert (other.code, other.document["error"]["code"]) == (2, "plan.outdated")  # type: ignore[index]
    done = owned.say(*words, *confirm)
    assert (done.code, names(owned)) == (0, {"KEY", "MAIL"})


def test_it_is_undone_like_any_run(owned: Company) -> None:
    owned.run(rejected=True)
    assert owned.undo(2, execute=True).code == 0
    assert names(owned) == set()


def test_status_tells_how_many_wait_for_what_and_who_can_mend_it(owned: Company) -> None:
    owned.order(2, "nobody")
    owned.run("t_order:2")
    told = owned._verb(lambda project, _: status(project, Secrets()))
    assert told.table("table.waiting") == [
        ("required.missing", 4, "mender.data"),
        ("reference.missing", 2, "mender.data"),
    ]
    assert [(each.text.code, each.count, each.mapping, each.mender) for each in told.report.causes] == [
        ("required.missing", 4, "customer", "mender.data"),
        ("reference.missing", 2, "order", "mender.data"),
    ]
