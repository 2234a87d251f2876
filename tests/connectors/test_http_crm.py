"""The CRM over HTTP keeps the contract, and its connector says of each answer and each silence what it means."""

from __future__ import annotations

import datetime as dt
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from changeover.connectors.change import CONTAGION, Batch, Change, ChangeKind, Outcome, OutcomeState
from changeover.connectors.clock import SystemClock, VirtualClock
from changeover.connectors.errors import InputError, UnavailableError
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.port import OUR_KEY, Connector
from changeover.connectors.testing.contract import SourceContract, TargetContract, laws
from changeover.connectors.testing.http_crm.server import Batches, Gate, HttpCrm, Strike, StrikeKind, Told
from changeover.connectors.testing.sample import SCHEMA, sample_row

from .http_kit import connected, installed

LAG = dt.timedelta(milliseconds=10)
NOW = dt.datetime(2024, 2, 29, tzinfo=dt.UTC)


@pytest.fixture(scope="module", autouse=True)
def found_in_the_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with installed(tmp_path_factory.mktemp("path") / "site"):
        yield


class TestHttpCrm(TargetContract):
    refuses = TargetContract.refuses | {"target.check"}

    @pytest.fixture
    def connector(self) -> Iterator[Connector]:
        with HttpCrm(MemoryConnector(SCHEMA)) as crm, closing(connected(crm)) as connector:
            yield connector


class TestHttpCrmThatShowsWritesLate(TargetContract):
    @pytest.fixture
    def connector(self) -> Iterator[Connector]:
        with HttpCrm(MemoryConnector(SCHEMA, read_back_lag=LAG)) as crm, closing(connected(crm)) as connector:
            yield connector


class TestHttpCrmThatTakesSeveralCalls(TargetContract):
    refuses = TargetContract.refuses | {"target.check"}

    @pytest.fixture
    def connector(self) -> Iterator[Connector]:
        with HttpCrm(MemoryConnector(SCHEMA), gate=Gate(threads=4)) as crm, closing(connected(crm)) as connector:
            yield connector


class TestHttpCrmThatTakesAllOrNone(TargetContract):
    @pytest.fixture
    def connector(self) -> Iterator[Connector]:
        crm = HttpCrm(MemoryConnector(SCHEMA), batches=Batches.NAMED)
        with crm, closing(connected(crm)) as connector:
            yield connector


class TestHttpCrmThatNamesNobody(TargetContract):
    @pytest.fixture
    def connector(self) -> Iterator[Connector]:
        crm = HttpCrm(MemoryConnector(SCHEMA), batches=Batches.AS_ONE)
        with crm, closing(connected(crm)) as connector:
            yield connector


for several in (TestHttpCrmThatTakesSeveralCalls, TestHttpCrmThatTakesAllOrNone, TestHttpCrmThatNamesNobody):
    for law in laws(SourceContract):  # how it takes what is written changes nothing about what is read
        setattr(several, law, None)


def batch(*numbers: int, **cells: object) -> Batch:
    return Batch(
        "sample",
        tuple(Change(ChangeKind.CREATE, f"ours:{n}", values=sample_row(n, **cells)) for n in numbers),  # type: ignore[arg-type]
    )


Served = Callable[..., tuple[HttpCrm, Connector]]


@pytest.fixture
def served() -> Iterator[Served]:
    open_now: list[tuple[HttpCrm, Connector]] = []

    def serve(*script: Strike, timeout: float = 5, clock: object = None, **how: object) -> tuple[HttpCrm, Connector]:
        crm = HttpCrm(MemoryConnector(SCHEMA), script=script, **how)  # type: ignore[arg-type]
        crm.__enter__()
        open_now.append((crm, connected(crm, clock, timeout=timeout)))  # type: ignore[arg-type]
        return open_now[-1]

    yield serve
    for crm, connector in open_now:
        connector.close()
        crm.__exit__(None, None, None)


