"""Fixtures for every room's tests."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from changeover.runs.ledger.place import Place

from .compiled import compile_first
from .prepared import prepare
from .servers import NoServerError, fresh_database, mariadb_server, new_server, postgres_server


def pytest_sessionstart(session: pytest.Session) -> None:
    compile_first(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object | None:
    from .together import scheduler

    return scheduler(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """What is loaded stays, and is a million objects: looking for cycles among them would be a fifth of this, and then
    a tenth of many a test, which makes few of them."""
    gc.disable()
    try:
        prepare(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000)
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first."""
    items.sort(key=lambda each: each.get_closest_marker("long") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests have to tell besides that they passed: their property `told`."""
    ended = [each for reports in terminalreporter.stats.values() for each in reports if hasattr(each, "when")]
    told = [text for each in ended if each.when == "call" for name, text in each.user_properties if name == "told"]
    for text in sorted(map(str, told)):
        terminalreporter.write_line(text)


@pytest.fixture(scope="session", autouse=True)
def _what_is_loaded_stays_frozen() -> Iterator[None]:
    """A load freezes what is there before it, and lets all of it go at its end."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("freeze", "unfreeze"):
            patch.setattr(gc, name, lambda: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def _each_yaml_is_parsed_once() -> Iterator[None]:
    """The same few files are read thousands of times. What is made of the parser's events is made anew each time."""
    parse, known = yaml.parse, dict[str, list[yaml.Event]]()

    def once(text: str, Loader: type[yaml.SafeLoader]) -> Iterator[yaml.Event]:  # noqa: N803
        if text in known:
            yield from known[text]
            return
        events = []
        for event in parse(text, Loader=Loader):
            events.append(event)
            yield event
        known[text] = events

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "parse", once)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[sa.URL]:
    """A PostgreSQL server for the whole session."""
    try:
        with postgres_server() as url:
            yield url
    except NoServerError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def mariadb() -> Iterator[sa.URL]:
    """A MariaDB server for the whole session."""
    try:
        with mariadb_server() as url, pytest.MonkeyPatch.context() as patch:
            # PyMySQL reads all certificates of the machine for each connection (30 ms), also where there is no TLS
            patch.setenv("SSL_CERT_FILE", os.devnull)
            yield url
    except NoServerError as error:
        pytest.skip(str(error))


@pytest.fixture
def postgres_url(postgres: sa.URL) -> Iterator[str]:
    """A new PostgreSQL database for each test."""
    with fresh_database(postgres) as url:
        yield url


@pytest.fixture(params=["file", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a new ledger may lie: each test that asks for it is made for both."""
    if request.param == "file":
        return tmp_path / "runs" / "ledger.db"
    return new_server(request.getfixturevalue("postgres"))


@pytest.fixture
def mariadb_url(mariadb: sa.URL) -> Iterator[str]:
    """A new MariaDB database for each test."""
    with fresh_database(mariadb) as url:
        yield url
