"""`wins:`: who wins a field that both systems have changed, field by field, told and reconciled."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.errors import InputError
from changeover.migrate.loading import load

from .company import Company, make_company
from .test_clobber import row, source, target


def make(folder: Path, *keys: str, **wins: str) -> Company:
    """A company that has moved customers of these keys. wins: of `name` and `revenue`."""
    company = make_company(folder)
    said = [
        (
            "  name: {from: khmc, transform: trim}",
            f"  name: {{from: khmc, transform: trim, wins: {wins.get('name', 'ask')}}}",
        ),
        ("  revenue: je", f"  revenue: {{from: je, wins: {wins.get('revenue', 'ask')}}}"),
    ]
    company.rewrite("mappings/customer.yaml", *said)
    for key in keys:
        company.customer(key, khmc=f"old {key}", je="10.00", bz="said")
    assert company.run().code == 0
    return company


def both(company: Company, *keys: str, **cells: object) -> None:
    """Somebody changes name and revenue of these in both systems."""
    for key in keys:
        source(company, key, khmc=f"source {key}", je="11.00")
        target(company, key, name=f"target {key}", revenue=12)


def test_each_field_is_won_by_the_side_that_its_rule_names(tmp_path: Path) -> None:
    company = make(tmp_path / "move", "A", "B", "C", "D", "E", name="new", revenue="old")
    both(company, "A")
    source(company, "B", khmc="source B")  # nothing but the name
    target(company, "B", name="target B")
    source(company, "C", khmc="source C")  # the target changed another field
    target(company, "C", revenue=12)
    source(company, "D", khmc="source D", rq="2021-01-01")  # a field that nobody wins
    target(company, "D", name="target D", opened_on="2022-01-01")
    planned = company.plan()
    source(company, "E", je="11.00")  # what the target refuses was not written over
    target(company, "E", revenue=12)
    refusing = (
        "create trigger no before update on customer when new.tax_no = 'TAXE' begin select raise(abort, 'no'); end"
    )
    company.new(refusing)
    done = company.run()
    assert planned.counts("customer") == {"read": 5, "updated": 2, "unchanged": 2, "conflicted": 1}
    assert done.counts("customer") == {"read": 5, "updated": 2, "unchanged": 1, "conflicted": 1, "rejected": 1}
    assert [row(company, key) for key in "ABCD"] == [
        ("target A", 11, "said"),
        ("target B", 10, "said"),
        ("source C", 12, "said"),
        ("target D", 10, "said"),
    ]
    counted = [("customer", "name", "new", "wins.side_new", 2), ("customer", "revenue", "old", "wins.side_old", 1)]
    listed = [
        ("customer", "A", "name", "wins.side_new"),
        ("customer", "A", "revenue", "wins.side_old"),
        ("customer", "B", "name", "wins.side_new"),
    ]
    for told in (planned, done):
        assert told.table("table.decided") == counted
        assert sorted(told.table("table.decided_records")) == listed
        assert told.document["decided"] == [
            {"mapping": "customer", "field": "name", "wins": "new", "side": "new", "count": 2},
            {"mapping": "customer", "field": "revenue", "wins": "old", "side": "old", "count": 1},
        ]
        assert told.causes()["conflict.edited", "t_customer"] == ["D"]
    told = {line[2] for line in company.explain("t_customer:A").table("table.findings")}
    assert told == {"wins.new", "wins.old"}
    both(company, "D")  # while it is in conflict nothing was decided of it
    target(company, "D", opened_on="2021-01-01")  # and now it is none
    done = company.run()
    assert done.counts("customer") == {"read": 5, "updated": 1, "unchanged": 3, "rejected": 1}
    assert row(company, "D") == ("target D", 11, "said")
    again = company.run()
    counted = again.counts("customer")
    assert (counted, again.table("table.decided")) == ({"read": 5, "unchanged": 4, "rejected": 1}, [])


def test_what_was_decided_is_no_difference_until_somebody_changes_it(tmp_path: Path) -> None:
    company = make(tmp_path / "move", "A", "B", "C", name="new", revenue="old")
    both(company, "A", "B")
    target(company, "C", name="target C")  # an edit of one side alone is told as ever
    company.run()
    compared = company.reconcile()
    told = [line[:3] + line[4:5] for line in compared.table("table.differing_records")]
    assert told == [("whose.edited", "customer", "C", "name")]
    assert (compared.document["differences"], compared.document["won"]) == (1, 2)
    target(company, "C", name="old C")
    assert company.reconcile().verdict == "reconcile.equal"
    target(company, "A", name="edited since")
    assert [line[:3] for line in company.reconcile().table("table.differing_records")] == [
        ("whose.edited", "customer", "A")
    ]
    source(company, "B", khmc="newer B", je="13.00")  # they have not agreed on the name since, but on the revenue
    planned, done = company.plan(), company.run()
    assert planned.counts("customer") == done.counts("customer") == {"read": 3, "updated": 1, "unchanged": 2}
    assert planned.table("table.decided_records") == done.table("table.decided_records")
    assert done.table("table.decided_records") == [("customer", "B", "name", "wins.side_new")]
    assert row(company, "B")[:2] == ("target B", 13)


def test_the_newest_is_told_by_both_sides_times(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.old("alter table t_customer add column gx timestamp")
    company.rewrite(
        "changeover.yaml",
        ("references: {t_customer", "audit: {t_customer: {modified_at: gx}}\n      references: {t_customer"),
        ("default: mock", "default: mock\nwins: newest"),
    )
    text = (company.folder / "changeover.yaml").read_text(encoding="utf-8")
    before, _, after = text.partition("name: crm")
    (company.folder / "changeover.yaml").write_text(
        before + "name: crm" + after.replace("zone: Asia/Shanghai", "zone: UTC"), encoding="utf-8"
    )
    for key in "ABCDE":
        company.customer(key, khmc=f"old {key}", je="10.00")
    (company.folder / "mappings" / "order.yaml").unlink()  # nobody says when an order was changed
    company.run()
    times = {  # the old system's clock is eight hours ahead of the new one's
        "A": ("2026-01-01 09:00:01", "2026-01-01 01:00:00"),
        "B": ("2026-01-01 09:00:00", "2026-01-01 01:00:01"),
        "C": ("2026-01-01 09:00:00", "2026-01-01 01:00:00"),
        "D": ("2026-01-01 09:00:00", None),
        "E": ("soon", "2026-01-01 01:00:00"),
    }
    both(company, *times)
    for key, (ours, theirs) in times.items():
        source(company, key, gx=ours)
        target(company, key, modified_at=theirs)
    planned, done = company.plan(), company.run()
    assert planned.table("table.decided") == done.table("table.decided")
    assert [row(company, key)[:2] for key in times] == [
        ("source A", 11),
        *((f"target {key}", 12) for key in "BCDE"),
    ]
    assert done.counts("customer") == {"read": 5, "updated": 1, "unchanged": 1, "conflicted": 3}
    assert done.causes()["conflict.no_newest", "t_customer"] == ["C", "D", "E"]
    assert {line[2:] for line in done.table("table.decided")} == {
        ("newest", "wins.side_old", 1),
        ("newest", "wins.side_new", 1),
    }
    source(company, "B", khmc="newest B", gx="2026-01-01 09:00:02")  # whoever has won before
    source(company, "E", gx="2026-01-01 09:00:01")
    done = company.run()
    assert (row(company, "B")[:2], row(company, "E")[0]) == (("newest B", 12), "source E")
    assert done.causes() == {
        ("conflict.no_newest", "t_customer"): ["C", "D"],
        ("wins.old", "t_customer"): ["B", "E", "E"],
    }
    assert company.undo(3, execute=True).code == 0, "what was written over comes back"
    assert [row(company, key)[:2] for key in "BE"] == [("target B", 12), ("target E", 12)]


@pytest.mark.parametrize(("wins", "code"), [("ask", 1), ("new", 0)])
def test_what_an_undo_has_put_back_is_still_somebodys(tmp_path: Path, wins: str, code: int) -> None:
    """Whoever is to win is asked anew, and the record is not deleted with the run that made it."""
    company = make(tmp_path / "move", "A", "B", name="old", revenue="old")
    both(company, "A")
    source(company, "B", khmc="source B")
    company.run()
    assert row(company, "A")[:2] == ("source A", 11)
    assert company.undo(2, execute=True).code == 0
    assert row(company, "A")[:2] == ("target A", 12)
    company.rewrite("mappings/customer.yaml", ("wins: old", f"wins: {wins}"))
    done = company.run()
    assert (done.code, row(company, "B")[0]) == (code, "source B"), "which nobody had edited"
    assert row(company, "A")[:2] == ("target A", 12)
    listed = [line[2:] for line in done.table("table.decided_records")]
    assert listed == ([] if wins == "ask" else [("name", "wins.side_new"), ("revenue", "wins.side_new")])
    for number in (4, 1):
        company.undo(number, execute=True)
    assert company.new("select tax_no, name, revenue from customer") == [("TAXA", "target A", 12)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ((("revenue: je", "revenue: {from: je, wins: newest}"),), "mapping.wins_no_time"),
        ((("write: only_if_empty", "write: only_create, wins: old"),), "mapping.wins_never_written"),
        ((("revenue: je", "revenue: {first: [{from: je, wins: old}, rq]}"),), "mapping.case_with_more"),
    ],
)
def test_what_cannot_be_decided_is_refused(tmp_path: Path, change: tuple[tuple[str, str], ...], code: str) -> None:
    company = make_company(tmp_path / "move")
    company.rewrite("mappings/customer.yaml", *change)
    with pytest.raises(InputError) as refused:
        company.check()
    blocking = [each.code for each in refused.value.findings if each.severity == "blocks"]
    assert code in blocking


def test_a_mapping_means_something_else_where_somebody_else_wins(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    name = str(company.plan().document["plan"]).rpartition("plan-")[2].removesuffix(".json")
    company.rewrite("mappings/customer.yaml", ("revenue: je", "revenue: {from: je, wins: ask}"))
    assert company.run(plan=name).counts("customer") == {"read": 1, "created": 1}  # as without a word
    company.rewrite("changeover.yaml", ("default: mock", "default: mock\nwins: new"))
    with pytest.raises(InputError, match=r"plan\.outdated"):
        company.run(plan=name)


def test_a_run_that_dies_after_its_write_has_decided_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company = make(tmp_path / "move", "A", "B", name="new", revenue="old")
    both(company, "A")
    with monkeypatch.context() as patched:
        patched.setattr(load, "read_back", dies)
        with pytest.raises(RuntimeError, match="dead"):
            company.run()
    assert row(company, "A") == ("target A", 11, "said")
    done = company.run()
    assert (done.code, done.counts("customer")) == (0, {"read": 2, "updated": 1, "unchanged": 1})
    assert [line[1:] for line in done.table("table.decided_records")] == [
        ("A", "name", "wins.side_new"),
        ("A", "revenue", "wins.side_old"),
    ]
    assert company.reconcile().verdict == "reconcile.equal"


def test_what_is_decided_and_not_written_yet_still_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company = make(tmp_path / "move", "A", name="ask", revenue="old")
    both(company, "A")
    assert company.run().counts("customer") == {"read": 1, "conflicted": 1}
    company.rewrite("mappings/customer.yaml", ("wins: ask", "wins: new"))
    with monkeypatch.context() as patched:
        patched.setattr(load, "keep_images", dies)
        with pytest.raises(RuntimeError, match="dead"):
            company.run(rejected=True)
    assert company.run(rejected=True).counts("customer") == {"read": 1, "updated": 1}
    assert row(company, "A") == ("target A", 11, "said")


def dies(*_: object) -> None:
    raise RuntimeError("dead")


def test_what_was_decided_of_a_field_that_is_mapped_no_longer_decides_nothing(tmp_path: Path) -> None:
    company = make(tmp_path / "move", "A", name="new", revenue="new")
    both(company, "A")
    assert company.run().code == 0
    assert row(company, "A") == ("target A", 12, "said")
    company.rewrite("mappings/customer.yaml", ("  revenue: {from: je, wins: new}\n", ""))
    source(company, "A", khmc="source again")
    target(company, "A", name="target again")
    assert company.run().code == 0
    assert row(company, "A") == ("target again", 12, "said")
    assert company.reconcile().code == 0
