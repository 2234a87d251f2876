"""A move into Salesforce by jobs, by the command line over a real socket: what nobody hears the end of is asked for."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

from changeover.connectors.clock import SystemClock
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults, Server, Settings, Simulator

from ...migrate.company import Company

FIRMS = 40
LEGACY = f"""
create table firm (no text primary key, name text, revenue decimal(18, 2));
with recursive n (i) as (select 1 union all select i + 1 from n where i < {FIRMS})
insert into firm select 'F-' || i, '客户 "' || i || '"', i * 1000.25 from n;
"""
PROJECT = """
project: into
default: mock
environments:
  mock:
    source: {{connector: sql, name: legacy, url: "sqlite:///legacy.db"}}
    target:
      connector: salesforce
      name: global
      host: "{url}"
      client_id: simulator
      client_secret: "${{SF_SECRET}}"
      objects: [Account]
      write_by: jobs
      job_from: 5
      poll: 0.01
      server_maximum: 0
limits: {{batch: 15}}
"""
MAPPING = """
mapping: firm
from: firm
to: Account
fields: {Name: name, Credit_Limit__c: revenue}
"""
JOB = "/services/data/v67.0/jobs/ingest"


def test_a_database_is_moved_into_an_org_by_jobs(tmp_path: Path) -> None:
    faults = [Fault(f"{JOB}/*/successfulResults", FaultKind.HTML, frozenset(range(1, 6)))]
    faults += [Fault(JOB, FaultKind.LOST, frozenset({3}), after=True)]
    simulator = Simulator(SystemClock(), Settings.of({"key_field": "Legacy_Key__c"}), None, Faults(faults))
    server = Server(simulator)
    company = Company(tmp_path / "into")
    (company.folder / "mappings").mkdir(parents=True)
    (company.folder / "changeover.yaml").write_text(PROJECT.format(url=server.url), encoding="utf-8")
    (company.folder / "mappings" / "firm.yaml").write_text(MAPPING, encoding="utf-8")
    with sqlite3.connect(company.legacy) as database:
        database.executescript(LEGACY)

    def run() -> Counter[str]:
        before = Counter(dict(simulator.calls))
        said = company.say("run", "--execute", "--json", env={"SF_SECRET": "secret"})
        assert said.code == 0, said.out + said.err
        return Counter(dict(simulator.calls)) - before

    try:
        run()
        keys = [str(each["Legacy_Key__c"]) for each in simulator.rows("Account")]
        assert sorted(keys) == sorted(f"legacy:firm:F-{number}" for number in range(1, FIRMS + 1))
        assert simulator.faults.struck == 6
        assert not [path for path in run() if "jobs" in path or path.endswith("sobjects")], "nothing has changed"
    finally:
        server.close()
