"""A run that a system keeps from going on pauses: exit code 3, the ledger in order, and whoever is to know is told."""

from __future__ import annotations

import datetime as dt
import json
import os
import select
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from changeover.connectors.change import Batch
from changeover.connectors.clock import VirtualClock
from changeover.connectors.errors import DecisionError, UnavailableError
from changeover.connectors.pace import Allowance, Quota
from changeover.connectors.testing.http_crm.server import HttpCrm, Strike, StrikeKind
from changeover.migrate import run as running
from changeover.migrate.hooks import Event, QuotaWatch, call_hook
from changeover.migrate.project import load_project
from changeover.migrate.session import Interrupted, Interruption

from ..connectors.http_kit import installed
from .company import Company, make_company
from .http_company import ENVIRONMENT, empty_crm, make_company_on_http, point_at
from .sending import sending

CUSTOMERS, BATCH = 40, 5
TELL = """
import json, os, sys
with open(sys.argv[1], "a") as told:
    told.write(json.dumps({"environment": dict(os.environ), "words": sys.argv[2:], "folder": os.getcwd()}) + "\\n")
"""


@pytest.fixture(scope="module", autouse=True)
def found_in_the_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with installed(tmp_path_factory.mktemp("path") / "site"), pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield


@pytest.fixture
def crm() -> Iterator[HttpCrm]:
    with HttpCrm(empty_crm()) as served:
        yield served


@pytest.fixture
def company(crm: HttpCrm, tmp_path: Path) -> Company:
    limits = ", pause_after: 3, cool_down: 0, deadline: 1"
    made = make_company_on_http(tmp_path / "move", chunk=20, batch=BATCH, limits=limits)
    point_at(made, crm)
    for number in range(CUSTOMERS):
        made.customer(f"C{number}")
    return made


def patient() -> VirtualClock:
    return VirtualClock(dt.datetime(2024, 2, 29, tzinfo=dt.UTC))


def strikes(crm: HttpCrm, kind: StrikeKind, calls: range, seconds: float = 1) -> None:
    crm._script = {call: Strike(call, kind, seconds) for call in calls}


def state(company: Company) -> object:
    return company.ledger("select state from run order by id desc limit 1")[0][0]


# The pause


@pytest.mark.parametrize("kind", [StrikeKind.ERROR_BEFORE, StrikeKind.ERROR_AFTER, StrikeKind.RESET_AFTER])
def test_a_run_pauses_and_goes_on(company: Company, crm: HttpCrm, kind: StrikeKind) -> None:
    strikes(crm, kind, range(2, 100))
    with pytest.raises(UnavailableError) as stopped:
        company.run(clock=patient())
    assert (stopped.value.code, state(company)) == ("target.paused", "paused")
    assert crm.writes <= 1 + 3 + 1, "the quota is not burnt"
    crm._script = {}
    sizes: list[int] = []
    crm.watch = lambda moment, _number, batch: sizes.append(len(batch.changes)) if moment == "done" else None
    done = company.run(clock=patient())
    assert (done.code, done.counts("customer")) == (0, {"read": CUSTOMERS, "created": CUSTOMERS})
    assert sizes[0] == 1, "half open: little first"
    assert max(sizes[1:]) > 1
    assert sorted(crm.acked("create")) == sorted(set(crm.acked("create")))
    assert len(crm.acked("create")) == CUSTOMERS
    assert state(company) == "finished"


def test_the_command_says_what_to_type_and_exits_with_3(company: Company, crm: HttpCrm) -> None:
    strikes(crm, StrikeKind.RESET_BEFORE, range(2, 100))
    said = company.say("run", "--execute", "--json")
    assert said.code == 3
    assert said.document["error"]["code"] == "target.paused"  # type: ignore[index]
    assert "PAUSED" in said.err
    assert "changeover run --execute" in said.err
    assert "paused" in company.say("runs").out


@pytest.mark.parametrize(("door", "code"), [("read_only", "target.no_permission"), ("suspended", "target.suspended")])
def test_what_no_attempt_will_mend_pauses_at_once(company: Company, crm: HttpCrm, door: str, code: str) -> None:
    def shut(moment: str, number: int, _batch: Batch) -> None:
        if (moment, number) == ("done", 2):
            setattr(crm.doors, door, True)
            crm.doors.tokens -= crm.doors.tokens if door == "suspended" else set()

    crm.watch = shut
    with pytest.raises(UnavailableError) as stopped:
        company.run(clock=patient())
    assert (stopped.value.code, state(company)) == (code, "paused")
    assert crm.writes <= 3
    assert company.ledger("select count(*) from operation where state in ('intent', 'unknown')") == [(0,)]
    setattr(crm.doors, door, False)
    assert company.run(clock=patient()).counts("customer")["created"] == CUSTOMERS


def test_a_busy_target_is_waited_for(company: Company, crm: HttpCrm) -> None:
    strikes(crm, StrikeKind.THROTTLED, range(1, 4), seconds=60)
    clock = patient()
    assert company.run(clock=clock).code == 0
    assert clock.monotonic() >= 180


# The hooks


def hooked(company: Company, *lines: str) -> Path:
    """Hooks that tell what they were given: the file they tell it to."""
    script, told = company.folder / "tell.py", company.folder / "told"
    script.write_text(TELL, "utf-8")
    words = [sys.executable, str(script), str(told), "and a word; $HOME"]
    with (company.folder / "changeover.yaml").open("a", encoding="utf-8") as project:
        project.write("hooks:\n")
        for event in ("paused", "failed", "finished", "quota_low"):
            if not any(line.startswith(event) for line in lines):
                project.write(f"  {event}: {json.dumps(words)}\n")
        project.writelines(f"  {line}\n" for line in lines)
    return told


