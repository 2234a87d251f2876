"""The demo ends with 0 exactly when what was found is what was planted."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import InputError
from changeover.connectors.secrets import Secrets
from changeover.migrate.demo import verb
from changeover.migrate.demo.facts import DemoFacts
from changeover.migrate.demo.generate import generate

from .company import Company

BUCKETS = {
    "read",
    "created",
    "updated",
    "unchanged",
    "filtered",
    "rejected",
    "held",
    "conflicted",
    "merged",
    "deleted",
    "pending",
}


def changeover(home: Path, *words: str, here: Path) -> tuple[int, dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-m", "changeover", *words],
        env={**os.environ, "CHANGEOVER_CONFIG_HOME": str(home)},
        cwd=here,
        capture_output=True,
        check=False,
        timeout=300,
    )
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, int, dict[str, object]]:
    """(folder, keys, exit code, document) of a demo that was run by the real command."""
    folder, home = tmp_path_factory.mktemp("demo") / "d", tmp_path_factory.mktemp("home")
    code, document = changeover(home, "demo", "d", "--records", "2000", "--seed", "7", "--json", here=folder.parent)
    return folder, home, code, document


def test_it_comes_as_planted(demo: tuple[Path, Path, int, dict[str, object]]) -> None:
    _, _, code, document = demo
    assert code == 0, document["tables"]
    assert (document["differences"], document["totals_equal"]) == (0, True)
    assert isinstance(document["seconds"], float)
    assert Path(str(document["report"])).is_file()
    for counts in document["mappings"].values():  # type: ignore[attr-defined]
        assert counts.keys() >= BUCKETS
        assert counts["read"] == sum(counts[name] for name in BUCKETS - {"read"}) > 0


def test_run_again_has_the_same_shape_and_writes_nothing(demo: tuple[Path, Path, int, dict[str, object]]) -> None:
    folder, home, _, first = demo
    said = Company(folder).say("run", "--execute", "--json", env={"CHANGEOVER_CONFIG_HOME": str(home)})
    assert said.code == 1  # what was rejected and held still waits for somebody
    again = said.document
    assert again.keys() >= {"mappings", "differences", "totals_equal", "seconds", "report"}
    for name, counts in again["mappings"].items():  # type: ignore[attr-defined]
        assert (counts["created"], counts["updated"]) == (0, 0)
        assert (counts["rejected"], counts["held"]) == tuple(first["mappings"][name][b] for b in ("rejected", "held"))  # type: ignore[index]


def test_one_defect_less_than_told_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts that promise one rejected record more than there is."""
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "home"))

    def lying(folder: Path, records: int, seed: int, _target: str | None) -> DemoFacts:
        facts = generate(folder, records, seed)
        contact = facts.expected["contact"]
        keys = {**contact.keys, "rejected": contact.keys["rejected"] | {"nobody"}}
        return dataclasses.replace(
            facts, expected={**facts.expected, "contact": dataclasses.replace(contact, keys=keys)}
        )

    monkeypatch.setattr(verb, "generate", lying)
    report = verb.demo(tmp_path / "d", 2_000, 3, Secrets(), SystemClock(), lambda _: None, "en")
    assert (report.exit_code, report.verdict.code) == (1, "demo.not_as_planted")


def test_it_does_not_write_over_a_folder(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"demo\.not_empty"):
        generate(tmp_path, 2_000)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_its_paths_and_commands_are_told_from_where_it_was_typed(
    demo: tuple[Path, Path, int, dict[str, object]],
) -> None:
    folder, home, _, document = demo
    told = {each["code"]: str(each["value"]) for each in document["facts"]}  # type: ignore[attr-defined]
    paths = [told[name] for name in ("fact.run_report", "fact.reconcile_report", "fact.report")]
    assert [path for path in paths if not path.startswith("d/runs/mock/reports/")] == []
    assert [path for path in paths if not (folder.parent / path).is_file()] == []
    commands = [shlex.split(command)[1:] for command in document["next"]]  # type: ignore[attr-defined]
    assert len(commands) == 4
    for words in commands[1:]:  # the first moves, which another test does
        said = Company(folder.parent).say(*words, "--json", env={"CHANGEOVER_CONFIG_HOME": str(home)})
        assert said.code == 0, words
