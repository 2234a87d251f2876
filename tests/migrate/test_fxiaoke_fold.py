"""Children that become a file in Fxiaoke, which tells no checksums, by the real loader and on a clock of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from changeover.connectors.fxiaoke.files import CREDENTIAL, SIGNED
from changeover.connectors.fxiaoke.simulator import Fault, FaultKind
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.schema import Schema

from .filed import schema
from .test_fxiaoke_filed import IntoFxiaoke
from .timelines import BOM, FOLD, VISIT, Counted

UPDATE = "/cgi/crm/custom/v2/data/update"


class Timelines(IntoFxiaoke):
    def __init__(self, folder: Path, *faults: Fault) -> None:
        super().__init__(folder, *faults)
        self.old = MemoryConnector(Schema({**schema("contract").objects, "visit": VISIT}), clock=self.clock, name="old")
        self.source = Counted(self.old)
        for name in ("one", "none", "two"):
            self.contract(name)
        told = [("1", "2024-03-01", "李娜", "second"), ("1", "2024-01-01", None, "first"), ("3", None, "li", "联通")]
        for contract, day, who, text in told:
            self.old.seed("visit", [{"contract": contract, "day": day, "who": who, "text": text}])

    def map(self, said: str) -> None:
        text = f"mapping: contract\nfrom: contract\nto: paper\n{FOLD}fields:\n  id: name\n  files: fold.history\n"
        (self.folder / "mappings" / "contract.yaml").write_text(text, "utf-8")

    def names(self) -> dict[str, list[str]]:
        rows = self.simulator.rows("paper__c")
        return {
            str(row["id__c"]): [each["filename"] for each in json.loads(str(row["files__c"] or "[]"))] for row in rows
        }


ONE = BOM + "2024-01-01: first\r\n2024-03-01 李娜: second".encode()
THERE = {"one": [ONE], "none": [], "two": [BOM + " li: 联通".encode()]}


def test_a_change_that_leaves_the_size_alone_arrives_all_the_same(tmp_path: Path) -> None:
    world = Timelines(tmp_path)
    planned, report = world.plan(), world.run()
    assert (planned.exit_code, report.exit_code, world.bodies()) == (0, 0, THERE)
    for told in (planned.extra["calls"]["predicted"], report.extra["calls"]["made"]):  # type: ignore[index, call-overload]
        assert (told[CREDENTIAL], told[SIGNED]) == (2, 2)
    names = world.names()
    [name] = names["one"]
    assert (name[:13], name[-4:], len(name)) == ("Timeline one-", ".txt", 25)
    compared = world.reconcile(files=True)
    assert (compared.exit_code, compared.extra["bodies"]) == (0, 2)
    world.old.edit("visit", "1", {"text": "SECOND"}, "somebody")
    world.old.remove("visit", "3")
    second = world.run()
    assert (second.exit_code, second.counts[0].buckets["updated"]) == (0, 2)
    assert world.bodies() == {"one": [ONE.replace(b"second", b"SECOND")], "none": [], "two": []}
    assert world.names()["one"] != names["one"]
    assert world.reconcile(files=True).exit_code == 0
    assert world.undo(second.extra["run"]).exit_code == 0
    assert (world.bodies(), world.names()) == (THERE, names)


@pytest.mark.parametrize(("after", "sent"), [(False, 2), (True, 1)])
def test_a_lost_answer_to_an_update_leaves_the_newer_file(tmp_path: Path, after: bool, sent: int) -> None:
    """Only its name tells afterwards which of the two is there: both have one size."""
    world = Timelines(tmp_path, Fault(UPDATE, FaultKind.LOST, frozenset({1}), after=after))
    assert world.run().exit_code == 0
    world.old.edit("visit", "1", {"text": "SECOND"}, "somebody")
    for _ in range(2):
        report = world.run()
    assert (report.exit_code, report.counts[0].buckets["unchanged"]) == (0, 3)
    assert world.bodies()["one"] == [ONE.replace(b"second", b"SECOND")]
    assert (world.reconcile(files=True).exit_code, len(world.way.bodies(UPDATE))) == (0, sent)
