"""Examples in a mapping file: what they say must come true, or `check` refuses the mapping with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.errors import InputError

from .company import Company, make_company

GOOD = """
examples:
  - name: a customer with all that there is
    from: {khbh: K1, khmc: "  甲公司 ", sjkh: K0, sh: T1, je: "1000.50", rq: "2020-02-29", ywy: w1}
    people: {w1: 1}
    to: {name: 甲公司, parent_id: customer:K0, tax_no: T1, revenue: 1000.5, opened_on: "2020-02-29", owner_id: 1,
         kind: legacy, remark: null}
  - from: {khbh: K2, khmc: 乙, sjkh: K0}
    to: {parent_id: "legacy:t_customer:K0"}
  - from: {khbh: K3, khmc: 丙, zt: test}
    filtered: true
  - from: {khbh: K4, khmc: 丁, rq: "2023-02-30"}
    rejected: type.not_a_date
  - from: {khbh: K5}
    rejected: required.missing
  - from: {khbh: K6, khmc: 己, ywy: nobody}
    rejected: people.unknown
"""


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return make_company(tmp_path / "move")


def add(company: Company, text: str, mapping: str = "customer") -> int:
    """The line on which the text begins."""
    path = company.folder / "mappings" / f"{mapping}.yaml"
    before = path.read_text(encoding="utf-8")
    path.write_text(before + text, encoding="utf-8")
    return len(before.splitlines()) + 1


def refused(company: Company) -> list[tuple[str, int | None, str | None]]:
    with pytest.raises(InputError) as stopped:
        company.check()
    return [(each.code, each.line, each.field) for each in stopped.value.findings]


def test_examples_that_come_true_are_counted(company: Company) -> None:
    add(company, GOOD)
    checked = company.check()
    assert (checked.code, dict(checked.report.facts)["fact.examples"]) == (0, 6)


@pytest.mark.parametrize(
    ("example", "code", "field"),
    [
        ("from: {khmc: ' 甲 '}\n    to: {name: ' 甲 '}", "example.differs", "name"),
        ("from: {khmc: 甲, sjkh: K0}\n    to: {parent_id: order:K0}", "example.differs", "parent_id"),
        ("from: {khmc: 甲, je: '1.10'}\n    to: {revenue: 1.11}", "example.differs", "revenue"),
        ("from: {khmc: 甲}\n    to: {kind: null}", "example.differs", "kind"),
        ("from: {khmc: 甲}\n    filtered: true", "example.not_filtered", None),
        ("from: {khmc: 甲, zt: test}\n    to: {name: 甲}", "example.filtered", None),
        ("from: {khmc: 甲}\n    rejected: type.not_a_date", "example.not_rejected", None),
        ("from: {khmc: 甲, je: x}\n    rejected: type.not_a_date", "example.not_rejected", None),
        ("from: {khmc: 甲, je: x}\n    to: {name: 甲}", "example.rejected", "revenue"),
        ("from: {khmc: 甲, ywy: w1}\n    to: {name: 甲}", "example.rejected", "owner_id"),
        ("from: {khmcc: 甲}\n    to: {name: 甲}", "mapping.no_source_field", "khmcc"),
        ("from: {khmc: 甲}\n    to: {nam: 甲}", "example.not_filled", "nam"),
    ],
)
def test_one_that_does_not_come_true_blocks_with_its_line(
    company: Company, example: str, code: str, field: str | None
) -> None:
    start = add(company, f"examples:\n  - name: the one\n    {example}\n")
    [(told, line, about)] = refused(company)
    assert (told, about) == (code, field)
    assert line is not None
    assert start < line <= start + 3
    assert company.plan().code == 0, "the examples are the check's"


def test_what_was_expected_and_what_came_is_said(company: Company) -> None:
    line = add(company, "examples:\n  - from: {khmc: ' 甲 '}\n    to: {name: 乙}\n")
    said = company.say("check", "--lang", "en")
    assert said.code == 2
    assert f'customer.yaml:{line + 2}: Example 1: name should be "乙" and is "甲".' in said.err


def test_all_is_said_at_once(company: Company) -> None:
    add(company, "examples:\n  - {from: {khmc: 甲}, to: {name: 乙, kind: x}}\n  - {from: {khmc: 甲}, to: {name: 丙}}\n")
    company.rewrite("mappings/order.yaml", ("amount: je", "amont: je"))
    assert sorted(code for code, _, _ in refused(company)) == [*["example.differs"] * 3, "mapping.no_target_field"]


def test_an_example_has_one_outcome(company: Company) -> None:
    add(company, "examples:\n  - {from: {khmc: 甲}, to: {name: 甲}, filtered: true}\n  - {from: {khmc: 甲}}\n")
    assert [code for code, _, _ in refused(company)] == ["mapping.example_form"] * 2


def test_examples_change_nothing_of_what_the_mapping_means(company: Company) -> None:
    company.customer("A")
    plan = str(company.plan().document["plan"])
    add(company, GOOD)
    assert company.run(plan=plan).code == 0


def test_an_example_need_not_feed_what_it_does_not_speak_of(company: Company) -> None:
    add(
        company, "examples:\n  - {from: {je: 5}, to: {revenue: 5}}\n  - {from: {khmc: null, je: 5}, to: {revenue: 5}}\n"
    )
    [(code, _, field)] = refused(company)
    assert (code, field) == ("example.rejected", "name")


def test_one_example_does_not_touch_another(company: Company) -> None:
    """A cell that is no number makes no text of the numbers beside it, and each has its own people."""
    add(
        company,
        """examples:
  - {from: {khmc: 甲, je: many}, rejected: type.not_a_number}
  - {from: {khmc: 甲, je: "7.50", ywy: w1}, people: {w1: 1}, to: {revenue: 7.5, owner_id: 1}}
  - {from: {khmc: 甲, ywy: w1}, people: {w1: 2}, to: {owner_id: 2}}
""",
    )
    assert company.check().code == 0
