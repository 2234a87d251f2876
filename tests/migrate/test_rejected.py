"""`run --rejected`: what waits is read anew by its key, nothing else is, and what it kept back goes along."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.secrets import Secrets
from changeover.migrate.loading.pipeline import Pipeline
from changeover.migrate.session import Interrupted
from changeover.migrate.status import status

from .company import Company, Told, make_company

PICKLIST = """
create trigger picklist before insert on orders when new.stage = 'won' begin
  select raise(abort, 'bad picklist value'); end;
"""


def names(company: Company) -> set[object]:
    return {row[0] for row in company.new("select name from customer")}


def parked(company: Company) -> dict[object, object]:
    """Source key -> the cause for which the record waits."""
    return dict(company.ledger("select source_key, code from record where code is not null"))  # type: ignore[arg-type]


def sent(company: Company) -> int:
    (row,) = company.ledger("select count(*) from operation")
    return int(str(row[0]))


def mend(company: Company, key: str, **cells: object) -> None:
    sets = ", ".join(f"{name} = ?" for name in cells)
    company.old(f"update t_customer set {sets} where khbh = ?", (*cells.values(), key))


def retried(company: Company, **order: object) -> Told:
    """Planned and then done; both count the same, and the plan writes nothing."""
    before = sent(company), company.new("select count(*) from customer")
    planned = company.plan(rejected=True, **order)
    assert (sent(company), company.new("select count(*) from customer")) == before
    done = company.run(rejected=True, **order)
    for branch in done.report.counts:
        assert planned.counts(branch.mapping) == done.counts(branch.mapping)
    return done


def nothing_waits(company: Company) -> None:
    told = retried(company)
    assert (told.code, told.verdict) == (0, "run.none_parked")
    assert all(each.read == 0 for each in told.report.counts)


# What was mended, and where


def test_a_picklist_mended_in_the_target_is_asked_again_only_on_request(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.new(PICKLIST)
    company.customer("A")
    company.order(1, "A")
    company.order(2, "nobody")
    assert company.run().counts("order") == {"read": 2, "rejected": 1, "held": 1}
    code = str(parked(company)["1"])
    assert code.startswith("target.")
    company.new("drop trigger picklist")
    before = sent(company)
    assert company.run().counts("order") == {"read": 2, "rejected": 1, "held": 1}  # the same cells: not sent again
    assert sent(company) == before
    done = company.run(rejected=True, code=code)
    assert done.counts("order") == {"read": 1, "created": 1}
    assert (done.code, done.verdict) == (0, "run.done")
    assert company.new("select stage from orders") == [("won",)]
    assert parked(company) == {"2": "reference.missing"}
    assert company.run(rejected=True, code=code).verdict == "run.none_parked"


def test_what_the_target_refuses_again_stays_parked_with_its_cause(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.new(PICKLIST)
    company.customer("A")
    company.order(1, "A")
    company.run()
    before = sent(company)
    done = company.run(rejected=True)
    assert sent(company) == before + 1
    assert (done.code, done.verdict, done.counts("order")) == (1, "run.left_behind", {"read": 1, "rejected": 1})
    assert [(each.text.code, each.mender) for each in done.report.causes if each.keys] == [
        (parked(company)["1"], "mender.administrator")
    ]
    assert "changeover worklist" in done.report.next_steps


def test_a_parent_mended_in_the_source_releases_all_below_it_in_one_go(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("ROOT", khmc=None)
    for child, parent in (("A", "ROOT"), ("AA", "A"), ("AAA", "AA"), ("LOST", "nobody")):
        company.customer(child, sjkh=parent)
    for number, customer in enumerate(("ROOT", "AAA", "LOST"), 1):
        company.order(number, customer)
    company.run()
    assert len(parked(company)) == 8
    mend(company, "ROOT", khmc="mended")
    mend(company, "LOST", khmc="not asked for")
    done = retried(company, code="required.missing")
    assert done.counts("customer") == {"read": 4, "created": 4}
    assert done.counts("order") == {"read": 2, "created": 2}
    assert parked(company) == {"LOST": "reference.missing", "3": "reference.missing"}
    pairs = company.new("select c.name, p.name from customer c left join customer p on p.id = c.parent_id")
    assert ("客户AAA", "客户AA") in pairs
    again = retried(company)
    assert (again.counts("customer"), again.counts("order")) == ({"read": 1, "held": 1}, {"read": 1, "held": 1})


def test_what_waits_for_one_that_itself_had_to_wait_goes_too(tmp_path: Path) -> None:
    """Z is read behind B, so that B waits within the run; what B keeps back is not asked for."""
    company = make_company(tmp_path / "move", chunk=1)
    company.customer("B", khmc=None, sjkh="Z")
    company.customer("C", sjkh="B")
    company.customer("Z", khmc=None)
    company.run()
    for key in "BZ":
        mend(company, key, khmc=key)
    assert retried(company, code="required.missing").counts("customer") == {"read": 3, "created": 3}
    nothing_waits(company)


def test_nothing_else_is_read_or_written(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("GOOD")
    company.customer("BAD", khmc=None)
    company.run()
    mend(company, "GOOD", khmc="changed since")
    mend(company, "BAD", khmc="mended")
    company.customer("NEW")
    assert retried(company).counts("customer") == {"read": 1, "created": 1}
    assert names(company) == {"客户GOOD", "mended"}


def test_a_newer_version_that_was_parked_is_tried_again(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.run()
    mend(company, "A", je="not a number")
    company.run()
    assert parked(company) == {"A": "type.not_a_number"}
    assert company.ledger("select state from record") == [("live",)]
    told = company._verb(lambda project, _: status(project, Secrets()))
    assert (told.verdict, told.report.extra["parked"]) == ("status.parked", 1)
    mend(company, "A", je="7.00")
    assert retried(company).counts("customer") == {"read": 1, "updated": 1}
    assert company.new("select revenue from customer") == [(7,)]
    nothing_waits(company)


def test_a_conflict_is_over_once_the_targets_edit_is_undone(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    for key in "AB":
        company.customer(key)
    company.run()
    company.new("update customer set name = 'edited'")
    for key in "AB":
        mend(company, key, khmc=f"new {key}")
    company.run()
    assert parked(company) == {"A": "conflict.edited", "B": "conflict.edited"}
    company.new("update customer set name = '客户A' where tax_no = 'TAXA'")
    done = retried(company, code="conflict.edited")
    assert done.counts("customer") == {"read": 2, "updated": 1, "conflicted": 1}
    assert names(company) == {"new A", "edited"}
    assert parked(company) == {"B": "conflict.edited"}
    company.new("update customer set name = 'new B' where tax_no = 'TAXB'")  # both sides agree
    assert retried(company).counts("customer") == {"read": 1, "unchanged": 1}
    nothing_waits(company)


def test_two_that_matched_are_merged_in_the_target_and_one_is_adopted(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.rewrite("mappings/customer.yaml", ("match: [tax_no]", "match: [name]"))
    company.new("insert into customer (name) values ('客户A'), ('客户A')")
    company.customer("A")
    company.run()
    assert parked(company) == {"A": "match.ambiguous"}
    company.new("delete from customer where id = 2")
    done = retried(company, code="match.ambiguous")
    assert done.counts("customer") == {"read": 1, "updated": 1, "adopted": 1}
    nothing_waits(company)


def test_what_where_leaves_out_by_now_waits_no_longer(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    for key in ("MOVED", "CLASH"):
        company.customer(key)
    company.run()
    company.new("update customer set name = 'edited' where tax_no = 'TAXCLASH'")
    company.customer("BAD", khmc=None)
    mend(company, "MOVED", je="not a number")
    mend(company, "CLASH", khmc="changed too")
    company.run()
    assert set(parked(company)) == {"MOVED", "CLASH", "BAD"}
    company.old("update t_customer set zt = 'test'")
    done = retried(company)
    assert (done.code, done.counts("customer")) == (0, {"read": 3, "filtered": 3})
    assert parked(company) == {}
    assert company.ledger("select source_key, state from record order by 1") == [("CLASH", "live"), ("MOVED", "live")]
    assert len(names(company)) == 2
    nothing_waits(company)


def test_a_pending_reference_is_filled_with_the_record_it_waited_for(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.new("alter table customer add column last_order integer references orders (id)")
    company.old("alter table t_customer add column zhdd integer")
    company.rewrite(
        "mappings/customer.yaml",
        ("  kind: {constant: legacy}\n", "  kind: {constant: legacy}\n  last_order: {from: zhdd, reference: order}\n"),
    )
    company.customer("A", zhdd=7)
    company.order(7, "A", zt="?")
    first = company.run()
    assert (first.counts("customer"), first.counts("order")) == ({"read": 1, "pending": 1}, {"read": 1, "rejected": 1})
    company.old("update t_order set zt = '赢单'")
    done = retried(company)
    assert (done.code, done.report.facts[4]) == (0, ("fact.asked", 2))
    assert company.new("select last_order from customer") == company.new("select id from orders") == [(1,)]
    nothing_waits(company)


# Which are asked for


def owned(tmp_path: Path) -> Company:
    """Four that wait, of Wang, by key and by e-mail, of Li's predecessor, and of nobody; and an order below the
    first."""
    company = make_company(tmp_path / "move")
    for key, owner in (("KEY", "w1"), ("MAIL", " Wang.Fang@old.example"), ("GONE", "w2"), ("NONE", None)):
        company.customer(key, khmc=None, ywy=owner)
    company.order(1, "KEY")
    company.run()
    company.old("update t_customer set khmc = khbh")
    return company


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
def test_only_those_of_one_owner(tmp_path: Path, who: str, keys: set[str]) -> None:
    company = owned(tmp_path)
    done = retried(company, owner=who)
    assert names(company) == keys
    assert done.counts("order") == ({"read": 1, "created": 1} if "KEY" in keys else {})
    assert done.report.facts[3:5] == (("fact.run", 2), ("fact.asked", len(keys)))


def test_owner_and_code_together(tmp_path: Path) -> None:
    company = owned(tmp_path)
    company.customer("CLASH", je="x", ywy="w1")
    company.run("t_customer:CLASH")
    assert retried(company, owner="w1", code="type.not_a_number").counts("customer") == {"read": 1, "rejected": 1}


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
def test_what_cannot_be_asked_is_said(tmp_path: Path, order: dict[str, object], code: str) -> None:
    company = owned(tmp_path)
    for verb in (company.plan, company.run):
        with pytest.raises(InputError) as refused:
            verb(**order)
        assert (refused.value.code, refused.value.exit_code) == (code, 2)
    assert names(company) == set()


def test_without_people_there_is_no_owner_to_ask_for(tmp_path: Path) -> None:
    company = owned(tmp_path)
    company.rewrite("mappings/customer.yaml", ("  owner_id: {from: ywy, people: true}\n", ""))
    with pytest.raises(InputError) as refused:
        company.run(rejected=True, owner="w1")
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


def test_an_interrupted_one_goes_on_by_the_same_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
            raise Interrupted
        real(self, mapping)  # type: ignore[arg-type]

    monkeypatch.setattr(Pipeline, "_move_one", cut_off)
    told = company.run(rejected=True, code="required.missing")
    assert told.report.next_steps[0] == "changeover run --execute --rejected --code required.missing"
    monkeypatch.undo()
    assert names(company) == {"mended"}
    done = company.run(rejected=True, code="required.missing")
    assert (done.code, done.verdict, done.counts("order")) == (0, "run.done", {"read": 1, "created": 1})
    assert parked(company) == {"2": "reference.missing"}
    assert company.run(rejected=True, code="required.missing").verdict == "run.none_parked"


def test_production_wants_the_plan_of_the_same_choice(tmp_path: Path) -> None:
    company = owned(tmp_path)
    company.rewrite("changeover.yaml", ("production: false", "production: true"))
    planned = company.say("plan", "--rejected", "--owner", "w1", "--json")
    (step,) = planned.document["next"]  # type: ignore[misc]
    words = str(step).split()[1:]
    assert words[-3:] == ["--rejected", "--owner", "w1"]
    assert company.say("run", "--execute", "--rejected", "--owner", "w1").code == 2
    confirm = ("--confirm", "crm.db", "--json")
    other = company.say(*words[:-1], "w2", *confirm)
    assert (other.code, other.document["error"]["code"]) == (2, "plan.outdated")  # type: ignore[index]
    done = company.say(*words, *confirm)
    assert (done.code, names(company)) == (0, {"KEY", "MAIL"})


def test_it_is_undone_like_any_run(tmp_path: Path) -> None:
    company = owned(tmp_path)
    company.run(rejected=True)
    assert company.undo(2, execute=True).code == 0
    assert names(company) == set()


def test_status_tells_how_many_wait_for_what_and_who_can_mend_it(tmp_path: Path) -> None:
    company = owned(tmp_path)
    company.order(2, "nobody")
    company.run("t_order:2")
    told = company._verb(lambda project, _: status(project, Secrets()))
    assert told.table("table.waiting") == [
        ("required.missing", 4, "mender.data"),
        ("reference.missing", 2, "mender.data"),
    ]
    assert [(each.text.code, each.count, each.mapping, each.mender) for each in told.report.causes] == [
        ("required.missing", 4, "customer", "mender.data"),
        ("reference.missing", 2, "order", "mender.data"),
    ]
