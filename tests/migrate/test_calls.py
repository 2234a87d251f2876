"""Calls told before they are spent, and against what was really spent."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from changeover.connectors import registry
from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch, Outcome
from changeover.connectors.chunk import Chunk
from changeover.connectors.clock import Clock, VirtualClock
from changeover.connectors.errors import InputError, UnavailableError
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.pace import (
    Action,
    Allowance,
    Hours,
    Interface,
    Narrowed,
    Need,
    Pace,
    Quota,
    QuotaSpentError,
    Rate,
    Schedule,
)
from changeover.connectors.port import Settings
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.connectors.secrets import Secrets
from changeover.migrate import run as verbs
from changeover.migrate.pace.asked import AskedShare
from changeover.migrate.pace.pacing import LatelyFile, SpentFile
from changeover.migrate.pace.predict import Part, at_the_limits, calls_of, predict, predicted_facts
from changeover.migrate.project import Project, load_project
from changeover.migrate.session import Tick, open_ledger
from changeover.runs.ledger import control
from changeover.runs.report.model import Report, Text

from ..connectors.arrivals import most_in_any

START = dt.datetime(2026, 11, 21, 1, tzinfo=dt.UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
ALLOWANCE = Allowance(
    others=Interface((Rate(100, 20),), threads=4),
    needs={Action.WRITE: (Need("write", 10, seconds=0.1),), Action.FIND: (Need("query", 100, seconds=0.1),)},
)


def schema(name: str) -> Schema:
    fields = (Field("id", FieldType.TEXT, required=True, length=40), Field("name", FieldType.TEXT, length=80))
    return Schema({name: ObjectSchema(name, ("id",), fields)})


class Metered(MemoryConnector):
    """A target where every write and find is a call of 0.1 s, counted where it arrives."""

    def __init__(self, clock: Clock, allowance: Allowance) -> None:
        super().__init__(schema("account"), clock=clock, name="crm", batch_size=10, find_size=100)
        self.capabilities = replace(self.capabilities, allowance=allowance)
        self.clock = clock
        self.pace = Pace(clock)
        self.arrivals: list[tuple[str, float]] = []

    def _call(self, interface: str) -> None:
        with self.pace.call(interface):
            self.arrivals.append((interface, self.clock.monotonic()))
            self.clock.sleep(0.1)

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        self._call("query")
        return super().find(object_name, by, values, fields)

    def write(self, batch: Batch) -> list[Outcome]:
        self._call("write")
        return super().write(batch)

    def close(self) -> None:
        """It lives on for the next process."""


@dataclass
class Point:
    """What an entry point is to the registry."""

    target: Metered

    def load(self) -> object:
        return self.connect

    def connect(self, _settings: Settings, _secrets: Secrets, pace: Pace, _clock: Clock) -> Metered:
        self.target.pace = pace
        return self.target


@dataclass
class Move:
    folder: Path
    target: Metered
    clock: VirtualClock
    ticks: list[tuple[Tick, int]] = field(default_factory=list)

    @property
    def project(self) -> Project:
        return load_project(self.folder)

    def plan(self) -> Report:
        return verbs.plan(self.project, verbs.Order(), Secrets(), self.clock, self._tick)

    def run(self, **order: str) -> Report:
        return verbs.run(self.project, verbs.Order(**order), Secrets(), self.clock, self._tick)  # type: ignore[arg-type]

    def _tick(self, tick: Tick) -> None:
        self.ticks.append((tick, len(self.target.arrivals)))

    def says(self, text: str) -> None:
        path = self.folder / "changeover.yaml"
        path.write_text(path.read_text("utf-8") + text, "utf-8")


PROJECT = """
project: move
default: mock
environments:
  mock:
    source: {connector: memory, name: legacy, file: legacy.json}
    target: {connector: metered, name: crm, pace: {PACE}}
