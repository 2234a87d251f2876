"""`changeover --help` feels instant: nothing heavy is loaded, and it costs no more than a few bare Pythons. What a
command imports is not looked through for garbage."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from changeover.migrate.loading.collections import few_collections
from changeover.migrate.start import LOADED, collect_late

HEAVY = ("pandas", "pyarrow", "numpy", "great_expectations", "sqlalchemy", "cryptography", "jinja2")
HELP = """
import sys
sys.argv = ["changeover", "--help"]
from changeover.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
SAY = """
import gc
print("collects at:", gc.get_threshold()[0])
print("modules:", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """As an installed package has it: compiled, whatever this machine says about bytecode."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    return {**kept, "PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("bytecode")), "PYTHONIOENCODING": "utf-8"}


@pytest.fixture(scope="module")
def said(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Words behind what the process tells of itself."""
    ran = subprocess.run(
        [sys.executable, "-c", HELP + SAY],
        env=environment,
        cwd=tmp_path_factory.mktemp("said"),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return {each.partition(":")[0]: each.partition(":")[2].split() for each in ran.stdout.splitlines()[-2:]}


def test_help_loads_nothing_heavy(said: dict[str, list[str]]) -> None:
    loaded = said["modules"]
    assert "typer" in loaded
    assert [name for name in HEAVY if name in loaded] == []


def test_the_collector_rests_until_a_command_is_loaded_and_then_works_as_ever(said: dict[str, list[str]]) -> None:
    assert said["collects at"] == [str(LOADED)]
    usual, others = gc.get_threshold(), list(gc.callbacks)
    collect_late()
    with few_collections():
        few = gc.get_threshold()
        gc.collect(0)
        assert gc.get_threshold() == few
    assert gc.get_threshold()[0] == LOADED
    gc.collect(0)
    assert gc.get_threshold() == usual
    assert gc.callbacks == others


def cpu_seconds(code: str, environment: dict[str, str], folder: Path) -> float:
    """CPU of one process from its start to its end, user and system."""
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    assert process.returncode == 0, said
    return usage.ru_utime + usage.ru_stime


def test_help_costs_at_most_ten_bare_python_starts(environment: dict[str, str], tmp_path: Path) -> None:
    cpu_seconds(HELP, environment, tmp_path)  # compiles
    pairs = [(cpu_seconds("pass", environment, tmp_path), cpu_seconds(HELP, environment, tmp_path)) for _ in range(7)]
    bare, helped = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert helped <= 10 * bare, f"--help costs {helped:.3f} s of CPU, a bare start {bare:.3f} s"
