"""Everything that is settled about a demo before a row of it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .chance import Chance, Rows
from .companies import Companies, make_companies
from .dirt import Dirt, Existing, Kind, plant_dirt
from .links import Links, make_links
from .people import People, make_people
from .sizes import Sizes, sizes_for

OWNER_FIELD = {"account": "ywy", "opportunity": "ywy", "contract": "ywy", "activity": "gjr"}


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """sizes, links, dirt, people: see there. group_names, with_tax: as `make_companies` takes them."""

    sizes: Sizes
    links: Links
    dirt: Dirt
    people: People
    chance: Chance
    group_names: set[int]
    with_tax: set[int]

    def companies(self, rows: Rows) -> Companies:
        return make_companies(rows, self.group_names, self.with_tax, self.chance)

    def owners(self, mapping: str, rows: Rows) -> Rows:
        """Whose each record is, as row of the people; the departed where that is the planted dirt."""
        owners = self.people.owners(self.chance, f"{mapping} owner", rows)
        departed = np.isin(rows, self.dirt.rows(mapping, OWNER_FIELD[mapping], Kind.DEPARTED_OWNER))
        owners[departed] = self.people.departed_owners(self.chance, f"{mapping} departed owner", rows[departed])
        return owners

    def soil(self, column: list[object], rows: Rows, planted: Rows, dirty: Callable[[int], object]) -> None:
        """Put `dirty(row)` into the column of a block of consecutive rows wherever one of the planted rows is."""
        first = int(rows[0])
        for row in planted[(planted >= first) & (planted <= int(rows[-1]))].tolist():
            column[row - first] = dirty(row)


def make_world(records: int, seed: int) -> World:
    """Raises InputError where `records` is too small or too large for a demo."""
    chance = Chance(seed)
    sizes = sizes_for(records)
    links = make_links(sizes, chance)
    dirt = plant_dirt(sizes, links, chance)
    originals = set(dirt.originals.tolist())
    met_by_number = (rows for state, rows in dirt.existing.items() if state is not Existing.TWICE)
    return World(
        sizes=sizes,
        links=links,
        dirt=dirt,
        people=make_people(sizes.staff, chance),
        chance=chance,
        group_names=originals,
        with_tax=originals.union(*(rows.tolist() for rows in met_by_number)),
    )
