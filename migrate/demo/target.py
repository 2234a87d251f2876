"""The new CRM: writes `crm.db`, in which users have been at work already."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from .chance import Rows
from .companies import plain_name
from .dirt import Existing
from .people import write_users
from .words import CITIES, GIVEN, SURNAMES
from .world import World

Cells: TypeAlias = dict[str, object]

OWN_PERMILLE: Final = 5
_OTHER_LEVEL: Final = {"A": "B", "B": "C", "C": "D", "D": "C"}

_DRIFT: Final[dict[Existing, Callable[[Cells], Cells]]] = {
    Existing.IDENTICAL: lambda cells: {},
    Existing.OTHER_PHONE: lambda cells: {"phone": "400-5550-0000"},
    Existing.NO_PHONE: lambda cells: {"phone": None},
    Existing.OTHER_LEVEL: lambda cells: {"level": _OTHER_LEVEL[str(cells["level"])]},
    Existing.NO_TAX_NUMBER: lambda cells: {"tax_no": None},
    Existing.TWICE: lambda cells: {"tax_no": None, "customer_no": None},
}
"""What the new CRM has otherwise than the old one would say."""


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """met: key of the old account -> id of the one customer that it is. twins, customers, contacts: how many customers
    a match cannot tell apart, and how many customers and contacts the old CRM knows nothing of."""

    met: dict[str, str] = field(default_factory=dict)
    twins: int = 0
    customers: int = 0
    contacts: int = 0


def write_target(crm: sqlite3.Connection, world: World, schema: str) -> TargetFacts:
    """Fill an empty database with the users, the customers it holds already, and contacts of its own."""
    crm.executescript(schema)
    write_users(crm, world.people)
    met: dict[str, str] = {}
    twins = 0
    for state, rows in world.dirt.existing.items():
        for row, cells in zip(rows.tolist(), _customers(world, rows), strict=True):
            cells |= _DRIFT[state](cells)
            if state is Existing.TWICE:
                _insert(crm, cells)
                _insert(crm, {**cells, "phone": None})
                twins += 2
            else:
                met[world.sizes.key("account", row)] = str(_insert(crm, cells))
    first = world.sizes.account
    own = np.arange(first, first + max(5, first * OWN_PERMILLE // 1000))
    own_ids = [_insert(crm, {**cells, "customer_no": None}) for cells in _customers(world, own)]
    contacts = _own_contacts(crm, world, [*own_ids, *(int(each) for each in met.values())])
    return TargetFacts(met=met, twins=twins, customers=len(own_ids), contacts=contacts)


def _insert(crm: sqlite3.Connection, cells: Cells) -> int:
    names, marks = ", ".join(cells), ", ".join("?" * len(cells))
    statement = f"INSERT INTO customer ({names}) VALUES ({marks})"  # noqa: S608 names are this module's own
    return crm.execute(statement, tuple(cells.values())).lastrowid or 0


def _customers(world: World, rows: Rows) -> list[Cells]:
    """The accounts as the new CRM's users typed them."""
    firms = world.companies(rows)
    owners = [world.people.all[owner].user for owner in world.owners("account", rows).tolist()]
    return [
        {
            "customer_no": world.sizes.key("account", row),
            "name": plain_name(firms.names[at]),
            "tax_no": firms.tax_numbers[at],
            "kind": firms.kinds[at],
            "level": firms.levels[at],
            "city": CITIES[firms.city[at]].name,
            "postal_code": firms.postal_codes[at],
            "department_code": firms.departments[at],
            "employees": firms.employees[at],
            "phone": firms.phones[at],
            "address": firms.addresses[at],
            "opened_on": firms.opened[at],
            "is_key_account": int(firms.is_key[at]),
            "owner_id": owners[at],
            "remark": "新系统试用期间录入",
            "created_at": "2024-05-06 10:00:00",
            "modified_at": "2024-05-20 15:30:00",
            "modified_by": owners[at],
        }
        for at, row in enumerate(rows.tolist())
    ]


def _own_contacts(crm: sqlite3.Connection, world: World, customers: list[int]) -> int:
    at = np.arange(len(customers))
    surnames = world.chance.below("own contact surname", at, len(SURNAMES)).tolist()
    given = world.chance.below("own contact given", at, len(GIVEN)).tolist()
    crm.executemany(
        "INSERT INTO contact (customer_id, full_name, gender, mobile, is_primary, created_at, modified_at, modified_by)"
        " VALUES (?, ?, 'U', ?, 0, '2024-05-07 09:00:00', '2024-05-07 09:00:00', 'U10001')",
        (
            (customer, SURNAMES[surname][0] + GIVEN[name], f"197{place:08d}")
            for place, (customer, surname, name) in enumerate(zip(customers, surnames, given, strict=True))
        ),
    )
    return len(customers)
