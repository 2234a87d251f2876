"""The wheel holds the rooms, whole, and nothing else; what it holds is enough to run."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
ROOMS = ("connectors", "mappings", "validators", "runs", "migrate")
AT_ROOT = ("__init__.py", "__main__.py", "cli.py", "py.typed")
INSEPARABLE = {"pydantic-core", "markupsafe"}
"""What pydantic and Jinja are made of: asked for with them."""
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_{kind}(sys.argv[1]))"


def in_rooms() -> set[str]:
    """Every file of a room, seen without asking setup.py."""
    return {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def build(kind: str, source: Path, out: Path) -> Path:
    out.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", BUILD.format(kind=kind), str(out)],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return out / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree to build in, since a build leaves folders behind."""
    copy = tmp_path_factory.mktemp("source") / "checkout"
    copy.mkdir()
    for name in (*ROOMS, "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in (*AT_ROOT, "pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", source, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `site-packages` would hold it."""
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def held(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_the_rooms_and_nothing_else(wheel: Path) -> None:
    expected = {f"changeover/{name}" for name in in_rooms() | set(AT_ROOT)}
    assert held(wheel) - expected == set(), "is in the wheel and should not be"
    assert expected - held(wheel) == set(), "is missing from the wheel"


def test_a_wheel_made_from_the_source_archive_is_the_same(source: Path, wheel: Path, tmp_path: Path) -> None:
    archive = build("sdist", source, tmp_path / "sdist")
    shutil.unpack_archive(archive, tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert held(build("wheel", unpacked, tmp_path / "wheel")) == held(wheel)


def test_the_wheel_carries_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/licenses/LICENSE"))
        assert archive.read(name) == (ROOT / "LICENSE").read_bytes()


def test_what_is_installed_runs_from_any_folder(installed: Path, tmp_path: Path) -> None:
    code = "import runpy, sys, changeover; print(changeover.__file__, file=sys.stderr); sys.argv[1:] = ['--help']"
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}; runpy.run_module('changeover', run_name='__main__')"],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert Path(ran.stderr.splitlines()[0]).is_relative_to(installed)
    assert "reconcile" in ran.stdout


def test_every_entry_point_leads_to_something(installed: Path) -> None:
    points = ConfigParser(delimiters=["="])
    (listed,) = installed.glob("*.dist-info/entry_points.txt")
    points.read(listed, encoding="utf-8")
    assert points["console_scripts"]["changeover"] == "changeover.cli:main"
    targets = [target.partition(":")[0] for section in points.sections() for target in points[section].values()]
    files = {str(path.relative_to(installed).with_suffix("")).replace(os.sep, ".") for path in installed.rglob("*.py")}
    assert [name for name in targets if name not in files and f"{name}.__init__" not in files] == []


def test_the_package_imported_here_is_this_checkout() -> None:
    spec = find_spec("changeover")
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).parent == ROOT


def imported_from_others() -> dict[str, str]:
    """Top-level name -> a file of the rooms that imports it, for all that is neither Python's own nor ours."""
    found = {}
    for path in (*(ROOT / name for name in AT_ROOT if name.endswith(".py")), *map(ROOT.joinpath, sorted(in_rooms()))):
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            found |= {name.partition(".")[0]: str(path.relative_to(ROOT)) for name in names}
    return {name: file for name, file in found.items() if name not in {*sys.stdlib_module_names, "changeover"}}


FOR_TESTS = {"pytest", "hypothesis", "requests", "urllib3"}
"""What the contract suite and the CRM over HTTP need, which are shipped for other connectors' tests."""


def test_what_the_rooms_import_is_asked_for() -> None:
    """Not only brought along by something else, which may leave it out one day."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    declared = {canonicalize_name(Requirement(line).name) for line in asked} | INSEPARABLE
    made_by = packages_distributions()
    missing = {
        name: file
        for name, file in imported_from_others().items()
        if not declared & {canonicalize_name(each) for each in made_by.get(name, [])}
        and not (name in FOR_TESTS and file.startswith("connectors/testing/"))
    }
    assert missing == {}
