"""The mappings of a folder, or those of a revision in the engineer's git."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...connectors.errors import InputError, UnavailableError
from ...mappings.own_transforms import FILE as OWN_TRANSFORMS
from ..prepare import FOLDER
from ..project import Project


@contextmanager
def mappings_at(project: Project, named: str | None) -> Iterator[Path]:
    """A folder with mappings: the project's own where nothing is named, a folder by its path, else what the project's
    git has under that revision. Raises InputError `diff.no_side` where it is neither."""
    if named is None:
        yield project.folder / FOLDER
        return
    folder = Path(named).absolute()
    if folder.is_dir():
        yield folder
        return
    files = _git(project, named, "ls-tree", "-r", "--name-only", f"{named}:./").split("\0")
    if not any(each.startswith(f"{FOLDER}/") for each in files):
        raise InputError("diff.no_side", name=named)
    with tempfile.TemporaryDirectory(prefix="changeover-") as made:
        for name in filter(_has_a_say, files):
            there = Path(made) / name
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_text(_git(project, named, "show", f"{named}:./{name}"), encoding="utf-8", newline="")
        yield Path(made) / FOLDER


def _has_a_say(name: str) -> bool:
    """Mappings, and what they may use: tables to look values up in, and the project's own transforms."""
    return name == OWN_TRANSFORMS or name.endswith(".csv") or (name.startswith(f"{FOLDER}/") and "." in name)


def _git(project: Project, named: str, *words: str) -> str:
    """What git answers, of a revision that it is asked for. An option it is not: a name with a dash before it is
    refused."""
    if named.startswith("-"):
        raise InputError("diff.no_side", name=named)
    listing = ("-z",) if words[0] == "ls-tree" else ()
    try:
        # no shell; git is the engineer's own, found as they find it
        done = subprocess.run(  # noqa: S603
            ["git", words[0], *listing, *words[1:]],  # noqa: S607
            cwd=project.folder,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise UnavailableError("diff.no_git", reason=error.strerror or "?") from error
    if done.returncode:
        raise InputError("diff.no_side", name=named)
    return done.stdout.decode("utf-8", "replace")
