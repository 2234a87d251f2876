"""What a wheel holds, by rule: the repository root is the package `changeover`, and all that lies in a room ships.

pyproject.toml can only list packages one by one here (its finder does not know that the root itself is the package),
and a list is forgotten at the next new folder. Everything else about the build stands in pyproject.toml.
"""

from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
ROOMS = ("connectors", "mappings", "validators", "runs", "migrate")


def packages() -> list[str]:
    """The root, and every folder of a room that holds Python."""
    found = {path.parent.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    return ["changeover", *sorted(f"changeover.{'.'.join(folder.parts)}" for folder in found)]


def package_data() -> dict[str, list[str]]:
    """Every other file of a room (texts, SQL, templates, packs, the demo's project), by room."""
    data = {"changeover": ["py.typed"]}
    for room in ROOMS:
        data[f"changeover.{room}"] = sorted(
            str(path.relative_to(ROOT / room))
            for path in (ROOT / room).rglob("*")
            if path.is_file() and path.suffix not in {".py", ".pyc"}
        )
    return data


# The script's name is told because setuptools leaves that one module of the root out of the package.
setup(script_name="setup.py", packages=packages(), package_data=package_data())
