"""The dirt that is planted in the two CRMs, and what must therefore become of every record.

Nothing here asks the toolkit: a record's fate follows from what was planted on it and on those it belongs to. A record
is given one defect at most, and only where everything it belongs to is sound, so that each has exactly one cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .chance import Chance, Flags, Rows
from .links import RESERVED, Links
from .sizes import MAPPINGS, Sizes
from .words import TRADES, company


class Kind(StrEnum):
    """What is wrong with a planted record."""

    MISSING_PARENT = "missing_parent"
    DUPLICATE_NAME = "duplicate_name"
    DEPARTED_OWNER = "departed_owner"
    IMPOSSIBLE_DATE = "impossible_date"
    UNKNOWN_STAGE = "unknown_stage"
    TEXT_IN_NUMBER = "text_in_number"
    AMBIGUOUS_MATCH = "ambiguous_match"


class Fate(IntEnum):
    """The bucket of the report in which a record must end."""

    CREATED = 0
    UPDATED = 1
    UNCHANGED = 2
    FILTERED = 3
    REJECTED = 4
    HELD = 5

    @property
    def bucket(self) -> str:
        return self.name.lower()


Fates: TypeAlias = NDArray[np.int8]

_CODE: Final = {
    Kind.MISSING_PARENT: "reference.missing",
    Kind.DUPLICATE_NAME: "unique.duplicate",
    Kind.DEPARTED_OWNER: "people.substituted",
    Kind.IMPOSSIBLE_DATE: "type.not_a_date",
    Kind.UNKNOWN_STAGE: "value.unknown",
    Kind.TEXT_IN_NUMBER: "type.not_a_number",
    Kind.AMBIGUOUS_MATCH: "match.ambiguous",
}
_FATE: Final = {
    Kind.MISSING_PARENT: Fate.HELD,
    Kind.AMBIGUOUS_MATCH: Fate.HELD,
    Kind.DEPARTED_OWNER: Fate.CREATED,
}


@dataclass(frozen=True, slots=True)
class Spot:
    """A field of the old CRM and the kind of dirt that is planted there."""

    mapping: str
    field: str
    kind: Kind

    @property
    def code(self) -> str:
        """Of the finding that must name it."""
        return "type.not_an_integer" if self.field == "zgrs" else _CODE[self.kind]

    @property
    def fate(self) -> Fate:
        """Of the record itself."""
        return _FATE.get(self.kind, Fate.REJECTED)


DIRTY_PERMILLE: Final = 10
"""Planted records in a thousand, consequences not counted."""

_PER_HUNDRED: Final = {
    Spot("account", "sjkh", Kind.MISSING_PARENT): 4,
    Spot("account", "nsrsbh", Kind.DUPLICATE_NAME): 8,
    Spot("account", "zgrs", Kind.TEXT_IN_NUMBER): 2,
    Spot("account", "ywy", Kind.DEPARTED_OWNER): 6,
    Spot("contact", "khbh", Kind.MISSING_PARENT): 9,
    Spot("contact", "csrq", Kind.IMPOSSIBLE_DATE): 5,
    Spot("opportunity", "jd", Kind.UNKNOWN_STAGE): 9,
    Spot("opportunity", "yjje", Kind.TEXT_IN_NUMBER): 5,
    Spot("opportunity", "yjqyrq", Kind.IMPOSSIBLE_DATE): 5,
    Spot("opportunity", "ywy", Kind.DEPARTED_OWNER): 8,
    Spot("contract", "qdrq", Kind.IMPOSSIBLE_DATE): 5,
    Spot("contract", "htje", Kind.TEXT_IN_NUMBER): 2,
    Spot("contract", "ywy", Kind.DEPARTED_OWNER): 6,
    Spot("activity", "sjbh", Kind.MISSING_PARENT): 4,
    Spot("activity", "gjr", Kind.DEPARTED_OWNER): 12,
    Spot("statement", "htbh", Kind.MISSING_PARENT): 10,
}


class Existing(StrEnum):
    """In what state the new CRM already holds an account of the old one."""

    IDENTICAL = "identical"
    OTHER_PHONE = "other_phone"
    NO_PHONE = "no_phone"
    OTHER_LEVEL = "other_level"
    NO_TAX_NUMBER = "no_tax_number"
    TWICE = "twice"


EXISTING_PERMILLE: Final = 15
_EXISTING_PER_HUNDRED: Final = {
    Existing.IDENTICAL: (45, Fate.UNCHANGED),
    Existing.OTHER_PHONE: (15, Fate.UNCHANGED),
    Existing.NO_PHONE: (12, Fate.UPDATED),
    Existing.OTHER_LEVEL: (12, Fate.UPDATED),
    Existing.NO_TAX_NUMBER: (11, Fate.UPDATED),
    Existing.TWICE: (5, Fate.HELD),
}


@dataclass(frozen=True, slots=True, eq=False)
class Dirt:
    """planted: rows of each spot. originals: for each duplicate account, in the same order, the account it repeats.
    existing: accounts the new CRM holds already, by state. fates: for each mapping, what becomes of each row."""

    planted: Mapping[Spot, Rows]
    originals: Rows
    existing: Mapping[Existing, Rows]
    fates: Mapping[str, Fates]

    def rows(self, mapping: str, field: str, kind: Kind) -> Rows:
        return self.planted.get(Spot(mapping, field, kind), np.empty(0, dtype=np.int64))


def plant_dirt(sizes: Sizes, links: Links, chance: Chance) -> Dirt:
    dirt = _plant_in_accounts(sizes, links, chance)
    planted, fates = dict(dirt.planted), dict(dirt.fates)
    for mapping in MAPPINGS[1:]:
        fate = np.full(sizes.of(mapping), Fate.CREATED, dtype=np.int8)
        fate[orphans(links, fates, mapping)] = Fate.HELD
        if mapping == "activity":
            fate[links.activity_is_system] = Fate.FILTERED
        for spot, count in _counts(sizes, mapping).items():
            chosen = _sound_rows(links, fate, spot, planted, chance)[:count]
            planted[spot] = chosen
            fate[chosen] = spot.fate
        fates[mapping] = fate
    return Dirt(planted, dirt.originals, dirt.existing, fates)


def left_behind(fate: Fates) -> Flags:
    """Those that do not arrive in the new CRM."""
    return np.isin(fate, (Fate.FILTERED, Fate.REJECTED, Fate.HELD))


def orphans(links: Links, fates: Mapping[str, Fates], mapping: str) -> Flags:
    """The mapping's records with a reference to a record that is left behind."""
    result = None
    for parent, rows in links.parents(mapping).values():
        lost = (rows >= 0) & left_behind(fates[parent])[rows]
        result = lost if result is None else result | lost
    if result is None:
        raise ValueError(f"{mapping} has no references")
    return result


