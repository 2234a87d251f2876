"""The command line: init, JSON on stdout alone, both languages, any console, and the codes it ends with."""

from __future__ import annotations

import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from changeover.connectors.errors import UnavailableError

from .company import TARGET, Company, make_company

HAN = re.compile("[\u4e00-\u9fff]")
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("check",),
    ("plan",),
    ("run", "--execute"),
    ("run",),
    ("reconcile",),
    ("undo", "1"),
    ("undo", "1", "--execute"),
    ("runs",),
    ("status",),
    ("explain", "甲"),
    ("connectors",),
)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = make_company(tmp_path / "move")
    made.customer("甲", khmc="Jia")
    made.customer("BAD", khmc=None)
    made.order(1, "BAD")
    return made


def test_every_command_says_one_json_document_and_progress_elsewhere(company: Company) -> None:
    for words in COMMANDS:
        said = company.say(*words, "--json")
        document = json.loads(said.out)
        assert (document["exit_code"], said.code) == (said.code, said.code)
        assert document["verb"] == ("plan" if words == ("run",) else words[0])
        assert said.out.isascii()
        assert document["verdict"]["text"]
        progress = words[0] in ("check", "plan", "run", "reconcile", "undo")
        assert ("customer" in said.err) is progress, (words, said.err)
    assert isinstance(json.loads(company.say("crosswalk", "--json").out), list)


def test_what_stops_a_command_is_json_too(company: Company) -> None:
    for words, code, error in (
        (("explain", "NOBODY"), 2, "explain.unknown"),
        (("undo", "7"), 2, "undo.no_run"),
        (("check", "--env", "moon"), 2, "project.no_environment"),
        (("check", "--project", "nowhere"), 2, "project.missing"),
        (("run", "--execute", "--plan", "none"), 2, "plan.missing"),
    ):
        said = company.say(*words, "--json")
        document = json.loads(said.out)
        assert (said.code, document["exit_code"], document["error"]["code"]) == (code, code, error)
        assert document["error"]["text"] in said.err.replace("\n", " ")


def test_every_command_speaks_chinese_and_english(company: Company) -> None:
    for words in COMMANDS:
        zh, en = (company.say(*words, "--lang", language) for language in ("zh", "en"))
        assert zh.code == en.code
        assert HAN.search(zh.out)
        left = [line for line in en.out.splitlines() if HAN.search(line.replace("甲", ""))]
        assert left == []
        untold = re.findall(r"\b[a-z_]+\.(?!db )[a-z_]+ \(|\{[a-z_]+\}", zh.out + en.out)
        assert untold == []
    for wrong in (("explain", "NOBODY"), ("check", "--env", "moon")):
        assert HAN.search(company.say(*wrong, "--lang", "zh").err)
    assert company.say("status", "--lang", "fr").code == 2


ONE_AFTER_ANOTHER = """
import json, sys
from changeover.cli import main
for words in json.loads(sys.argv[1]):
    sys.argv[1:] = words
    try:
        main()
    except SystemExit as ended:
        sys.stdout.flush()
        print(f"{ended.code or 0}\\0", end="", flush=True)
"""


