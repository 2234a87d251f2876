"""How many records of each object the demo has, and the keys they carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...connectors.errors import InputError
from .chance import Rows

FEWEST_RECORDS: Final = 2_000
"""With fewer records not every kind of dirt finds a place of its own."""
MOST_RECORDS: Final = 10_000_000
"""With more, two companies might come to bear one name."""

MAPPINGS: Final = ("account", "contact", "opportunity", "contract", "activity", "statement")
SOURCE_OBJECT: Final = {
    "account": "t_customer",
    "contact": "t_contact",
    "opportunity": "t_sjjh",
    "contract": "t_contract",
    "activity": "t_activity",
    "statement": "t_statement",
}
TARGET_OBJECT: Final = {
    "account": "customer",
    "contact": "contact",
    "opportunity": "opportunity",
    "contract": "contract",
    "activity": "activity",
    "statement": "statement",
}
_PERCENT = {"account": 12, "contact": 24, "opportunity": 15, "contract": 13, "statement": 17}


@dataclass(frozen=True, slots=True)
class Sizes:
    """Records of each object; together they are `records`. Staff come on top."""

    records: int
    account: int
    contact: int
    opportunity: int
    contract: int
    activity: int
    statement: int
    staff: int

    def of(self, mapping: str) -> int:
        return int(getattr(self, mapping))

    def year(self, mapping: str, row: int) -> int:
        """The year in a document's number: numbers are given in the order of time."""
        first, years = (2021, 4) if mapping == "statement" else (2019, 6)
        return first + row * years // max(self.of(mapping), row + 1)

    def key(self, mapping: str, row: int) -> str:
        """The source key, as text, of the row counted from 0. Rows past the last give keys that no record has."""
        match mapping:
            case "account":
                return f"KH{row + 1:06d}"
            case "contact":
                return str(100_001 + row)
            case "opportunity":
                return f"SJ{self.year(mapping, row)}{row + 1:07d}"
            case "contract":
                return f"HT-{self.year(mapping, row)}-{row + 1:06d}"
            case "statement":
                return f"DZ{self.year(mapping, row)}{row + 1:08d}"
            case _:
                return str(row + 1)

    def keys(self, mapping: str, rows: Rows) -> list[str | None]:
        """The keys of several rows; None where the row is negative, which is how "nobody" is told."""
        return [self.key(mapping, row) if row >= 0 else None for row in rows.tolist()]


def sizes_for(records: int) -> Sizes:
    """Share the records out. Raises InputError `demo.too_few` where not every kind of dirt would find a place, and
    `demo.too_many` where names would repeat."""
    if records < FEWEST_RECORDS:
        raise InputError("demo.too_few", records=records, fewest=FEWEST_RECORDS, typed=str(FEWEST_RECORDS))
    if records > MOST_RECORDS:
        raise InputError("demo.too_many", records=records, most=MOST_RECORDS)
    shares = {name: round(records * percent / 100) for name, percent in _PERCENT.items()}
    return Sizes(records=records, activity=records - sum(shares.values()), staff=max(40, records // 500), **shares)
