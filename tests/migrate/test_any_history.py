"""Any history of two systems, disturbed or not, against what should have come of it: a dict."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from changeover.connectors.testing.hostile import Fault, FaultKind, Operation
from changeover.runs.ledger import operations, records
from changeover.runs.ledger.store import Ledger
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from .moving import World

FIELDS = ("name", "city")
VALUES = st.sampled_from(["北京", "Ａ", ""])
WHICH = st.integers(0, 4)
KINDS = [kind for kind in FaultKind if kind not in (FaultKind.DIES_BEFORE, FaultKind.DIES_AFTER)]
STRUCK = [kind for kind in KINDS if kind.operation is Operation.WRITE]
FAULTS = st.lists(
    st.builds(Fault, st.integers(1, 2), st.sampled_from(STRUCK))
    | st.builds(Fault, st.integers(1, 6), st.sampled_from(KINDS)),
    min_size=1,
    max_size=2,
    unique_by=lambda fault: fault.call,
)
DEATHS = st.lists(st.integers(1, 40), max_size=2)


@dataclass
class Firm:
    """A firm in the source. agreed: what both sides last agreed on, None while it is not in the target. there: what the
    target should hold now."""

    cells: dict[str, str]
    parent: str | None
    agreed: dict[str, str] | None = None
    there: dict[str, str] = field(default_factory=dict)

    def moves(self) -> None:
        """What a run makes of it: nothing where somebody's edit stands in the way of any changed field."""
        if self.agreed is None:
            self.agreed, self.there = dict(self.cells), dict(self.cells)
            return
        changed = [name for name in FIELDS if self.cells[name] != self.agreed[name]]
        if all(self.there[name] in (self.agreed[name], self.cells[name]) for name in changed):
            for name in changed:
                self.agreed[name] = self.there[name] = self.cells[name]

    @property
    def waits(self) -> bool:
        return self.agreed is None or any(self.cells[name] != self.agreed[name] for name in FIELDS)


class AnyHistory(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.world = World(folder / "move", {"firm": [], "person": [], "deal": []})
        self.stack.enter_context(self.world.in_process())
        self.firms: dict[str, Firm] = {}
        for parent in (-1, 0, 3):  # the last one's comes later
            self.a_firm_is_added("总公司", "沈阳", parent)
        self.it_is_run([], [])

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()

    @rule(name=VALUES, city=VALUES, parent=st.integers(-1, 8))
    def a_firm_is_added(self, name: str, city: str, parent: int) -> None:
        """Its parent may be none, one of those that are there, one that comes later or one that never comes."""
        key = f"f{len(self.firms)}"
        above = f"f{parent}" if parent >= 0 and f"f{parent}" != key else None
        self.firms[key] = Firm({"name": name, "city": city}, above)
        row = {"id": key, "name": name, "city": city, "parent": above, "chief": None, "tax": f"X-{key}"}
        self.world.source.seed("firm", [row])

    @rule(which=WHICH, name=st.sampled_from(FIELDS), value=VALUES)
    def the_source_changes(self, which: int, name: str, value: str) -> None:
        there = [key for key, each in self.firms.items() if each.agreed is not None]
        key = there[which % len(there)]
        self.firms[key].cells[name] = value
        self.world.source.edit("firm", key, {name: value}, by="li")

    @rule(which=WHICH, name=st.sampled_from(FIELDS), value=VALUES)
    def a_user_edits_the_target(self, which: int, name: str, value: str) -> None:
        there = [key for key, each in self.firms.items() if each.agreed is not None]
        key = there[which % len(there)]
        if self.firms[key].there[name] != value:
            latest = self.world.ask("select coalesce(max(id), 0) from batch")[0][0]
            self.world.record.edited[f"old:firm:{key}"] = latest
        self.firms[key].there[name] = value
        self.world.target.edit("account", self.ours()[key], {name: value}, by="wang")
        self.world.rest()

    @rule(parents=st.lists(st.integers(-1, 12), min_size=2, max_size=4), faults=FAULTS, deaths=DEATHS)
    def several_are_added_and_it_is_run(self, parents: list[int], faults: list[Fault], deaths: list[int]) -> None:
        for parent in parents:
            self.a_firm_is_added("", "", parent)
        self.it_is_run(faults, deaths)

    @rule(which=WHICH, name=st.sampled_from(FIELDS), theirs=VALUES, ours=VALUES, faults=FAULTS, deaths=DEATHS)
    def both_sides_change_and_it_is_run(
        self, which: int, name: str, theirs: str, ours: str, faults: list[Fault], deaths: list[int]
    ) -> None:
        self.a_user_edits_the_target(which, name, theirs)
        self.the_source_changes(which, name, ours)
        self.it_is_run(faults, deaths)

    @rule(faults=st.just([]), deaths=DEATHS)
    def it_is_run(self, faults: list[Fault], deaths: list[int]) -> None:
        """Until it ends, however it is disturbed; then both sides are as they should be."""
        self.world.faults(*faults)
        ended = self.world.until_it_ends(*deaths)
        self.world.rest()
        assert ended.report is not None, ended.stopped
        for key, firm in self.firms.items():
            if firm.agreed is not None or self.comes(key):
                firm.moves()
        self.check()
        assert ended.report.exit_code == int(any(firm.waits for firm in self.firms.values()))

    def comes(self, key: str) -> bool:
        """Whether a firm's parents are there, or come with it, or hold each other in a circle."""
        seen = {key}
        above = self.firms[key].parent
        while above is not None and above not in seen:
            if above not in self.firms:
                return False
            if self.firms[above].agreed is not None:
                return True
            seen.add(above)
            above = self.firms[above].parent
        return True

    def ours(self) -> dict[str, str]:
        """Source key -> target key, of every record that carries a key of ours."""
        there = self.world.target._tables["account"].records
        found = [(each.our_key.removeprefix("old:firm:"), key) for key, each in there.items() if each.our_key]
        assert len(dict(found)) == len(found), "the same record twice"
        return dict(found)

    def check(self) -> None:
        ours = self.ours()
        there = self.world.target._tables["account"].records
        assert ours.keys() == {key for key, firm in self.firms.items() if firm.agreed is not None}
        for key, target_key in ours.items():
            cells, firm = there[target_key].values, self.firms[key]
            assert {name: cells[name] for name in FIELDS} == firm.there, key
            parent = cells["parent_id"]
            assert parent == (None if firm.parent is None else ours[firm.parent]), key
        assert sum(each.our_key is None for each in there.values()) == 2
        assert (self.world.record.unwritten, self.world.record.again) == ([], [])
        with Ledger(self.world.place, durable=False) as ledger:
            assert operations.count_open(ledger) == 0
            crosswalk = records.target_keys(ledger, "account", [f"old:firm:{key}" for key in self.firms])
            assert crosswalk == {f"old:firm:{key}": target_key for key, target_key in ours.items()}


class TestAnyHistory(AnyHistory.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(max_examples=15, stateful_step_count=6, deadline=None)


@pytest.mark.torture
class TestManyHistories(AnyHistory.TestCase):  # type: ignore[misc,name-defined]
    settings = settings(max_examples=3_000, stateful_step_count=15, deadline=None)
