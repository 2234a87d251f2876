"""Laws of details: records that are created inside the change of their master."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ..cell import Cell
from ..change import Batch, Change, ChangeKind, Details, Outcome, OutcomeState
from ..port import OUR_KEY, Connector
from .ordeal_laws import OrdealLaws
from .sample import LINE, told
from .write_laws import create

TOO_LONG = "x" * 201


def line(number: int, /, **cells: Cell) -> Change:
    """A line called `l0001`, ... whose our key reads as a sample's does: our keys are unique within one object."""
    return Change(ChangeKind.CREATE, f"ours:{number}", values={"id": f"l{number:04}", "text": f"Line {number}"} | cells)


def with_lines(master: Change, *lines: Change) -> Change:
    return replace(master, details=(Details("line", "of", lines),))


class DetailsLaws(OrdealLaws):
    def carries(self, connector: Connector) -> None:
        if connector.capabilities.details < 2:
            pytest.skip("a create carries no details, or one alone")
        connector.prepare()

    def lines(self, connector: Connector) -> dict[str, tuple[str | None, str | None]]:
        """Our key -> (text, master) of the lines that are found by `ours:1` to `ours:9`."""
        self.settle(connector)
        wanted = [(f"ours:{number}",) for number in range(1, 10)]
        chunk = connector.find("line", (OUR_KEY,), wanted, ["text", "of"])
        cells = told([chunk], LINE, self.zone)
        found = zip(chunk.our_keys, chunk.keys, strict=True)
        return {ours: (cells[key]["text"], cells[key]["of"]) for ours, key in found if ours is not None}

    def sent_with(self, connector: Connector, *changes: Change) -> tuple[dict[str, Outcome], dict[str, Outcome]]:
        """The outcomes of samples and of lines. Fails where one that was not sent is named, or one is named twice."""
        outcomes = connector.write(Batch("sample", changes))
        samples = {each.our_key: each for each in outcomes if each.object is None}
        lines = {each.our_key: each for each in outcomes if each.object == "line"}
        assert len(samples) + len(lines) == len(outcomes), "named twice, or of an object that was not sent"
        assert set(samples) == {each.our_key for each in changes}
        assert set(lines) <= {each.our_key for change in changes for some in change.details for each in some.changes}
        return samples, lines

    def test_details_are_created_with_their_master(self, connector: Connector) -> None:
        """Each detail is there and refers to its own master; where the target tells of them, it tells of all, with the
        keys by which they are found."""
        self.carries(connector)
        first, second = with_lines(create(1), line(1), line(2)), with_lines(create(2), line(3))
        samples = dict[str, Outcome]()
        lines = dict[str, Outcome]()
        for some in _calls(connector, first, second):
            of_samples, of_lines = self.sent_with(connector, *some)
            samples |= of_samples
            lines |= of_lines
        assert {each.state for each in samples.values()} == {OutcomeState.ACKED}
        masters = {key: each.target_key for key, each in samples.items()}
        there = {f"ours:{n}": (f"Line {n}", masters["ours:1" if n < 3 else "ours:2"]) for n in (1, 2, 3)}
        assert self.lines(connector) == there
        if connector.capabilities.answers_details:
            assert {each.state for each in lines.values()} == {OutcomeState.ACKED}
            chunk = connector.find("line", (OUR_KEY,), [(key,) for key in there], [])
            found = dict(zip(chunk.our_keys, chunk.keys, strict=True))
            assert found == {key: each.target_key for key, each in lines.items()}
        else:
            assert {each.state for each in lines.values()} <= {OutcomeState.UNKNOWN}

    def test_a_refused_detail_refuses_its_master(self, connector: Connector) -> None:
        """Where one detail is refused, the master is rejected, nothing of both is there, and none of it is said to be
        done; both can be sent again."""
        self.carries(connector)
        master = with_lines(create(1), line(1), line(2, text=TOO_LONG))
        samples, lines = self.sent_with(connector, master)
        assert samples["ours:1"].state is OutcomeState.REJECTED
        assert not {each.state for each in lines.values()} & {OutcomeState.ACKED, OutcomeState.UNKNOWN}
        assert self.lines(connector) == {}
        assert len(connector.find("sample", (OUR_KEY,), [("ours:1",)], [])) == 0
        samples, _ = self.sent_with(connector, with_lines(create(1), line(1)))
        assert samples["ours:1"].state is OutcomeState.ACKED
        assert set(self.lines(connector)) == {"ours:1"}

    def test_a_master_that_exists_takes_no_details(self, connector: Connector) -> None:
        """The same master again makes neither a second one nor more details."""
        self.carries(connector)
        self.sent_with(connector, with_lines(create(1), line(1)))
        self.settle(connector)
        again = Change(ChangeKind.CREATE, "ours:1", values={**create(1).values, "id": "s0009"})
        samples, lines = self.sent_with(connector, with_lines(again, line(2)))
        assert samples["ours:1"].state in (OutcomeState.EXISTS, OutcomeState.REJECTED)
        assert OutcomeState.ACKED not in {each.state for each in lines.values()}
        assert set(self.lines(connector)) == {"ours:1"}
        assert (connector.count("sample"), connector.count("line")) == (1, 1)


def _calls(connector: Connector, *changes: Change) -> Sequence[Sequence[Change]]:
    """The changes in as few calls as the target takes."""
    size = connector.capabilities.batch_size
    return [changes[start : start + size] for start in range(0, len(changes), size)]
