"""The texts: whole in both languages, fitting the code that uses them, and never a reason to crash."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from string import Formatter

import changeover
import pytest
import yaml
from changeover.connectors.change import ChangeKind, OutcomeState
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Finding, Severity
from changeover.runs.catalogue import LANGUAGES, Catalogue, choose_language
from changeover.runs.report.model import BUCKETS

ROOT = Path(changeover.__file__).parent
TEXTS = ROOT / "runs" / "texts"
ROOMS = ("connectors", "mappings", "validators", "runs", "migrate")
ERRORS = ("ChangeoverError", "DecisionError", "InputError", "UnavailableError", "BusyError")
CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
FILLED_IN = {"mapping", "object", "field"}
"""Names that a finding's own place fills in."""

NEVER_ONE = {
    "demo.as_planted",
    "demo.too_few",
    "demo.too_many",
    "explain.several",
    "mapping.several_sources",
    "mapping.value_key_parts",
    "match.ambiguous",
    "people.ambiguous",
    "reverse.several",
}
"""Texts that are said of several alone."""

Use = tuple[str, str, frozenset[str] | None]
"""(where, code, names of the params it is given; None where that cannot be seen in the source)."""


def texts(language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted((TEXTS / language).glob("*.yaml")):
        found.update(yaml.safe_load(file.read_text("utf-8")))
    return found


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


# What the source uses


def sources() -> Iterator[Path]:
    """The doubles for tests are left out: what they say reaches no report."""
    doubles = ROOT / "connectors" / "testing"
    yield from (file for room in ROOMS for file in (ROOT / room).rglob("*.py") if doubles not in file.parents)
    if (ROOT / "cli.py").exists():
        yield ROOT / "cli.py"


def uses(file: Path) -> Iterator[Use]:
    tree = ast.parse(file.read_text("utf-8"))
    from_rich = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("rich")
        for name in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            if name not in from_rich:
                where = f"{file.relative_to(ROOT)}:{node.lineno}"
                yield from ((where, code, params) for code, params in uses_of_call(name, node))


def uses_of_call(name: str, call: ast.Call) -> Iterator[tuple[str, frozenset[str] | None]]:
    if name in ERRORS:
        given = [word.arg for word in call.keywords if word.arg != "findings"]
        names = None if None in given else frozenset(word for word in given if word)
        yield from ((code, names) for code in literals(argument(call, 0, "code")))
    elif name == "Finding":
        names = keys_of(argument(call, 2, "params"))
        names = None if names is None else names | FILLED_IN
        yield from ((code, names) for code in literals(argument(call, 0, "code")))
    elif name == "Text":
        yield from ((code, keys_of(argument(call, 1, "params"))) for code in literals(argument(call, 0, "code")))
    elif name == "text" and call.args:
        codes = [code for code in literals(call.args[0]) if CODE.fullmatch(code)]
        yield from ((code, keys_of(argument(call, 1, "params"))) for code in codes)
    elif name in ("Misfit", "Outcome"):
        place = {"Misfit": 2, "Outcome": 3}[name]
        yield from ((code, None) for code in literals(argument(call, place, "code")))
    elif name == "Cause":
        yield from ((code, frozenset()) for code in literals(argument(call, 10, "mender")))
    elif name == "Table":
        columns = argument(call, 1, "columns")
        for column in columns.elts if isinstance(columns, ast.Tuple | ast.List) else ():
            yield from ((code, frozenset()) for code in literals(column))


def argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    if len(call.args) > place and not any(isinstance(each, ast.Starred) for each in call.args):
        return call.args[place]
    return next((word.value for word in call.keywords if word.arg == name), None)


def literals(node: ast.expr | None) -> list[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return literals(node.body) + literals(node.orelse)
    return []


def keys_of(node: ast.expr | None) -> frozenset[str] | None:
    if node is None:
        return frozenset()
    if isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
        return frozenset(str(key.value) for key in node.keys if isinstance(key, ast.Constant))
    return None


@cache
def all_uses() -> list[Use]:
    return [use for file in sources() for use in uses(file)]


def test_the_walk_sees_the_codes_of_the_source() -> None:
    codes = {code for _, code, _ in all_uses()}
    assert {"secret.missing", "values.key_lost", "report.unbalanced", "key.malformed"} <= codes


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_in_the_source_has_a_text(language: str) -> None:
    known = texts(language)
    missing = sorted({f"{code}  ({where})" for where, code, _ in all_uses() if code not in known})
    assert not missing, "\n".join(["codes without a text:", *missing])


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_has_a_hole_that_its_use_does_not_fill(language: str) -> None:
    known = texts(language)
    unfilled = [
        f"{where}: {code} wants {', '.join(sorted(placeholders(known[code]) - params))}"
        for where, code, params in all_uses()
        if code in known and params is not None and not placeholders(known[code]) <= params
    ]
    assert unfilled == []


# The two languages


def test_both_languages_have_the_same_codes() -> None:
    zh, en = texts("zh"), texts("en")
    assert sorted(zh.keys() ^ en.keys()) == []


def test_both_languages_fill_the_same_holes() -> None:
    zh, en = texts("zh"), texts("en")
    assert [code for code in zh.keys() & en.keys() if placeholders(zh[code]) != placeholders(en[code])] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_code_is_written_twice_and_every_text_is_a_text(language: str) -> None:
    seen: dict[str, str] = {}
    wrong = []
    for file in sorted((TEXTS / language).glob("*.yaml")):
        node = yaml.compose(file.read_text("utf-8"))
        assert isinstance(node, yaml.MappingNode), file
        for key, value in node.value:
            if key.value in seen:
                wrong.append(f"{key.value}: in {seen[key.value]} and {file.name}")
            if not CODE.fullmatch(key.value) or value.tag != "tag:yaml.org,2002:str" or not value.value.strip():
                wrong.append(f"{file.name}: {key.value} is no code with a text")
            seen[key.value] = file.name
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_bucket_severity_state_and_kind_of_change_has_its_word(language: str) -> None:
    wanted = [f"bucket.{name}" for name in (*BUCKETS, "read", "adopted")]
    wanted += [f"severity.{each}" for each in Severity]
    wanted += [f"state.{each}" for each in OutcomeState]
    wanted += [f"change.{each}" for each in ChangeKind]
    known = texts(language)
    assert [code for code in wanted if code not in known] == []


def test_chinese_is_chinese() -> None:
    """A text with a few English words and no Chinese character was left untranslated."""
    bare = {code: re.sub(r"\{.*?\}", "", text) for code, text in texts("zh").items()}
    left = [code for code, text in bare.items() if re.search("[a-z] [a-z]", text)]
    assert [code for code in left if not re.search("[\u4e00-\u9fff]", bare[code])] == []


def test_one_thing_has_one_chinese_word() -> None:
    """None of these: they are second words for 密钥环, 父记录, 合计, 我方主键, 目录, 加载, 样例 and 人员对应表."""
    others = ("钥匙串", "上级", "总量", "统一主键", "文件夹", "装载", "样本", "对照文件")
    files = [*sorted((TEXTS / "zh").glob("*.yaml")), ROOT / "README.zh-CN.md"]
    found = [(file.name, word) for file in files for word in others if word in file.read_text("utf-8")]
    assert found == []


# Rendering


def test_numbers_are_grouped_and_codes_in_params_are_rendered() -> None:
    told = {"mapping": "@bucket.held", "read": 1_234_567, "total": 12}
    assert Catalogue("en").text("report.branch_unbalanced", told) == "held: 1,234,567 read, but the parts add up to 12"
    assert Catalogue("zh").text("report.branch_unbalanced", told) == "挂起：读取 1,234,567 条，但各分类合计为 12 条"


@pytest.mark.parametrize(("count", "told"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (1_001, "1,001 runs")])
def test_a_word_goes_with_its_number(count: int, told: str) -> None:
    assert Catalogue("en").text("runs.listed", {"count": count}) == told


def test_of_one_no_text_speaks_as_of_several() -> None:
    """A number beside one of these words must choose between two forms of it."""
    several = (
        "bytes|causes|changes|characters|columns|connectors|defects|differences|digits|fields|lines|mappings|operations|"
        "people|places|problems|records|remarks|runs|things|totals|values"
    )
    known = {code: text for code, text in texts("en").items() if code not in NEVER_ONE}
    wrong = [code for code, text in known.items() if re.search(rf"{{\w+}} (?:[a-z]+ )?(?:{several})\b", text)]
    assert wrong == []


def test_a_missing_code_or_param_is_shown_and_never_raises() -> None:
    catalogue = Catalogue("en")
    assert catalogue.text("no.such_code", {"field": "tax_no", "count": 3}) == "no.such_code (field=tax_no, count=3)"
    assert catalogue.text("no.such_code") == "no.such_code"
    assert "{reason}" in catalogue.text("values.unavailable", {"path": "v.db"})
    assert catalogue.text("file.read_refused", {"path": "@our_key", "reason": "{path}"}).startswith(
        "@our_key cannot be read ({path})"
    )


def test_a_code_that_names_itself_ends() -> None:
    told = Catalogue("en").text("report.times", {"count": "@report.times"})
    assert told == "××{count}"


def test_a_finding_says_where_and_never_its_sample() -> None:
    catalogue = Catalogue("en")
    placed = Finding(
        "no.such", Severity.BLOCKS, {"wanted": 5}, field="tel", file="mappings/a.yaml", line=12, sample="x"
    )
    assert catalogue.finding(placed) == "mappings/a.yaml:12: no.such (field=tel, wanted=5)"
    record = Finding("bucket.held", Severity.HOLDS, object="t_customer", key="C-1", field="tel", sample="13800000000")
    assert catalogue.finding(record) == "t_customer C-1 tel: held"


def test_an_error_lists_all_its_findings() -> None:
    findings = tuple(Finding("bucket.held", Severity.BLOCKS, file="a.yaml", line=line) for line in range(1, 251))
    told = Catalogue("zh").error(InputError("language.unknown", findings=findings, value="fr")).splitlines()
    assert told[0] == "没有 fr 的文本。请使用 --lang zh 或 --lang en。"
    assert told[1:3] == ["  - a.yaml:1: 挂起", "  - a.yaml:2: 挂起"]
    assert told[-1] == "  …… 另有 50 个"


@pytest.mark.parametrize(
    ("flag", "environ", "language"),
    [
        ("zh", {"LANG": "en_US.UTF-8"}, "zh"),
        (None, {"CHANGEOVER_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        (None, {"LC_ALL": "", "LC_MESSAGES": "zh_CN.UTF-8", "LANG": "C"}, "zh"),
        (None, {"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        (None, {"LANG": "ZH_TW.BIG5"}, "zh"),
        (None, {}, "en"),
    ],
)
def test_the_language_is_the_flags_then_the_environments(
    flag: str | None, environ: dict[str, str], language: str
) -> None:
    assert choose_language(flag, environ) == language


def test_an_unknown_language_is_the_operators_error() -> None:
    with pytest.raises(InputError, match=r"language\.unknown"):
        choose_language("fr", {})


def test_the_catalogue_loads_light() -> None:
    script = (
        "import sys; from changeover.runs.catalogue import Catalogue; Catalogue('zh').text('bucket.held');"
        "print([name for name in ('pandas', 'pyarrow', 'numpy', 'sqlalchemy', 'rich') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
