"""Ctrl-C, once and twice, and a reader who goes away."""

from __future__ import annotations

import datetime as dt
import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from changeover.connectors.clock import VirtualClock
from changeover.connectors.secrets import Secrets
from changeover.migrate import session, steering
from changeover.migrate.project import load_project
from changeover.migrate.session import Interrupted, Interruption, Session
from changeover.runs.catalogue import Catalogue

from .company import Company, make_company
from .kill_at import At, Launcher

CUSTOMERS, BATCH = 60, 10
RUN = ("run", "--execute")
PATIENCE = 60
"""Seconds after which a test gives up on a process that says nothing."""


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = make_company(tmp_path / "move", chunk=30, batch=BATCH)
    rows = [(f"C{number}", f"客户{number}", f"T{number}", "ok") for number in range(CUSTOMERS)]
    made.old("insert into t_customer (khbh, khmc, sh, zt) values (?, ?, ?, ?)", rows)  # type: ignore[arg-type]
    return made


class Paused:
    """A command that stands still at a commit until it is told to go on."""

    def __init__(self, launcher: Launcher, company: Company, words: tuple[str, ...], at: At) -> None:
        folder = company.folder.parent / "fifos"
        folder.mkdir()
        for name in ("told", "asked"):
            os.mkfifo(folder / name)
        self._launcher = launcher
        self._told = os.open(folder / "told", os.O_RDWR)
        self._asked = os.open(folder / "asked", os.O_RDWR)
        self._process = launcher.start(company.folder, words, at, folder)
        assert self._said() == "reached"

    def interrupt(self) -> None:
        """Press Ctrl-C and wait until it is heard."""
        os.kill(self._process, signal.SIGINT)
        assert self._said() == "heard"

    def kill(self) -> tuple[int, str]:
        """Press Ctrl-C and wait for the end; it stands where it stood."""
        os.kill(self._process, signal.SIGINT)
        return self._launcher.end()

    def go_on(self) -> tuple[int, str]:
        os.write(self._asked, b".")
        return self._launcher.end()

    def _said(self) -> str:
        ready, _, _ = select.select([self._told], [], [], PATIENCE)
        assert ready, "the command never got there"
        return os.read(self._told, 100).decode().strip()


def moved(company: Company) -> int:
    number = company.new("select count(*) from customer")[0][0]
    assert isinstance(number, int)
    return number


def goes_on(company: Company) -> None:
    told = company.run()
    assert (told.code, told.counts("customer")) == (0, {"read": CUSTOMERS, "created": CUSTOMERS})
    assert moved(company) == CUSTOMERS
    assert company.reconcile().code == 0


def test_ctrl_c_finishes_the_batch_in_flight(company: Company, launcher: Launcher) -> None:
    paused = Paused(launcher, company, (*RUN, "--json"), At("target", "before", 4, "pause"))
    before = moved(company)
    paused.interrupt()
    code, said = paused.go_on()
    document = json.loads(said[said.index("{\n") :])
    assert code == 130
    assert moved(company) == document["safe"] == before + BATCH
    assert document["unknown"] == 0
    assert document["next"][0] == "changeover run --execute"
    goes_on(company)


def test_it_says_what_is_safe_what_is_unknown_and_what_to_type(company: Company, launcher: Launcher) -> None:
    paused = Paused(launcher, company, RUN, At("target", "after", 4, "pause"))
    paused.interrupt()
    code, said = paused.go_on()
    assert code == 130
    words = " ".join(said.replace("│", " ").split())
    assert f"{1 + 2 * BATCH} records are safe in the target; unknown, and asked for first next time: 0" in words
    assert "changeover run --execute" in words
    assert "Traceback" not in said


@pytest.mark.parametrize(("when", "done"), [("before", 1), ("after", 2)])
def test_a_second_ctrl_c_stops_at_once(when: str, done: int, company: Company, launcher: Launcher) -> None:
    paused = Paused(launcher, company, RUN, At("target", when, 4, "pause"))
    paused.interrupt()
    code, said = paused.kill()
    assert code == 130
    assert "What was in flight is unknown" in said
    assert "Traceback" not in said
    assert company.ledger("select count(*) from operation where state = 'intent'") == [(BATCH,)]
    goes_on(company)


@pytest.mark.parametrize("words", [("plan",), ("reconcile",)], ids=lambda words: words[0])
def test_a_command_that_writes_nothing_just_stops(words: tuple[str, ...], company: Company, launcher: Launcher) -> None:
    company.run()
    paused = Paused(launcher, company, words, At("ledger", "before", 2, "pause"))
    paused.interrupt()
    code, said = paused.go_on()
    assert (code, "Nothing was written" in said, "Traceback" in said) == (130, True, False)


def test_ctrl_c_while_everything_is_being_opened_stops_at_once(company: Company, launcher: Launcher) -> None:
    code, said = Paused(launcher, company, RUN, At("ledger", "before", 1, "pause")).kill()
    assert code == 130
    assert "Traceback" not in said
    goes_on(company)


