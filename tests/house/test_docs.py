"""The documentation cannot lie: what it shows is done and compared, what it lists is what there is."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from changeover.cli import app
from changeover.connectors.files.options import _OBJECT_OPTIONS, _OPTIONS
from changeover.connectors.fxiaoke.simulator import FaultKind
from changeover.connectors.fxiaoke.simulator.settings import told_settings
from changeover.connectors.options import names_in
from changeover.connectors.salesforce.options import Options as SalesforceOptions
from changeover.connectors.salesforce.simulator import FaultKind as SalesforceFaultKind
from changeover.connectors.salesforce.simulator.org import KEYS as ORG_KEYS
from changeover.connectors.salesforce.simulator.settings import told_settings as salesforce_settings
from changeover.connectors.sql.options import Options as SqlOptions
from changeover.mappings.condition import Condition, Conditions
from changeover.mappings.language import (
    Assemble,
    AssembledField,
    BranchModel,
    Contributor,
    MappingModel,
    Rule,
)
from changeover.mappings.people_config import ActiveRule, PeopleConfig, PersonSide
from changeover.mappings.record_example import RecordExample
from changeover.mappings.yaml.strict_yaml import load_model, read_yaml
from changeover.migrate.project import (
    ConnectionSpec,
    EnvironmentSpec,
    HoursSpec,
    Limits,
    PaceSpec,
    ProjectFile,
    ScheduleSpec,
    load_project,
)
from changeover.runs.catalogue import Catalogue
from changeover.validators.totals import TotalsFile, TotalSide
from pydantic import BaseModel
from typer.main import get_command
from typer.testing import CliRunner

from ..hasty import hasty
from .shown import Command, File, Reader, differs, steps
from .transforms_page import PAGE, page

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README, CHINESE, TUTORIAL = ROOT / "README.md", ROOT / "README.zh-CN.md", DOCS / "tutorial.md"
PAGES = (README, CHINESE, *sorted(DOCS.glob("*.md")))
STANDING = {"verb", "verdict", "exit_code", "mappings", "facts", "findings", "tables", "next"}
NAME = re.compile(r"`([^`]+)`")
RECORDED = ("record", "run")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def section(path: Path, heading: str) -> str:
    """What stands below a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text_of(path), re.M | re.S)
    assert found, f"{path.name} has no section {heading}"
    return found[1]


def first_column(text: str) -> set[str]:
    """The names in backticks in the first column of a section's tables, without what follows a colon."""
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `")]
    return {name.partition(":")[0] for row in rows for name in NAME.findall(row)}


def keys_of(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def example(path: Path, name: str) -> str:
    """A file that a page shows."""
    return next(step.text for step in steps(text_of(path)) if isinstance(step, File) and step.name == name)


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "home"))
    (tmp_path / "desk").mkdir()
    with hasty():
        yield Reader(tmp_path / "desk")


def follow(reader: Reader, path: Path, *, until: str = "") -> None:
    """Do what a page says; every line that it shows must be printed."""
    for step in steps(text_of(path)):
        if isinstance(step, Command) and step.text == until:
            return
        if reader.folder.name == "my-move" and not (reader.folder / "old.db").exists():
            lay_databases(reader)
        said = reader.do(step)
        if isinstance(step, Command) and step.shown:
            told = differs(step.shown, said)
            assert told is None, f"{path.name}:{step.line} `{step.text}` does not print {told!r}. It prints:\n{said}"


def lay_databases(reader: Reader) -> None:
    reader.do(File("make_databases.py", example(TUTORIAL, "make_databases.py")))
    reader.do(Command("python make_databases.py", (), 0))
    assert reader.code == 0


def say(reader: Reader, text: str) -> str:
    return reader.do(Command(text, (), 0))


# What is shown is done


def test_the_tutorial_prints_what_it_shows(reader: Reader) -> None:
    follow(reader, TUTORIAL)


@pytest.mark.parametrize(("readme", "language"), [(README, "en"), (CHINESE, "zh")])
def test_the_readme_prints_what_it_shows(reader: Reader, readme: Path, language: str) -> None:
    reader.language = language
    follow(reader, readme)
    assert reader.code == 0


def test_both_readmes_say_the_same_commands() -> None:
    told = [
        [step.text.partition(" #")[0].strip() for step in steps(text_of(path)) if isinstance(step, Command)]
        for path in (README, CHINESE)
    ]
    assert told[0] == told[1]
    assert len(told[0]) > 8


def test_what_is_not_run_here_is_at_least_there() -> None:
    """make, and the extras of an installation."""
    makefile = text_of(ROOT / "Makefile")
    extras = set(tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]["optional-dependencies"])
    for path in PAGES:
        for target in re.findall(r"(?:^|`)make ([a-z]+)", text_of(path), re.M):
            assert re.search(rf"^{target}:", makefile, re.M), f"{path.name}: make {target}"
        for named in re.findall(r"\.\[([a-z,]+)\]|changeover\[([a-z,]+)\]", text_of(path)):
            assert set("".join(named).split(",")) <= extras, path.name


