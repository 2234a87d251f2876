"""The Nonprofit Success Pack's published data: an org that holds it, and a project that moves it into the donor CRM of
our own pack by the same mappings, under the org's names of objects and fields."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from changeover.connectors.clock import SystemClock
from changeover.connectors.secrets import Secrets
from changeover.migrate import compare, run
from changeover.migrate.project import Project, load_project

ROOT = Path(__file__).parents[3]
PACK = ROOT / "mappings" / "npsp"
ORG, ALIKE = (Path(__file__).with_name(each) for each in ("npsp_org", "npsp_alike.yaml"))
DATA = ROOT.parent / "shared" / "data" / "npsp"
DUMP, TABLES = DATA / "1k_test_data.sql", DATA / "mapping.yml"
"""The data, and what CumulusCI is told of it: which table and column is which object and field."""
THERE = pytest.mark.skipif(not TABLES.is_file(), reason="the NPSP extract is not beside the repository")
RECORD_TYPES = "Account_rt_mapping"
PROJECT = """
project: donors
default: mock
environments:
  mock:
    source:
      connector: salesforce
      name: npsp
      host: "{url}"
      client_id: simulator
      client_secret: "${{SF_SECRET}}"
      objects: [{objects}]
    target: {{connector: sql, name: donors, url: "sqlite:///donors.db", zone: UTC}}
    production: false
"""


def dump() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.executescript(DUMP.read_text(encoding="utf-8"))
    return database


def make_project(folder: Path, url: str, wanted: Sequence[str] = ()) -> Project:
    """wanted: mappings; all of them where none is named. What refers to another one is left out then."""
    (folder / "mappings").mkdir(parents=True)
    names, objects = _names(), []
    for path in sorted((PACK / "mappings").glob("*.yaml")):
        if not wanted or path.stem in wanted:
            told = _told(yaml.safe_load(path.read_text(encoding="utf-8")), names, wanted)
            objects.append(told["from"])
            (folder / "mappings" / path.name).write_text(yaml.safe_dump(told, sort_keys=False), "utf-8")
    (folder / "changeover.yaml").write_text(PROJECT.format(url=url, objects=", ".join(objects)), "utf-8")
    with closing(sqlite3.connect(folder / "donors.db")) as database:
        database.executescript((PACK / "target.sql").read_text(encoding="utf-8"))
    return load_project(folder)


def _names() -> dict[str, dict[str, str]]:
    """By table: column in lower case -> field."""
    told = yaml.safe_load(TABLES.read_text(encoding="utf-8"))
    names = {}
    for each in told.values():
        fields = {column.lower(): field for field, column in each["fields"].items()}
        for field in each.get("lookups") or {}:
            fields[_column(field)] = field
        names[each["table"]] = fields
    names[RECORD_TYPES] = {"record_type_id": "Id", "developer_name": "DeveloperName"}
    return names


def _column(field: str) -> str:
    """As CumulusCI has named the column of a reference: npe4__related_contact__c for npe4__RelatedContact__c."""
    head, last = field[:1], field[1:]
    spaced = "".join(
        f"_{each}" if each.isupper() and last[at - 1 : at].islower() else each for at, each in enumerate(last)
    )
    return (head + spaced).lower()


def _told(mapping: dict[str, Any], names: Mapping[str, Mapping[str, str]], wanted: Sequence[str]) -> dict[str, Any]:
    fields = names[mapping["from"]]
    rules = {}
    for name, rule in mapping["fields"].items():
        if isinstance(rule, str):
            rules[name] = fields[rule.lower()]
        elif not wanted or rule.get("reference", wanted[0]) in wanted:
            rules[name] = {**rule, "from": fields[rule["from"].lower()]}
    kept: dict[str, Any] = {
        "mapping": mapping["mapping"],
        "from": mapping["from"],
        "to": mapping["to"],
        "fields": rules,
    }
    if mapping["from"] == RECORD_TYPES:
        kept |= {"from": "RecordType", "where": {"SobjectType": {"equals": "Account"}}}
    return kept


def moved(project: Project) -> dict[str, int]:
    """By mapping, what was created; run, reconciled to no difference, and run again for nothing."""
    secrets, clock = Secrets({"SF_SECRET": "secret"}.get), SystemClock()
    report = run.run(project, run.Order(), secrets, clock, lambda _: None)
    assert report.exit_code == 0, report.causes
    compared = compare.reconcile(project, run.Order(), secrets, clock, lambda _: None)
    assert (compared.extra["differences"], compared.exit_code) == (0, 0)
    again = run.run(project, run.Order(), secrets, clock, lambda _: None)
    assert {name for each in again.counts for name, count in each.buckets.items() if count} <= {"unchanged", "filtered"}
    return {each.mapping: each.buckets["created"] for each in report.counts}


def differing(old: sqlite3.Connection, folder: Path) -> dict[str, tuple[int, int]]:
    """By mapping, how many records the old data has that the new one does not, and the other way round."""
    told = {}
    with closing(sqlite3.connect(folder / "donors.db")) as new:
        for name, asked in yaml.safe_load(ALIKE.read_text(encoding="utf-8")).items():
            there, here = (Counter(each.execute(asked[side]).fetchall()) for each, side in ((old, "old"), (new, "new")))
            assert there
            told[name] = (there - here).total(), (here - there).total()
    return told