@pytest.mark.parametrize(("lines", "length"), [(0, 1), (0, 2_000), (1, 2_000)])
def test_a_reader_who_goes_away_gets_no_traceback(lines: int, length: int, company: Company) -> None:
    """As in `changeover crosswalk | true`, and `... | head -1` where the rest is more than a pipe holds."""
    company.old("update t_customer set khbh = khbh || ?", ("x" * length,))
    company.run()
    process = subprocess.Popen(
        [sys.executable, "-m", "changeover", "crosswalk"],
        cwd=company.folder,
        env={**os.environ, "CHANGEOVER_CONFIG_HOME": str(company.folder.parent / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    for _ in range(lines):
        assert process.stdout.readline().startswith(b"source_object")
    process.stdout.close()
    said = process.stderr.read().decode()
    process.wait()
    assert "Traceback" not in said
    assert "BrokenPipe" not in said
    assert process.returncode == 1


def test_it_is_heard_while_waiting_for_a_slow_target() -> None:
    clock, interruption = VirtualClock(dt.datetime(2026, 3, 1, tzinfo=dt.UTC)), Interruption()
    session = SimpleNamespace(clock=clock, interruption=interruption)
    Session.wait(session, 2.5)
    assert clock.monotonic() == 2.5

    def pressed(seconds: float) -> None:
        VirtualClock.sleep(clock, seconds)
        interruption.asked = clock.monotonic() > 10

    clock.sleep = pressed  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        Session.wait(session, 600)
    assert clock.monotonic() < 12


@pytest.mark.parametrize(("typed", "share"), [("0.3", 0.3), ("30%", 0.3), ("1", 1.0), ("off", None)])
def test_a_share_of_the_pace_is_asked_for(tmp_path: Path, typed: str, share: float | None) -> None:
    company = make_company(tmp_path / "move")
    assert company.say("pace", "0.5").code == 0
    said = company.say("pace", typed)
    assert said.code == 0
    assert "{" not in said.out
    assert company.ledger("select pace from control") == [(share,)]


@pytest.mark.parametrize("typed", ["0", "-0.1", "1.5", "30", "nan", "inf", "much", "30%%", "%"])
def test_what_is_no_share_changes_nothing(tmp_path: Path, typed: str) -> None:
    company = make_company(tmp_path / "move")
    company.say("pace", "0.5")
    said = company.say("pace", "--", typed)
    assert said.code == 2
    assert "changeover pace off" in said.err
    assert company.ledger("select pace from control") == [(0.5,)]


@pytest.mark.parametrize("words", [("plan",), RUN, ("reconcile",), ("check",)])
def test_what_is_stopped_while_it_signs_in_has_nothing_in_flight(
    company: Company, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(session, "connect", stopped)
    said = company.say(*words)
    assert (said.code, said.err.strip()) == (130, Catalogue("en").text("cli.interrupted"))


def test_what_to_type_again_names_the_plan(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Production wants one, and the name typed by hand."""
    company.rewrite("changeover.yaml", ("production: false", "production: true"))
    words = str(company.say("plan", "--json").document["next"][0]).split()[1:]  # type: ignore[index]

    def stopped(*_given: object) -> None:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr("changeover.migrate.run.read_back_left", stopped)
        said = company.say(*words, "--confirm", "crm.db", "--json")
    assert said.code == 130
    again = str(said.document["next"][0]).split()[1:]  # type: ignore[index]
    assert (again, company.say(*again, "--confirm", "crm.db").code) == (words, 0)


def test_a_run_that_is_stopped_at_its_totals_has_not_ended(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_given: object) -> None:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr("changeover.migrate.run.totals_if_any", stopped)
        said = company.say(*RUN)
    assert (said.code, f"INTERRUPTED after the batch in flight: {CUSTOMERS} records are safe" in said.out) == (
        130,
        True,
    )
    assert company.ledger("select state from run") == [("interrupted",)]
    goes_on(company)
    assert company.ledger("select state from run") == [("finished",)]


def test_a_run_stands_still_while_it_is_paused_and_then_goes_on(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move", batch=2)
    for number in range(5):
        company.customer(f"C{number}")
    project = load_project(company.folder)
    clock = VirtualClock(dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    with company.at_home():
        assert steering.pause(project, Secrets(), clock).verdict.code == "pause.next"
    moved_at_rest = []

    def rest(seconds: float) -> None:
        VirtualClock.sleep(clock, seconds)
        moved_at_rest.append(moved(company))
        if len(moved_at_rest) == 3:
            assert steering.go_on(project, Secrets(), clock).verdict.code == "continue.asked"

    clock.sleep = rest  # type: ignore[method-assign]
    assert company.run(clock=clock).code == 0
    assert moved_at_rest == [0, 0, 0]
    assert moved(company) == 5
