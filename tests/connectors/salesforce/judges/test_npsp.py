"""The Nonprofit Success Pack's data, loaded by the client that wrote it by its own mapping, and moved out by us."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.salesforce.simulator import Server, Settings, Simulator

from ..npsp import DUMP, ORG, TABLES, THERE, differing, dump, make_project, moved
from .conftest import cumulusci
from .tls import front

pytestmark = [pytest.mark.judges, THERE]


def test_what_cumulusci_has_loaded_is_moved_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "keys"))
    org, client_folder = tmp_path / "org", tmp_path / "client"
    shutil.copytree(ORG, org)
    client_folder.mkdir()
    server = Server(Simulator(SystemClock(), Settings(bulk_polls=0), org))
    with closing(server), closing(dump()) as old:
        with front(server.simulator, tmp_path) as tls:
            client = cumulusci(client_folder, server.simulator, server.credentials, tls.url, tls.certificate)
            files = ("--mapping", str(TABLES), "--sql_path", str(DUMP))
            client.well("task", "run", "load_dataset", "--org", "judged", "--no-prompt", *files)
        tables = [name for (name,) in old.execute("select name from sqlite_master where sql is not null")]
        there = {name: old.execute(f'select count(*) from "{name}"').fetchone()[0] for name in tables}
        loaded = {name: server.simulator.count(name) for name in tables if name in server.simulator.org.shapes}
        assert loaded == {name: count for name, count in there.items() if name in loaded}
        assert sum(loaded.values()) == 17_283
        created = moved(make_project(tmp_path / "move", server.url))
        assert sum(created.values()) == sum(there.values())
        assert differing(old, tmp_path / "move") == dict.fromkeys(
            ("account", "constituent", "gift", "gift_role"), (0, 0)
        )
