"""What may stand in no file: a registry's address, a path of somebody's machine, a leftover."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("connectors", "mappings", "validators", "runs", "migrate", "cli.py", "__main__.py", "benchmarks", "setup.py")

REGISTRY = re.compile(
    r"pypi\.(?:org|python)|pythonhosted|registry\.npmjs|index-url\s*[= ]\s*\S*:/|/simple/|artifactory|proxy\.golang|"
    r"mirrors?\.[a-z]+\.(?:com|cn|edu)|deb\.debian"
)
MACHINE = re.compile(r"(?<![\w.])/(?:work|root|opt|Users/\w+|home/\w+|tmp/(?:venv|brief|bash_jobs))/")
LEFTOVER = re.compile(r"\b(?:TODO|FIXME|XXX)\b|\braise NotImplementedError\b")


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the repository, those not yet committed included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return tuple(sorted(path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()))


def found(pattern: re.Pattern[str], files: tuple[Path, ...]) -> list[str]:
    told = []
    for path in files:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a picture or a sample in another encoding
        told += [
            f"{path.relative_to(ROOT)}:{n} {line.strip()[:120]}"
            for n, line in enumerate(lines, 1)
            if pattern.search(line)
        ]
    return told


def but_this(files: tuple[Path, ...]) -> tuple[Path, ...]:
    return tuple(path for path in files if path != Path(__file__))


def test_no_registry_has_its_address_here() -> None:
    assert found(REGISTRY, but_this(tracked())) == []


def test_no_path_of_a_machine_is_here() -> None:
    assert found(MACHINE, but_this(tracked())) == []


def test_nothing_is_left_over() -> None:
    rooms = tuple(path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in ROOMS)
    assert found(LEFTOVER, rooms) == []
