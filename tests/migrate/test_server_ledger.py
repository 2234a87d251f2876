"""A move that keeps its ledger on a server: killed and gone on with, compared, taken back; from two machines; and under
faults and deaths."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from changeover.connectors.errors import ChangeoverError
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.hostile import Fault, FaultKind
from changeover.migrate.project import load_project
from changeover.runs.ledger.place import Server
from changeover.runs.ledger.store import Ledger

from ..servers import fresh_database
from .company import Company, make_company
from .firms import LEVELS
from .kill_at import At, Launcher
from .lanes import ROWS, LanesWorld, TwoWays
from .laws import Move, first, prepared
from .test_kill import BATCH, CHUNK, RUN, fill, left_by

PASSWORD = "hush-hush"  # noqa: S105 - the server lets everybody in


@dataclass(frozen=True)
class OnServer(Company):
    """A company whose ledger lies on a server."""

    @property
    def place(self) -> Server:
        place = load_project(self.folder).ledger(Secrets())
        assert isinstance(place, Server)
        return place

    def ledger(self, sql: str) -> list[tuple[object, ...]]:
        place = self.place
        url = place.secrets.fill(place.url)
        with psycopg.connect(url, options=f"-c search_path={place.schema}") as server:
            return server.execute(sql.encode()).fetchall()


@pytest.fixture(scope="module")
def url(postgres: sa.URL) -> Iterator[str]:
    """Of a database for ledgers, its password by name."""
    with fresh_database(postgres) as text, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEDGER_PASSWORD", PASSWORD)
        made = sa.make_url(text).set(drivername="postgresql", password="LEDGER")  # noqa: S106
        yield made.render_as_string(hide_password=False).replace(":LEDGER@", ":${LEDGER_PASSWORD}@")


@pytest.fixture
def company(url: str, tmp_path: Path) -> OnServer:
    return on_server(make_company(tmp_path / "move", chunk=CHUNK, batch=BATCH), url)


def on_server(company: Company, url: str) -> OnServer:
    """Each in a schema of its own: they lie in folders of other names."""
    name = company.folder.parent.name
    company.rewrite(
        "changeover.yaml",
        ("    production: false", f'    production: false\n    ledger: "{url}"'),
        ("project: small-move", f"project: {name}"),
    )
    return OnServer(company.folder)


def test_a_killed_run_goes_on_and_can_be_taken_back(company: OnServer, launcher: Launcher, tmp_path: Path) -> None:
    fill(company)
    filed = make_company(tmp_path / "undisturbed" / "move", chunk=CHUNK, batch=BATCH)
    fill(filed)
    wanted = left_by(launcher.run(filed.folder, *RUN), filed, filed.new, log=False)
    batches = len(filed.ledger("select id from batch"))
    for side, when, number in (
        ("target", "after", batches // 3),
        ("ledger", "before", batches),
        ("target", "after", 1),
    ):
        assert launcher.run(company.folder, *RUN, at=At(side, when, number))[0] == -signal.SIGKILL
    assert company.ledger("select count(*) > 0 from operation where state = 'intent'") == [(True,)]
    assert left_by(launcher.run(company.folder, *RUN), company, company.new, log=False) == wanted
    told = company.reconcile()
    assert (told.code, told.document["differences"]) == (0, 0)
    for (run_id,) in company.ledger("select id from run where verb = 'run' order by id desc"):
        company.undo(int(str(run_id)), execute=True)
    assert company.new("select count(*) from customer") == company.new("select count(*) from orders") == [(0,)]
    with Ledger(company.place) as ledger:
        ledger.check()


def test_every_command_finds_the_ledger_and_no_secret_is_told(company: OnServer) -> None:
    company.customer("A")
    company.order(1, "A")
    said = [
        company.say(*words)
        for words in (
            ("check",),
            ("plan",),
            ("run", "--execute"),
            ("status",),
            ("runs",),
            ("crosswalk",),
            ("explain", "A"),
            ("pause",),
            ("continue",),
            ("reconcile",),
            ("undo", "1", "--execute"),
        )
    ]
    assert [each.code for each in said] == [0] * len(said)
    assert "legacy:t_customer:A" in said[5].out
    assert not (company.folder / "runs" / "mock" / "ledger.db").exists()
    (report,) = company.ledger("select report from run where verb = 'run'")
    assert str(report[0]).startswith("runs/mock/reports/")
    written = [path.read_bytes() for path in company.folder.rglob("*") if path.is_file()]
    assert not any(PASSWORD.encode() in each for each in written)
    assert not any(PASSWORD in each.out + each.err for each in said)


def test_the_whole_url_may_be_a_secret(company: OnServer, monkeypatch: pytest.MonkeyPatch) -> None:
    url = company.place.url
    monkeypatch.setenv("LEDGER_URL", Secrets().fill(url))
    company.rewrite("changeover.yaml", (url, "${LEDGER_URL}"))
    company.customer("A")
    assert company.run().counts("customer") == {"read": 1, "created": 1}
    assert company.place.url == "${LEDGER_URL}"


def test_a_rehearsal_leaves_nothing_on_the_server(company: OnServer) -> None:
    company.customer("A")
    company.run()
    company.customer("B")
    before = {name: company.ledger(f"select * from {name}") for name in ("record", "operation", "run", "event")}
    assert company.plan().counts("customer") == {"read": 2, "created": 1, "unchanged": 1}
    assert {name: company.ledger(f"select * from {name}") for name in before} == before
    assert list((company.folder / "runs" / "mock").glob("rehearsal-*")) == []


def test_another_machine_is_kept_out_and_then_goes_on(company: OnServer) -> None:
    company.customer("A")
    assert company.run().counts("customer") == {"read": 1, "created": 1}
    company.customer("B")
    here = company.folder.parent
    shutil.copytree(here, here / "other")
    other = OnServer(here / "other" / company.folder.name)
    with Ledger(company.place) as ledger, ledger.held():
        for verb in (other.run, other.plan, other.reconcile):
            with pytest.raises(ChangeoverError) as caught:
                verb()
            assert (caught.value.code, caught.value.exit_code) == ("ledger.held", 4)
        assert other.check().code == 0
    shutil.copy(company.crm, other.crm)
    shutil.copy(company.legacy, other.legacy)
    assert other.run().counts("customer") == {"read": 2, "created": 1, "unchanged": 1}


def test_a_server_that_is_gone_is_told_before_anything_is_sent(company: OnServer) -> None:
    company.customer("A")
    company.rewrite("changeover.yaml", (company.place.url, "postgresql://me:${LEDGER_PASSWORD}@127.0.0.1:1/x"))
    said = company.say("run", "--execute")
    assert said.code == 3
    assert "${LEDGER_PASSWORD}" in said.err
    assert PASSWORD not in said.err
    assert company.new("select count(*) from customer") == [(0,)]


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://h/d", "ledger.db", "postgresql://me:plain@h/d"])
def test_any_other_url_is_refused_when_the_project_is_read(tmp_path: Path, url: str) -> None:
    company = make_company(tmp_path / "move")
    company.rewrite("changeover.yaml", ("    production: false", f'    production: false\n    ledger: "{url}"'))
    said = company.say("status")
    assert said.code == 2
    assert "ledger" in said.err
    assert "plain" not in said.err


# The fault kit


@pytest.fixture(scope="module")
def levels(postgres: sa.URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    """The levels of firms, moved over a ledger on a server."""
    with fresh_database(postgres) as text:
        plain = sa.make_url(text).set(drivername="postgresql").render_as_string(hide_password=False).replace(":@", "@")
        folder = tmp_path_factory.mktemp("levels")
        yield prepared(folder, LEVELS, MemoryConnector, first, plain)


@pytest.mark.parametrize("kind", [each for each in FaultKind if each.operation is not None])
def test_a_fault_breaks_no_law(levels: Move, kind: FaultKind) -> None:
    with levels.world.in_process():
        faults = levels.faults(kind)
        assert levels.trial(faults[len(faults) // 2] if faults else Fault(2, kind)) == {}


@pytest.mark.parametrize("share", [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95])
def test_a_death_breaks_no_law(levels: Move, share: float) -> None:
    with levels.world.in_process():
        assert levels.trial(deaths=(round(levels.effects * share), 3)) == {}


def test_two_objects_at_a_time_over_a_server(postgres: sa.URL, tmp_path: Path) -> None:
    """Their threads use one connection, one at a time."""
    with fresh_database(postgres) as text:
        plain = sa.make_url(text).set(drivername="postgresql").render_as_string(hide_password=False).replace(":@", "@")
        move = prepared(tmp_path, ROWS, TwoWays, first, plain, LanesWorld)
        with move.world.in_process():
            assert move.trial(deaths=(move.effects // 2,)) == {}


def test_a_fault_and_a_death_break_no_law(levels: Move) -> None:
    with levels.world.in_process():
        assert levels.trial(Fault(2, FaultKind.LOST_AFTER), deaths=(levels.effects // 2,)) == {}