def told_to(path: Path) -> list[dict[str, str]]:
    """What each hook was given beyond the operator's own environment."""
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []
    for line in lines:
        assert line["words"] == ["and a word; $HOME"], "no shell has seen it"
        assert line["folder"] == str(path.parent)
    own = {"LC_CTYPE", *os.environ}
    return [{name: value for name, value in line["environment"].items() if name not in own} for line in lines]


def given(event: str, state: str, report: str = "") -> dict[str, str]:
    return {
        "CHANGEOVER_EVENT": event,
        "CHANGEOVER_PROJECT": "small-move",
        "CHANGEOVER_ENVIRONMENT": "mock",
        "CHANGEOVER_RUN": "1",
        "CHANGEOVER_STATE": state,
        "CHANGEOVER_REPORT": report,
    }


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `Company.say` sets is the operator's own."""
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CHANGEOVER_LANG", "en")


@pytest.mark.usefixtures("home")
def test_a_finished_run_calls_its_hook_with_the_report(company: Company) -> None:
    told = hooked(company)
    assert company.say("run").code == 0
    assert told_to(told) == [], "nothing was run"
    said = company.say("run", "--execute", "--json")
    (told_once,) = told_to(told)
    assert told_once == given("finished", "finished", str(said.document["report"]))
    assert Path(told_once["CHANGEOVER_REPORT"]).is_file()


@pytest.mark.usefixtures("home")
def test_a_paused_run_calls_its_hook(company: Company, crm: HttpCrm) -> None:
    told = hooked(company)
    strikes(crm, StrikeKind.RESET_BEFORE, range(2, 100))
    assert company.say("run", "--execute").code == 3
    assert told_to(told) == [given("paused", "paused")]


@pytest.mark.usefixtures("home")
def test_a_failed_run_calls_its_hook(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DecisionError("values.key_lost", path="")

    told = hooked(company)
    monkeypatch.setattr(running.Pipeline, "move", fail)
    assert company.say("run", "--execute").code == 1
    assert told_to(told) == [given("failed", "failed")]


@pytest.mark.usefixtures("home")
def test_nobody_is_called_for_an_interruption(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_self: Interruption) -> None:
        raise Interrupted

    told = hooked(company)
    monkeypatch.setattr(Interruption, "check", interrupt)
    assert company.say("run", "--execute").code == 130
    assert told_to(told) == []


FAILING = {
    "hook.exit": '["sh", "-c", "exit 7"]',
    "hook.not_started": '["no-such-command-anywhere"]',
    "hook.late": '["sh", "-c", "sleep 600 & wait"]',
}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("code", list(FAILING))
def test_a_hook_that_fails_is_told_and_changes_nothing(company: Company, code: str) -> None:
    hooked(company, f"finished: {FAILING[code]}", "seconds: 1")
    said = company.say("run", "--execute", "--json")
    assert (said.code, said.counts("customer")["created"]) == (0, CUSTOMERS)
    kept = json.loads(Path(str(said.document["report"])).with_suffix("").with_suffix(".json").read_text("utf-8"))
    for document in (said.document, kept):
        assert code in json.dumps(document["findings"])


@pytest.mark.usefixtures("home")
def test_a_hook_that_fails_is_told_with_the_error(company: Company, crm: HttpCrm) -> None:
    hooked(company, f"paused: {FAILING['hook.exit']}")
    strikes(crm, StrikeKind.RESET_BEFORE, range(2, 100))
    said = company.say("run", "--execute")
    assert said.code == 3
    assert "hook for paused ended with status 7" in said.err


def test_a_late_hook_ends_with_all_that_it_started(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    hooked(company, f'paused: ["sh", "-c", "sleep 600 > {fifo} & wait"]', "seconds: 1")
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        (finding,) = call_hook(load_project(company.folder), Event.PAUSED, 1, "paused")
        assert finding.code == "hook.late"
        select.select([reader], [], [], 30)  # what was killed is gone a moment after
        assert os.read(reader, 1) == b"", "the last writer is gone; a living one would raise BlockingIOError"
    finally:
        os.close(reader)


@pytest.mark.parametrize("wrong", ["paused: notify somebody", "paused: []", "resumed: [notify]"])
def test_a_hook_is_a_list_of_arguments(company: Company, wrong: str) -> None:
    hooked(company, wrong)
    assert company.say("run").code == 2


@pytest.mark.parametrize(
    ("calls", "hooks"), [((89,), 0), ((90,), 1), ((10, 90, 95, 100), 1)], ids=["below", "at 90 %", "once"]
)
def test_a_low_quota_is_told_once(
    calls: Sequence[int], hooks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[object] = []
    monkeypatch.setattr("changeover.migrate.hooks.call_hook", lambda *told: called.append(told[1:]) or ())
    with sending(tmp_path / "move") as rig:
        pace = rig.session.paces.target
        pace.obey(Allowance(quota=Quota(100)))
        watch = QuotaWatch(rig.session, rig.run)
        watch.look()
        for each in calls:
            pace.told(each)
            watch.look()
    assert called == [(Event.QUOTA_LOW, 1, "open")] * hooks
