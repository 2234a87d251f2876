"""A source that gives fewer records than it counts is not proven to be whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from changeover.connectors.chunk import Chunk
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.secrets import Secrets
from changeover.migrate.check import check
from changeover.runs.report.model import Report

from .filed import Contracts, Wire


class Losing(Wire):
    """first: how many records its first pages lose. While one of them is read users write as many as `more`."""

    def __init__(self, inner: MemoryConnector, lost: int = 0, more: int = 0) -> None:
        super().__init__(inner)
        self.lost, self.more = lost, more

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        for chunk in super().read(object_name, fields, after=after, size=size):
            yield replace(chunk, frame=chunk.frame[self.lost :].reset_index(drop=True), keys=chunk.keys[self.lost :])
        self.inner.seed("contract", [{"name": f"later{each}"} for each in range(self.more)])  # type: ignore[attr-defined]
        self.more = 0


def checked(world: Contracts) -> Report:
    with world._in_process() as project:
        return check(project, Secrets(), world.clock)


@pytest.mark.parametrize("more", [0, 1])
def test_what_the_source_counts_and_does_not_give_is_told(tmp_path: Path, more: int) -> None:
    world = Contracts(tmp_path)
    for name in ("one", "two"):
        world.contract(name)
    world.source = Losing(world.old, lost=1, more=more)
    report = checked(world)
    told = {each.text.code: each.text.params for each in report.causes}["source.miscounted"]
    assert (report.exit_code, told["came"], told["counted"]) == (1, 1, 2 + more)
    world.run()
    compared = world.reconcile()
    assert (compared.exit_code, compared.verdict.code) == (1, "reconcile.miscounted"), "nothing else is wrong"


def test_what_users_write_meanwhile_is_no_matter(tmp_path: Path) -> None:
    world = Contracts(tmp_path)
    world.contract("one")
    world.source = Losing(world.old, more=3)
    assert (checked(world).exit_code, world.run().exit_code, world.reconcile().exit_code) == (0, 0, 0)
