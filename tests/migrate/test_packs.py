"""Ready packs: `init --pack` lays one down as a project that is the user's own from then on."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.errors import InputError
from changeover.mappings.compile import load_mapping_files
from changeover.migrate.init import init
from changeover.migrate.packs import packs
from changeover.migrate.project import load_project

from .company import Company

OURS = Path(__file__).parents[2] / "mappings"


def test_every_pack_is_found_and_begins_a_project(tmp_path: Path) -> None:
    assert {*packs()} == {path.parent.name for path in OURS.glob("*/changeover.yaml")}
    for name in packs():
        folder = tmp_path / f"my {name}"
        made = init(folder, pack=name)
        assert "README.md" in [value for _, value in made.facts]
        project = load_project(folder)
        assert project.spec.project == f"my-{name}", "two projects of one pack must not share keys"
        assert load_mapping_files(folder / "mappings")
        assert "runs/" in (folder / ".gitignore").read_text("utf-8").splitlines()
        laid = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        held = {str(path.relative_to(OURS / name)) for path in (OURS / name).rglob("*") if path.is_file()}
        assert held - laid <= {"gitignore"}


def test_a_wrong_name_and_systems_besides_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    said = Company(tmp_path).say("init", "new", "--pack", "nobody")
    assert said.code == 2
    assert "There is no pack nobody. There are: npsp, pharma_services" in " ".join(said.err.split())
    with pytest.raises(InputError) as error:
        init(tmp_path / "new", source="sqlite:///a.db", pack="npsp")
    assert error.value.code == "init.pack_has_systems"
    assert not (tmp_path / "new").exists()


def test_the_command_says_what_to_read_first(tmp_path: Path) -> None:
    said = Company(tmp_path).say("init", "new", "--pack", "npsp", "--json")
    verdict = said.document["verdict"]
    assert (said.code, said.document["pack"]) == (0, "npsp")
    assert "Read new/README.md first" in verdict["text"]  # type: ignore[index]
