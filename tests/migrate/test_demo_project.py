"""The demo's project folder against its two databases: it compiles clean, and mapping finds what was planted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from changeover.connectors.cell import canonical_text, cast
from changeover.connectors.chunk import Chunk
from changeover.connectors.clock import SystemClock
from changeover.connectors.finding import Finding, Severity
from changeover.connectors.pace import Pace
from changeover.connectors.port import Connector
from changeover.connectors.registry import connect
from changeover.connectors.secrets import Secrets
from changeover.mappings.compile import CompiledMapping, compile_mappings, load_mapping_files
from changeover.mappings.order import load_order
from changeover.mappings.people import People, build_people
from changeover.mappings.people_list import read_people_csv
from changeover.mappings.yaml.strict_yaml import load_model, read_yaml
from changeover.migrate.demo.dirt import Fate
from changeover.migrate.demo.facts import DemoFacts
from changeover.migrate.demo.generate import generate
from changeover.migrate.project import ConnectionSpec, Project, load_project
from changeover.validators.declared import check_expectations
from changeover.validators.judge import Judge
from changeover.validators.totals import TotalsFile, check_totals

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass
class Claims:
    """The index of unique values, for one process."""

    held: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def claim(self, object_name: str, field: str, texts: list[str], our_keys: list[str]) -> list[str | None]:
        holders = [
            self.held.setdefault((object_name, field, text), key) for text, key in zip(texts, our_keys, strict=True)
        ]
        return [None if holder == key else holder for holder, key in zip(holders, our_keys, strict=True)]

    def release(self, object_name: str, field: str, our_keys: list[str]) -> None:
        mine = [at for at, key in self.held.items() if at[:2] == (object_name, field) and key in our_keys]
        for at in mine:
            del self.held[at]


@dataclass
class Demo:
    """An open demo. noticed: what compiling noticed."""

    facts: DemoFacts
    project: Project
    source: Connector
    target: Connector
    mappings: dict[str, CompiledMapping]
    noticed: list[Finding]

    def read(self, mapping: CompiledMapping) -> Iterator[Chunk]:
        return self.source.read(mapping.source.name, mapping.source_fields, size=700)


def open_connector(spec: ConnectionSpec, folder: Path) -> Connector:
    return connect(spec.settings(folder), Secrets(), Pace(SystemClock()), SystemClock())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    facts = generate(folder, records=6_000)
    project = load_project(folder)
    spec = project.environment
    with closing(open_connector(spec.source, folder)) as source, closing(open_connector(spec.target, folder)) as target:
        mappings, noticed = compile_mappings(
            load_mapping_files(folder / "mappings"),
            source.describe(),
            target.describe(),
            spec.source.name,
            ZONE,
            people=True,
            target_zone=ZONE,
        )
        yield Demo(facts, project, source, target, mappings, noticed)


@pytest.fixture(scope="module")
def people(demo: Demo) -> People:
    config = demo.project.spec.people
    assert config is not None
    source, source_keys = whole(demo.source, config.source.object, config.source.fields)
    target, target_keys = whole(demo.target, config.target.object, config.target.fields)
    rows = read_people_csv(demo.project.folder / "people.csv", "people.csv")
    found, findings = build_people(config, source, source_keys, target, target_keys, rows)
    assert findings == []
    return found


def whole(connector: Connector, name: str, fields: tuple[str, ...]) -> tuple[pd.DataFrame, list[str]]:
    chunks = list(connector.read(name, fields))
    return pd.concat([chunk.frame for chunk in chunks]), [key for chunk in chunks for key in chunk.keys]


def test_project_compiles_without_a_single_remark(demo: Demo) -> None:
    assert demo.noticed == []
    assert list(demo.mappings) == sorted(demo.facts.expected)
    for mapping in demo.mappings.values():
        assert check_expectations(mapping.expectations, mapping.target_fields, mapping.name) == []
    assert [each.write for each in demo.mappings["account"].mapping_file.model.fields.values()].count("only_if_empty")
    assert load_order({name: demo.mappings[name] for name in demo.project.spec.mappings or ()}) == list(
        demo.facts.expected
    )


def test_totals_name_what_both_systems_have(demo: Demo) -> None:
    document = read_yaml(demo.project.folder / "totals.yaml", "totals.yaml")
    totals = load_model(document, TotalsFile)
    assert len(totals.totals) == 4
    assert check_totals(totals, document, demo.source.describe(), demo.target.describe()) == []


def test_mapping_and_judging_find_what_was_planted_and_nothing_else(demo: Demo, people: People) -> None:
    seen = Claims()
    for name, expected in demo.facts.expected.items():
        mapping = demo.mappings[name]
        judge = Judge(mapping.target_fields, name, mapping.file, mapping.rule_lines, mapping.expectations, seen)
        filtered: set[str] = set()
        found: set[tuple[str, str]] = set()
        substituted = read = 0
        for chunk in demo.read(mapping):
            mapped = mapping.apply(chunk, people)
            read += mapped.read
            filtered |= set(mapped.filtered_keys)
            assert {finding.code for finding in mapped.findings} <= {"people.substituted"}
            substituted += sum(int(finding.params["count"]) for finding in mapped.findings)
            for finding in judge.judge(mapped):
                assert finding.severity is Severity.BLOCKS
                found.add((str(finding.key), finding.code))
        planted = [each for each in demo.facts.planted if each.mapping == name]
        assert found == {(each.key, each.code) for each in planted if each.bucket == Fate.REJECTED.bucket}, name
        assert filtered == expected.keys["filtered"]
        assert substituted == expected.findings.get("people.substituted", 0)
        assert read == expected.read


def test_adopting_would_change_exactly_the_customers_the_facts_name(demo: Demo, people: People) -> None:
    mapping, expected = demo.mappings["account"], demo.facts.expected["account"]
    names = [field.name for field in mapping.target_fields]
    there = texts(mapping, whole(demo.target, "customer", tuple(names)))
    chunks = [mapping.apply(chunk, people) for chunk in demo.read(mapping)]
    mapped = texts(
        mapping, (pd.concat([each.frame for each in chunks]), [key for each in chunks for key in each.source_keys])
    )
    changed = set()
    for key, target_key in demo.facts.adopted.items():
        for name in names:
            policy = mapping.write_policy[name]
            is_written = policy == "always" or (policy == "only_if_empty" and there[name][target_key] is None)
            if is_written and mapped[name][key] != there[name][target_key]:
                changed.add(key)
    assert changed == expected.keys["updated"]
    assert demo.facts.adopted.keys() - changed == expected.keys["unchanged"]


def texts(mapping: CompiledMapping, read: tuple[pd.DataFrame, list[str]]) -> dict[str, dict[str, str | None]]:
    """Field -> key -> the cell's canonical text, as the target's field types it."""
    frame, keys = read
    typed = {each.name: cast(frame[each.name].reset_index(drop=True), each)[0] for each in mapping.target_fields}
    return {
        each.name: dict(zip(keys, canonical_text(typed[each.name], each).to_pylist(), strict=True))
        for each in mapping.target_fields
    }