def _counts(sizes: Sizes, mapping: str) -> dict[Spot, int]:
    total = sizes.records * DIRTY_PERMILLE / 1000
    return {spot: max(1, round(total * share / 100)) for spot, share in _PER_HUNDRED.items() if spot.mapping == mapping}


def _sound_rows(links: Links, fate: Fates, spot: Spot, planted: Mapping[Spot, Rows], chance: Chance) -> Rows:
    """Rows of the spot's mapping that are to be created and have no defect yet, in a chance order."""
    is_free = fate == Fate.CREATED
    for other, rows in planted.items():
        if other.mapping == spot.mapping:
            is_free[rows] = False
    if spot.kind is Kind.MISSING_PARENT:
        is_free &= links.parents(spot.mapping)[spot.field][1] >= 0
    return chance.shuffled(f"{spot.mapping} {spot.field} {spot.kind}", np.flatnonzero(is_free))


def _plant_in_accounts(sizes: Sizes, links: Links, chance: Chance) -> Dirt:
    families = _Families(links, chance)
    rows = np.arange(sizes.account)
    roots = rows[(links.account_parent < 0) & ~links.account_is_test]
    counts = _counts(sizes, "account")
    planted: dict[Spot, Rows] = {}
    fate = np.full(sizes.account, Fate.CREATED, dtype=np.int8)
    fate[links.account_is_test] = Fate.FILTERED

    def lose(spot: Spot, chosen: Rows) -> None:
        planted[spot] = chosen
        fate[families.all_below(chosen)] = Fate.HELD
        fate[chosen] = spot.fate

    duplicate = Spot("account", "nsrsbh", Kind.DUPLICATE_NAME)
    companies = roots[[TRADES[company(row).trade].kind == "enterprise" for row in roots.tolist()]]
    pairs = np.sort(families.take("duplicates", companies, 2 * counts[duplicate]).reshape(-1, 2), axis=1)
    lose(duplicate, pairs[:, 1])

    existing = {}
    held_in_both = max(20, sizes.account * EXISTING_PERMILLE // 1000)
    for state, (share, outcome) in _EXISTING_PER_HUNDRED.items():
        existing[state] = families.take(f"existing {state}", roots, max(2, held_in_both * share // 100))
        fate[existing[state]] = outcome
    lose(Spot("account", "khmc", Kind.AMBIGUOUS_MATCH), existing[Existing.TWICE])

    for spot, candidates in (
        (Spot("account", "sjkh", Kind.MISSING_PARENT), rows[links.account_parent >= 0]),
        (Spot("account", "zgrs", Kind.TEXT_IN_NUMBER), rows[~links.account_is_test]),
    ):
        lose(spot, families.take(f"account {spot.field}", candidates, counts[spot]))

    departed = Spot("account", "ywy", Kind.DEPARTED_OWNER)
    candidates = _sound_rows(links, fate, departed, planted, chance)
    planted[departed] = candidates[: counts[departed]]
    return Dirt(planted, pairs[:, 0], existing, {"account": fate})


class _Families:
    """Takes accounts for a part in such a way that none lies below another's."""

    _MOST = 20

    def __init__(self, links: Links, chance: Chance) -> None:
        self._chance = chance
        self._children = np.argsort(links.account_parent, kind="stable")
        parents, rows = links.account_parent[self._children], np.arange(len(self._children))
        self._first, self._behind = np.searchsorted(parents, rows, "left"), np.searchsorted(parents, rows, "right")
        self._taken = np.zeros(len(self._children), dtype=np.bool_)
        self._taken[list(RESERVED)] = True

    def take(self, name: str, candidates: Rows, count: int) -> Rows:
        """`count` of the candidates, with nobody in their families taken before; the families are taken from now on."""
        chosen: list[int] = []
        for row in self._chance.shuffled(name, candidates).tolist():
            if len(chosen) == count:
                break
            family = self._family(row)
            if len(family) <= self._MOST and not self._taken[family].any():
                self._taken[family] = True
                chosen.append(row)
        if len(chosen) < count:
            raise ValueError(f"{name}: {len(chosen)} of {count} accounts found")
        return np.array(chosen, dtype=np.int64)

    def all_below(self, rows: Rows) -> list[int]:
        return [each for row in rows.tolist() for each in self._family(row)]

    def _family(self, row: int) -> list[int]:
        """The account and everything below it."""
        family, known = [row], {row}
        for each in family:
            for child in self._children[self._first[each] : self._behind[each]].tolist():
                if child not in known:
                    known.add(child)
                    family.append(child)
        return family