U, A = OutcomeState.UNKNOWN, OutcomeState.ACKED
STRUCK: dict[StrikeKind, tuple[dict[OutcomeState, int], str | None, int]] = {
    StrikeKind.EXPIRED: ({OutcomeState.EXPIRED: 4}, "target.session_expired", 0),
    StrikeKind.THROTTLED: ({OutcomeState.THROTTLED: 4}, "target.throttled", 0),
    StrikeKind.UNAVAILABLE: ({OutcomeState.THROTTLED: 4}, "target.throttled", 0),
    StrikeKind.ERROR_BEFORE: ({U: 4}, "target.no_answer", 0),
    StrikeKind.ERROR_AFTER: ({U: 4}, "target.no_answer", 4),
    StrikeKind.SHORT: ({U: 4}, "target.no_answer", 4),
    StrikeKind.MISSING: ({A: 2, U: 2}, "target.no_answer", 4),
    StrikeKind.SHUFFLED: ({A: 4}, None, 4),
    StrikeKind.RESET_BEFORE: ({U: 4}, "target.no_answer", 0),
    StrikeKind.RESET_AFTER: ({U: 4}, "target.no_answer", 4),
}


@pytest.mark.parametrize("kind", list(STRUCK))
def test_every_answer_has_its_kind(served: Served, kind: StrikeKind) -> None:
    states, code, done = STRUCK[kind]
    crm, connector = served(Strike(1, kind, 7))
    outcomes = connector.write(batch(1, 2, 3, 4))
    assert Counter(each.state for each in outcomes) == states
    assert {each.code for each in outcomes if each.state is not A} <= {code}
    assert {each.retry_after for each in outcomes} == {7.0 if OutcomeState.THROTTLED in states else None}
    assert len(crm.acked("create")) == done == crm.crm.count("sample")
    again = {each.state for each in connector.write(batch(1, 2, 3, 4))}
    assert again == {OutcomeState.EXISTS if done else A}, "one session, one connection: it goes on"


def test_each_answer_belongs_to_its_change(served: Served) -> None:
    _, connector = served(Strike(1, StrikeKind.SHUFFLED))
    outcomes = connector.write(batch(5, 3, 9, 1))
    assert {each.our_key: each.target_key for each in outcomes} == {f"ours:{n}": f"s000{n}" for n in (1, 3, 5, 9)}


def test_what_takes_too_long_is_unknown(served: Served) -> None:
    crm, connector = served(Strike(1, StrikeKind.SLOW), timeout=0.1)
    assert {each.state for each in connector.write(batch(1))} == {U}
    assert crm.crm.count("sample") == 1


def test_what_is_done_late_was_unknown(served: Served) -> None:
    done = []
    crm, connector = served(Strike(1, StrikeKind.LATE, 0.2), timeout=0.05, server_maximum=0.2)
    crm.watch = lambda moment, _number, _batch: done.append(moment)
    assert {each.state for each in connector.write(batch(1))} == {U}
    assert done == ["arrived"]
    assert connector.find("sample", (OUR_KEY,), [("ours:1",)], []).keys == []
    SystemClock().sleep(connector.capabilities.server_maximum.total_seconds() + 0.1)
    assert connector.find("sample", (OUR_KEY,), [("ours:1",)], []).keys == ["s0001"]


def test_a_session_that_is_over_is_exchanged_once(served: Served) -> None:
    crm, connector = served(Strike(2, StrikeKind.EXPIRED))
    assert crm.doors.sign_ins == 1
    for number, state in ((1, A), (2, OutcomeState.EXPIRED), (3, A)):
        assert connector.write(batch(number))[0].state is state
    crm.doors.tokens.clear()
    assert connector.count("sample") == 2
    assert crm.doors.sign_ins == 3


def test_a_refused_connection_was_not_sent(served: Served) -> None:
    crm, connector = served()
    crm.__exit__(None, None, None)
    connector._wire._session().close()  # type: ignore[attr-defined]
    with pytest.raises(UnavailableError, match=r"http_crm\.unreachable"):
        connector.write(batch(1))


def test_a_name_that_nobody_knows_is_not_reached() -> None:
    with HttpCrm(MemoryConnector(SCHEMA)) as crm, pytest.raises(UnavailableError, match=r"http_crm\.unreachable"):
        connected(crm, url="http://nobody.invalid:1")


def test_a_connection_that_goes_away_in_the_middle_may_have_been_heard() -> None:
    """The other side takes the whole call and hangs up: not at all the same as not being there."""
    with (
        HttpCrm(MemoryConnector(SCHEMA)) as crm,
        closing(connected(crm)) as connector,
        closing(socket.create_server(("127.0.0.1", 0))) as deaf,
    ):
        connector._wire._url = f"http://127.0.0.1:{deaf.getsockname()[1]}"  # type: ignore[attr-defined]
        connector._wire._timeout = 0.05  # type: ignore[attr-defined]
        assert {each.state for each in connector.write(batch(1))} == {U}


