"""A project's own transforms: found in its file, held to their examples, and told by file and line where they fail."""

from __future__ import annotations

from pathlib import Path

import changeover
import pyarrow as pa
import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Severity
from changeover.mappings.compile import CompiledMapping, compile_mappings, load_mapping_files
from changeover.mappings.own_transforms import OwnTransforms, read_own_transforms

from .conftest import HEAD, SOURCE, TARGET, Project, all_told

CODE = '''"""What only this company does."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

EXAMPLES = {
    "without_prefix": [({"prefix": "C-"}, "C-12", "12"), ({}, "X-12", "12"), ({}, None, None)],
    "last": [({}, ("a", "b"), "b")],
}


def without_prefix(column: pa.StringArray, *, prefix: str = "X-") -> pa.StringArray:
    """The number without what stands before it."""
    return _cut(column, prefix)


def last(*columns: pa.StringArray) -> pa.StringArray:
    return columns[-1]


def _cut(column: pa.StringArray, prefix: str) -> pa.StringArray:
    return pc.replace_substring_regex(column, f"^{prefix}", "")
'''


def read(folder: Path, code: str = CODE) -> OwnTransforms:
    (folder / "transforms.py").write_text(code, "utf-8")
    own = read_own_transforms(folder / "transforms.py")
    assert own is not None
    return own


def refused(folder: Path, code: str) -> InputError:
    with pytest.raises(InputError) as caught:
        read(folder, code)
    all_told(caught.value.findings)
    return caught.value


def compiled(project: Project, own: OwnTransforms, phone: str) -> CompiledMapping:
    project.write("account", f"{HEAD}fields:\n  name: cust_name\n  phone: {phone}\n")
    mappings, findings = compile_mappings(
        load_mapping_files(project.folder), SOURCE, TARGET, "legacy", own=own.transforms
    )
    assert not [each for each in findings if each.severity is Severity.BLOCKS], findings
    return mappings["account"]


def test_there_may_be_none(tmp_path: Path) -> None:
    assert read_own_transforms(tmp_path / "transforms.py") is None


def test_functions_of_the_file_are_transforms(tmp_path: Path) -> None:
    own = read(tmp_path)
    assert sorted(own.transforms) == ["last", "without_prefix"]
    assert own.transforms["without_prefix"].summary == "The number without what stands before it."
    assert own.transforms["without_prefix"].bind({"prefix": "A"})(pa.array(["AB", None])).to_pylist() == ["B", None]
    assert not (tmp_path / "__pycache__").exists()


def test_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    first = read(tmp_path)
    second = read(tmp_path, CODE.replace('"X-"', '"Y-"').replace("X-12", "Y-12"))
    assert first.digest != second.digest
    assert second.transforms["without_prefix"].bind({})(pa.array(["Y-1"])).to_pylist() == ["1"]


def test_a_mapping_uses_them_and_its_digest_knows(project: Project, tmp_path: Path) -> None:
    own = read(tmp_path)
    used = compiled(project, own, "{from: tel, transform: [trim, {without_prefix: {prefix: T}}]}")
    within = compiled(project, own, "{first: [{from: [tel, lvl], transform: last}, {from: owner}]}")
    without = compiled(project, own, "{from: tel, transform: trim}")
    assert used.own_transforms == {"without_prefix": own.digest}
    assert within.own_transforms == {"last": own.digest}
    assert without.own_transforms == {}
    other = read(tmp_path, CODE + "\n# another thought\n")
    assert other.digest != own.digest
    assert compiled(project, other, "{from: tel, transform: trim}").digest == without.digest
    again = compiled(project, other, "{from: tel, transform: [trim, {without_prefix: {prefix: T}}]}")
    assert again.digest != used.digest


