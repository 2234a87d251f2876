"""A run on the workers of a dask cluster."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa
from changeover.connectors.change import Batch
from changeover.connectors.errors import ChangeoverError
from changeover.migrate.sharing.crew import PARENT

from ..connectors.http_kit import installed
from ..servers import fresh_database
from .company import Company, make_company
from .http_company import ENVIRONMENT
from .sharing import PATIENCE, begun, make_template
from .test_server_ledger import on_server


@pytest.fixture(scope="module")
def url(postgres: sa.URL) -> Iterator[str]:
    """Of a database for ledgers."""
    with fresh_database(postgres) as text:
        yield sa.make_url(text).set(drivername="postgresql").render_as_string(hide_password=False).replace(":@", "@")


@contextmanager
def cluster(folder: Path, home: Path, workers: int) -> Iterator[str]:
    """The address of a scheduler with so many workers, processes of their own, which find what a command here does."""
    from distributed import LocalCluster

    with installed(folder / "site") as site, pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "CHANGEOVER_CONFIG_HOME": str(home)}.items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH")))))
        with LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            host="127.0.0.1",
            local_directory=str(folder),
            memory_limit=0,
            silence_logs=50,
        ) as started:
            yield str(started.scheduler_address)


def joiners() -> list[psutil.Process]:
    """The processes that share a run on the cluster: it runs below this process."""
    found = []
    for each in psutil.Process().children(recursive=True):
        try:
            if "--join" in each.cmdline() and PARENT in each.environ():
                found.append(each)
        except psutil.Error:
            continue
    return found


def test_a_cluster_shares_a_run_and_starts_again_what_was_killed(url: str, tmp_path: Path) -> None:
    template: Company = make_template(tmp_path / "template")
    with cluster(tmp_path, tmp_path / "home", 2) as address, begun(template, tmp_path, url) as world:
        killed: list[int] = []
        known: set[int] = set()
        struck = threading.Event()

        def other(moment: str, _number: int, _batch: Batch) -> None:
            if moment != "arrived" or world.waits_at < 0:
                return
            if not killed:
                there = joiners()
                known.update(each.pid for each in there)
                killed.append(there[0].pid)
                there[0].kill()
                struck.set()

        def let_go() -> None:
            until = time.monotonic() + PATIENCE
            while struck.wait(PATIENCE) and not {each.pid for each in joiners()} - known and time.monotonic() < until:
                time.sleep(0.2)
            for process in killed:
                world.expire(process)
            world.released.set()

        world.other = other
        world.let_wait()
        watcher = threading.Thread(target=let_go)
        watcher.start()
        told = world.company.run(cluster=address)
        watcher.join()
        assert struck.is_set()
        assert len(known) <= 2
        assert psutil.wait_procs(joiners(), PATIENCE)[1] == []
        assert told.counts("customer")["created"] == 58
        assert world.record.unwritten == world.record.again == []
        assert len(world.crm.acked("create")) == len(set(world.crm.acked("create"))) == len(world.content())
        assert world.open() == 0
        assert world.company.reconcile().document["differences"] == 0


def test_a_scheduler_that_does_not_answer_is_told_before_anything_is_sent(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("changeover.migrate.sharing.cluster.ANSWERS", 0.5)
    company = on_server(make_company(tmp_path / "move"), url)
    company.customer("A")
    with pytest.raises(ChangeoverError) as caught:
        company.run(cluster="tcp://127.0.0.1:1")
    assert (caught.value.code, caught.value.exit_code) == ("cluster.unreachable", 3)
    assert company.new("select count(*) from customer") == [(0,)]
    assert company.run(workers=1).counts("customer") == {"read": 1, "created": 1}


@pytest.mark.parametrize("address", ["nonsense", "tcp://host", "http://host:1", "tcp://host:one"])
def test_what_is_no_address_of_a_scheduler_is_refused_before_anything_is_begun(
    url: str, tmp_path: Path, address: str
) -> None:
    company = on_server(make_company(tmp_path / "move"), url)
    with pytest.raises(ChangeoverError) as caught:
        company.run(cluster=address)
    assert (caught.value.code, caught.value.exit_code) == ("cluster.address", 2)
    assert not (company.folder / "runs").exists()
