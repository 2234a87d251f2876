"""What the demo's data must come to, told without asking the toolkit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Planted:
    """One planted defect.

    mapping, object, key, field: which cell of the old CRM. kind: what is wrong with it. code: the finding that must
    name it. bucket: where the record must end; `created` for what is only counted.
    """

    mapping: str
    object: str
    key: str
    field: str
    kind: str
    code: str
    bucket: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What must become of one mapping's records in the first run.

    read: records of the source object. buckets: bucket -> records; they add up to `read`, empty ones are left out.
    adopted: of `updated` and `unchanged`, those found in the target. findings: code -> records with it.
    missing_references: source field -> records held because of it; a record with several counts under each.
    keys: bucket -> source keys, for every bucket but `created`.
    """

    mapping: str
    object: str
    read: int
    buckets: Mapping[str, int]
    adopted: int
    findings: Mapping[str, int]
    missing_references: Mapping[str, int]
    keys: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Money:
    """Sums over statements, exact."""

    count: int
    due: Decimal
    received: Decimal
    written_off: Decimal


@dataclass(frozen=True, slots=True)
class DemoFacts:
    """records, seed: as asked for. planted: every defect. expected: for each mapping. people_substituted: records whose
    owner is replaced by the successor. adopted: key of an old account -> id of the customer that it is. target_only:
    target object -> records that the old CRM knows nothing of, which must stay as they are. statements: what the old
    CRM's add up to, and what of it stays behind. written_off_rate: written off / due, exactly 0.94."""

    records: int
    seed: int
    planted: tuple[Planted, ...]
    expected: Mapping[str, Expected]
    people_substituted: int
    adopted: Mapping[str, str]
    target_only: Mapping[str, int]
    statements: Money
    statements_left_behind: Money
    written_off_rate: Decimal

    def findings(self) -> dict[str, int]:
        """Code -> records with it, over all mappings."""
        counts: dict[str, int] = {}
        for expected in self.expected.values():
            for code, count in expected.findings.items():
                counts[code] = counts.get(code, 0) + count
        return counts


def write_facts(path: Path, facts: DemoFacts) -> None:
    """`planted.json`, for a person to look things up in."""
    text = json.dumps(asdict(facts), ensure_ascii=False, indent=1, default=_plain)
    path.write_text(text + "\n", encoding="utf-8")


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(type(value).__name__)
