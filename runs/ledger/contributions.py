"""What records that are put together are made of: source records -> our key, each in a role."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .store import Ledger


class Contribution(NamedTuple):
    """One source record in what it is part of. role: the contributor's name in the mapping."""

    our_key: str
    role: str
    source_object: str
    source_key: str


def keep(ledger: Ledger, object_name: str, made: Mapping[str, Sequence[Contribution]]) -> None:
    """Note what these records of a target object are made of now, by our key; what was noted of them before is over.
    Inside the caller's transaction."""
    ledger.db.execute(
        f"delete from contribution where object = ? and our_key in (select j.value from {ledger.db.texts()})",  # noqa: S608
        (object_name, json.dumps(list(made), ensure_ascii=False)),
    )
    ledger.db.insert(
        "contribution",
        ("object", *Contribution._fields),
        [(object_name, *each) for parts in made.values() for each in parts],
    )


def of_record(ledger: Ledger, object_name: str, our_key: str) -> list[Contribution]:
    """What one record is made of, as it was last moved; nothing where it is made of a single source record."""
    rows = ledger.db.execute(
        "select our_key, role, source_object, source_key from contribution where object = ? and our_key = ? "
        "order by role",
        (object_name, our_key),
    )
    return [Contribution(*row) for row in rows]


def made_of(ledger: Ledger, source_object: str, source_key: str) -> list[tuple[str, Contribution]]:
    """(target object, contribution) of every record that this source record is part of."""
    rows = ledger.db.execute(
        "select object, our_key, role, source_object, source_key from contribution "
        "where source_object = ? and source_key = ? order by object, our_key, role",
        (source_object, source_key),
    )
    return [(row[0], Contribution(*row[1:])) for row in rows]
