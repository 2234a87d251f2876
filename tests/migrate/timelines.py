"""Contracts whose visits become a file of theirs, from memory to memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from changeover.connectors.cell import Cell
from changeover.connectors.chunk import Chunk
from changeover.connectors.held_file import files_in
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.connectors.secrets import Secrets
from changeover.migrate import explain as explaining
from changeover.migrate.mapping import diff as differing
from changeover.runs.report.model import Report

from .filed import Contracts, Wire, schema

BOM = b"\xef\xbb\xbf"
FOLD = """fold:
  history:
    from: visit
    by: contract
    order: [day]
    line: ["{day}", " {who}", ": {text}"]
    file: "Timeline {name}.txt"
"""
VISIT = ObjectSchema(
    "visit",
    ("id",),
    (
        Field("id", FieldType.TEXT, writable=False),
        Field("contract", FieldType.TEXT),
        Field("day", FieldType.TEXT),
        Field("who", FieldType.TEXT),
        Field("text", FieldType.TEXT),
    ),
)


class Counted(Wire):
    """asked: for how many parents' visits, each time."""

    def __init__(self, inner: MemoryConnector) -> None:
        super().__init__(inner)
        self.asked: list[int] = []

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        if object_name == "visit":
            self.asked.append(len(values))
        return super().find(object_name, by, values, fields)


class Timelines(Contracts):
    """papers: what the rule of the target's files says. find_size: parents whose visits are asked for at a time."""

    def __init__(
        self, folder: Path, papers: str = "fold.history", *, checksum: str = "", find_size: int = 1000, **kept: int
    ) -> None:
        self.papers = papers
        super().__init__(folder, checksum=checksum, **kept)
        old = Schema({**schema("contract", checksum).objects, "visit": VISIT})
        self.old = MemoryConnector(old, clock=self.clock, name="old", find_size=find_size)
        self.source: Counted = Counted(self.old)

    def map(self, said: str) -> None:
        fields = f"fields:\n  name: name\n  papers: {self.papers}\n"
        drop = "" if "[" in self.papers else "drop: {papers: not asked for}\n"
        text = f"mapping: contract\nfrom: contract\nto: deal\n{FOLD}{fields}{drop}"
        (self.folder / "mappings" / "contract.yaml").write_text(text, "utf-8")

    def rewrite(self, old: str, new: str) -> None:
        path = self.folder / "mappings" / "contract.yaml"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    def visit(self, contract: str, day: str | None, who: str | None, text: str) -> str:
        [key] = self.old.seed("visit", [{"contract": contract, "day": day, "who": who, "text": text}])
        return key

    def filled(self) -> None:
        """Three contracts: two visits, one, none."""
        for name in ("one", "two", "three"):
            self.contract(name)
        self.visit("1", "2024-03-01", "李娜", "second")
        self.visit("1", "2024-01-01", None, "first\nand more")
        self.visit("2", "2024-02-01", "王芳", "联通")

    def told(self) -> dict[str, list[tuple[str, bytes]]]:
        """Name of a deal -> (name, body) of each of its files."""
        found = {}
        for chunk in self.new.read("deal", ["name", "papers"]):
            for name, cell in zip(chunk.frame["name"].tolist(), chunk.frame["papers"].tolist(), strict=True):
                files = files_in(cell if isinstance(cell, str) else None)
                found[name] = [(each.name, b"".join(self.new.body("deal", each))) for each in files]
        return found

    def explain(self, key: str) -> Report:
        with self._in_process() as project:
            return explaining.explain(project, key, True, Secrets(), self.clock)

    def diff(self, old: Path) -> Report:
        with self._in_process() as project:
            return differing.diff(project, str(old), None, False, Secrets(), self.clock, lambda _tick: None)
