"""The house: six floors, every arrow pointing down; no vendor named above the connectors; one job a file."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("connectors", "mappings", "validators", "runs", "migrate")
FLOORS = {name: floor for floor, name in enumerate((*ROOMS, "cli", "__main__"))}
"""The lowest floor first. The root's `__init__` lies under them all, so any room may ask it for the version."""

VENDORS = re.compile(r"salesforce|sfdc|fxiaoke|纷享", re.IGNORECASE)
FILE_LINES, FUNCTION_LINES = 400, 60
TOO_LONG: dict[str, str] = {}
"""`file` or `file:function` -> why it has to be longer than that."""


def sources() -> list[Path]:
    rooms = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    return sorted(
        [*rooms, *(ROOT / name for name in ("__init__.py", "__main__.py", "cli.py") if (ROOT / name).is_file())]
    )


def floor_of(module: str) -> int:
    """The floor of `changeover.room...`; below every room for the root itself."""
    return FLOORS.get(module.removeprefix("changeover").strip(".").partition(".")[0], -1)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("changeover", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def imported(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """(line, module) of every import of ours, wherever in the file it stands: in functions, under TYPE_CHECKING, by
    `import_module("literal")`. `from . import name` counts as an import of that name, which may be a module."""
    here = module_of(path).split(".")
    package = here if path.name == "__init__.py" else here[:-1]
    for node in ast.walk(ast.parse(text)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1]] if node.level else []
            base += node.module.split(".") if node.module else []
            names = [".".join((*base, each.name)) for each in node.names]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                name = node.args[0].value
                up = len(name) - len(name.lstrip("."))
                names = [".".join((*package[: len(package) - up + 1], name.lstrip("."))) if up else name]
        for name in names:
            if name.split(".")[0] in {"changeover", *ROOMS}:
                yield node.lineno, name


def broken_rules(path: Path, text: str, shipped: set[str]) -> list[str]:
    """Every import in the file that a room may not have, as `file:line imports X, which ...`."""
    own, name = floor_of(module_of(path)), path.relative_to(ROOT)
    told = []
    for line, module in imported(path, text):
        if not module.startswith("changeover"):
            told.append(f"{name}:{line} imports {module}, which is no room of ours to Python: write it relative")
        elif floor_of(module) > own:
            told.append(f"{name}:{line} imports {module}, which is above")
        elif own > FLOORS["connectors"] and any(f"{module}.".startswith(f"{each}.") for each in shipped):
            told.append(f"{name}:{line} imports {module}, a single connector: ask the registry for it by name")
    return told


def shipped_connectors() -> set[str]:
    """The modules that pyproject.toml names as connectors, and what tests them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    targets = project["entry-points"]["changeover.connectors"].values()
    return {"changeover.connectors.testing", *(target.partition(":")[0] for target in targets)}


def test_a_room_imports_only_rooms_below_it() -> None:
    shipped = shipped_connectors()
    assert [told for path in sources() for told in broken_rules(path, path.read_text(encoding="utf-8"), shipped)] == []


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        (
            "connectors/a.py",
            "from ..mappings.mapped import our_key",
            "imports changeover.mappings.mapped.our_key, which is above",
        ),
        ("connectors/sql/a.py", "from ...runs import ledger", "imports changeover.runs.ledger, which is above"),
        ("connectors/sql/__init__.py", "from ... import migrate", "imports changeover.migrate, which is above"),
        ("mappings/a.py", "if TYPE_CHECKING:\n    from ..validators.rule import Rule", "which is above"),
        ("validators/a.py", "def f():\n    from changeover import runs", "imports changeover.runs, which is above"),
        ("runs/a.py", "import changeover.migrate.plan as p", "imports changeover.migrate.plan, which is above"),
        (
            "runs/a.py",
            "import_module('..migrate.plan', __package__)",
            "imports changeover.migrate.plan, which is above",
        ),
        ("migrate/a.py", "from ..cli import main", "imports changeover.cli.main, which is above"),
        ("migrate/a.py", "from ..connectors.sql import connect", "a single connector"),
        ("migrate/a.py", "from ..connectors import memory", "a single connector"),
        ("migrate/a.py", "import validators", "write it relative"),
    ],
)
def test_the_rule_finds_what_breaks_it(file: str, text: str, told: str) -> None:
    shipped = {"changeover.connectors.sql", "changeover.connectors.memory"}
    found = broken_rules(ROOT / file, text, shipped)
    assert len(found) == 1
    assert found[0].startswith(f"{file}:{text.count(chr(10)) + 1} imports")
    assert told in found[0]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("migrate/a.py", "from ..connectors.schema import Field\nfrom .. import __version__\nimport pandas"),
        ("connectors/sql/a.py", "from .dialect import x\nfrom ..schema import Field"),
        ("connectors/sql/__init__.py", "from .write import x\nfrom ..memory import y"),
        ("cli.py", "from .migrate import plan"),
    ],
)
def test_the_rule_leaves_what_is_allowed_alone(file: str, text: str) -> None:
    assert broken_rules(ROOT / file, text, {"changeover.connectors.memory"}) == []


def test_no_vendor_is_named_in_python_above_the_connectors() -> None:
    named = [
        f"{path.relative_to(ROOT)}:{number} {line.strip()}"
        for path in sources()
        if floor_of(module_of(path)) != FLOORS["connectors"]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if VENDORS.search(line)
    ]
    assert named == []


def lengths(path: Path) -> Iterator[tuple[str, int, int]]:
    """(name, lines, limit) of the file and of each function in it; a function's docstring does not count."""
    text, name = path.read_text(encoding="utf-8"), str(path.relative_to(ROOT))
    yield name, len(text.splitlines()), FILE_LINES - (name == "cli.py")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            told = (first.end_lineno or first.lineno) - first.lineno + 1 if ast.get_docstring(node) else 0
            yield f"{name}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1 - told, FUNCTION_LINES


def test_files_and_functions_are_of_a_size_to_be_read_at_once() -> None:
    found = {name: lines for path in sources() for name, lines, limit in lengths(path) if lines > limit}
    assert {name: lines for name, lines in found.items() if name not in TOO_LONG} == {}
    assert set(TOO_LONG) <= set(found), "no longer too long: take it off the list"


def test_there_are_no_other_folders_of_code() -> None:
    holding = {
        path.relative_to(ROOT).parts[0]
        for folder in ROOT.iterdir()
        if folder.is_dir() and not folder.name.startswith(".") and folder.name not in {"build", "dist", "demo"}
        for path in folder.rglob("*.py")
    }
    assert holding <= {*ROOMS, "tests", "benchmarks", "docs"}


def test_types_are_checked_strictly_in_every_room() -> None:
    mypy = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert mypy["strict"] is True
    others = {"module", "ignore_missing_imports", "follow_imports"}
    loosened = {key for each in mypy["overrides"] for key in each} - others
    assert loosened == set()
    assert not any(name.startswith("changeover") for each in mypy["overrides"] for name in each["module"])
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"ROOMS := {' '.join(ROOMS)}\n" in makefile
