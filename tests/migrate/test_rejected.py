"""`run --rejected`: what waits is read anew by its key, nothing else is, and what it kept back goes along."""

from __future__ import annotations

from pathlib import Path

from changeover.connectors.secrets import Secrets
from changeover.migrate.status import status

from .company import make_company
from .retrying import PICKLIST, mend, names, nothing_waits, parked, retried, sent

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
