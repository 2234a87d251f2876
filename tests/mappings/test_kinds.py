"""References to records of several kinds, as the language says them and as columns get them."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import InputError
from changeover.mappings.compile import CompiledMapping
from changeover.mappings.mutations import mutations
from changeover.mappings.reverse import reverse

from .conftest import Project

HEAD = "mapping: account\nfrom: t_customer\nto: customer\nfields:\n  name: cust_name\n"
BRANCHED = """mapping: split
from: t_customer
branches:
  one: {to: customer, fields: {name: cust_name}}
  two: {to: customer, fields: {name: cust_name}}
"""
KINDS = "{by: lvl, of: {A: split.one, B: split.two}}"


def split(project: Project, reference: str) -> CompiledMapping:
    """A branch whose parents are of both branches."""
    rule = f"{{from: parent, reference: {reference}}}"
    said = f"three: {{to: customer, fields: {{name: cust_name, parent_id: {rule}}}}}"
    compiled, findings = project.write("split", f"{BRANCHED}  {said}\n").compile()
    assert "split.three" in compiled, findings
    return compiled["split.three"]


def test_another_field_says_the_kind(project: Project, customers: Callable[..., Chunk]) -> None:
    mapping = split(project, KINDS)
    assert mapping.references == {"parent_id": ("split.one", "split.two")}
    assert mapping.source_fields == ("cust_name", "parent", "lvl")
    parents = pa.array(["7", "8", "9", "9", None, "", "07"])
    mapped = mapping.apply(customers(parent=parents, lvl=["A", "B", "C", None, "C", "C", "B"]))
    assert mapped.frame["parent_id"].tolist()[:2] == ["legacy:t_customer:7#one", "legacy:t_customer:8#two"]
    assert mapped.frame["parent_id"].isna().tolist() == [False, False, True, True, True, True, False]
    assert mapped.frame["parent_id"][6] == "legacy:t_customer:7#two"
    assert [(each.row, each.code, each.sample) for each in mapped.misfits] == [
        (2, "reference.kind_unknown", "9 | C"),
        (3, "reference.kind_unknown", "9 | "),
    ]
    keys = ["legacy:t_customer:8#two", "legacy:t_customer:7#one"]
    assert mapping.by_maker("parent_id", keys) == {"split.one": keys[1:], "split.two": keys[:1]}


def test_the_key_begins_with_its_kind(project: Project, customers: Callable[..., Chunk]) -> None:
    mapping = split(project, '{prefix: {"1": split.one, "12": split.two}}')
    mapped = mapping.apply(customers(parent=pa.array(["13", "123", "2", None])))
    assert mapped.frame["parent_id"].tolist()[:2] == ["legacy:t_customer:13#one", "legacy:t_customer:123#two"]
    assert [(each.row, each.code) for each in mapped.misfits] == [(2, "reference.kind_unknown")]


def test_each_case_has_its_parents_key_in_a_field_of_its_own(project: Project) -> None:
    cases = "{when: {lvl: {equals: A}}, from: parent, reference: split.one}, {from: owner, reference: split.two}"
    said = f"three: {{to: customer, fields: {{name: cust_name, parent_id: {{cases: [{cases}]}}}}}}"
    compiled, findings = project.write("split", f"{BRANCHED}  {said}\n").compile()
    assert "split.three" in compiled, findings
    mapping = compiled["split.three"]
    assert mapping.references == {"parent_id": ("split.one", "split.two")}
    assert mapping.key_fields("parent_id", "split.one") == ("parent",)
    assert mapping.key_fields("parent_id", "split.two") == ("owner",)


def test_the_digest_knows_the_kinds(project: Project) -> None:
    digest = split(project, KINDS).digest
    assert split(project, "{by: lvl, of: {B: split.two, A: split.one}}").digest == digest
    others = (
        "{by: lvl, of: {A: split.two, B: split.one}}",
        "{by: lvl, of: {A: split.one, C: split.two}}",
        "{by: tel, of: {A: split.one, B: split.two}}",
        "{prefix: {A: split.one, B: split.two}}",
    )
    assert len({digest, *(split(project, each).digest for each in others)}) == 1 + len(others)


def test_one_kind_fewer_is_a_mutation_and_there_is_no_way_back(project: Project) -> None:
    mapping = split(project, KINDS)
    told = [(each.code, dict(each.params)) for each in mutations(mapping) if each.code == "mutation.kind"]
    assert told == [
        ("mutation.kind", {"kind": kind, "name": f"split.{branch}"}) for kind, branch in (("A", "one"), ("B", "two"))
    ]
    alone = project.account("  parent_id: {from: parent, reference: {prefix: {A: account}}}\n")
    assert {each.field: each.code for each in reverse(alone, {}, None).one_way}["parent_id"] == "reverse.kinds"


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("{by: lvl}", "mapping.reference_form"),
        ("{of: {A: account}}", "mapping.reference_form"),
        ("{}", "mapping.reference_form"),
        ("{by: lvl, of: {A: account}, prefix: {A: account}}", "mapping.reference_form"),
        ("{by: lvl, prefix: {A: account}}", "mapping.reference_form"),
        ("{by: lvl, of: {}}", "yaml.empty"),
        ("{buy: lvl, of: {A: account}}", "yaml.unknown_key"),
        ("[account]", "yaml.not_text"),
    ],
)
def test_what_is_no_reference(project: Project, reference: str, code: str) -> None:
    text = f"{HEAD}  parent_id:\n    from: parent\n    reference: {reference}\n"
    with pytest.raises(InputError) as raised:
        project.write("account", text).compile()
    assert (code, 8) in [(each.code, each.line) for each in raised.value.findings]


@pytest.mark.parametrize(
    ("rule", "codes"),
    [
        ("{from: parent, reference: {by: nowhere, of: {A: account}}}", {"mapping.no_source_field"}),
        ("{from: parent, reference: {by: lvl, of: {A: acount}}}", {"mapping.no_mapping"}),
        ("{from: parent, reference: {by: lvl, of: {A: split}}}", {"mapping.reference_no_branch"}),
        (
            "{from: parent, reference: {by: lvl, of: {A: account, B: note}}}",
            {"mapping.reference_elsewhere", "mapping.reference_numbers"},
        ),
        ("{from: parent, reference: {by: lvl, of: {A: account, B: twin}}}", {"mapping.reference_twins"}),
        ("{from: [parent, owner], reference: {by: lvl, of: {A: account}}}", {"mapping.reference_key_parts"}),
        ("{from: parent, reference: {by: lvl, of: {A: account}}, people: true}", {"mapping.reference_and_people"}),
        ("{from: parent, reference: {by: lvl, of: {A: account}}, default: '1'}", {"mapping.default_with_reference"}),
        (
            "{cases: [{when: {lvl: {equals: A}}, from: parent, reference: account}, {from: parent, reference: twin}]}",
            {"mapping.reference_twins"},
        ),
    ],
)
def test_references_that_cannot_work(project: Project, rule: str, codes: set[str]) -> None:
    project.write(
        "twin",
        "mapping: twin\nfrom: t_customer\nto: line\nfields: {}\n".replace(
            "{}", "{customer_id: {from: id, reference: account}}"
        ),
    )
    project.write("note", "mapping: note\nfrom: t_note\nto: note\nfields: {body: body}\n")
    project.write("split", BRANCHED.replace("to: customer", "to: note").replace("name: cust_name", "body: tel"))
    _, findings = project.write("account", f"{HEAD}  parent_id: {rule}\n").compile()
    blocking = {each.code: each.line for each in findings if each.severity == "blocks" and each.field == "parent_id"}
    assert codes <= blocking.keys()
    assert {blocking[code] for code in codes} == {6}
