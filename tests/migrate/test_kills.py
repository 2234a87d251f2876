"""Fifty times `kill -9` of the real command, at a drawn call to its target or commit of its ledger: over HTTP to a
server that goes on with what it has heard, and between databases with the ledger on a server. A thousand: `make
torture`."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import sqlalchemy as sa

from ..servers import fresh_database
from .kill_at import Launcher
from .kills import (
    Size,
    Undisturbed,
    World,
    drawn,
    go_through,
    http_template,
    on_postgres,
    over_http,
    postgres_template,
)

pytestmark = pytest.mark.long
KILLS = int(os.environ.get("CHANGEOVER_TEST_KILLS", "1000"))
"""Under `make torture`."""
SEED = int(os.environ.get("CHANGEOVER_TEST_SEED", "20240229"))
PART = 25
"""Kills in one test."""
BETWEEN = 0.8
"""At least this share of them strikes between the run's first intent and its last outcome."""
SIZE = Size(customers=40, orders=60, chunk=40, batch=10)
PLACES = {
    "http": [("target", "arrived"), ("target", "done"), ("ledger", "before"), ("ledger", "after")],
    "postgres": [("target", "before"), ("target", "after"), ("ledger", "before"), ("ledger", "after")],
}
Begin = Callable[[Path], AbstractContextManager[World]]


@pytest.fixture(scope="module")
def http(http_launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Begin:
    template = http_template(tmp_path_factory.mktemp("template"), SIZE)
    return lambda folder: over_http(template, http_launcher, folder)


@pytest.fixture(scope="module")
def postgres_move(
    postgres: sa.URL, http_launcher: Launcher, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Begin]:
    with fresh_database(postgres) as url:
        template = postgres_template(tmp_path_factory.mktemp("template"), SIZE, url)
        plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False).replace(":@", "@")
        server = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        yield lambda folder: on_postgres(template, http_launcher, folder, server, plain)
        server.dispose()


@pytest.fixture(scope="module")
def begins(request: pytest.FixtureRequest) -> Callable[[str], Begin]:
    fixtures = {"http": "http", "postgres": "postgres_move"}
    return lambda name: request.getfixturevalue(fixtures[name])


@pytest.fixture(scope="module")
def measured(begins: Callable[[str], Begin], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Undisturbed]:
    """The move that nobody kills, made once."""
    told: dict[str, Undisturbed] = {}

    def measure(name: str) -> Undisturbed:
        if name not in told:
            with begins(name)(tmp_path_factory.mktemp(f"whole-{name}")) as world:
                told[name] = world.undisturbed()
        return told[name]

    return measure


PARTS = [pytest.param(part, marks=pytest.mark.torture if part else ()) for part in range(max(1, KILLS // (2 * PART)))]


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("part", PARTS)
def test_a_killed_run_goes_on(
    name: str,
    part: int,
    begins: Callable[[str], Begin],
    measured: Callable[[str], Undisturbed],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    undisturbed = measured(name)
    some = random.Random(f"{SEED} {name} {part}")
    struck, between, broken, run = 0, 0, {}, 0
    while struck < PART:
        kills = drawn(some, PART - struck, PLACES[name])
        run += 1
        folder = tmp_path / f"{name}_{part}_{run}"
        folder.mkdir()
        with begins(name)(folder) as world:
            if told := go_through(world, kills, undisturbed):
                broken[run] = (kills, told)
            assert world.killed, f"{kills} struck nothing"
            struck += len(world.killed)
            between += sum(each.between for each in world.killed)
    record_property("told", f"{name}: {struck} kills of {run} runs, {between} between first intent and last outcome")
    assert broken == {}
    assert between >= BETWEEN * struck
