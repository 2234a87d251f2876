"""Staff of the old CRM, users of the new one, and who of them is the same person."""

from __future__ import annotations

import csv
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from .chance import Chance, Rows
from .words import GIVEN, SURNAMES

SUCCESSOR_MAIL: Final = "zhou.min@hekang.example"
_DEPARTED_PERCENT: Final = 10


@dataclass(frozen=True, slots=True)
class Person:
    """One of the staff. has_left: no longer there. is_user: the new CRM knows the person (as inactive, when left).
    new_mail, new_phone: as the new CRM has them. by_list: only people.csv tells who this is in the new CRM."""

    code: str
    user: str
    name: str
    mail: str
    phone: str
    new_mail: str
    new_phone: str
    department: str
    has_left: bool
    is_user: bool
    by_list: bool


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """all: by row. active, departed: rows of them."""

    all: tuple[Person, ...]
    active: Rows
    departed: Rows

    def owners(self, chance: Chance, name: str, rows: Rows) -> Rows:
        """An active person for each row, as row of `all`."""
        return self.active[chance.below(name, rows, len(self.active))]

    def departed_owners(self, chance: Chance, name: str, rows: Rows) -> Rows:
        """A departed person for each row, as row of `all`."""
        return self.departed[chance.below(name, rows, len(self.departed))]

    def codes(self, rows: Rows) -> list[str]:
        return [self.all[row].code for row in rows.tolist()]


def make_people(count: int, chance: Chance) -> People:
    """The staff, the first of whom is the successor. Departed ones are unknown to the new CRM or inactive there."""
    rows = np.arange(count)
    draws = chance.below("person fate", rows, 100)
    draws[:4] = [99, 0, _DEPARTED_PERCENT - 1, 98]
    persons = tuple(_person(row, int(draw), chance) for row, draw in enumerate(draws.tolist()))
    has_left = np.array([person.has_left for person in persons])
    return People(persons, np.flatnonzero(~has_left), np.flatnonzero(has_left))


def _person(row: int, draw: int, chance: Chance) -> Person:
    if row == 0:
        surname, given, mail = "周", "敏", SUCCESSOR_MAIL
    else:
        at = np.array([row])
        surname, pinyin = SURNAMES[int(chance.below("person surname", at, len(SURNAMES))[0])]
        given = GIVEN[int(chance.below("person given", at, len(GIVEN))[0])]
        mail = f"{pinyin}{row:05d}@hekang.example"
    has_left = draw < _DEPARTED_PERCENT
    by_list = 97 <= draw < 99
    mail_changed = by_list or 85 <= draw < 97
    phone = f"190000{row:05d}"
    return Person(
        code=f"{row + 1:05d}",
        user=f"U{10_001 + row}",
        name=surname + given,
        mail=mail,
        phone=phone,
        new_mail=mail.replace("hekang.example", "crm.hekang.example") if mail_changed else mail,
        new_phone=f"190100{row:05d}" if by_list else phone,
        department=f"{row % 37 + 1:04d}",
        has_left=has_left,
        is_user=not has_left or draw % 2 == 0,
        by_list=by_list,
    )


def write_staff(legacy: sqlite3.Connection, people: People) -> None:
    legacy.executemany(
        "INSERT INTO t_staff (gh, xm, yx, sj, bmbh, zt) VALUES (?, ?, ?, ?, ?, ?)",
        (
            (each.code, each.name, each.mail, each.phone, each.department, "离职" if each.has_left else "在职")
            for each in people.all
        ),
    )


def write_users(crm: sqlite3.Connection, people: People) -> None:
    crm.executemany(
        "INSERT INTO sys_user (user_id, full_name, mail, mobile, status) VALUES (?, ?, ?, ?, ?)",
        (
            (each.user, each.name, each.new_mail, each.new_phone, "inactive" if each.has_left else "active")
            for each in people.all
            if each.is_user
        ),
    )


def write_list(path: Path, people: People) -> None:
    """people.csv: those whose e-mail address and phone number have both changed."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("source", "target"))
        writer.writerows((each.code, each.new_mail) for each in people.all if each.by_list)