def test_arguments_are_checked_like_those_of_any_transform(project: Project, tmp_path: Path) -> None:
    own = read(tmp_path)
    project.write(
        "account", f"{HEAD}fields:\n  name: cust_name\n  phone: {{from: tel, transform: {{withot_prefix: }}}}\n"
    )
    files = load_mapping_files(project.folder)
    _, findings = compile_mappings(files, SOURCE, TARGET, "legacy", own=own.transforms)
    [finding] = [each for each in findings if each.severity is Severity.BLOCKS]
    assert (finding.code, finding.params["nearest"]) == ("mapping.no_transform", "without_prefix")
    for wrong in ("{prefix: 3}", "{prefx: a}"):
        rule = f"{{from: tel, transform: {{without_prefix: {wrong}}}}}"
        project.write("account", f"{HEAD}fields:\n  name: cust_name\n  phone: {rule}\n")
        files = load_mapping_files(project.folder)
        _, findings = compile_mappings(files, SOURCE, TARGET, "legacy", own=own.transforms)
        assert [each.code for each in findings if each.severity is Severity.BLOCKS] == ["mapping.wrong_argument"]


@pytest.mark.parametrize(
    ("change", "code", "line"),
    [
        (("def last(", "def trim("), "mapping.own_name_taken", 19),
        (("def last(*columns: pa.StringArray)", "def last(columns, more)"), "mapping.own_signature", 19),
        (('    "last": [({}, ("a", "b"), "b")],\n', ""), "mapping.own_no_example", 18),
        (('"b")],', '"a")],'), "mapping.own_example", 19),
        (("prefix: str = ", "prefix="), "mapping.own_arguments", 14),
        (("prefix: str = ", "prefix: strr = "), "mapping.own_arguments", 14),
        (("columns[-1]", "columns[-1].to_pylist()"), "mapping.own_example", 19),
        (("columns[-1]", "columns[7]"), "mapping.own_example", 19),
        (('"last": [', '"lost": [], "last": ['), "mapping.own_example_of_nothing", None),
    ],
)
def test_what_is_no_transform_is_refused_with_its_line(
    tmp_path: Path, change: tuple[str, str], code: str, line: int | None
) -> None:
    assert change[0] in CODE
    error = refused(tmp_path, CODE.replace(*change))
    assert error.code == "mapping.own_wrong"
    found = [(each.code, each.file, each.line) for each in error.findings]
    assert (code, "transforms.py", line) in found


@pytest.mark.parametrize(
    ("code", "line", "error"),
    [
        ("import pyarrow\n\ndef broken(:\n", 3, "SyntaxError"),
        ("import pyarrow\nfrom pyarrow import nothing_such\n", 2, "ImportError"),
        ("def _deep():\n    return 1 / 0\n\n_deep()\n", 2, "ZeroDivisionError"),
    ],
)
def test_a_file_that_cannot_be_run_is_told_by_line(tmp_path: Path, code: str, line: int, error: str) -> None:
    found = refused(tmp_path, code)
    assert (found.code, found.params["line"], found.params["error"]) == ("mapping.own_broken", line, error)


def test_a_transform_that_fails_on_a_cell_stops_the_command_and_tells_no_cell(tmp_path: Path) -> None:
    code = CODE.replace(
        "    return columns[-1]",
        "    [int(each) for each in columns[0].to_pylist() if each == 'x9']\n    return columns[-1]",
    )
    bound = read(tmp_path, code).transforms["last"].bind({}, 2)
    with pytest.raises(InputError) as caught:
        bound(pa.array(["x9"]), pa.array(["b"]))
    assert (caught.value.code, caught.value.params["line"]) == ("mapping.own_failed", 20)
    assert "x9" not in str(caught.value)


def test_the_example_of_the_documentation_holds(tmp_path: Path) -> None:
    page = (Path(changeover.__file__).parent / "docs" / "project.md").read_text("utf-8")
    code = page.partition("`transforms.py`:\n```python\n")[2].partition("```")[0]
    assert sorted(read(tmp_path, code).transforms) == ["contract_number"]
