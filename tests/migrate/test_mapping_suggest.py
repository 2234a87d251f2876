"""`mapping suggest` as its user meets it: a file that `check` understands, and none that is written over."""

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
    source: {connector: sql, name: legacy, zone: Asia/Shanghai, url: "sqlite:///legacy.db"}
    target: {connector: sql, name: crm, zone: Asia/Shanghai, url: "sqlite:///crm.db"}
"""
LEGACY = """
create table cust (id integer primary key, cust_name text, tel text, stage text, memo text);
insert into cust values (1, '沈阳安康', '13900001111', 'won', null), (2, '大连海华', '024-88880000', 'lost', null),
  (3, '沈阳安康', '13900001112', 'WON', null), (4, '大连海华', '13900001113', 'open', null);
create table log (id integer primary key, payload text);
"""
CRM = """
create table account (id integer primary key, customer_name text not null, phone text,
  stage text check (stage in ('Won', 'Lost')), remark text);
create table contact (id integer primary key, full_name text);
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "home"))
    folder = tmp_path / "firms"
    folder.mkdir()
    (folder / "changeover.yaml").write_text(PROJECT, encoding="utf-8")
    for name, script in (("legacy.db", LEGACY), ("crm.db", CRM)):
        with sqlite3.connect(folder / name) as database:
            database.executescript(script)
        database.close()
    return folder


def run(project: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--project", str(project), "--lang", "en"], env={"COLUMNS": "200"})


def test_a_suggestion_can_be_checked_and_moved_at_once(project: Path) -> None:
    said = run(project, "mapping", "suggest", "cust", "--to", "account")
    assert said.exit_code == 0, said.output
    told = (project / "mappings" / "account.yaml").read_text("utf-8")
    assert "customer_name: cust_name" in told
    assert "phone: {from: tel, transform: trim}" in told
    assert "won: Won" in told
    assert "WON: Won" in told
    assert "remark" not in told.partition("# Not sure")[0], "memo is never filled"
    assert "沈阳安康" not in told
    checked = run(project, "check")
    assert checked.exit_code == 1, checked.output
    assert "blocks  ×1  stage: a value that the value map does not have" in checked.output, "`open` is left to decide"
    moved = run(project, "run", "--execute")
    assert "3" in moved.output
    database = sqlite3.connect(project / "crm.db")
    rows = database.execute("select customer_name, stage from account order by id").fetchall()
    database.close()
    assert rows == [("沈阳安康", "Won"), ("大连海华", "Lost"), ("沈阳安康", "Won")]


def test_the_target_may_be_left_out_where_there_is_no_doubt(project: Path) -> None:
    said = run(project, "mapping", "suggest", "cust", "--json")
    assert json.loads(said.stdout)["file"].endswith("account.yaml")
    doubtful = run(project, "mapping", "suggest", "log")
    assert doubtful.exit_code == 2
    assert "--to TARGET" in doubtful.output


def test_nothing_is_written_over(project: Path) -> None:
    run(project, "mapping", "suggest", "cust")
    path = project / "mappings" / "account.yaml"
    path.write_text("mine", encoding="utf-8")
    said = run(project, "mapping", "suggest", "cust")
    assert (said.exit_code, path.read_text("utf-8")) == (2, "mine")
    other = project / "mappings" / "account2.yaml"
    assert run(project, "mapping", "suggest", "cust", "--out", str(other)).exit_code == 0
    assert "mapping: account2\n" in other.read_text("utf-8")
    assert run(project, "mapping", "suggest", "cust", "--out", str(project / "x.yml")).exit_code == 2


def test_where_nothing_is_sure_there_is_no_file(project: Path) -> None:
    said = run(project, "mapping", "suggest", "log", "--to", "contact")
    assert said.exit_code == 2
    assert not (project / "mappings").exists()


def test_each_suggestion_comes_with_its_reason_and_confidence(project: Path) -> None:
    told = json.loads(run(project, "mapping", "suggest", "cust", "--json").stdout)
    phone = next(each for each in told["pairs"] if each["target"] == "phone")
    assert phone["source"] == "tel"
    assert 0.9 < phone["confidence"] < 1
    assert [each["code"] for each in phone["reasons"]] == ["suggest.why_same", "suggest.why_kind"]
    assert {"memo", "id"} <= set(told["left"])
    assert "remark" in told["unsure"]
