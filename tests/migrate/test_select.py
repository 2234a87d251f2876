"""One customer first: chosen records with all they refer to, and the rest of them by the full run later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from changeover.connectors.errors import InputError
from changeover.migrate.session import Interrupted, Interruption

from .company import Company, Told, make_company


def make_family(folder: Path) -> Company:
    """TOP > MID > LEAF, each with an order, and ten customers that have nothing to do with them."""
    company = make_company(folder)
    for number, (key, parent) in enumerate((("LEAF", "MID"), ("MID", "TOP"), ("TOP", None), ("SIDE", "TOP")), 1):
        company.customer(key, sjkh=parent)
        company.order(number, key)
    for number in range(10):
        company.customer(f"X{number}")
    return company


def moved(company: Company) -> list[object]:
    return [key for (key,) in company.new("select substr(tax_no, 4) from customer order by 1")]


def links(told: Told) -> set[tuple[object, ...]]:
    return {(row[0], row[1], row[3]) for row in told.table("table.links")}


def test_keys_are_closed_upwards_and_the_full_run_moves_the_rest_only(tmp_path: Path) -> None:
    company = make_family(tmp_path / "move")
    planned, done = company.plan("t_customer:MID,X3"), company.run("t_customer:MID,X3")
    assert planned.counts("customer") == done.counts("customer") == {"read": 3, "created": 3}
    assert done.counts("order") == {}
    assert moved(company) == ["MID", "TOP", "X3"]
    assert links(done) == {("customer", f"t_customer:{key}", "state.live") for key in ("MID", "TOP", "X3")}
    assert {row[2] for row in done.table("table.links")} == {f"customer:{number}" for number in (1, 3, 4)}
    again = company.run("t_customer:MID,X3")
    assert again.counts("customer") == {"read": 3, "unchanged": 3}
    full = company.run()
    assert full.counts("customer") == {"read": 14, "created": 11, "unchanged": 3}
    assert full.counts("order") == {"read": 4, "created": 4}
    assert links(full) == set()
    assert company.new("select p.tax_no from customer c join customer p on p.id = c.parent_id order by c.tax_no") == [
        ("TAXMID",),
        ("TAXTOP",),
        ("TAXTOP",),
    ]
    assert company.reconcile().verdict == "reconcile.equal"


def test_children_go_down_and_up_again(tmp_path: Path) -> None:
    company = make_family(tmp_path / "move")
    done = company.run("t_customer:MID", children=True)
    assert moved(company) == ["LEAF", "MID", "TOP"]  # SIDE is a child of TOP, which was not chosen
    assert company.new("select count(*) from orders") == [(2,)]
    assert done.counts("order") == {"read": 2, "created": 2}
    taken = company.undo(1, execute=True)
    assert (taken.code, moved(company)) == (0, [])


def test_a_file_of_keys_on_the_command_line(tmp_path: Path) -> None:
    company = make_family(tmp_path / "move")
    (company.folder / "first.txt").write_text("\ufefft_customer:SIDE\n\nt_order:1\n", encoding="utf-8")
    said = company.say("run", "--execute", "--keys", "first.txt", "--keys", "t_customer:X1", "--json")
    assert said.code == 0
    assert moved(company) == ["LEAF", "MID", "SIDE", "TOP", "X1"]
    assert said.counts("order") == {"read": 1, "created": 1}
    (table,) = [each for each in json.loads(said.out)["tables"] if each["title"]["code"] == "table.links"]
    assert ["t_order:1", "orders:1"] in [row[1:3] for row in table["rows"]]
    wrong = company.say("plan", "--keys", "nowhere.txt")
    assert (wrong.code, wrong.out) == (2, "")
    assert "nowhere.txt" in wrong.err
    assert "--keys Account:K1,K2" in wrong.err


def test_an_empty_line_in_a_file_of_keys_is_none(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    for key in "ABC":
        company.customer(key)
    (company.folder / "keys.txt").write_text("\ufefft_customer:A\n\n  t_customer:B,A\n", encoding="utf-8")
    assert company.plan("keys.txt").counts("customer") == {"read": 2, "created": 2}


def test_a_sample_is_the_same_every_time(tmp_path: Path) -> None:
    company = make_family(tmp_path / "move")
    planned, done = company.plan(sample=2), company.run(sample=2)
    assert done.counts("customer") == planned.counts("customer")
    assert 2 <= done.counts("customer")["read"] <= 8
    assert done.counts("order") == {"read": 2, "created": 2}
    assert company.run(sample=2).counts("customer") == {"read": len(moved(company)), "unchanged": len(moved(company))}
    read = company.reconcile(sample=2)
    assert (read.code, read.document["differences"]) == (0, 0)


@pytest.mark.parametrize(
    ("keys", "code", "told"),
    [
        ("nobody:1", "keys.no_object", {"object": "nobody", "known": "t_customer, t_order"}),
        ("t_customer:TOP,NONE,NEVER", "keys.not_found", {"object": "t_customer", "count": 2, "first": "NONE"}),
        ("t_customer", "keys.wrong", {"text": "t_customer"}),
        ("t_customer:", "keys.wrong", {"text": "t_customer:"}),
        ("bad.txt", "keys.wrong_line", {"line": 2}),
        ("gbk.txt", "keys.not_utf8", {}),
    ],
)
def test_what_cannot_be_chosen_is_said(tmp_path: Path, keys: str, code: str, told: dict[str, object]) -> None:
    company = make_family(tmp_path / "move")
    (company.folder / "bad.txt").write_text("t_customer:TOP\njust words\n", encoding="utf-8")
    (company.folder / "gbk.txt").write_bytes("t_customer:甲公司\n".encode("gbk"))
    with pytest.raises(InputError) as refused:
        company.run(keys)
    assert (refused.value.code, refused.value.exit_code) == (code, 2)
    assert told.items() <= refused.value.params.items()
    assert company.ledger("select count(*) from run") == [(0,)]
    assert moved(company) == []


def test_an_interrupted_run_of_chosen_records_is_gone_on_with_by_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A B")

    def asked(_: Interruption) -> None:
        raise Interrupted

    monkeypatch.setattr(Interruption, "check", asked)
    told = company.run("t_customer:A B", sample=1, children=True)
    assert told.code == 130
    assert told.report.next_steps[0] == "changeover run --execute --keys 't_customer:A B' --sample 1 --children"


def test_a_list_of_keys_may_be_longer_than_the_name_of_a_file(tmp_path: Path) -> None:
    company = make_family(tmp_path / "move")
    many = ["LEAF", *(f"{'Z' * 18}{number}" for number in range(20))]
    chosen = "t_customer:" + ",".join(many)
    with pytest.raises(InputError) as refused:
        company.run(chosen)
    assert refused.value.code == "keys.not_found"
    with pytest.raises(InputError) as wrong:
        company.run("Z" * 300)
    assert wrong.value.code == "keys.wrong"
