"""A project's own transforms in the commands: told as trusted code, part of what a mapping means, errors by line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from changeover.connectors.errors import InputError

from .company import Company, Told, make_company
from .test_mapping_diff import foretold

CODE = '''import pyarrow as pa
import pyarrow.compute as pc

EXAMPLES = {"with_mark": [({}, "a", "a!"), ({"mark": "?"}, "a", "a?"), ({}, None, None)]}


def with_mark(column: pa.StringArray, *, mark: str = "!") -> pa.StringArray:
    """A text with a mark behind it."""
    return pc.binary_join_element_wise(column, mark, "")
'''


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = make_company(tmp_path / "move")
    made.customer("A")
    write(made, CODE)
    made.rewrite("mappings/customer.yaml", ("transform: trim", "transform: [trim, {with_mark: {mark: '*'}}]"))
    return made


def write(company: Company, code: str) -> None:
    (company.folder / "transforms.py").write_text(code, encoding="utf-8")


def used(told: Told) -> list[str]:
    return [str(each.text.params["names"]) for each in told.report.causes if each.text.code == "mapping.own_used"]


def test_it_is_used_and_told(company: Company) -> None:
    assert used(company.check()) == used(company.plan()) == ["with_mark"]
    said = company.say("check")
    assert "transforms.py" in said.out
    assert "with_mark" in said.out
    assert company.run().code == 0
    assert company.new("select name from customer") == [("客户A*",)]
    assert company.run().counts("customer") == {"read": 1, "unchanged": 1}


def test_changed_code_is_a_changed_mapping(company: Company) -> None:
    assert company.run().code == 0
    company.new("update customer set name = 'edited'")
    write(company, CODE.replace("column, mark", "column, '#', mark").replace('"a!"', '"a#!"').replace('"a?"', '"a#?"'))
    assert [row[0] for row in company.reconcile().table("table.differing_records")] == ["whose.edited"]
    company.new("update customer set name = '客户A*'")
    assert [row[0] for row in company.reconcile().table("table.differing_records")] == ["whose.mapping_moved"]
    assert company.run().counts("customer") == {"read": 1, "updated": 1}
    assert company.new("select name from customer") == [("客户A#*",)]


def test_what_is_wrong_with_it_is_told_by_line(company: Company) -> None:
    write(company, CODE.replace('"a!"', '"b!"'))
    said = company.say("check")
    assert (said.code, "transforms.py:7" in said.out + said.err) == (2, True), said
    write(company, "def broken(:\n")
    said = company.say("plan")
    assert (said.code, "transforms.py, line 1" in said.out + said.err) == (2, True), said


def test_a_transform_that_breaks_on_a_cell_stops_the_run_before_anything_is_sent(company: Company) -> None:
    breaks = "    [1 / 0 for each in column.to_pylist() if each and each.startswith('客户')]\n    return pc"
    write(company, CODE.replace("    return pc", breaks))
    with pytest.raises(InputError) as caught:
        company.run()
    assert (caught.value.code, caught.value.params["line"]) == ("mapping.own_failed", 9)
    assert company.new("select * from customer") == []
    write(company, CODE)
    assert company.run().counts("customer") == {"read": 1, "created": 1}


def test_a_revision_brings_its_own_tables_and_code(company: Company) -> None:
    table = company.folder / "lookups" / "kinds.csv"
    table.parent.mkdir()
    table.write_text("old,new\nx,first\n", encoding="utf-8")
    looked_up = "{from: bz, values: {csv: lookups/kinds.csv, key: old, value: new}, otherwise: reject}"
    company.rewrite("mappings/customer.yaml", ("{constant: legacy}", looked_up))
    company.old("update t_customer set bz = 'x'")
    company.customer("PLAIN")
    who = ("-c", "user.name=Li", "-c", "user.email=li@new.example")
    for words in (("init", "-q"), ("add", "mappings", "lookups", "transforms.py"), (*who, "commit", "-qm", "first")):
        subprocess.run(["git", *words], cwd=company.folder, check=True)
    assert foretold(company.say("mapping", "diff", "HEAD", "--json")) == {}
    table.write_text("old,new\nx,second\n", encoding="utf-8")
    assert foretold(company.say("mapping", "diff", "HEAD", "--json")) == {"customer": {"updated": {"A"}}}
    write(company, CODE.replace("column, mark", "column, '#', mark").replace('"a!"', '"a#!"').replace('"a?"', '"a#?"'))
    assert foretold(company.say("mapping", "diff", "HEAD", "--json")) == {"customer": {"updated": {"A", "PLAIN"}}}
