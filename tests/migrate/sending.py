"""A session with one object on both sides, to send changes in without a run around them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Change, ChangeKind, Outcome, OutcomeState
from changeover.connectors.clock import Clock, VirtualClock
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.port import Connector
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.hostile import Call, Fault, Hostile, Operation
from changeover.connectors.testing.sample import SCHEMA, sample_row
from changeover.migrate import session as sessions
from changeover.migrate.project import Limits, load_project
from changeover.migrate.sending.answer import Planned
from changeover.migrate.sending.caller import Caller
from changeover.migrate.sending.send import Sender
from changeover.migrate.session import Session, open_session
from changeover.runs.ledger import records, runlog
from changeover.runs.ledger.operations import Intent, Settled

from .firms import write_project

START = dt.datetime(2024, 2, 29, 8, 0, tzinfo=dt.UTC)
LAG, SERVER_MAXIMUM = dt.timedelta(seconds=2), dt.timedelta(seconds=30)


class Crm(MemoryConnector):
    """A target that may take a batch whole or not at all. whole: it does. names: then it says which change was bad."""

    def __init__(
        self, clock: Clock, *, whole: bool = False, names: bool = True, size: int = 1000, at_once: int = 1
    ) -> None:
        super().__init__(SCHEMA, clock=clock, batch_size=size, read_back_lag=LAG, server_maximum=SERVER_MAXIMUM)
        self.capabilities = replace(
            self.capabilities, at_once=at_once, all_or_nothing=whole, answers_as_one=whole and not names
        )
        self._whole, self._names = whole, names

    def write(self, batch: Batch) -> list[Outcome]:
        bad = [each.our_key for each in batch.changes if each.values["name"] is None]
        if not self._whole or not bad or len(batch.changes) == 1:
            return super().write(batch)
        if not self._names:
            return [Outcome(each.our_key, OutcomeState.REJECTED, code="target.refused") for each in batch.changes]
        return [
            Outcome(each.our_key, OutcomeState.REJECTED, code="target.required", field="name")
            if each.our_key in bad
            else Outcome(each.our_key, OutcomeState.NOT_SENT, code="target.contagion")
            for each in batch.changes
        ]


@dataclass
class Sending:
    """line: the target behind a line on which faults strike. run: under which it is all sent."""

    session: Session
    line: Hostile
    clock: Clock
    run: int

    def send(
        self,
        numbers: Sequence[int],
        bad: Sequence[int] = (),
        enough: Callable[[Sequence[Settled]], bool] = lambda _ended: False,
    ) -> list[Settled]:
        """Create samples; the bad ones without their required name."""
        fieldset = records.fieldset(self.session.ledger, "sample", "sample", "digest", ["name"])
        return Sender(self.session, self.run, enough).send(
            "sample", "sample", "sample", fieldset, [_planned(number, number in bad) for number in numbers]
        )

    @property
    def writes(self) -> list[Call]:
        return [each for each in self.line.calls if each.operation is Operation.WRITE]

    def sizes(self) -> list[int]:
        """Changes in each call."""
        return [each.records for each in self.writes]

    def operations(self) -> dict[str, int]:
        """State -> how many operations ended, or stand, in it."""
        rows = self.session.ledger.db.execute("select state, count(*) from operation group by state")
        return {str(state): int(number) for state, number in rows}


def _planned(number: int, bad: bool) -> Planned:
    row = sample_row(number) | ({"name": None} if bad else {})
    key = f"ours:{number}"
    intent = Intent(key, ChangeKind.CREATE, None, b"\1" * 8, b"\1", "created", f"s{number}")
    return Planned(Change(ChangeKind.CREATE, key, values=row), intent)


Open = Callable[..., Sending]


@contextmanager
def sending(
    folder: Path,
    *faults: Fault,
    whole: bool = False,
    names: bool = True,
    size: int = 1000,
    at_once: int = 1,
    caller: Caller | None = None,
    clock: Clock | None = None,
    **limits: int,
) -> Iterator[Sending]:
    """caller: who makes the calls, where it is not the product's own."""
    clock = clock or VirtualClock(START)
    line = Hostile(Crm(clock, whole=whole, names=names, size=size, at_once=at_once), faults, clock=clock)

    @contextmanager
    def connectors(*_: object) -> Iterator[tuple[Connector, Connector]]:
        yield MemoryConnector(SCHEMA, clock=clock), line

    write_project(folder)
    project = load_project(folder)
    project = replace(project, spec=project.spec.model_copy(update={"limits": Limits(**limits)}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHANGEOVER_DATA_KEY", "A" * 43 + "=")
        patch.setenv("CHANGEOVER_DIGEST_KEY", "A" * 22 + "==")
        patch.setattr(sessions, "open_connectors", connectors)
        with open_session(project, Secrets(), line.clock) as session:
            session.caller = caller or session.caller
            yield Sending(session, line, clock, runlog.begin(session.ledger, "run", clock.now()).id)
