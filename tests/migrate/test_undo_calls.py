"""The calls of an undo, told before they are spent and against what was really spent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from changeover.connectors.pace import Allowance
from changeover.connectors.secrets import Secrets
from changeover.migrate.undoing import take_back
from changeover.runs.report.model import Report

from .test_calls import ALLOWANCE, START, Move, facts, make

RECORDS = 3_000


def moved(folder: Path, patch: pytest.MonkeyPatch, allowance: Allowance, theirs: Sequence[int] = ()) -> Move:
    """All records created but for these, which somebody had put there before."""
    patch.setenv("CHANGEOVER_CONFIG_HOME", str(folder / "home"))
    (folder / "move").mkdir()
    move = make(folder / "move", patch, allowance, RECORDS)
    move.target.seed("account", [{"id": f"C{n:05}", "name": f"company {n}"} for n in theirs])
    move.run()
    move.clock.sleep(60)
    move.ticks.clear()
    move.target.arrivals.clear()
    return move


def undo(move: Move, *, execute: bool = False) -> Report:
    return take_back.undo(move.project, 1, execute, Secrets(), move.clock, move._tick)


def test_the_forecast_tells_its_own_calls_before_it_makes_them_and_those_of_the_undo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = moved(tmp_path, monkeypatch, ALLOWANCE)
    report = undo(move)
    told, before = next((tick, calls) for tick, calls in move.ticks if tick.activity == "reading_calls")
    opening = 1  # a few known keys, to see that it is still the same target
    assert (told.total, before) == (30, opening), "3,000 records, 100 a call, and none was yet asked for"
    assert facts(report)["fact.calls_made"] == len(move.target.arrivals) == 30 + opening
    assert report.extra["calls"] == {"made": {"query": 31}, "predicted": {"query": 30 + opening + 30, "write": 300}}
    assert facts(report)["fact.calls_predicted"] == 361
    assert move.target.count("account") == RECORDS


def test_the_undo_takes_the_calls_and_the_time_that_were_foreseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = moved(tmp_path, monkeypatch, ALLOWANCE, range(0, RECORDS, 3))
    forecast = undo(move)
    assert (forecast.extra["deleted"], forecast.extra["released"], forecast.extra["fields"]) == (2_000, 1_000, 0)
    move.clock.sleep(60)
    before, begun = len(move.target.arrivals), move.clock.monotonic()
    began = START + dt.timedelta(seconds=begun - 60)
    done = undo(move, execute=True)
    made = len(move.target.arrivals) - before
    told = facts(done)
    assert told["fact.calls_predicted"] == facts(forecast)["fact.calls_predicted"]
    assert told["fact.calls_made"] == made == told["fact.calls_predicted"]
    foreseen = dt.datetime.fromisoformat(str(forecast.extra["finish"])) - began
    assert move.clock.monotonic() - begun == pytest.approx(foreseen.total_seconds(), rel=0.1)
    assert move.target.count("account") == 1_000


def test_where_the_target_limits_nothing_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    move = moved(tmp_path, monkeypatch, replace(ALLOWANCE, others=Allowance().others))
    for report in (undo(move), undo(move, execute=True)):
        assert not {"calls", "finish"} & set(report.extra)
        assert not [name for name in facts(report) if "calls" in name or "predicted" in name]
    assert "reading_calls" not in {tick.activity for tick, _ in move.ticks}
