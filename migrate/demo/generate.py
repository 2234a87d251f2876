"""Makes a demo: two databases, the project between them, and the facts that a run must arrive at."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Final

import numpy as np

from ...connectors.errors import InputError
from ...mappings.compile import load_mapping_files
from .chance import Flags
from .dirt import Fate, Kind, left_behind, orphans
from .facts import DemoFacts, Expected, Money, Planted, write_facts
from .into import ROWS, TENANT, lay_rows, shipped_for
from .legacy import write_legacy
from .people import write_list
from .sizes import MAPPINGS, SOURCE_OBJECT
from .statements import Amounts
from .target import TargetFacts, write_target
from .world import World, make_world

LEGACY: Final = "legacy.db"
TARGET: Final = "crm.db"
FACTS: Final = "planted.json"


def generate(folder: Path, records: int = 103_000, seed: int = 20240601, target: str | None = None) -> DemoFacts:
    """Write `legacy.db`, `crm.db`, the project's files and `planted.json` into the folder, which is made where needed.
    target: the simulator that is the new CRM, in place of `crm.db`.

    The same `records` and `seed` give the same data. Raises InputError: `demo.not_empty` where the folder holds files
    already, `demo.too_few` or `demo.too_many` for a number of records that makes no sound demo, `demo.no_target`.
    """
    into = None if target is None else shipped_for(target)
    world = make_world(records, seed)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise InputError("demo.not_empty", folder=str(folder))
    shipped = files(__package__)
    with as_file(shipped / "project" if into is None else into) as project:
        copytree(project, folder, dirs_exist_ok=True, ignore=ignore_patterns(ROWS))
    objects = {each.name: each.model.to for each in load_mapping_files(folder / "mappings")}
    with _new_database(folder / LEGACY) as legacy:
        amounts = write_legacy(legacy, world, (shipped / "legacy.sql").read_text(encoding="utf-8"))
    with _new_database(folder / TARGET if into is None else Path(":memory:")) as crm:
        there = write_target(crm, world, (shipped / "target.sql").read_text(encoding="utf-8"))
        if into is not None:
            keys = lay_rows(crm, into / ROWS, folder / TENANT / ROWS)[objects["account"]]
            there = replace(there, met={account: keys[key] for account, key in there.met.items()})
    write_list(folder / "people.csv", world.people)
    facts = _facts(world, seed, amounts, there, objects)
    write_facts(folder / FACTS, facts)
    return facts


@contextmanager
def _new_database(path: Path) -> Iterator[sqlite3.Connection]:
    """A database that is written in one go: nothing needs to survive a crash half-way."""
    database = sqlite3.connect(path)
    try:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        yield database
        database.commit()
    finally:
        database.close()


def _facts(
    world: World, seed: int, amounts: Amounts, target: TargetFacts, objects: Mapping[str, str | None]
) -> DemoFacts:
    """objects: what each mapping makes."""
    everything = np.ones(world.sizes.statement, dtype=np.bool_)
    total = _money(amounts, everything)
    expected = {mapping: _expected(world, mapping) for mapping in MAPPINGS}
    return DemoFacts(
        records=world.sizes.records,
        seed=seed,
        planted=_planted(world),
        expected=expected,
        people_substituted=sum(each.findings.get("people.substituted", 0) for each in expected.values()),
        adopted=target.met,
        target_only={
            str(objects["account"]): target.customers + target.twins,
            str(objects["contact"]): target.contacts,
        },
        statements=total,
        statements_left_behind=_money(amounts, left_behind(world.dirt.fates["statement"])),
        written_off_rate=total.written_off / total.due,
    )


def _planted(world: World) -> tuple[Planted, ...]:
    return tuple(
        Planted(
            mapping=spot.mapping,
            object=SOURCE_OBJECT[spot.mapping],
            key=world.sizes.key(spot.mapping, row),
            field=spot.field,
            kind=spot.kind.value,
            code=spot.code,
            bucket=spot.fate.bucket,
        )
        for spot, rows in world.dirt.planted.items()
        for row in rows.tolist()
    )


def _expected(world: World, mapping: str) -> Expected:
    fate = world.dirt.fates[mapping]
    keys = {
        each.bucket: frozenset(world.sizes.key(mapping, row) for row in np.flatnonzero(fate == each).tolist())
        for each in Fate
        if each is not Fate.CREATED
    }
    findings: dict[str, int] = {}
    for spot, rows in world.dirt.planted.items():
        if spot.mapping == mapping:
            findings[spot.code] = findings.get(spot.code, 0) + len(rows)
    followers = int((orphans(world.links, world.dirt.fates, mapping) & (fate == Fate.HELD)).sum())
    findings["reference.missing"] = findings.get("reference.missing", 0) + followers
    return Expected(
        mapping=mapping,
        object=SOURCE_OBJECT[mapping],
        read=world.sizes.of(mapping),
        buckets={each.bucket: count for each in Fate if (count := int((fate == each).sum()))},
        adopted=int(np.isin(fate, (Fate.UPDATED, Fate.UNCHANGED)).sum()),
        findings=findings,
        missing_references=_missing_references(world, mapping),
        keys=keys,
    )


def _missing_references(world: World, mapping: str) -> dict[str, int]:
    is_held = world.dirt.fates[mapping] == Fate.HELD
    counts = {}
    for name, (parent, rows) in world.links.parents(mapping).items():
        points_nowhere = (rows >= 0) & left_behind(world.dirt.fates[parent])[rows]
        points_nowhere[world.dirt.rows(mapping, name, Kind.MISSING_PARENT)] = True
        counts[name] = int((points_nowhere & is_held).sum())
    return counts


def _money(amounts: Amounts, which: Flags) -> Money:
    def total(cents: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Decimal:
        return Decimal(int(cents[which].sum())) / 100

    return Money(int(which.sum()), total(amounts.due), total(amounts.received), total(amounts.written_off))