def test_the_worked_example_of_the_language_fits(reader: Reader) -> None:
    follow(reader, TUTORIAL, until="changeover plan")
    for step in steps(text_of(DOCS / "mapping.md")):
        if isinstance(step, File):
            reader.do(step)
    said = say(reader, "changeover check --no-data --json")
    assert reader.code == 0, said


def test_check_keeps_what_both_sides_look_like_before_there_is_a_mapping(reader: Reader) -> None:
    say(reader, "changeover init my-move --source sqlite:///old.db --target sqlite:///new.db")
    say(reader, "cd my-move")
    lay_databases(reader)
    said = say(reader, "changeover check")
    assert (reader.code, "no mapping" in said) == (2, True)
    kept = {role: text_of(reader.folder / "schemas" / f"{role}.json") for role in ("source", "target")}
    assert ('"cname"' in kept["source"], '"tax_no"' in kept["target"]) == (True, True)
    assert "沈阳" not in "".join(kept.values()), "names and types, no values"


def test_the_project_file_in_full_can_be_read(tmp_path: Path) -> None:
    shown = DOCS / "project.md"
    (tmp_path / "changeover.yaml").write_text(example(shown, "changeover.yaml"), encoding="utf-8")
    project = load_project(tmp_path, "real")
    assert project.spec.limits == Limits(), "the page says that these are the defaults"
    (tmp_path / "totals.yaml").write_text(example(shown, "totals.yaml"), encoding="utf-8")
    assert load_model(read_yaml(tmp_path / "totals.yaml"), TotalsFile).totals


def test_a_ledger_put_back_finds_in_the_target_what_it_does_not_know(reader: Reader) -> None:
    """safety.md: nothing is made twice, and what was adopted is not taken for made by us, or undo would delete it."""
    follow(reader, TUTORIAL, until="changeover plan")
    say(reader, "changeover run --execute --keys cust:C-002")
    ledger = reader.folder / "runs" / "mock" / "ledger.db"
    shutil.copy(ledger, reader.folder / "backup.db")
    say(reader, "changeover run --execute")
    before = say(reader, "changeover crosswalk")
    ledger.write_bytes(b"torn" * 1000)
    for beside in ledger.parent.glob("ledger.db-*"):
        beside.unlink()
    said = say(reader, "changeover run --execute")
    assert (reader.code, "damaged" in said) == (1, True)
    shutil.copy(reader.folder / "backup.db", ledger)
    say(reader, "changeover run --execute")
    assert say(reader, "changeover crosswalk") == before
    assert "adopted" in say(reader, "changeover explain C-003").partition("Field by field")[0]
    assert json.loads(say(reader, "changeover reconcile --json"))["differences"] == 0


# What is listed is what there is


def test_the_page_of_transforms_is_what_they_say() -> None:
    assert text_of(PAGE) == page(), "type: python -m tests.house.transforms_page"


def test_every_command_is_described() -> None:
    described = re.findall(r"^## (\w+)$", text_of(DOCS / "commands.md"), re.M)
    assert described == list(get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", list(get_command(app).commands))  # type: ignore[attr-defined]
def test_the_options_of_a_command_are_those_of_its_help(command: str) -> None:
    said = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "300"}).output
    options = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", said, re.M)) - {"--help"}
    told = section(DOCS / "commands.md", command)
    listed = [line for line in told.splitlines() if line.startswith(("- `--", "Also takes"))]
    before_text = [line.partition("`: ")[0] for line in listed]
    assert set(re.findall(r"`(--[a-z-]+)", "\n".join(f"{line}`" for line in before_text))) == options


@pytest.mark.parametrize("option", ["--project", "--env", "--lang", "--json"])
def test_what_every_command_does_alike_is_told_of_what_they_share(option: str) -> None:
    told = text_of(DOCS / "commands.md").partition("## init")[0]
    assert option in told


def test_the_json_members_of_each_command(reader: Reader) -> None:
    def real(words: str) -> set[str]:
        return set(json.loads(say(reader, f"changeover {words} --json"))) - STANDING

    def listed(command: str) -> set[str]:
        told = section(DOCS / "commands.md", command)
        return {name for name in NAME.findall(told.partition("JSON adds ")[2]) if not name.startswith("-")}

    assert real("init other") == listed("init")
    follow(reader, TUTORIAL, until="changeover plan")
    assert real("check") == listed("check")
    assert real("plan") == listed("plan")
    assert real("run --execute") | {"safe", "unknown"} == listed("run")
    assert real("reconcile") == listed("reconcile")
    assert real("undo 1") | {"run", "differences"} == listed("undo")
    assert real("undo 1 --execute") == listed("undo")
    for command in ("runs", "status", "explain C-001", "connectors"):
        assert real(command) == listed(command.split()[0])
    (first, *_) = json.loads(say(reader, "changeover crosswalk --json"))
    assert set(first) <= set(NAME.findall(section(DOCS / "commands.md", "crosswalk")))
    told = json.loads(say(reader, "changeover explain nobody --json"))
    assert set(told) == {"error", "exit_code", "findings"}
    assert reader.code == told["exit_code"] == 2


