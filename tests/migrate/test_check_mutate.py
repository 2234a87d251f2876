"""`check --mutate`: rules are changed one by one, and what no example notices is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from .company import Company, Said, make_company
from .test_check_examples import add

ORDER = """
mapping: order
from: t_order
to: orders
where:
  zt: {present: true}
fields:
  customer_id: {from: khbh, reference: customer}
  amount: {from: je, default: "0"}
  stage: {from: zt, transform: [trim, {cut: {length: 2}}], values: {进行: open, 赢单: won}, otherwise: reject}
  changed_at: {constant: "2024-01-31 00:00:00"}
examples:
"""
ALL = {
    "mutation.reference",
    "mutation.default",
    "mutation.transform",
    "mutation.argument",
    "mutation.values",
    "mutation.otherwise",
    "mutation.constant",
    "mutation.where",
}
TELLING = """
  - from: {khbh: K1, je: 5, zt: " 进行中"}
    to: {customer_id: customer:K1, amount: 5, stage: open, changed_at: "2024-01-31 00:00:00"}
  - from: {khbh: K1, zt: 赢单}
    to: {amount: 0}
  - {from: {khbh: K1, je: 5}, filtered: true}
  - {from: {khbh: K1, je: 5, zt: 旧}, rejected: value.unknown}
"""


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = make_company(tmp_path / "move")
    (made.folder / "changeover.yaml").write_text(
        (made.folder / "changeover.yaml").read_text(encoding="utf-8") + "mappings: [customer, order]\n", "utf-8"
    )
    return made


def tell(company: Company, examples: str) -> Said:
    (company.folder / "mappings" / "order.yaml").write_text(ORDER + examples, encoding="utf-8")
    return company.say("check", "--mutate", "--json", "--lang", "en")


def unnoticed(said: Said, mapping: str = "order") -> dict[str, list[str]]:
    """Code -> the places of mutations that no example notices."""
    found: dict[str, list[str]] = {}
    for row in said.document["tables"][-1]["rows"]:  # type: ignore[index]
        if row[0] == mapping and isinstance(row[2], dict):
            found.setdefault(row[2]["code"], []).append(row[3])
    return found


def test_examples_that_tell_everything_leave_nothing_unnoticed(company: Company) -> None:
    said = tell(company, TELLING)
    assert unnoticed(said) == {}
    sums = {row[0]: row[1:] for row in said.document["tables"][0]["rows"]}  # type: ignore[index]
    assert sums["order"] == [4, 9, 0]
    assert said.code == 1, "the other mapping has no example"


def test_without_examples_every_mutation_goes_unnoticed(company: Company) -> None:
    said = tell(company, "  - {from: {zt: 旧}, rejected: value.unknown}\n")
    assert unnoticed(said).keys() >= ALL - {"mutation.otherwise"}
    (company.folder / "mappings" / "order.yaml").write_text(ORDER.replace("examples:\n", ""), encoding="utf-8")
    said = company.say("check", "--mutate", "--json")
    assert unnoticed(said).keys() == ALL
    assert said.document["mutations"]["noticed"] == 0  # type: ignore[index]


@pytest.mark.parametrize(
    ("left_out", "code", "line"),
    [
        ("customer_id: customer:K1, ", "mutation.reference", 8),
        ("  - from: {khbh: K1, zt: 赢单}\n    to: {amount: 0}\n", "mutation.default", 9),
        (", stage: open", "mutation.values", 10),
        ("  - {from: {khbh: K1, je: 5, zt: 旧}, rejected: value.unknown}\n", "mutation.otherwise", 10),
        (', changed_at: "2024-01-31 00:00:00"', "mutation.constant", 11),
        ("  - {from: {khbh: K1, je: 5}, filtered: true}\n", "mutation.where", 6),
    ],
)
def test_what_an_example_no_longer_tells_is_named_with_its_line(
    company: Company, left_out: str, code: str, line: int
) -> None:
    assert left_out in TELLING
    said = tell(company, TELLING.replace(left_out, ""))
    assert f"mappings/order.yaml:{line}" in unnoticed(said).get(code, [])


def test_all_noticed_is_exit_code_0(company: Company) -> None:
    company.rewrite("changeover.yaml", ("mappings: [customer, order]", "mappings: [customer]"))
    (company.folder / "mappings" / "customer.yaml").write_text(
        "mapping: customer\nfrom: t_customer\nto: customer\nfields: {name: khmc}\n", encoding="utf-8"
    )
    add(company, "examples: [{from: {khmc: 甲, bz: 乙}, to: {name: 甲}}]\n")
    said = company.say("check", "--mutate", "--json")
    assert (said.code, said.document["mutations"]) == (0, {"noticed": 1, "all": 1})


def test_people_are_missed_where_they_are_taken_away(company: Company) -> None:
    add(company, "examples: [{from: {khmc: 甲, ywy: w1}, people: {w1: 1}, to: {name: 甲}}]\n")
    assert "mutation.people" in unnoticed(company.say("check", "--mutate", "--json"), "customer")
    company.rewrite("mappings/customer.yaml", ("to: {name: 甲}", "to: {name: 甲, owner_id: 1}"))
    said = company.say("check", "--mutate", "--json")
    assert "mutation.people" not in unnoticed(said, "customer")
    assert "mappings/customer.yaml:9" not in unnoticed(said, "customer")["mutation.source"], "the name is told"
    assert "mappings/customer.yaml:11" in unnoticed(said, "customer")["mutation.source"], "the tax number is not"


def test_each_condition_of_a_nested_where_is_taken_away(company: Company) -> None:
    nested = """where:
  any:
    - {je: {at_least: 5}}
    - all:
        - {zt: {equals: 赢单}}
        - not: {khbh: {equals: X}}
"""
    examples = """
  - {from: {khbh: K1, je: 5, zt: 进行中}, to: {stage: open}}
  - {from: {khbh: K1, je: 4, zt: 进行中}, filtered: true}
"""
    text = ORDER.replace("where:\n  zt: {present: true}\n", nested) + examples
    (company.folder / "mappings" / "order.yaml").write_text(text, encoding="utf-8")
    found = unnoticed(company.say("check", "--mutate", "--json"))["mutation.where"]
    assert found == ["mappings/order.yaml:10"], "what says not X; the two others are told"
