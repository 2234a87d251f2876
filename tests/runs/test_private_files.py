"""Private files: whole or not at all, and for their owner only."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from changeover.connectors.errors import UnavailableError
from changeover.runs.private_files import create_empty, private_folder, write_private


def test_a_file_is_replaced_and_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True, mode=0o755)
    write_private(private_folder(folder) / "r.json", b"old")
    write_private(folder / "r.json", b"new")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in folder.iterdir()] == ["r.json"]
    assert (folder / "r.json").read_bytes() == b"new"
    assert (folder / "r.json").stat().st_mode & 0o777 == 0o600


def test_a_file_open_to_others_is_closed(tmp_path: Path) -> None:
    (tmp_path / "v.db").write_bytes(b"kept")
    (tmp_path / "v.db").chmod(0o644)
    create_empty(tmp_path / "v.db")
    assert (tmp_path / "v.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "v.db").read_bytes() == b"kept"


def test_a_link_laid_in_the_way_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (tmp_path / "v.db").symlink_to(outside)
    with pytest.raises(UnavailableError, match=r"file\.write_refused"):
        create_empty(tmp_path / "v.db")
    assert not outside.exists()


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    write_private(tmp_path / "r.json", b"old")
    script = (
        "import resource; from pathlib import Path; from changeover.connectors.errors import UnavailableError;"
        "from changeover.runs.private_files import write_private\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (1000, {resource.RLIM_INFINITY}))\n"
        f"try: write_private(Path({str(tmp_path / 'r.json')!r}), b'x' * 5000)\n"
        "except UnavailableError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.startswith(f"file.write_refused(path={tmp_path / 'r.json'}, reason=File too large")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("r.json", b"old")]


def test_a_folder_that_is_a_file_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(UnavailableError, match=r"file\.write_refused"):
        private_folder(tmp_path / "runs")


def test_a_file_that_is_there_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_empty(tmp_path / "v.db")
    opened: list[object] = []
    monkeypatch.setattr(os, "close", opened.append)
    create_empty(tmp_path / "v.db")
    assert opened == [], "closing it would end this process's own locks on it"
