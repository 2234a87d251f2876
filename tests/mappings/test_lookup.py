"""Value maps in CSV files: read strictly, worked like inline ones, checked with their own lines."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Severity

from .conftest import HEAD, Project, all_told

Make = Callable[..., Chunk]

RULE = "  level: {from: lvl, values: {csv: lookups/levels.csv, key: old, value: new}, otherwise: reject}\n"


def lay(project: Project, content: str | bytes, name: str = "levels") -> Project:
    folder = project.folder.parent / "lookups"
    folder.mkdir(exist_ok=True)
    raw = content.encode() if isinstance(content, str) else content
    (folder / f"{name}.csv").write_bytes(raw)
    return project


def refused(project: Project, rule: str = RULE) -> list[tuple[str, str | None, int | None]]:
    with pytest.raises(InputError) as caught:
        project.write("account", f"{HEAD}fields:\n  name: cust_name\n{rule}").compile()
    return [(each.code, each.file, each.line) for each in caught.value.findings]


@pytest.mark.parametrize("content", ["old,new\n甲,A\n乙,\n", "\ufeffnew,who,old\r\nA,王,甲\r\n,李,乙\r\n"])
def test_values_are_looked_up_in_a_file(project: Project, customers: Make, content: str) -> None:
    mapped = lay(project, content).account(RULE).apply(customers(lvl=["甲", "乙", None, "丙"]))
    assert mapped.frame["level"].tolist() == ["A", pd.NA, pd.NA, pd.NA]
    assert [(each.row, each.code, each.sample) for each in mapped.misfits] == [(3, "value.unknown", "丙")]


def test_several_columns_are_one_key(project: Project, customers: Make) -> None:
    rule = "{from: [lvl, tel], values: {csv: lookups/levels.csv, key: [a, b], value: new}, otherwise: {default: C}}"
    lay(project, 'a,b,new\n1,2,A\n"x|y",,B\n"x","y|",C\n')
    chunk = customers(lvl=["1", "x|y", "x", None, "2"], tel=["2", None, "y|", None, "1"])
    assert project.account(f"  level: {rule}\n").apply(chunk).frame["level"].tolist() == ["A", "B", "C", pd.NA, "C"]


def test_several_fields_are_one_key_of_an_inline_map(project: Project, customers: Make) -> None:
    rule = '{from: [lvl, tel], values: {"1|2": A}, otherwise: reject}'
    assert project.account(f"  level: {rule}\n").apply(customers(lvl=["1"], tel=["2"])).frame["level"].tolist() == ["A"]
    wrong = rule.replace("1|2", "12")
    _, findings = project.write("account", f"{HEAD}fields:\n  name: cust_name\n  level: {wrong}\n").compile()
    assert [each.code for each in findings if each.severity is Severity.BLOCKS] == ["mapping.value_key_parts"]


def test_values_of_a_file_are_checked_with_its_lines(project: Project) -> None:
    lay(project, "old,new\n甲,A\n\n乙,Z\n")
    _, findings = project.write("account", f"{HEAD}fields:\n  name: cust_name\n{RULE}").compile()
    [finding] = [each for each in findings if each.severity is Severity.BLOCKS]
    assert (finding.code, finding.file, finding.line) == ("mapping.value_choice", "lookups/levels.csv", 4)
    assert finding.field == "level"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("old,nwe\n甲,A\n", [("mapping.lookup_no_column", "lookups/levels.csv", 1)]),
        ("old,new,old\n甲,A,乙\n", [("mapping.lookup_column_twice", "lookups/levels.csv", 1)]),
        (
            "old,new\n甲,A\n甲,B\n丙,C\n甲,A\n",
            [("mapping.lookup_twice", "lookups/levels.csv", 3), ("mapping.lookup_twice", "lookups/levels.csv", 5)],
        ),
        ('old,new\n"甲\n1",A\n乙\n', [("mapping.lookup_cells", "lookups/levels.csv", 4)]),
        ("old,new\n", [("mapping.lookup_empty", "mappings/account.yaml", 6)]),
        ("", [("mapping.lookup_no_column", "lookups/levels.csv", 1)] * 2),
        (b"old,new\n\xbc\xd7,A\n", [("mapping.lookup_not_utf8", "mappings/account.yaml", 6)]),
        ('old,new\n"甲,A\n', [("mapping.lookup_unreadable", "mappings/account.yaml", 6)]),
    ],
)
def test_a_wrong_file_is_refused(project: Project, content: str | bytes, found: list[object]) -> None:
    assert refused(lay(project, content)) == found


def test_a_file_that_is_not_there(project: Project) -> None:
    assert refused(project) == [("mapping.lookup_unreadable", "mappings/account.yaml", 6)]


def test_a_malformed_table_is_told_in_its_place(project: Project) -> None:
    rule = "  level:\n    from: lvl\n    values:\n      csv: lookups/levels.csv\n      kye: old\n    otherwise: keep\n"
    assert sorted(refused(project, rule)) == [
        ("yaml.missing_key", "mappings/account.yaml", 8),
        ("yaml.missing_key", "mappings/account.yaml", 8),
        ("yaml.unknown_key", "mappings/account.yaml", 10),
    ]


def test_a_table_within_a_case(project: Project, customers: Make) -> None:
    case = RULE.partition("level: ")[2].strip()
    mapping = lay(project, "old,new\n甲,Z\n").write(
        "account", f"{HEAD}fields:\n  name: cust_name\n  level: {{first: [{case}, {{constant: C}}]}}\n"
    )
    _, findings = mapping.compile()
    all_told(findings)
    assert [(each.code, each.line) for each in findings if each.severity is Severity.BLOCKS] == [
        ("mapping.value_choice", 2)
    ]


def test_the_digest_is_that_of_the_content(project: Project) -> None:
    first = lay(project, "old,new\n甲,A\n乙,B\n").account(RULE).digest
    assert lay(project, "new,old,who\nB,乙,李\nA,甲,王\n").account(RULE).digest == first
    assert project.account("  level: {from: lvl, values: {甲: A, 乙: B}, otherwise: reject}\n").digest == first
    assert lay(project, "old,new\n甲,A\n乙,C\n").account(RULE).digest != first
