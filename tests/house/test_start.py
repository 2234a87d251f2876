"""`changeover --help` feels instant: nothing heavy is loaded, and it costs no more than a few bare Pythons."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

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
SAY_MODULES = "\nprint('modules:', *sorted({name.partition('.')[0] for name in sys.modules}))\n"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """As an installed package has it: compiled, whatever this machine says about bytecode."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    return {**kept, "PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("bytecode")), "PYTHONIOENCODING": "utf-8"}


def test_help_loads_nothing_heavy(environment: dict[str, str], tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", HELP + SAY_MODULES],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    loaded = ran.stdout.rpartition("modules:")[2].split()
    assert "typer" in loaded
    assert [name for name in HEAVY if name in loaded] == []


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
