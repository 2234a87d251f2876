"""The lock: every dependency, every one with hashes, for every platform, and from no particular registry."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
ENTRY = re.compile(
    r"^(?P<requirement>[A-Za-z0-9][^\\\n]*?) \\\n(?P<hashes>(?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M
)
LOCKS = ("requirements.lock", "requirements-dev.lock")


def lock(name: str) -> dict[str, dict[str, Requirement]]:
    """The lock's entries: name -> version -> requirement. One name may have a version for each Python."""
    entries: dict[str, dict[str, Requirement]] = {}
    text = (ROOT / name).read_text(encoding="utf-8")
    for each in ENTRY.finditer(text):
        requirement = Requirement(each["requirement"])
        (version,) = requirement.specifier
        entries.setdefault(canonicalize_name(requirement.name), {})[version.version] = requirement
    assert ENTRY.sub("", text).strip() == "", "every line is a pinned version with its hashes"
    return entries


def wanted(*, dev: bool) -> list[Requirement]:
    """What pyproject.toml asks for: dependencies, extras and what builds us; with `dev` the tools as well."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = [*document["project"]["dependencies"], *document["build-system"]["requires"]]
    lines += [line for extra in document["project"]["optional-dependencies"].values() for line in extra]
    groups = document["dependency-groups"]
    for group in groups if dev else ["build"]:
        lines += [line for line in groups[group] if isinstance(line, str)]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("name", LOCKS)
def test_every_dependency_is_locked_at_a_version_that_fits(name: str) -> None:
    locked = lock(name)
    missing = [
        str(each)
        for each in wanted(dev=name == "requirements-dev.lock")
        if not any(each.specifier.contains(version) for version in locked.get(canonicalize_name(each.name), {}))
    ]
    assert missing == [], "type: make lock"


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_names_no_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert "file:" not in text
    assert "@ " not in text


def test_the_lock_serves_every_platform() -> None:
    """What only one platform needs is there with its marker, so that the file was not made for one machine."""
    markers = {
        str(each.marker) for entry in lock("requirements.lock").values() for each in entry.values() if each.marker
    }
    assert any("win32" in marker for marker in markers)
    assert any("linux" in marker for marker in markers)


def test_tests_run_on_the_versions_that_users_get() -> None:
    runtime, dev = lock("requirements.lock"), lock("requirements-dev.lock")
    assert {name: set(versions) for name, versions in runtime.items()} == {
        name: set(dev.get(name, {})) for name in runtime
    }
