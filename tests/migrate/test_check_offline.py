"""`check --offline`: by the kept schemas alone; neither system is opened, and what was not looked at is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from changeover.migrate.checking.offline import assert_examples

from .company import Company, make_company
from .test_check_examples import GOOD, add


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Checked once, and both systems then out of reach."""
    made = make_company(tmp_path / "move")
    assert made.check().code == 0
    made.legacy.unlink()
    made.crm.unlink()
    for role in ("source", "target"):
        os.utime(made.folder / "schemas" / f"{role}.json", (1_700_000_000, 1_700_000_000))
    return made


def test_it_needs_neither_system_and_says_how_old_what_it_rests_on_is(company: Company) -> None:
    assert company.say("check").code != 0
    said = company.say("check", "--offline", "--json", "--lang", "en")
    assert (said.code, said.document["mappings_checked"]) == (0, ["customer", "order"])
    facts = {each["code"]: each["value"] for each in said.document["facts"]}  # type: ignore[union-attr]
    assert facts["fact.source"]["text"].startswith("schemas/source.json of 2023-11-14 22:13 (")
    assert facts["fact.source"]["params"]["days"] > 700
    unchecked = {row[0]["code"] for row in said.document["tables"][-1]["rows"]}  # type: ignore[index]
    assert "offline.data" in unchecked
    assert not company.legacy.exists()


def test_what_is_wrong_is_found_as_with_both_systems(company: Company) -> None:
    line = add(company, "examples: [{from: {khmc: 甲}, to: {name: 乙}}]\n")
    company.rewrite("mappings/order.yaml", ("amount: je", "amont: je"))
    said = company.say("check", "--offline", "--json")
    told = {(each["code"], each["line"]) for each in said.document["findings"]}  # type: ignore[union-attr]
    assert said.code == 2
    assert {("example.differs", line), ("mapping.no_target_field", 7)} <= told


def test_mutations_need_no_system_either(company: Company) -> None:
    add(company, GOOD)
    said = company.say("check", "--offline", "--mutate", "--json")
    assert said.code == 1
    assert said.document["mutations"]["noticed"] > 5  # type: ignore[index]


@pytest.mark.parametrize("text", [None, "{", "[1]", '{"a": {}}', '{"a": {"key": [], "fields": [{"nome": 1}]}}'])
def test_a_cache_that_is_none_is_told(company: Company, text: str | None) -> None:
    path = company.folder / "schemas" / "target.json"
    if text is None:
        path.unlink()
    else:
        path.write_text(text, encoding="utf-8")
    said = company.say("check", "--offline", "--lang", "en")
    assert said.code == 2
    assert "schemas/target.json" in said.err
    assert "changeover check" in said.err


def test_a_projects_own_tests_can_ask_for_its_examples(company: Company) -> None:
    add(company, GOOD)
    assert_examples(company.folder)
    company.rewrite("mappings/customer.yaml", ("tax_no: T1", "tax_no: T2"))
    with pytest.raises(AssertionError, match=r'customer.yaml:\d+: Example a customer .* tax_no should be "T2"'):
        assert_examples(company.folder)
