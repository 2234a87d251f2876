"""What the tests load, compiled by one process before there are workers: in a new environment each of them would
compile all of it, at the same time."""

from __future__ import annotations

import compileall
import os
import pkgutil
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from importlib.util import cache_from_source, find_spec
from pathlib import Path

import pytest

ROOMS = ("connectors", "mappings", "validators", "runs", "migrate")
LIBRARIES = ("hypothesis.stateful", "psycopg", "sqlalchemy.dialects.postgresql", "typer.testing")
"""What tests load and no room does."""
LARGEST = "pandas"
"""Where this is compiled, the others are."""


def compile_first(config: pytest.Config) -> None:
    """Nothing where there are no workers, or nothing may be written, or all is there."""
    workers = config.getoption("numprocesses", None)
    if not workers or "PYTEST_XDIST_WORKER" in os.environ or sys.dont_write_bytecode or _compiled():
        return
    subprocess.run([sys.executable, "-m", "changeover.tests.compiled"], cwd=config.rootpath, check=False)


def _compiled() -> bool:
    found = find_spec(LARGEST)
    return found is None or found.origin is None or Path(cache_from_source(found.origin)).exists()


def _load() -> None:
    """What is missing here is told by the tests that need it."""
    for name in ROOMS:
        room = import_module(f"changeover.{name}")
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}.", onerror=lambda _name: None):
            with suppress(Exception):
                import_module(module.name)
    for name in LIBRARIES:
        with suppress(ImportError):
            import_module(name)
    for path in Path(__file__).parent.rglob("*.py"):
        if not path.name.startswith("test_"):
            compileall.compile_file(path, quiet=2)


if __name__ == "__main__":
    _load()
