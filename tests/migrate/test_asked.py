"""What another terminal asks of the pace is read by one connection, for any thread, and costs no run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from changeover.migrate.pace.asked import AskedShare
from changeover.runs.ledger import control
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.store import Ledger

NOW = dt.datetime(2024, 2, 29, tzinfo=dt.UTC)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Place]:
    """Where a ledger was opened, each time."""
    opened: list[Place] = []
    whole = Ledger.__init__

    def counted(self: Ledger, place: Place, **how: bool) -> None:
        opened.append(place)
        whole(self, place, **how)

    monkeypatch.setattr(Ledger, "__init__", counted)
    return opened


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with Ledger(place) as ledger:
        yield ledger


def test_many_threads_ask_over_one_connection(ledger: Ledger, place: Place, opened: list[Place]) -> None:
    with closing(AskedShare(place)) as asked, ThreadPoolExecutor(4) as threads:
        assert {threads.submit(asked).result() for _ in range(50)} == {1.0}
        control.set_pace(ledger, NOW, 0.25)
        assert {threads.submit(asked).result() for _ in range(50)} == {0.25}
        control.set_pace(ledger, NOW, None)
        assert asked() == 1.0
    assert len(opened) == 1


def test_where_there_is_no_ledger_none_is_made(tmp_path: Path) -> None:
    with closing(AskedShare(tmp_path / "ledger.db")) as asked:
        assert asked() == 1.0
        assert not (tmp_path / "ledger.db").exists()
        Ledger(tmp_path / "ledger.db").close()
        assert asked() == 1.0


def test_a_connection_that_is_lost_is_made_again(ledger: Ledger, place: Place, opened: list[Place]) -> None:
    control.set_pace(ledger, NOW, 0.5)
    with closing(AskedShare(place)) as asked:
        assert asked() == 0.5
        assert asked._ledger is not None
        asked._ledger.close()
        assert asked() == 1.0, "not known for the moment"
        assert asked() == 0.5
    assert len(opened) == 2


def test_what_is_no_ledger_costs_no_run(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("no ledger", "utf-8")
    with closing(AskedShare(tmp_path / "ledger.db")) as asked:
        assert asked() == 1.0


def test_once_it_is_closed_nothing_is_opened_any_more(ledger: Ledger, place: Place, opened: list[Place]) -> None:
    control.set_pace(ledger, NOW, 0.5)
    asked = AskedShare(place)
    asked.close()
    assert (asked(), opened) == (1.0, [])
