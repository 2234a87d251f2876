"""Contracts with files that move from memory to memory, in this process and on a clock of its own."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Outcome
from changeover.connectors.clock import VirtualClock
from changeover.connectors.held_file import HeldFile, cell_of, files_in
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.port import Connector
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.hostile import ProcessDied
from changeover.connectors.testing.hostile_files import HostileFiles
from changeover.migrate import compare
from changeover.migrate import run as running
from changeover.migrate import session as sessions
from changeover.migrate.pace.pacing import Paces
from changeover.migrate.project import Project, load_project
from changeover.migrate.undoing import take_back
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.store import Ledger
from changeover.runs.report.model import Report

START = dt.datetime(2026, 3, 1, 8, tzinfo=dt.UTC)
PROJECT = """
project: contracts
default: mock
environments:
  mock:
    source: {connector: memory, name: old, file: none}
    target: {connector: memory, name: new, file: none}
limits: {chunk: 3, batch: 2}
"""
MAPPING = """
mapping: contract
from: contract
to: deal
fields:
  name: name
  papers: {from: papers%s}
"""


def schema(name: str, checksum: str = "") -> Schema:
    fields = (
        Field("id", FieldType.TEXT, writable=False),
        Field("name", FieldType.TEXT, length=40),
        Field("papers", FieldType.FILE, checksum=checksum),
    )
    return Schema({name: ObjectSchema(name, ("id",), fields)})


class Wire(HostileFiles):
    """Between us and a system. before_write, after_write: raised at the next write."""

    def __init__(self, inner: MemoryConnector) -> None:
        super().__init__(inner)
        self.before_write: list[BaseException] = []
        self.after_write: list[BaseException] = []

    def write(self, batch: Batch) -> list[Outcome]:
        if self.before_write:
            raise self.before_write.pop()
        outcomes = super().write(batch)
        if self.after_write:
            raise self.after_write.pop()
        return outcomes


class Contracts:
    """said: what the rule of the files says besides. Each contract has the files it is given, by name and body."""

    def __init__(
        self, folder: Path, said: str = "", *, checksum: str = "", largest: int | None = None, days: float | None = 3
    ) -> None:
        self.folder = folder / "move"
        (self.folder / "mappings").mkdir(parents=True)
        (self.folder / "changeover.yaml").write_text(PROJECT, "utf-8")
        self.map(said)
        self.clock = VirtualClock(START)
        self.old = MemoryConnector(schema("contract", checksum), clock=self.clock, name="old")
        good = None if days is None else dt.timedelta(days=days)
        self.new = MemoryConnector(
            schema("deal", checksum), clock=self.clock, name="new", largest_file=largest, files_for=good
        )
        self.source, self.target = Wire(self.old), Wire(self.new)
        self.data_key = "A" * 43 + "="

    def map(self, said: str) -> None:
        (self.folder / "mappings" / "contract.yaml").write_text(MAPPING % said, "utf-8")

    def contract(self, name: str, **files: bytes) -> tuple[HeldFile, ...]:
        held = tuple(self.old.hold(f"{each}.pdf", body) for each, body in files.items())
        self.old.seed("contract", [{"name": name, "papers": cell_of(held)}])
        return held

    def change(self, key: str, *held: HeldFile) -> None:
        self.old.edit("contract", key, {"papers": cell_of(held)}, "somebody")

    def there(self) -> dict[str, dict[str, bytes]]:
        """Name of a deal -> name of each of its files -> body."""
        told = {}
        for chunk in self.new.read("deal", ["name", "papers"]):
            for name, cell in zip(chunk.frame["name"].tolist(), chunk.frame["papers"].tolist(), strict=True):
                files = files_in(cell if isinstance(cell, str) else None)
                assert name not in told
                told[name] = {each.name: b"".join(self.new.body("deal", each)) for each in files}
        return told

    @property
    def kept(self) -> list[Path]:
        """What lies in the store of bodies."""
        return sorted((self.folder / "runs" / "mock" / "bodies").glob("*"))

    @contextmanager
    def _connectors(
        self, _project: Project, _secrets: Secrets, _paces: Paces, _clock: object
    ) -> Iterator[tuple[Connector, Connector]]:
        yield self.source, self.target

    @contextmanager
    def _in_process(self) -> Iterator[Project]:
        opened = Ledger.__init__

        def quick(ledger: Ledger, place: Place, **named: bool) -> None:
            opened(ledger, place, **{**named, "durable": False})

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CHANGEOVER_DATA_KEY", self.data_key)
            patch.setenv("CHANGEOVER_DIGEST_KEY", "A" * 22 + "==")
            patch.setattr(os, "fsync", lambda _file: None)
            patch.setattr(sessions, "open_connectors", self._connectors)
            patch.setattr(Ledger, "__init__", quick)
            yield load_project(self.folder)

    def plan(self) -> Report:
        with self._in_process() as project:
            return running.plan(project, running.Order(), Secrets(), self.clock, lambda _tick: None)

    def run(self) -> Report:
        with self._in_process() as project:
            return running.run(project, running.Order(), Secrets(), self.clock, lambda _tick: None)

    def dies(self) -> None:
        """A run in a process that is told to die."""
        with pytest.raises(ProcessDied):
            self.run()

    def reconcile(self, *, files: bool = False) -> Report:
        with self._in_process() as project:
            return compare.reconcile(project, running.Order(), Secrets(), self.clock, lambda _tick: None, files=files)

    def undo(self, run: object) -> Report:
        assert isinstance(run, int)
        with self._in_process() as project:
            return take_back.undo(project, run, True, Secrets(), self.clock, lambda _tick: None, None)
