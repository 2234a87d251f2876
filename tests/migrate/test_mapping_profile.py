"""`mapping profile` as its user meets it: figures of a real database, cells masked, nothing of them kept."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from changeover.cli import app
from typer.testing import CliRunner, Result

PROJECT = """
project: firms
default: mock
environments:
  mock:
    source:
      connector: sql
      name: legacy
      zone: Asia/Shanghai
      url: "sqlite:///legacy.db"
      audit: {cust: {modified_at: changed, modified_by: changed_by}}
    target: {connector: sql, name: crm, zone: Asia/Shanghai, url: "sqlite:///missing/crm.db"}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "home"))
    folder = tmp_path / "firms"
    folder.mkdir()
    (folder / "changeover.yaml").write_text(PROJECT, encoding="utf-8")
    with sqlite3.connect(folder / "legacy.db") as database:
        database.execute(
            "create table cust (id integer primary key, cname text, tel text, changed text, changed_by text)"
        )
        database.executemany(
            "insert into cust values (?, ?, ?, ?, ?)",
            [
                (1, "沈阳安康", "13900001111", "2024-03-01 10:00:00", "u-zhang"),
                (2, "沈阳安康", None, "2024-04-01 10:00:00", "u-zhang"),
                (3, "大连海华", "", "2024-05-01 10:00:00", "u-li"),
            ],
        )
        database.execute("create table empty (id integer primary key, remark text)")
    database.close()
    return folder


def run(project: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["mapping", "profile", *words, "--project", str(project)], env={"COLUMNS": "200"})


def test_the_source_alone_is_enough_and_values_are_masked(project: Path) -> None:
    said = run(project, "cust", "--lang", "en")
    assert said.exit_code == 0, said.output
    assert "33.3%" in said.output
    assert "2024-03-01" in said.output, "tel was last used then, although the record was not the last"
    assert "沈*** ×2" in said.output
    assert [cell for cell in ("沈阳安康", "13900001111", "u-zhang") if cell in said.output] == []


def test_values_are_shown_where_they_are_asked_for(project: Path) -> None:
    said = run(project, "cust", "--show-values", "--lang", "zh")
    assert "沈阳安康 ×2" in said.output
    assert "u-zhang ×2" in said.output


def test_figures_are_kept_and_no_value(project: Path) -> None:
    assert run(project, "--show-values").exit_code == 0
    kept = {path.name: path.read_text("utf-8") for path in (project / "schemas").iterdir()}
    assert set(kept) == {"profile-cust.json", "profile-empty.json"}
    told = {each["name"]: each for each in json.loads(kept["profile-cust.json"])["fields"]}
    assert (told["cname"]["filled"], told["cname"]["distinct"], told["tel"]["filled"]) == (3, 2, 1)
    assert told["tel"]["kind"] == "phone"
    assert [cell for cell in ("沈阳", "139", "u-zhang") if cell in "".join(kept.values())] == []


def test_json_has_every_field_and_masks_too(project: Path) -> None:
    said = run(project, "--json")
    told = json.loads(said.stdout)
    assert {each["object"]: each["records"] for each in told["objects"]} == {"cust": 3, "empty": 0}
    assert "沈阳安康" not in said.stdout
    assert told["objects"][0]["fields"][1]["top"] == [{"value": "沈***", "records": 2}]


def test_an_object_that_is_not_there_is_named_with_the_nearest(project: Path) -> None:
    said = run(project, "custs", "--lang", "en")
    assert said.exit_code == 2
    assert "no object custs. Nearest: cust." in said.output
