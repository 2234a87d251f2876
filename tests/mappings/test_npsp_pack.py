"""The pack `npsp` against the extract it was made for, and by itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.finding import Finding, Severity
from changeover.connectors.pace import Pace
from changeover.connectors.port import Connector, Settings
from changeover.connectors.registry import connect
from changeover.connectors.secrets import Secrets
from changeover.mappings.compile import CompiledMapping, compile_mappings, load_mapping_files
from changeover.mappings.yaml.strict_yaml import read_yaml
from changeover.validators.judge import Judge

ROOT = Path(__file__).parents[2]
PACK = ROOT / "mappings" / "npsp"
DUMP = ROOT.parent / "shared" / "data" / "npsp" / "1k_test_data.sql"

needs_dump = pytest.mark.skipif(not DUMP.is_file(), reason="the NPSP extract is not beside the repository")


def load_dump(path: Path, db: Path) -> None:
    """Make the SQLite database `db` of a dump as text."""
    database = sqlite3.connect(db)
    database.executescript(path.read_text(encoding="utf-8"))
    database.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with the extract as `npsp.db` and an empty target `donors.db`."""
    folder = tmp_path_factory.mktemp("npsp")
    load_dump(DUMP, folder / "npsp.db")
    load_dump(PACK / "target.sql", folder / "donors.db")
    return folder


@pytest.fixture(scope="module")
def systems(folder: Path) -> tuple[Connector, Connector]:
    spec = read_yaml(PACK / "changeover.yaml").data["environments"]["mock"]
    return _connect(spec["source"], folder), _connect(spec["target"], folder)


def _connect(spec: dict[str, object], folder: Path) -> Connector:
    options = {name: value for name, value in spec.items() if name not in ("name", "connector", "zone")}
    settings = Settings(str(spec["name"]), str(spec["connector"]), options, str(spec["zone"]), str(folder))
    return connect(settings, Secrets(), Pace(SystemClock()), SystemClock())


@pytest.fixture(scope="module")
def compiled(systems: tuple[Connector, Connector]) -> tuple[dict[str, CompiledMapping], list[Finding]]:
    source, target = systems
    return compile_mappings(load_mapping_files(PACK / "mappings"), source.describe(), target.describe(), system="npsp")


@needs_dump
def test_pack_compiles_without_a_finding_that_blocks(
    compiled: tuple[dict[str, CompiledMapping], list[Finding]],
) -> None:
    assert [finding for finding in compiled[1] if finding.severity is Severity.BLOCKS] == []
    assert len(compiled[0]) == 14


@needs_dump
def test_every_object_that_holds_rows_is_moved(
    folder: Path, compiled: tuple[dict[str, CompiledMapping], list[Finding]]
) -> None:
    database = sqlite3.connect(folder / "npsp.db")
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    filled = {name for name in names if database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]}
    database.close()
    assert {mapping.source.name for mapping in compiled[0].values()} == filled
    assert {mapping.target.name for mapping in compiled[0].values()} == set(compiled[0])


@needs_dump
def test_every_link_of_the_extract_is_a_reference_of_a_mapping(
    systems: tuple[Connector, Connector], compiled: tuple[dict[str, CompiledMapping], list[Finding]]
) -> None:
    declared = {
        (name, each.name, each.references[0])
        for name, each_object in systems[0].describe().objects.items()
        for each in each_object.fields
        if each.references
    }
    linked = {
        (mapping.source.name, source_field, rule.parent.source_object)
        for mapping in compiled[0].values()
        for rule in mapping.rules
        if rule.parent is not None
        for source_field in rule.sources
    }
    assert linked == declared
    assert len(declared) == 21


@needs_dump
def test_every_cell_fits_the_target_and_empty_links_are_null(
    folder: Path, systems: tuple[Connector, Connector], compiled: tuple[dict[str, CompiledMapping], list[Finding]]
) -> None:
    database = sqlite3.connect(folder / "npsp.db")
    for mapping in compiled[0].values():
        judge = Judge(mapping.target_fields, mapping.name, mapping.file, mapping.rule_lines, mapping.expectations)
        chunks = list(systems[0].read(mapping.source.name, mapping.source_fields))
        mapped = [mapping.apply(chunk) for chunk in chunks]
        assert [finding for each in mapped for finding in (*each.findings, *judge.judge(each))] == []
        for rule in (rule for rule in mapping.rules if rule.parent is not None):
            (column,) = rule.sources
            told = f'SELECT count(*) FROM "{mapping.source.name}" WHERE "{column}" <> \'\''
            links = sum(int(each.frame[rule.field.name].notna().sum()) for each in mapped)
            assert links == database.execute(told).fetchone()[0], (mapping.name, column)
        texts = [name for name in mapped[0].frame if any((each.frame[name] == "").any() for each in mapped)]
        assert texts == [], mapping.name
    database.close()


def test_pack_holds_no_row_of_the_extract() -> None:
    if not DUMP.is_file():
        pytest.skip("the NPSP extract is not beside the repository")
    text = "".join(path.read_text(encoding="utf-8") for path in PACK.rglob("*") if path.is_file())
    database = sqlite3.connect(":memory:")
    database.executescript(DUMP.read_text(encoding="utf-8"))
    for column, table in (
        ("Email", "Contact"),
        ("LastName", "Contact"),
        ("BillingStreet", "Account"),
        ("name", "Campaign"),
    ):
        values = [
            value for (value,) in database.execute(f'SELECT DISTINCT "{column}" FROM "{table}"') if len(value) > 4
        ]
        assert values
        assert [value for value in values if value in text] == []
    database.close()
