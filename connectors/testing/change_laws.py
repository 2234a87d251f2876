"""Laws of telling changes: whoever asks from one moment to the next misses none."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import cast

import pytest

from ..change import Batch, Change, ChangeKind, OutcomeState
from ..changes import TellsChanges, began
from ..chunk import Chunk
from ..port import OUR_KEY, Connector
from .ground import Ground
from .sample import SAMPLE, keys_of, sample_row, told

TICK = dt.timedelta(seconds=60)


class ChangeLaws(Ground):
    """Where a system stamps its writes by its own clock, `clock` is that one."""

    def tells(self, connector: Connector) -> TellsChanges:
        if not connector.capabilities.tells_changes or connector.audit_fields("sample").modified_at is None:
            pytest.skip("the system does not tell what has changed")
        if connector.capabilities.writes:
            connector.prepare()
        return cast(TellsChanges, connector)

    def touch(self, connector: Connector, number: int, at: dt.datetime, note: str = "") -> None:
        """Make the sample, or change its note, at that moment."""
        self.clock.sleep((at - connector.now()).total_seconds())
        found = connector.find("sample", (OUR_KEY,), [(f"ours:{number}",)], []).keys
        if found:
            change = Change(ChangeKind.UPDATE, f"ours:{number}", found[0], {"note": note})
        else:
            change = Change(ChangeKind.CREATE, f"ours:{number}", values=sample_row(number))
        [outcome] = connector.write(Batch("sample", (change,)))
        assert outcome.state is OutcomeState.ACKED

    def changed(self, connector: Connector, since: dt.datetime) -> list[str]:
        return sorted(keys_of(cast(TellsChanges, connector).changed("sample", ["name"], since)))

    def three(self, connector: Connector) -> list[dt.datetime]:
        """The moments at which three samples were made, each seen by now."""
        self.tells(connector)
        start = connector.now().replace(microsecond=0) + TICK
        moments = [start + TICK * step for step in range(3)]
        for number, moment in enumerate(moments, 1):
            self.touch(connector, number, moment)
        self.settle(connector)
        return moments

    def test_a_change_at_the_very_moment_is_told(self, connector: Connector) -> None:
        """The lower end is closed, and what was changed before it does not come."""
        moments = self.three(connector)
        for place, moment in enumerate(moments):
            assert self.changed(connector, moment) == ["s0001", "s0002", "s0003"][place:]
        assert self.changed(connector, moments[-1] + TICK / 2) == []

    def test_a_record_that_changes_again_is_told_again(self, connector: Connector) -> None:
        """And once, as it is now."""
        moments = self.three(connector)
        self.touch(connector, 1, moments[-1] + TICK, "changed")
        self.settle(connector)
        chunks = list(self.tells(connector).changed("sample", ["note"], moments[-1] + TICK))
        assert told(chunks, SAMPLE, self.zone) == {"s0001": {"note": "changed"}}

    def test_changes_resume_after_every_cursor(self, connector: Connector) -> None:
        """Whichever chunk was the last, asking after its cursor gives exactly the rest."""
        moments = self.three(connector)
        tells, since = self.tells(connector), moments[0]
        whole = keys_of(tells.changed("sample", ["name"], since))
        chunks: Iterable[Chunk] = tells.changed("sample", ["name"], since, size=1)
        seen: list[str] = []
        for chunk in chunks:
            assert len(chunk) == 1
            seen += chunk.keys
            assert seen + keys_of(tells.changed("sample", ["name"], since, after=chunk.cursor)) == whole
        assert (seen, len(seen)) == (whole, 3)

    def test_a_change_that_is_seen_late_is_told_the_next_time(self, connector: Connector) -> None:
        """Whoever asks from one moment to the next, less the overlap, misses none that was not to be seen yet."""
        self.tells(connector)
        first = began(connector)
        self.late(connector)
        second = began(connector)
        seen = self.changed(connector, first)
        self.seen_now(connector)
        assert "s0001" in {*seen, *self.changed(connector, second)}

    def late(self, connector: Connector) -> None:
        """A change that nobody sees yet, where the system has such; a second passes behind it."""
        self.touch(connector, 1, connector.now())
        self.clock.sleep(1)

    def seen_now(self, connector: Connector) -> None:
        """Let it be seen."""
        self.settle(connector)
