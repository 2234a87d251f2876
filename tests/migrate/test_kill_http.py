"""`kill -9` of the real command while it writes over HTTP to a server that goes on with what it has heard: nothing is
lost, nothing doubled, nothing settled sent again, no operation left open. Many more of them: test_kills.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .company import Company
from .kill_at import Launcher
from .kills import Kill, OverHttp, Size, Undisturbed, go_through, http_template, over_http
from .test_kill import BATCH, CHUNK, CUSTOMERS, ORDERS


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return http_template(tmp_path_factory.mktemp("template"), Size(CUSTOMERS, ORDERS, CHUNK, BATCH))


@pytest.fixture
def begun(template: Company, http_launcher: Launcher, tmp_path: Path) -> Iterator[OverHttp]:
    with over_http(template, http_launcher, tmp_path) as world:
        yield world


@pytest.fixture(scope="module")
def undisturbed(template: Company, http_launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    with over_http(template, http_launcher, tmp_path_factory.mktemp("whole")) as world:
        told = world.undisturbed()
        assert len(told.left.content) > 800
        return told


LIVES = {
    "with the first call on its way": [Kill("target", "arrived", 1)],
    "with the first call done": [Kill("target", "done", 1)],
    "with a late call done, twice": [Kill("target", "done", 0.6), Kill("target", "done", 1)],
    "with a late call on its way": [Kill("target", "arrived", 0.8)],
    "before an intent is on the disk": [Kill("ledger", "before", 0.5)],
    "after an outcome is": [Kill("ledger", "after", 0.7), Kill("target", "arrived", 2)],
}


@pytest.mark.parametrize("kills", LIVES.values(), ids=LIVES.keys())
def test_a_run_killed_while_it_writes_over_http_goes_on(
    kills: list[Kill], begun: OverHttp, undisturbed: Undisturbed
) -> None:
    assert go_through(begun, kills, undisturbed) == {}
    assert len(begun.killed) == len(kills)
    if kills[0].side == "target":
        assert begun.killed[0].open > 0
    told = begun.company.reconcile()
    assert (told.code, told.document["differences"]) == (0, 0)
