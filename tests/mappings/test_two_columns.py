"""A value map by two columns says dependent picklists, and stages with their probability, as the page shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import changeover
import yaml
from changeover.connectors.chunk import Chunk

from .conftest import Project

MAPPING_PAGE = Path(changeover.__file__).parent / "docs" / "mapping.md"


def shown() -> dict[str, dict[str, object]]:
    """The rules of the section `By two columns`."""
    found = re.search(r"^#### By two columns\n.*?^```yaml\n(.*?)^```", MAPPING_PAGE.read_text("utf-8"), re.M | re.S)
    assert found
    rules: dict[str, dict[str, object]] = yaml.safe_load(found[1])
    return rules


def test_what_the_page_shows(project: Project, customers: Callable[..., Chunk]) -> None:
    rules = shown()
    rules["sub_stage"]["from"] = ["lvl", "tel"]
    rules["probability"]["from"] = "lvl"
    told = yaml.safe_dump({"remark": rules["sub_stage"], "staff": rules["probability"]}, allow_unicode=True)
    mapping = project.account("".join(f"  {line}\n" for line in told.splitlines()))
    chunk = customers(lvl=["招标", "签约", "签约", "招标", "初次拜访"], tel=["初审", "初审", None, "签字", ""])
    mapped = mapping.apply(chunk)
    assert mapped.frame["remark"].astype(object).where(mapped.frame["remark"].notna(), None).to_list() == [
        "bid_review",
        "contract_review",
        None,
        None,
        None,
    ]
    assert mapped.frame["staff"].to_list() == [50, 100, 100, 50, 10]
    assert [(each.row, each.field, each.code, each.sample) for each in mapped.misfits] == [
        (3, "remark", "value.unknown", "招标 | 签字"),
        (4, "remark", "value.unknown", "初次拜访 | "),
    ]


def test_a_template_takes_as_many_fields_as_it_names(project: Project, customers: Callable[..., Chunk]) -> None:
    mapping = project.account('  remark: {from: [cust_name, tel], transform: {template: {parts: ["{1}", " ({2})"]}}}\n')
    assert mapping.apply(customers(tel=["024", None])).frame["remark"].to_list() == ["客户0 (024)", "客户1"]
    one = project.account('  remark: {from: tel, transform: {template: {parts: ["T {1}"]}}}\n')
    assert one.apply(customers(tel=["024"])).frame["remark"].to_list() == ["T 024"]


def test_a_template_of_another_number_of_fields_is_refused_before_anything_moves(project: Project) -> None:
    fields = '  name: cust_name\n  remark: {from: [tel, lvl], transform: {template: {parts: ["{1}{3}"]}}}\n'
    head = "mapping: account\nfrom: t_customer\nto: customer\nfields:\n"
    compiled, findings = project.write("account", head + fields).compile()
    assert not compiled
    told = next(each for each in findings if each.code == "mapping.wrong_argument")
    assert "name field 3, and there are 2" in str(told.params["problem"])
