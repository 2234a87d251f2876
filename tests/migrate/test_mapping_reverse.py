"""`mapping reverse` writes files that the strict reader reads, and names what goes one way."""

from __future__ import annotations

from pathlib import Path

from changeover.mappings.compile import load_mapping_files

from .company import make_company


def test_files_and_reasons(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    said = company.say("mapping", "reverse", "--json")
    assert said.code == 0, said.err
    files = {each.name: each.model for each in load_mapping_files(company.folder / "reverse")}
    assert (files["customer"].from_, files["customer"].to) == ("customer", "t_customer")
    assert set(files["customer"].fields) == {"sjkh", "sh", "je", "bz"}
    assert files["order"].fields["zt"].values == {"open": "进行中", "won": "赢单"}
    assert files["order"].fields["khbh"].reference == "customer"
    told = {(each["mapping"], each["field"]): each["code"] for each in said.document["one_way"]}  # type: ignore[attr-defined]
    assert told["customer", "name"] == "reverse.transform"
    assert told["customer", "kind"] == "reverse.constant"
    assert told["customer", "owner_id"] == "reverse.people"
    assert "mappings/customer.yaml:" in company.say("mapping", "reverse").out
    assert company.say("mapping", "reverse", "order", "--out", str(tmp_path / "out")).code == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["order.yaml"]
    said = company.say("mapping", "reverse", "oder", "--json")
    assert (said.code, said.document["error"]["code"]) == (2, "reverse.no_mapping")  # type: ignore[index]