@pytest.mark.parametrize(
    ("page_name", "heading", "keys"),
    [
        ("mapping.md", "The file", keys_of(MappingModel)),
        ("mapping.md", "where", keys_of(Condition) | keys_of(Conditions) - {"fields"}),
        ("mapping.md", "assemble", keys_of(Assemble) | keys_of(Contributor) | keys_of(AssembledField)),
        ("mapping.md", "fields", keys_of(Rule)),
        ("mapping.md", "branches", keys_of(BranchModel)),
        ("mapping.md", "examples", keys_of(RecordExample)),
        ("project.md", "limits", keys_of(Limits)),
        ("project.md", "pace", keys_of(PaceSpec)),
        ("project.md", "schedule", keys_of(HoursSpec)),
        ("project.md", "people", keys_of(PeopleConfig)),
        ("connectors.md", "sql", set(names_in(SqlOptions))),
        ("connectors.md", "files", set(_OPTIONS)),
        ("simulators.md", "Settings", {each.name for each in told_settings()}),
        ("simulators.md", "Faults", {each.value for each in FaultKind}),
        ("salesforce.md", "Options", keys_of(SalesforceOptions)),
        ("salesforce-simulator.md", "An org of your own", ORG_KEYS),
        ("salesforce-simulator.md", "Settings", {each.name for each in salesforce_settings()}),
        ("salesforce-simulator.md", "Faults", {each.value for each in SalesforceFaultKind}),
    ],
)
def test_a_table_of_keys_is_what_is_read(page_name: str, heading: str, keys: set[str]) -> None:
    assert first_column(section(DOCS / page_name, heading)) == keys


@pytest.mark.parametrize(
    ("page_name", "keys"),
    [
        (
            "project.md",
            keys_of(ProjectFile) | keys_of(ScheduleSpec) | keys_of(EnvironmentSpec) | keys_of(ConnectionSpec),
        ),
        ("project.md", keys_of(PersonSide) | keys_of(ActiveRule) | keys_of(TotalSide)),
        ("connectors.md", set(_OBJECT_OPTIONS)),
    ],
)
def test_every_key_is_told_somewhere(page_name: str, keys: set[str]) -> None:
    told = text_of(DOCS / page_name)
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}\b", told)] == []


def test_the_states_are_those_of_the_ledger() -> None:
    schema, told = text_of(ROOT / "runs" / "ledger" / "schema.sql"), text_of(DOCS / "safety.md")
    of_record, of_run = (
        re.search(rf"create table {table} \(.*?\n  state ([^\n]+)", schema, re.S) for table in RECORDED
    )
    edges = set(re.findall(r"\('(\w+)', '(\w+)'\)", schema))
    assert of_record
    assert of_run
    assert first_column(section(DOCS / "safety.md", "A record")) <= set(re.findall(r"\w+", of_record[1]))
    assert len(edges) > 10
    states = {*re.findall(r"'(\w+)'", of_run[1]), *(state for edge in edges for state in edge)}
    assert [state for state in sorted(states) if not re.search(rf"\b{state}\b", told)] == []


def test_the_glossary_speaks_as_the_texts_do() -> None:
    english, chinese = Catalogue("en"), Catalogue("zh")
    words = dict(re.findall(r"^\| ([a-z -]+) \| ([^|a-z]+) \| ", text_of(DOCS / "glossary.md"), re.M))
    known = {word: code for word in words for code in codes(word) if english.knows(code)}
    assert len(known) > 25
    for word, code in known.items():
        assert (english.text(code), chinese.text(code)) == (word, words[word])


def codes(word: str) -> list[str]:
    plain = word.replace(" ", "_").replace("-", "")
    return [f"word.{plain}", f"bucket.{plain}"]


# Everything hangs together


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    prose = re.sub(r"```.*?```|`[^`\n]*`(?!\])", "", text_of(path), flags=re.S)
    for target in re.findall(r"\]\(([^)]+)\)", prose):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


def anchors(path: Path) -> set[str]:
    """As the usual renderers make them of headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text_of(path), flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_index() -> None:
    told = text_of(DOCS / "index.md")
    assert [path.name for path in DOCS.glob("*.md") if path.name != "index.md" and f"({path.name})" not in told] == []
