"""Who can mend it is said for every code that keeps a record back, once, and in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import changeover
import pytest
import yaml
from changeover.connectors.finding import Severity
from changeover.runs.catalogue import LANGUAGES, Catalogue
from changeover.runs.menders import MENDERS, mender

ROOT = Path(changeover.__file__).parent
PARKING = (
    r"assembly|life|type|value|people|required|length|choices|range|unique|reference|pattern|between|expectation|match|conflict|key|"
    r"parked|recover|target|degraded|file"
)
CODE = re.compile(rf'"((?:{PARKING})\.[a-z_]+)"')
PARK_NOTHING = {
    "value.kept": "a remark",
    "people.substituted": "a remark",
    "people.ambiguous": "of the people list, not of a record",
    "people.by_default": "how somebody was replaced",
    "people.by_department": "how somebody was replaced",
    "people.by_manager": "how somebody was replaced",
    "people.dropped": "a remark",
    "people.left_out": "how somebody was replaced",
    "people.line_ends": "a remark",
    "people.merged": "a remark",
    "people.no_manager": "of the project",
    "people.no_department": "of the project",
    "reference.nulled": "it moves without",
    "reference.skipped": "left out on purpose",
    "reference.stubbed": "it moves with a stub",
    "recover.process_ended": "of an operation, until the target was asked",
    "target.connection_lost": "tried again",
    "target.contagion": "tried again",
    "target.credentials": "stops the run",
    "target.disk_full": "stops the run",
    "target.fatal": "stops the run",
    "target.locked": "tried again",
    "target.long_wait": "stops the run",
    "target.lost": "stops the run",
    "target.no_answer": "asked for",
    "target.paused": "stops the run",
    "target.paused_throttled": "stops the run",
    "target.read_only": "stops the run",
    "target.session_expired": "stops the run",
    "target.half_done": "asked for",
    "target.stale": "asked for",
    "target.throttled": "tried again",
    "target.unknown": "asked for",
}
NO_RECORDS = re.compile(
    r"assembly\.(?!differ|several)|people\.(csv|department_(?!unknown)|list|field|manager|object|successor)_?|expectation\.(?!failed)|key\.(data|digest|keyring|malformed|none|open|place)"
    r"|file\.(no_bodies|read_refused|write_refused)"
    r"|parked\.no_code|degraded\.(?!several|uncompared)"
)


def declared() -> dict[str, str]:
    told: dict[str, str] = yaml.safe_load((ROOT / "runs" / "texts" / "menders.yaml").read_text("utf-8"))
    return told


def parking() -> set[str]:
    """Every code in the source by which a record may be kept back. The doubles and the demo's plans are left out."""
    left_out = (ROOT / "connectors" / "testing", ROOT / "migrate" / "demo")
    rooms = ("connectors", "mappings", "validators", "runs", "migrate")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    files = [path for path in files if not any(folder in path.parents for folder in left_out)]
    found = {code for path in files for code in CODE.findall(path.read_text("utf-8"))}
    return {code for code in found if not NO_RECORDS.match(code)}


def test_every_code_that_can_park_a_record_names_who_can_mend_it() -> None:
    found = parking()
    assert len(found) > 40
    assert sorted(found - declared().keys() - PARK_NOTHING.keys()) == [], "say it in runs/texts/menders.yaml"
    assert sorted(declared().keys() - found) == [], "no such code any more"
    assert sorted(PARK_NOTHING.keys() & declared().keys()) == []


def test_each_is_one_of_three_and_has_its_word() -> None:
    assert set(declared().values()) == set(MENDERS)
    for language in LANGUAGES:
        texts = Catalogue(language)
        for name in MENDERS:
            assert texts.knows(f"mender.{name}")
            assert texts.knows(f"worklist.{name}")
        assert [code for code in declared() if not texts.knows(code)] == []


@pytest.mark.parametrize(
    ("code", "severity", "who"),
    [
        ("target.check", Severity.BLOCKS, "mender.administrator"),
        ("reference.pending", Severity.WARNS, "mender.data"),
        ("value.unknown", Severity.BLOCKS, "mender.mapping"),
        ("target.words_of_its_own", Severity.BLOCKS, "mender.administrator"),
        ("mapping.left_over", Severity.WARNS, None),
        ("mapping.data_left_over", Severity.BLOCKS, "mender.mapping"),
        ("worklist.line_no_record", Severity.BLOCKS, None),
        ("correction.twice", Severity.BLOCKS, None),
    ],
)
def test_who_it_is(code: str, severity: Severity, who: str | None) -> None:
    assert mender(code, severity) == who
