"""`class:` of a field: declared by the project, asked of every written field, and obeyed by whatever shows cells."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import openpyxl
import pytest
from changeover.connectors.errors import InputError

from .company import Company, make_company

CLASSES = """
classes:
  personal: {means: who somebody is, masked: always}
  business: terms and amounts
  public: {means: printed on letters anyway, masked: never}
default: mock
"""
RULES = """
mapping: customer
from: t_customer
to: customer
fields:
  name: {from: khmc, transform: trim, class: personal}
  parent_id: {from: sjkh, reference: customer, class: business}
  tax_no: {from: sh, class: public}
  revenue: {from: je, class: business}
  opened_on: {from: rq, class: business}
  owner_id: {from: ywy, people: true, class: personal}
  kind: {from: zt, values: {a: one}, otherwise: reject, class: personal}
  remark: {from: bz, class: business, write: only_if_empty}
"""


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = make_company(tmp_path / "move")
    (made.folder / "mappings" / "order.yaml").unlink()
    made.rewrite(
        "changeover.yaml", ("\ndefault: mock\n", CLASSES), ("people:", "objects: {t_order: {leave: no need}}\npeople:")
    )
    (made.folder / "mappings" / "customer.yaml").write_text(RULES, encoding="utf-8")
    made.customer("A", khmc="张三丰", bz="pays late", zt="a")
    return made


def problems(company: Company) -> dict[str, list[str | None]]:
    with pytest.raises(InputError) as refused:
        company.check()
    found: dict[str, list[str | None]] = {}
    for each in refused.value.findings:
        found.setdefault(each.code, []).append(each.field)
    return found


def test_every_written_field_has_one_of_the_declared_classes(company: Company) -> None:
    checked = company.check()
    assert checked.code == 0
    assert checked.table("table.classes") == [
        ("personal", "who somebody is", "masked.always", 3),
        ("business", "terms and amounts", "masked.default", 4),
        ("public", "printed on letters anyway", "masked.never", 1),
    ]
    company.rewrite("mappings/customer.yaml", ("je, class: business", "je"), ("sh, class: public", "sh, class: publik"))
    assert problems(company) == {"mapping.class_missing": ["revenue"], "mapping.no_class": ["tax_no"]}
    said = company.say("check", "--lang", "en")
    assert said.code == 2
    assert "Nearest: public." in " ".join(said.err.split())
    company.rewrite(
        "mappings/customer.yaml", ("class: publik", "class: public"), ("{from: je}", "{from: je, compare_only: true}")
    )
    assert company.check().code == 0, "what is never written needs none"
    company.rewrite("changeover.yaml", (CLASSES, "\ndefault: mock\n"))
    assert set(problems(company)) == {"mapping.no_classes"}


def test_a_class_changes_no_record(company: Company) -> None:
    name = str(company.plan().document["plan"]).rpartition("plan-")[2].removesuffix(".json")
    company.rewrite("mappings/customer.yaml", ("sh, class: public", "sh, class: business"))
    (company.folder / "before" / "mappings").mkdir(parents=True)
    before = RULES.replace(", class: personal", "")
    (company.folder / "before" / "mappings" / "customer.yaml").write_text(before, encoding="utf-8")
    said = company.say("mapping", "diff", "before/mappings", "--json")
    assert (said.code, said.document["verdict"]["code"]) == (0, "diff.same")  # type: ignore[index]
    assert company.run(plan=name).counts("customer") == {"read": 1, "created": 1}


def test_cells_are_shown_as_their_class_allows(company: Company) -> None:
    company.new(
        "create trigger no before insert on customer when new.name = '李四' begin select raise(abort, '李四!'); end"
    )
    company.customer("B", khmc="李四", zt="a")
    company.customer("C", khmc="王五", zt="secret")
    company.run()
    for asked in (False, True):
        explained = company.explain("t_customer:A", show_values=asked)
        cells = {line[0]: (*line[2:3], *line[4:5], line[-1]) for line in explained.table("table.fields")}
        assert cells["name"] == ("张**", "张**", "personal")
        assert cells["tax_no"] == ("TAXA", "TAXA", "public")
        assert cells["remark"] == (("pays late",) * 2 if asked else ("pxxx xxxx",) * 2) + ("business",)
    words = dict(company.explain("t_customer:B", show_values=True).report.facts)["fact.target_said"]
    assert getattr(words, "code", words) == "explain.words_withheld"
    (unknown,) = (
        each
        for each in company.say("check", "--json", "--show-values").document["tables"]  # type: ignore[attr-defined]
        if each["title"]["code"] == "table.unknown_values"
    )
    assert unknown["rows"][0][2] == "sxxxxx"
    profiled = company.say("mapping", "profile", "t_customer", "--json", "--show-values").document
    (object_,) = profiled["objects"]  # type: ignore[misc]
    tops = {each["name"]: each["top"][0]["value"] for each in object_["fields"] if each["top"]}
    assert (tops["ywy"], tops["je"]) == ("w#", "1000.5")
    assert company.say("worklist", "w.xlsx", "--show-values").code == 0
    shown = {cell.value for page in openpyxl.load_workbook(company.folder / "w.xlsx") for row in page for cell in row}
    assert ("secret" in shown, "sxxxxx" in shown) == (False, True)


def test_sheets_and_workbooks_name_the_class(company: Company) -> None:
    company.rewrite("mappings/customer.yaml", ("  tax_no:", "  vat_no:"))
    lines = list(csv.reader(io.StringIO(company.say("check", "--build-sheet", "-", "--lang", "en").out)))
    assert [line[2] + ": " + line[-1] for line in lines if line[0] in ("what", "field to make")] == [
        "field: data class",
        "vat_no: public",
    ]
    assert company.say("mapping", "workbook", "export", "w.xlsx", "--lang", "en").code == 0
    rows = list(openpyxl.load_workbook(company.folder / "w.xlsx")["customer"].iter_rows(values_only=True))
    words = {row[5]: row[8].partition("data class: ")[2] for row in rows[1:] if row[8]}
    assert (words["name"], words["vat_no"], "modified_by" in words) == ("personal", "public", False)
    before = (company.folder / "mappings" / "customer.yaml").read_text(encoding="utf-8")
    assert company.say("mapping", "workbook", "import", "w.xlsx").code == 0
    assert (company.folder / "mappings" / "customer.yaml").read_text(encoding="utf-8") == before