"""


def make(folder: Path, patch: pytest.MonkeyPatch, allowance: Allowance, records: int, pace: str = "share: 1") -> Move:
    rows = [{"id": f"C{n:05}", "name": f"company {n}"} for n in range(records)]
    document = {"objects": schema("cust").to_json(), "rows": {"cust": rows}}
    (folder / "legacy.json").write_text(json.dumps(document), "utf-8")
    (folder / "changeover.yaml").write_text(PROJECT.replace("PACE", pace), "utf-8")
    (folder / "mappings").mkdir()
    text = "mapping: account\nfrom: cust\nto: account\nmatch: [[name]]\nfields: {id: id, name: name}\n"
    (folder / "mappings" / "account.yaml").write_text(text, "utf-8")
    clock = VirtualClock(START)
    target = Metered(clock, allowance)
    there = registry.available()
    patch.setattr(registry, "available", lambda: {**there, "metered": Point(target)})
    return Move(folder, target, clock)


@pytest.fixture
def move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Move:
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "home"))
    (tmp_path / "move").mkdir()
    return make(tmp_path / "move", monkeypatch, ALLOWANCE, 3_000)


@pytest.fixture
def longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Move:
    """So long that how it begins and ends counts for little in its time."""
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "home"))
    (tmp_path / "longer").mkdir()
    return make(tmp_path / "longer", monkeypatch, ALLOWANCE, 6_000)


def facts(report: Report) -> dict[str, object]:
    return dict(report.facts)


# Through the verbs


def test_plan_tells_its_own_calls_before_it_makes_them_and_those_of_a_run(move: Move) -> None:
    report = move.plan()
    told, before = next((tick, calls) for tick, calls in move.ticks if tick.activity == "reading_calls")
    assert (told.total, before) == (30, 0), "3,000 records are looked for by name, 100 a call, and none was yet"
    assert facts(report)["fact.calls_made"] == len(move.target.arrivals) == 30
    assert report.extra["calls"] == {"made": {"query": 30}, "predicted": {"write": 302, "query": 61}}
    assert facts(report)["fact.calls_predicted"] == 363, (
        "with the proof of the first record: it, its key again, a look at it"
    )


def test_a_run_takes_the_calls_and_the_time_that_the_plan_foresaw(longer: Move) -> None:
    plan = longer.plan()
    longer.clock.sleep(60)
    before, begun = len(longer.target.arrivals), longer.clock.monotonic()
    report = longer.run()
    made = len(longer.target.arrivals) - before
    told = facts(report)
    assert told["fact.calls_predicted"] == facts(plan)["fact.calls_predicted"]
    assert told["fact.calls_made"] == made == told["fact.calls_predicted"] == 723
    foreseen = dt.datetime.fromisoformat(str(plan.extra["finish"])) - START
    planned = dt.timedelta(seconds=begun - 60)
    took = longer.clock.monotonic() - begun
    assert took == pytest.approx((foreseen - planned).total_seconds(), rel=0.1)
    assert longer.target.count("account") == 6_000


@pytest.mark.parametrize("between", [0.0, 5.0])
def test_the_next_command_keeps_to_the_rate_together_with_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, between: float
) -> None:
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path))
    move = make(tmp_path, monkeypatch, replace(ALLOWANCE, others=Interface((Rate(10, 20),))), 600)
    move.plan()
    move.clock.sleep(between)
    move.run()
    found = [at for interface, at in move.target.arrivals if interface == "query"]
    assert most_in_any(found, 20) <= 10


def test_a_command_beside_a_run_takes_none_of_the_days_calls_back(tmp_path: Path) -> None:
    run, beside = (SpentFile(tmp_path / "runs" / "calls-target.json") for _ in range(2))
    assert (run.load(), beside.load()) == (None, None)
    run.save("2026-11-21", 9_100)  # noted ahead
    beside.save("2026-11-21", 10)
    beside.save("2026-11-20", 99_999)
    assert beside.load() == ("2026-11-21", 9_100)
    run.save("2026-11-21", 9_040)  # the exact number
    assert beside.load() == ("2026-11-21", 9_040)
    beside.save("2026-11-22", 3)
    assert run.load() == ("2026-11-22", 3)


def test_a_note_of_calls_is_read_as_it_was_written_last(tmp_path: Path) -> None:
    file = LatelyFile(tmp_path / "runs" / "lately-target.json")
    assert file.load() == ""
    for note in ("a longer note", "a note"):
        file.save(note)
        assert file.load() == note
    assert file.path.stat().st_mode & 0o777 == 0o600


def test_a_note_that_does_not_fit_on_the_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "pwrite", lambda _handle, line, _at: len(line) // 2)
    with pytest.raises(UnavailableError) as caught:
        LatelyFile(tmp_path / "lately-target.json").save("a note")
    assert caught.value.code == "file.write_refused"


def test_what_another_terminal_asks_of_the_pace_is_in_the_forecast(longer: Move) -> None:
    def foreseen() -> float:
        longer.clock.sleep(60)
        before = longer.clock.now()
        plan = longer.plan()
        return (dt.datetime.fromisoformat(str(plan.extra["finish"])) - before).total_seconds()

    whole = foreseen()
    with open_ledger(longer.project, Secrets()) as (ledger, _):
        control.set_pace(ledger, START, 0.25)
    assert foreseen() > 3 * whole


def test_a_plan_that_no_longer_holds_predicts_nothing(move: Move) -> None:
    move.plan()
    mapping = move.folder / "mappings" / "account.yaml"
    mapping.write_text(mapping.read_text("utf-8").replace("name: name", "name: {from: name, transform: trim}"))
    told = facts(move.run())
    assert "fact.calls_predicted" not in told
    assert "fact.calls_made" in told


def test_a_plan_that_was_carried_out_predicts_nothing_of_the_next_run(move: Move) -> None:
    move.plan()
    assert "fact.calls_predicted" in facts(move.run())
    report = move.run()
    assert ("fact.calls_predicted" in facts(report), report.extra["calls"]["predicted"]) == (False, None)  # type: ignore[index]
    move.plan()
    told = facts(move.run())
    assert told["fact.calls_predicted"] == told["fact.calls_made"]


def test_where_the_target_limits_nothing_nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "home"))
    (tmp_path / "move").mkdir()
    move = make(tmp_path / "move", monkeypatch, Allowance(), 50)
    for report in (move.plan(), move.run()):
        assert not {"calls", "finish"} & set(report.extra)
        assert not [name for name in facts(report) if "calls" in name or "predicted" in name]
    assert "reading_calls" not in {tick.activity for tick, _ in move.ticks}


def test_the_project_narrows_and_another_terminal_narrows_further(move: Move) -> None:
    asked = AskedShare(move.project.runs / "ledger.db")
    assert asked() == 1.0, "there is none yet"
    with open_ledger(move.project, Secrets()) as (ledger, _):
        control.set_pace(ledger, START, 0.5)
    move.says('schedule: {zone: Asia/Shanghai, hours: [{days: [sat], from: "09:00", to: "12:00", share: 0.4}]}\n')
    move.run()
    writes = [at for name, at in move.target.arrivals if name == "write" and at < 3 * 3600]
    after = writes[1]  # the first one waits for a look at what it made
    assert sum(1 for at in writes if after <= at <= after + 20) == 20, "half of four tenths of a hundred"


def test_business_hours_that_leave_no_call_are_told_before_anything_is_asked(move: Move) -> None:
    move.says('schedule: {zone: Asia/Shanghai, hours: [{days: [sat], from: "09:00", to: "12:00", share: 0}]}\n')
    move.plan()
    assert [told for told in move.ticks if told[0].activity == "waiting"] == [
        (Tick("waiting", "2026-11-21 12:00 (Asia/Shanghai)", 1), 0)
    ]


def test_the_day_is_not_overspent_though_the_run_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "home"))
    (tmp_path / "move").mkdir()
    allowance = replace(ALLOWANCE, quota=Quota(200, zone="Asia/Shanghai"))
    move = make(tmp_path / "move", monkeypatch, allowance, 3_000, "reserve: 50")
    for _ in range(3):
        with pytest.raises(UnavailableError):
            move.run()
    assert len(move.target.arrivals) == 150
    for _ in range(5):
        move.clock.sleep(24 * 3600)
        try:
            move.run()
        except UnavailableError:  # the next day goes on
            continue
        break
    assert move.target.count("account") == 3_000


def test_what_the_project_says_must_make_sense(move: Move) -> None:
    good = (move.folder / "changeover.yaml").read_text("utf-8")
    for wrong in (
        'schedule: {zone: Asia/Shanghai, hours: [{days: [noday], from: "09:00", to: "12:00"}]}\n',
        'schedule: {zone: Asia/Shanghai, hours: [{days: [mon], from: "9", to: "12:00"}]}\n',
        'schedule: {zone: Asia/Shanghai, hours: [{days: [mon], from: "09:00", to: "12:00", share: 2}]}\n',
        "schedule: {zone: Asia/Shanghai, hours: []}\n",
    ):
        (move.folder / "changeover.yaml").write_text(good + wrong, "utf-8")
        with pytest.raises(InputError):
            load_project(move.folder)
    for wrong in ("share: 0", "share: 1.5", "daily: 0", "reserve: -1", "speed: 3", "daily: 9, reserve: 9"):
        (move.folder / "changeover.yaml").write_text(good.replace("share: 1", wrong), "utf-8")
        with pytest.raises(InputError):
            load_project(move.folder)
    says = 'schedule: {zone: Mars/Base, hours: [{days: [mon], from: "09:00", to: "12:00"}]}\n'
    (move.folder / "changeover.yaml").write_text(good + says, "utf-8")
    with pytest.raises(InputError, match=r"project\.no_zone"):
        move.run()


# The forecast by itself


def test_actions_become_calls() -> None:
    """An ordeal of which nothing is said is two changes, a delete is one."""
    records = {Action.WRITE: 740, Action.FIND: 1_480, Action.DELETE: 21, Action.LOCK: 11}
    assert calls_of(records, ALLOWANCE) == {"write": 74 + 3 + 4, "query": 15}


def at(*when: int) -> dt.datetime:
    return dt.datetime(*when, tzinfo=SHANGHAI).astimezone(dt.UTC)  # type: ignore[misc, arg-type]


def one_a_call(calls: int = 100, seconds: float = 20, quota: Quota | None = None) -> Allowance:
    return Allowance(
        others=Interface((Rate(calls, seconds),), threads=10), quota=quota, needs={Action.WRITE: (Need("write"),)}
    )


def test_the_time_is_that_of_the_slowest_rate() -> None:
    told = predict([Part("", {Action.WRITE: 103_000})], one_a_call(), START)
    assert told.finish is not None
    assert (told.finish - START).total_seconds() == pytest.approx((103_000 - 100) / 5)
    assert at_the_limits({"write": 103_000}, one_a_call(), START) == told


def test_business_hours_and_the_days_quota_make_it_longer() -> None:
    office = Schedule(SHANGHAI, (Hours(frozenset(range(5)), dt.time(9), dt.time(17), share=0.5),))
    friday = at(2026, 11, 20, 16)
    told = predict([Part("", {Action.WRITE: 18_100})], one_a_call(), friday, schedule=office)
    assert told.finish is not None
    minutes = (told.finish - at(2026, 11, 20, 17)).total_seconds() / 60
    assert minutes == pytest.approx(30, abs=1), "an hour at half the rate, then half an hour"
    quota = one_a_call(quota=Quota(10_000, zone="Asia/Shanghai"))
    told = predict([Part("", {Action.WRITE: 25_000})], quota, friday, narrowed=Narrowed(reserve=1_000), spent=2_000)
    assert told.finish is not None
    assert at(2026, 11, 22) < told.finish < at(2026, 11, 22, 0, 35), "7,000 today, 9,000 tomorrow, 9,000 on Sunday"
    told = at_the_limits({"write": 25_000}, quota, friday)
    assert told.finish is not None
    assert at(2026, 11, 22) < told.finish < at(2026, 11, 22, 0, 20), "10,000 a day, and 5,000 on Sunday"


def test_where_the_limits_leave_nothing_there_is_no_end() -> None:
    quota = one_a_call(quota=Quota(100, zone="Asia/Shanghai"))
    assert predict([Part("", {Action.WRITE: 5})], quota, START, narrowed=Narrowed(reserve=100)).finish is None
    never = Schedule(SHANGHAI, (Hours(frozenset(range(7)), dt.time(0), dt.time(0), share=0),))
    assert predict([Part("", {Action.WRITE: 5})], one_a_call(), START, schedule=never).finish is None
    assert predict([Part("", {})], quota, START).finish == START


def test_what_the_limits_do_not_hold_up_is_given_no_time() -> None:
    def told(records: int) -> list[tuple[str, str]]:
        facts = predicted_facts(predict([Part("", {Action.WRITE: records})], one_a_call(), START))
        return [(name, each.code) for name, each in facts if isinstance(each, Text)]

    assert told(100) == [("fact.time_predicted", "predict.soon")], "all of them at once"
    assert told(1_000) == [("fact.time_predicted", "predict.hours")]


def test_slow_answers_count_where_the_rate_would_allow_more() -> None:
    slow = Allowance(others=Interface((Rate(100, 20),), threads=1), needs={Action.WRITE: (Need("write", seconds=4),)})
    told = predict([Part("", {Action.WRITE: 1_000})], slow, START)
    assert told.finish is not None
    assert (told.finish - START).total_seconds() == pytest.approx(4_000)


@pytest.mark.parametrize(("at_once", "seconds"), [(2, 2_000), (9, 1_000), (50, 1_000)])
def test_several_calls_under_way_take_so_much_less_time(at_once: int, seconds: int) -> None:
    """Never more than the target takes at a time."""
    slow = Allowance(others=Interface(threads=4), needs={Action.WRITE: (Need("write", seconds=4),)})
    told = predict([Part("", {Action.WRITE: 1_000})], slow, START, at_once=at_once)
    assert told.finish is not None
    assert (told.finish - START).total_seconds() == pytest.approx(seconds, rel=0.01)


@pytest.mark.parametrize("seed", range(3))
def test_the_forecast_is_what_a_pace_really_takes(seed: int) -> None:
    """Against the pace itself, over a week of office hours and nights."""
    chance = random.Random(seed)
    office = Schedule(
        SHANGHAI, (Hours(frozenset(range(5)), dt.time(9), dt.time(18), share=chance.choice((0.2, 0.5)), quota=0.6),)
    )
    allowance = one_a_call(10, 60, Quota(6_000, zone="Asia/Shanghai"))
    start = START + dt.timedelta(hours=chance.randint(0, 100))
    clock = VirtualClock(start)
    pace = Pace(clock, schedule=office, narrowed=Narrowed(reserve=1_000))
    pace.obey(allowance)
    number = chance.randint(3_000, 15_000)
    for _ in range(number):
        try:
            pace.take("write")
        except QuotaSpentError as spent:
            clock.sleep((spent.resumes - clock.now()).total_seconds())
            pace.take("write")
        pace.answered("write")
    told = predict([Part("", {Action.WRITE: number})], allowance, start, schedule=office, narrowed=pace.narrowed)
    assert told.finish is not None
    assert (told.finish - start).total_seconds() == pytest.approx((clock.now() - start).total_seconds(), rel=0.03)
