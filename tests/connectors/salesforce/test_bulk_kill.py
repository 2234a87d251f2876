"""`kill -9` of the real command in the middle of a job's results, over a real socket: it goes on there."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.salesforce.simulator import Server, Settings, Simulator
from changeover.connectors.simulating.server import Answer

from ...migrate.company import Company
from .test_connector_move import FIRM, PROJECT, TARGET

FIRST, RECORDS, PAGE, STRIKES = 200, 450, 50, 3
"""The first are read by REST, the others by five pages."""
JOB = re.compile(r"/750\w+")
SECRET = {"SF_SECRET": "secret"}


class Striking(Simulator):
    """Kills the process that asks for the n-th page of results."""

    pid: Future[subprocess.Popen[bytes]]
    pages = 0

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if "/results" in path:
            self.pages += 1
            if self.pages == STRIKES:
                process = self.pid.result(30)
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        return super().answer(method, path, headers, body)

    def made(self) -> Counter[str]:
        told = Counter[str]()
        for path, number in self.calls.items():
            told[JOB.sub("/*", path.removeprefix("/services/data/v67.0/"))] += number
        return told


@pytest.fixture
def company(tmp_path: Path) -> Company:
    company = Company(tmp_path / "out")
    (company.folder / "mappings").mkdir(parents=True)
    (company.folder / "mappings" / "firm.yaml").write_text(FIRM, encoding="utf-8")
    with sqlite3.connect(company.crm) as database:
        database.executescript(TARGET)
    return company


def test_a_read_killed_in_the_middle_of_a_job_goes_on_there(company: Company) -> None:
    simulator = Striking(SystemClock(), Settings())
    simulator.pid = Future()
    org, owner = simulator.org, str(simulator.sign_in.run_as["Id"])
    stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), org.stamp())
    for at in range(RECORDS):
        own = {"Id": org.new_id(org.shapes["Account"]), "Name": f"客户{at}", "OwnerId": owner}
        org.store.insert("Account", {**own, **stamps, "IsDeleted": 0})
    server = Server(simulator)
    options = f"page: {FIRST}\n      bulk_from: 100\n      bulk_page: {PAGE}\n      poll: 0.01"
    project = PROJECT.format(url=server.url).replace("page: 200", options) + f"limits: {{chunk: {FIRST}}}\n"
    (company.folder / "changeover.yaml").write_text(project, encoding="utf-8")
    words = ["run", "--execute", "--json"]
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "changeover", *words],
            cwd=company.folder,
            env={**os.environ, **SECRET, "CHANGEOVER_CONFIG_HOME": str(company.folder.parent / "home")},
            stdout=subprocess.DEVNULL,
        )
        simulator.pid.set_result(process)
        assert process.wait() == -signal.SIGKILL
        assert company.new("select count(*) from firm") == [(FIRST + (STRIKES - 1) * PAGE,)]
        made = company.say(*words, env=SECRET)
        assert made.code == 0, made.out + made.err
        assert company.new("select count(*), count(distinct name) from firm") == [(RECORDS, RECORDS)]
        calls = simulator.made()
        assert calls["jobs/query"] == 1, "one job was made"
        assert calls["jobs/query/*/results"] == 5 + 1, "and the page asked for again that was not heard"
        told = company.say("check", env=SECRET).err
        assert "costs at most: 10\n" in told, "a page, a job made, looked at twice and taken away, and its five pages"
        assert simulator.made()["jobs/query/*/results"] == calls["jobs/query/*/results"] + 5
    finally:
        server.close()
