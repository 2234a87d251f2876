"""A real extract, moved whole: every object that holds rows, every link, reconciled to zero differences."""

from __future__ import annotations

import shutil
import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.secrets import Secrets
from changeover.mappings.yaml.strict_yaml import read_yaml
from changeover.migrate import compare, run
from changeover.migrate.project import Project, load_project
from changeover.runs.report.model import Report

ROOT = Path(__file__).parents[2]
PACK = ROOT / "mappings" / "npsp"
DUMP = ROOT.parent / "shared" / "data" / "npsp" / "1k_test_data.sql"

pytestmark = pytest.mark.skipif(not DUMP.is_file(), reason="the NPSP extract is not beside the repository")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("npsp-move")
    shutil.copytree(PACK, folder, dirs_exist_ok=True)
    for script, name in ((DUMP, "npsp.db"), (PACK / "target.sql", "donors.db")):
        database = sqlite3.connect(folder / name)
        database.executescript(script.read_text(encoding="utf-8"))
        database.close()
    return load_project(folder)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the project's keys are kept."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def moved(project: Project, home: Path) -> Report:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHANGEOVER_CONFIG_HOME", str(home))
        return run.run(project, run.Order(), Secrets(), SystemClock(), lambda _: None)


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(home))


def query(project: Project, name: str, sql: str) -> list[tuple[str | None, ...]]:
    database = sqlite3.connect(project.folder / name)
    try:
        return database.execute(sql).fetchall()
    finally:
        database.close()


def crosswalk(project: Project) -> dict[tuple[str, str], str]:
    """(source object, source key) -> target key."""
    database = sqlite3.connect(project.runs / "ledger.db")
    try:
        rows = database.execute("select source_object, source_key, target_key from record").fetchall()
    finally:
        database.close()
    return {(name, key): target for name, key, target in rows}


def test_every_row_of_every_object_is_there(project: Project, moved: Report) -> None:
    assert moved.exit_code == 0, moved.causes
    for each in moved.counts:
        document = read_yaml(PACK / "mappings" / f"{each.mapping}.yaml").data
        source = query(project, "npsp.db", f'select count(*) from "{document["from"]}"')[0][0]
        target = query(project, "donors.db", f'select count(*) from "{document["to"]}"')[0][0]
        assert source == target == each.buckets["created"] == each.read
    assert sum(each.read for each in moved.counts) == 17_285


def test_every_link_is_set_and_set_right(project: Project, moved: Report) -> None:
    """By SQL over both databases and the crosswalk, without the loader's help."""
    walk = crosswalk(project)
    links = 0
    for path in sorted((PACK / "mappings").glob("*.yaml")):
        document = read_yaml(path).data
        key = query(project, "npsp.db", f'select name from pragma_table_info("{document["from"]}") where pk = 1')[0][0]
        target_key = query(
            project, "donors.db", f'select name from pragma_table_info("{document["to"]}") where pk = 1'
        )[0][0]
        for field, rule in document["fields"].items():
            if not isinstance(rule, dict) or "reference" not in rule:
                continue
            parent = read_yaml(PACK / "mappings" / f"{rule['reference']}.yaml").data["from"]
            old = query(project, "npsp.db", f'select "{key}", "{rule["from"]}" from "{document["from"]}"')
            new = dict(query(project, "donors.db", f'select "{target_key}", "{field}" from "{document["to"]}"'))
            by_text = {str(own): None if there is None else str(there) for own, there in new.items()}
            for own, there in old:
                expected = walk[parent, str(there)] if there not in (None, "") else None
                assert by_text[walk[document["from"], str(own)]] == expected
                links += expected is not None
    assert links > 15_000


def test_amounts_are_the_same_to_the_cent(project: Project, moved: Report) -> None:
    document = read_yaml(PACK / "mappings" / "gift.yaml").data
    field = next(name for name, rule in document["fields"].items() if rule == "amount" or "amount" in str(rule))
    old = sum(Decimal(row[0] or "0") for row in query(project, "npsp.db", 'select amount from "Opportunity"'))
    new = sum(Decimal(str(row[0] or 0)) for row in query(project, "donors.db", f'select "{field}" from gift'))
    assert old == new != 0


def test_reconciled_to_zero_differences(project: Project, moved: Report) -> None:
    report = compare.reconcile(project, run.Order(), Secrets(), SystemClock(), lambda _: None)
    assert (report.extra["differences"], report.exit_code) == (0, 0)
    assert report.extra["explained"] == 0


def test_again_writes_nothing(project: Project, moved: Report) -> None:
    before = (project.folder / "donors.db").read_bytes()
    again = run.run(project, run.Order(), Secrets(), SystemClock(), lambda _: None)
    assert {name: count for each in again.counts for name, count in each.buckets.items() if count}.keys() == {
        "unchanged"
    }
    assert (project.folder / "donors.db").read_bytes() == before