@pytest.mark.parametrize(("door", "code"), [("read_only", "target.no_permission"), ("suspended", "target.suspended")])
def test_what_no_attempt_will_mend(served: Served, door: str, code: str) -> None:
    crm, connector = served()
    setattr(crm.doors, door, True)
    if door == "suspended":
        crm.doors.tokens.clear()
        assert connector.write(batch(9))[0].state is OutcomeState.EXPIRED
    assert [(each.state, each.code) for each in connector.write(batch(1, 2))] == [(OutcomeState.FATAL, code)] * 2
    assert crm.crm.count("sample") == 0


def test_wrong_credentials_are_told_at_the_door() -> None:
    with HttpCrm(MemoryConnector(SCHEMA)) as crm, pytest.raises(UnavailableError, match=r"target\.credentials"):
        connected(crm, secret="another")  # noqa: S106
    assert crm.doors.sign_ins == 1


def bad_third() -> Batch:
    good = batch(1, 2, 3, 4).changes
    return Batch("sample", (*good[:2], batch(3, name=None).changes[0], good[3]))


def told(outcomes: list[Outcome]) -> list[tuple[OutcomeState, str | None]]:
    return [(each.state, each.code) for each in outcomes]


def test_all_or_none_names_the_guilty(served: Served) -> None:
    crm, connector = served(batches=Batches.NAMED)
    innocent = (OutcomeState.NOT_SENT, CONTAGION)
    guilty = (OutcomeState.REJECTED, "target.required")
    assert told(connector.write(bad_third())) == [innocent, innocent, guilty, innocent]
    assert crm.crm.count("sample") == 0
    assert connector.capabilities.all_or_nothing
    assert not connector.capabilities.answers_as_one


def test_a_target_that_answers_as_one_names_nobody(served: Served) -> None:
    crm, connector = served(batches=Batches.AS_ONE)
    assert told(connector.write(bad_third())) == [(OutcomeState.REJECTED, "target.refused")] * 4
    assert crm.crm.count("sample") == 0
    assert connector.capabilities.answers_as_one
    assert told(connector.write(batch(3, name=None))) == [(OutcomeState.REJECTED, "target.required")]


def test_a_key_of_ours_that_is_there_exists(served: Served) -> None:
    _, connector = served()
    connector.write(batch(1))
    (outcome,) = connector.write(batch(1))
    assert (outcome.state, outcome.target_key) == (OutcomeState.EXISTS, "s0001")


def test_reading_waits_where_it_is_turned_away(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = VirtualClock(NOW)
    crm, connector = served(clock=clock)
    answer, turned_away = crm.answer, []

    def busy(*call: object) -> object:
        if len(turned_away) < 2:
            turned_away.append(call)
            return Told(429, {}, (("Retry-After", "20"),))
        return answer(*call)  # type: ignore[arg-type]

    monkeypatch.setattr(crm, "answer", busy)
    assert connector.count("sample") == 0
    assert clock.monotonic() == 40


def test_no_proxy_of_the_environment_is_asked(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    _, connector = served()
    assert connector.write(batch(1))[0].state is A


def test_nobody_is_sent_elsewhere(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    crm, connector = served()
    other, _ = served()
    elsewhere = Told(307, {}, (("Location", f"{other.url}/objects/sample/change"),))
    asked = []
    monkeypatch.setattr(crm, "answer", lambda *_call: elsewhere)
    monkeypatch.setattr(other, "answer", lambda *call: asked.append(call) or Told(200, {}))
    assert connector.write(batch(1))[0].state is U
    assert asked == []


def test_an_option_it_does_not_know_is_refused() -> None:
    with HttpCrm(MemoryConnector(SCHEMA)) as crm, pytest.raises(InputError, match=r"http_crm\.option"):
        connected(crm, retries=3)


def test_it_is_found_where_connectors_are_found(tmp_path: Path) -> None:
    from changeover.connectors.registry import available

    assert available()["http_crm"].value == "changeover.connectors.testing.http_crm:connect"
