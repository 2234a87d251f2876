"""Who may write, what was asked from another terminal, and a history that cannot be altered unnoticed."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from changeover.connectors.change import ChangeKind
from changeover.connectors.errors import BusyError, DecisionError
from changeover.runs.ledger import control, events, operations, records, runlog
from changeover.runs.ledger.base import Base
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.sqlite import SQLite
from changeover.runs.ledger.store import Ledger

NOW = dt.datetime(2024, 2, 29, 8, 0, tzinfo=dt.UTC)


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with Ledger(place, durable=False) as opened:
        yield opened


def moved(ledger: Ledger, *keys: str) -> int:
    """A run that creates these records."""
    run = runlog.begin(ledger, "run", NOW).id
    fields = records.fieldset(ledger, "customer", "account", "digest", ["name"])
    intents = [Intent(key, ChangeKind.CREATE, None, b"12345678", b"\x01", "created", key) for key in keys]
    batch = operations.intend(ledger, run, "customer", "t_customer", fields, intents, NOW, dt.timedelta(seconds=60))
    settled = [Settled(key, "acked", "live", f"T-{key}") for key in keys]
    operations.settle(ledger, run, batch, "account", settled, NOW)
    runlog.end(ledger, run, "finished", NOW)
    return run


def loosened(ledger: Ledger) -> Base:
    """As somebody who opens it with a tool of his own."""
    for name in ("event_unchanged", "event_kept"):
        ledger.db.execute(f"drop trigger {name}" + ("" if isinstance(ledger.db, SQLite) else " on event"))
    return ledger.db


def test_a_process_that_wakes_up_late_can_write_nothing(ledger: Ledger) -> None:
    late = Ledger(ledger.place, durable=False)
    assert late.take_over() + 1 == ledger.take_over()
    with pytest.raises(BusyError) as caught:
        moved(late, "a")
    assert (caught.value.code, caught.value.params["ours"], caught.value.params["now"]) == ("ledger.fenced", 1, 2)
    assert runlog.history(ledger) == []
    moved(ledger, "a")
    late.close()


def test_who_only_reads_fences_nobody(ledger: Ledger) -> None:
    ledger.take_over()
    with Ledger(ledger.place, durable=False) as reader:
        assert control.pause(reader, NOW)
        records.lookup(reader, "customer", ["a"])
    moved(ledger, "a")


def test_history_tells_what_happened_in_order(ledger: Ledger) -> None:
    ledger.take_over()
    run = moved(ledger, "a", "b")
    told = ledger.db.execute("select what, epoch, run from event order by id").fetchall()
    assert told == [(what, 1, run) for what in ("begun", "intended", "settled", "ended")]
    assert events.check_chain(ledger) == 4


@pytest.mark.parametrize("column", ["at", "epoch", "run", "what", "told", "chain"])
@pytest.mark.parametrize("event", [1, 2, 4])
def test_an_altered_event_is_noticed(ledger: Ledger, column: str, event: int) -> None:
    moved(ledger, "a")
    altered: object = {"epoch": 7, "run": 7, "chain": bytes(32)}.get(column, "altered")
    loosened(ledger).execute(f"update event set {column} = ? where id = ?", (altered, event))
    with pytest.raises(DecisionError) as caught:
        events.check_chain(ledger)
    assert (caught.value.code, caught.value.params["event"]) == ("ledger.history_broken", event)


@pytest.mark.parametrize("event", [1, 2, 3, 4])
def test_a_missing_event_is_noticed_the_last_one_too(ledger: Ledger, event: int) -> None:
    moved(ledger, "a")
    loosened(ledger).execute("delete from event where id = ?", (event,))
    with pytest.raises(DecisionError, match=rf"ledger\.history_broken.*event={event}"):
        events.check_chain(ledger)


def test_an_event_with_another_number_is_noticed(ledger: Ledger) -> None:
    moved(ledger, "a")
    loosened(ledger).execute("update event set id = 9 where id = 4")
    with pytest.raises(DecisionError, match=r"history_broken.*event=4"):
        events.check_chain(ledger)


def test_events_that_changed_places_are_noticed(ledger: Ledger) -> None:
    moved(ledger, "a")
    base = loosened(ledger)
    for here, there in ((2, 9), (3, 2), (9, 3)):
        base.execute("update event set id = ? where id = ?", (there, here))
    with pytest.raises(DecisionError, match="history_broken"):
        events.check_chain(ledger)


def test_what_others_append_while_it_is_looked_at_breaks_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = ledger.db.stream

    def slowly(*asked: Any) -> Iterator[Any]:
        with Ledger(ledger.place, durable=False) as other:
            moved(other, "a")
            rows = list(stream(*asked))
            moved(other, "b")
        return iter(rows)

    with monkeypatch.context() as patch:
        patch.setattr(ledger.db, "stream", slowly)
        assert events.check_chain(ledger) == 4
    assert events.check_chain(ledger) == 8


@pytest.mark.parametrize("statement", ["update event set what = 'x'", "delete from event"])
def test_the_store_itself_refuses_to_alter_history(ledger: Ledger, statement: str) -> None:
    moved(ledger, "a")
    with pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError), match="an event is never"):
        ledger.db.execute(statement)


def test_what_is_rolled_back_is_no_history(ledger: Ledger) -> None:
    run = moved(ledger, "a")
    with suppress(KeyError), ledger.transaction():
        events.note(ledger, NOW, "never", run)
        raise KeyError
    assert events.check_chain(ledger) == 4
    moved(ledger, "b")
    assert events.check_chain(ledger) == 8


def test_what_is_asked_holds_until_it_is_taken_back(ledger: Ledger) -> None:
    assert control.read(ledger) == (None, None)
    assert control.pause(ledger, NOW)
    assert not control.pause(ledger, NOW + dt.timedelta(hours=1))
    assert control.read(ledger).paused_at == NOW.isoformat()
    assert control.set_pace(ledger, NOW, 0.25)
    assert not control.set_pace(ledger, NOW, 0.25)
    assert control.go_on(ledger, NOW)
    assert not control.go_on(ledger, NOW)
    assert control.read(ledger) == (None, 0.25)
    asked = [row[0] for row in ledger.db.execute("select what from event order by id")]
    assert asked == ["paused", "pace", "continued"]