def said_on(encoding: str, company: Company, *commands: tuple[str, ...]) -> list[tuple[str, int]]:
    """What each command said and ended with, in one process with streams of its own."""
    home = str(company.folder.parent / "home")
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_ANOTHER, json.dumps(commands)],
        cwd=company.folder,
        env={**os.environ, "CHANGEOVER_CONFIG_HOME": home, "CHANGEOVER_LANG": "zh", "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr.decode(encoding, "replace")
    told = done.stdout.decode(encoding).split("\0")[:-1]
    return [(each[:-1], int(each[-1])) for each in told]


def test_no_console_is_too_poor(company: Company) -> None:
    """Processes of their own, for it is Python's own streams that must not fail."""
    company.old("update t_customer set khmc = '😀 é 甲' where khbh = '甲'")
    gbk = said_on("gbk", company, ("run", "--execute"), ("crosswalk", "--json"))
    poor = said_on("ascii", company, ("reconcile", "--lang", "zh"), ("explain", "甲", "--show-values"), ("crosswalk",))
    assert [code for _, code in (*gbk, *poor)] == [1, 0, 0, 0, 0]
    assert json.loads(gbk[1][0])[1]["source_key"] == "甲"
    assert len(poor[2][0].splitlines()) == 4
    assert "\\u7532" in poor[2][0]  # written out rather than lost


def test_unknown_words_end_with_2(company: Company) -> None:
    for words in (("moove",), ("run", "--exceute"), ("undo",), ("undo", "one"), ("plan", "--sample", "0")):
        said = company.say(*words)
        assert (said.code, said.out) == (2, "")
        assert "Usage" in said.err


def test_nothing_is_written_without_execute(company: Company) -> None:
    for words in (("run",), ("run", "--dry-run"), ("run", "--execute", "--dry-run"), ("plan",)):
        assert company.say(*words, "--json").document["verb"] == "plan"
    assert company.new("select count(*) from customer") == [(0,)]
    assert company.new("select count(*) from sqlite_master where name like 'changeover%'") == [(0,)]
    company.say("run", "--execute")
    assert company.say("undo", "1", "--execute", "--dry-run", "--json").document["verdict"]["code"] == "undo.forecast"  # type: ignore[index]
    assert company.new("select count(*) from customer") == [(1,)]


def test_the_next_command_names_the_project_and_what_was_chosen(company: Company, tmp_path: Path) -> None:
    """As they were named: typed from the same place, it does what it says. Paths are told from there, too."""
    spec = (company.folder / "changeover.yaml").read_text(encoding="utf-8")
    mock, _, _ = spec.partition("  mock:")[2].partition("people:")
    (company.folder / "changeover.yaml").write_text(
        spec.replace("people:", f"  other:{mock}people:", 1), encoding="utf-8"
    )
    here, there = Company(tmp_path), "--project move --env other"
    said = here.say(*f"plan --keys t_customer:甲 {there} --json".split()).document
    told = {each["code"]: each["value"] for each in said["facts"]}  # type: ignore[attr-defined]
    assert [str(told[name]).startswith("move/runs/other/") for name in ("fact.plan", "fact.report")] == [True, True]
    (command,) = said["next"]  # type: ignore[misc]
    assert command.endswith(f" --keys 't_customer:甲' {there}")
    done = here.say(*shlex.split(command)[1:], "--json")
    assert (done.code, done.document["next"]) == (0, [f"changeover reconcile {there}"])
    for words, following in (
        ("check", "plan"),
        ("status", "reconcile"),
        ("runs", "undo 1"),
        ("undo 1", "undo 1 --execute"),
        ("undo 1 --execute", "plan"),
        ("explain BAD", "run --execute"),
    ):
        assert here.say(*f"{words} {there} --json".split()).document["next"] == [f"changeover {following} {there}"]


def test_init_makes_a_project_that_check_reads(tmp_path: Path) -> None:
    here = Company(tmp_path)
    made = here.say("init", "my move", "--source", "sqlite:///old.db", "--target", "sqlite:///new.db", "--json")
    assert made.code == 0
    project = Company(tmp_path / "my move")
    assert {path.name for path in project.folder.iterdir()} == {
        "changeover.yaml",
        ".gitignore",
        "corrections",
        "mappings",
        "schemas",
    }
    assert made.document["next"] == ["changeover check --project 'my move'"]
    empty = here.say("check", "--project", "my move")
    assert (empty.code, "old.db" in empty.err) == (2, True)
    for name, script in (("old.db", "create table t (k text primary key, nm text)"), ("new.db", TARGET)):
        database = sqlite3.connect(project.folder / name)
        database.executescript(script)
        database.close()
    (project.folder / "mappings" / "customer.yaml").write_text(
        "mapping: customer\nfrom: t\nto: customer\nfields: {name: nm}\n", encoding="utf-8"
    )
    checked = here.say("check", "--project", "my move", "--json")
    assert (checked.code, checked.document["verdict"]["code"]) == (0, "check.good")  # type: ignore[index]
    assert {path.name for path in (project.folder / "schemas").iterdir()} == {"source.json", "target.json"}
    again = here.say("init", "my move")
    assert (again.code, "already" in again.err) == (2, True)


def away(*_given: object, **_named: object) -> None:
    raise UnavailableError("target.paused", count=1, reason="-")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "words",
    [
        ("run", "--execute", "--keys", "t_customer:it's", "--keys", "t_order:1", "--env", "mock"),
        ("run", "--execute", "--workers", "2", "--json"),
        ("undo", "1", "--execute"),
        ("plan", "--sample", "3"),
        ("mapping", "profile", "t_order", "--show-values"),
    ],
)
def test_what_could_not_go_on_is_typed_again_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], language: str
) -> None:
    """A run of everything in the project's default environment might be something else."""
    company = make_company(tmp_path / "move")
    for module in ("session", "mapping.source"):
        monkeypatch.setattr(f"changeover.migrate.{module}.paces_of", away)
    monkeypatch.setattr("changeover.migrate.run.require_shareable", lambda *_given: None)
    project = str(company.folder)
    said = company.say(*words, "--project", project, "--lang", language)
    assert said.code == 3
    again = said.err.strip().partition("changeover ")[2].rstrip("\u3002")
    assert sorted(shlex.split(again)) == sorted([*words, "--project", project, "--lang", language])


def test_the_name_of_a_production_system_is_typed_by_hand_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = make_company(tmp_path / "move")
    monkeypatch.setattr("changeover.migrate.session.paces_of", away)
    said = company.say("run", "--execute", "--plan", "P", "--confirm", "crm.db")
    assert said.err.strip().endswith("changeover run --execute --plan P")
