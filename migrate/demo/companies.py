"""What an account of the demo is, before either CRM writes it in its own way."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import numpy as np

from .cells import as_dates
from .chance import Chance, Rows
from .words import CITIES, ROADS, TRADES, Company, company, full_width


@dataclass(frozen=True, slots=True, eq=False)
class Companies:
    """Columns of the same accounts, one entry an account. names: as people write them; `plain_name` gives the new CRM's
    form. city: places in CITIES. kinds, levels: the new CRM's choices."""

    names: list[str]
    tax_numbers: list[str | None]
    city: list[int]
    kinds: list[str]
    levels: list[str]
    postal_codes: list[str]
    departments: list[str]
    employees: list[int]
    phones: list[str]
    addresses: list[str]
    opened: list[str]
    is_key: list[bool]


def make_companies(rows: Rows, group_names: set[int], with_tax: set[int], chance: Chance) -> Companies:
    """The accounts of these row numbers. group_names: rows whose name says （集团）. with_tax: rows that are sure to
    have a tax number; of the others one in eight has none."""
    numbers = rows.tolist()
    firms = [company(number) for number in numbers]
    has_tax = (chance.below("account has tax", rows, 8) > 0).tolist()
    roads, doors = chance.below("account road", rows, len(ROADS)).tolist(), chance.within("account door", rows, 1, 999)
    lines = chance.below("account line", rows, 10_000).tolist()
    return Companies(
        names=[
            _group_name(firm) if row in group_names else firm.name for row, firm in zip(numbers, firms, strict=True)
        ],
        tax_numbers=[
            tax_number(row) if has or row in with_tax else None for row, has in zip(numbers, has_tax, strict=True)
        ],
        city=[firm.city for firm in firms],
        kinds=[TRADES[firm.trade].kind for firm in firms],
        levels=["ABCCDD"[level] for level in chance.below("account level letter", rows, 6).tolist()],
        postal_codes=[
            f"{CITIES[firm.city].post}{end:02d}"
            for firm, end in zip(firms, chance.below("account post", rows, 100).tolist(), strict=True)
        ],
        departments=[f"{number:04d}" for number in chance.within("account department", rows, 1, 37).tolist()],
        employees=chance.within("account employees", rows, 12, 6000).tolist(),
        phones=[f"{CITIES[firm.city].area}-5550{line:04d}" for firm, line in zip(firms, lines, strict=True)],
        addresses=[
            f"{CITIES[firm.city].name}市{ROADS[road]}{door}号"
            for firm, road, door in zip(firms, roads, doors.tolist(), strict=True)
        ],
        opened=as_dates(np.datetime64("2012-01-01"), chance.below("account opened", rows, 4000)),
        is_key=(chance.below("account is key", rows, 12) == 0).tolist(),
    )


def tax_number(row: int) -> str:
    """A number of eighteen places as on a business licence; no two rows share one."""
    return f"91{110_000 + row % 17 * 10_000:06d}{row:09d}{'0123456789ABCDEFGHJKLMNPQRTUWXY'[row % 31]}"


def plain_name(name: str) -> str:
    """The name as the new CRM keeps it: half width, without surrounding space."""
    return unicodedata.normalize("NFKC", name).strip()


def wide_group_name(row: int) -> str:
    """The name of an account as another colleague typed it again: the same company in wide characters."""
    return full_width(_group_name(company(row)))


def _group_name(firm: Company) -> str:
    return f"{firm.stem}(集团){firm.legal}"
