"""A move in which people and deals are under way together: deals go through an interface of their own. Its threads act
one at a time, in an order drawn from `chance`."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.pace import Action, Allowance, Interface, Need, Pace, Rate
from changeover.connectors.testing.hostile import Operation
from changeover.mappings.compile import load_mapping_files

from .acting import Acts, acting
from .firms import LEVELS, MAPPINGS, Rows
from .moving import START, World

AT_ONCE = 4
ALLOWANCE = Allowance(
    others=Interface((Rate(1000, 1.0),), threads=AT_ONCE),
    needs={Action.WRITE: (Need("most"),)},
    objects={"deal": {Action.WRITE: (Need("deals"),)}},
)
ROWS: Rows = {
    **LEVELS,
    "person": [{"id": f"p{one}", "name": f"person {one}", "firm": f"f{one % 3 + 1}"} for one in range(1, 6)]
    + [{"id": "p9", "name": "of no firm yet", "firm": "f9"}],
}


class TwoWays(MemoryConnector):
    """It takes a change a call, and several calls at a time."""

    def __init__(self, *given: object, **named: object) -> None:
        super().__init__(*given, **named)  # type: ignore[arg-type]
        self.capabilities = replace(self.capabilities, batch_size=1, at_once=AT_ONCE, allowance=ALLOWANCE)


class LanesWorld(World):
    """Without the reference by which accounts and people go round in a circle."""

    def __init__(self, folder: Path, rows: Rows, target: type[MemoryConnector], ledger: str | None = None) -> None:
        self.chance = random.Random(0)
        super().__init__(folder, rows, target, ledger)
        path = folder / "mappings" / "account.yaml"
        path.write_text(MAPPINGS["account"].replace("  chief_id: {from: chief, reference: contact}\n", ""), "utf-8")
        self.mapping_files = load_mapping_files(folder / "mappings")

    def new_clock(self) -> Acts:
        return Acts(START, lambda number: self.chance.randrange(number))

    @contextmanager
    def in_process(self) -> Iterator[pytest.MonkeyPatch]:
        with super().in_process() as patch, acting(lambda: self._acts):
            patch.setattr(Pace, "concurrency", lambda _pace, _interface: AT_ONCE)  # nobody tells it of answers here
            yield patch

    @property
    def _acts(self) -> Acts:
        assert isinstance(self.clock, Acts)
        return self.clock

    def written(self) -> list[str]:
        """The objects of the calls that write, in their order."""
        return [each.object for each in self.calls(Operation.WRITE)]


def turns_of(written: Sequence[str]) -> int:
    """How often people and deals took turns."""
    told = [each for each in written if each != "account"]
    return sum(one != other for one, other in pairwise(told))
