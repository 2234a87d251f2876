"""Adopting: what is in the target already is found, sorted, made ours, and given back whole by undo."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.mappings.mapped import make_our_key

from .company import Company, make_company
from .test_answers import not_read_back

FIELDS = "name, tax_no, revenue, opened_on, owner_id, kind, remark"
THEIRS: dict[str, tuple[object, ...]] = {
    "SAME": ("客户SAME", "TAXSAME", 1000.5, "2020-02-29", 1, "legacy", None),
    "DRIFT": ("another name", "TAXDRIFT", 7, "2019-01-01", 2, "own", "users wrote this"),
    "OURS": ("nobody's", "TAXOURS", None, None, None, None, None),
}


def make_meeting(folder: Path) -> Company:
    """A target that holds some customers already, and one that no source knows."""
    company = make_company(folder)
    company.new(f"insert into customer ({FIELDS}) values (?, ?, ?, ?, ?, ?, ?)", list(THEIRS.values()))
    company.customer("SAME")
    company.customer("DRIFT", bz="from the source")
    company.customer("NEW")
    company.customer("BARE", sh=None)
    return company


def rows(company: Company) -> dict[object, tuple[object, ...]]:
    return {each[1]: each for each in company.new(f"select {FIELDS} from customer order by id")}


def ours(company: Company) -> dict[str, str]:
    """Our key -> tax number of the target record that carries it."""
    told = company.new(
        "select k.our_key, c.tax_no from changeover_keys k join customer c on c.id = cast(k.target_key as integer) "
        "where k.object = 'customer'"
    )
    return {str(key): str(number) for key, number in told}


def our_key(key: str) -> str:
    return make_our_key("legacy", "t_customer", key)


def test_identical_drifted_and_missing(tmp_path: Path) -> None:
    company = make_meeting(tmp_path / "move")
    planned, done = company.plan(), company.run()
    counts = {"read": 4, "adopted": 2, "created": 2, "updated": 1, "unchanged": 1}
    assert (done.code, done.counts("customer")) == (0, counts)
    assert planned.counts("customer") == counts
    there = rows(company)
    assert there["TAXSAME"] == THEIRS["SAME"]
    drift = ("客户DRIFT", "TAXDRIFT", 1000.5, "2020-02-29", 1, "legacy", "users wrote this")  # remark: only_if_empty
    assert there["TAXDRIFT"] == drift
    assert there["TAXOURS"] == THEIRS["OURS"]
    assert len(company.new("select id from customer")) == 5
    assert ours(company) == {
        our_key("SAME"): "TAXSAME",
        our_key("DRIFT"): "TAXDRIFT",
        our_key("NEW"): "TAXNEW",
        our_key("BARE"): "None",
    }
    assert company.run().counts("customer") == {"read": 4, "unchanged": 4}
    compared = company.reconcile()
    assert compared.verdict == "reconcile.equal"
    assert compared.document["theirs"]["customer"] == 1  # type: ignore[index]


def test_what_an_adopted_record_holds_of_its_own_is_known_though_nobody_read_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = make_meeting(tmp_path / "move")
    with not_read_back(monkeypatch):
        company.run()
    assert company.run().code == 0
    compared = company.reconcile()
    assert (compared.verdict, compared.document["theirs"]["customer"]) == ("reconcile.equal", 1)  # type: ignore[index]


def test_undo_gives_back_what_was_adopted_and_deletes_none_of_it(tmp_path: Path) -> None:
    company = make_meeting(tmp_path / "move")
    before = rows(company)
    company.run()
    company.order(1, "DRIFT")
    forecast, done = company.undo(1), company.undo(1, execute=True)
    for told in (forecast, done):
        assert told.table("table.undo") == [("customer", 2, 0, 2, 5, 0)]  # deleted, restored, released, fields, spared
    assert (done.code, done.verdict) == (0, "undo.done")
    assert rows(company) == before
    assert company.new("select count(*) from changeover_keys") == [(0,)]
    again = company.run()
    assert again.counts("customer") == {"read": 4, "adopted": 2, "created": 2, "updated": 1, "unchanged": 1}
    assert again.counts("order") == {"read": 1, "created": 1}


def test_undo_of_an_adoption_spares_what_users_wrote_since(tmp_path: Path) -> None:
    company = make_meeting(tmp_path / "move")
    company.run()
    company.new("update customer set name = 'edited since' where tax_no = 'TAXDRIFT'")
    done = company.undo(1, execute=True)
    assert (done.code, done.verdict) == (1, "undo.done_sparing")
    (name, _, revenue, opened, owner, kind, remark) = rows(company)["TAXDRIFT"]
    assert (name, revenue, opened, owner, kind, remark) == (
        "edited since",
        7,
        "2019-01-01",
        2,
        "own",
        "users wrote this",
    )
    assert [(each[0], each[1], each[3]) for each in done.table("table.spared")] == [
        ("customer", "t_customer:DRIFT", "undo.edited")
    ]
    assert "TAXDRIFT" not in ours(company).values()


def test_a_record_is_found_by_its_parent_too(tmp_path: Path) -> None:
    """Once the parent is ours; and where an earlier rule has found all, the later one asks nobody."""
    company = make_company(tmp_path / "move")
    company.rewrite("mappings/customer.yaml", ("match: [tax_no]", "match: [[tax_no], [name, parent_id]]"))
    company.new("insert into customer (id, name, tax_no, parent_id) values (7, 'root', 'TAXROOT', null)")
    company.new("insert into customer (id, name, parent_id) values (8, 'twin', 7), (9, 'twin', null)")
    company.customer("ROOT", khmc="root")
    assert company.run().counts("customer") == {"read": 1, "adopted": 1, "updated": 1}
    company.customer("CHILD", khmc="twin", sh=None, sjkh="ROOT")
    assert company.run().counts("customer") == {"read": 2, "adopted": 1, "updated": 1, "unchanged": 1}
    keys = company.new("select our_key, cast(target_key as integer) from changeover_keys order by 2")
    assert keys == [(our_key("ROOT"), 7), (our_key("CHILD"), 8)]


def test_ambiguous_and_taken_are_held_and_never_guessed(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.rewrite("mappings/customer.yaml", ("match: [tax_no]", "match: [[tax_no], [name, revenue]]"))
    company.new("insert into customer (name, revenue) values ('twin', 5), ('twin', 5), ('one', 6), ('one', 7)")
    company.customer("A", khmc="twin", sh=None, je="5")  # two of the target could be it
    company.customer("B", khmc="one", sh=None, je="6")  # the second rule tells which
    company.customer("C", khmc="one", sh=None, je="6.00")  # and that one is taken then
    company.customer("D", khmc="one", sh=None, je=None)  # nothing to match by: made anew
    done = company.run()
    assert (done.code, done.counts("customer")) == (
        1,
        {"read": 4, "adopted": 1, "updated": 1, "created": 1, "held": 2},
    )
    assert done.causes() == {("match.ambiguous", "t_customer"): ["A"], ("match.taken", "t_customer"): ["C"]}
    (taken,) = [each for each in done.report.causes if each.text.code == "match.taken"]
    assert taken.text.params["holder"] == our_key("B")
    assert company.new("select name, revenue, kind from customer order by id") == [
        ("twin", 5, None),
        ("twin", 5, None),
        ("one", 6, "legacy"),
        ("one", 7, None),
        ("one", None, "legacy"),
    ]
    company.new("delete from customer where id = 2")  # the users merge the twins
    again = company.run()
    assert again.counts("customer") == {"read": 4, "adopted": 1, "updated": 1, "unchanged": 2, "held": 1}
