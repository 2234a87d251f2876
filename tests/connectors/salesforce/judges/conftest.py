"""The clients, where `make judges` has put them, and how each is started: as published, in a home of its own, told to
call nobody else."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.salesforce.simulator import FaultKind, Faults, Server, Settings, Simulator

INSTALLED = Path(__file__).parents[4] / "build" / "judges"
SF = INSTALLED / "npm" / "node_modules" / ".bin" / "sf"
SFDMU = INSTALLED / "npm" / "node_modules" / "sfdmu"
CCI = INSTALLED / "python" / "bin" / "cci"
NOWHERE = "http://127.0.0.1:9"
"""Nobody listens there: what would go to another machine by this proxy comes to nothing."""
QUIET = {
    "SF_AUTOUPDATE_DISABLE": "true",
    "SF_DISABLE_AUTOUPDATE": "true",  # what its updater reads; the one above is what the documents name
    "SF_DISABLE_LOG_FILE": "true",
    "SF_DISABLE_TELEMETRY": "true",
    "SF_SKIP_NEW_VERSION_CHECK": "true",
    "SF_USE_GENERIC_UNIX_KEYCHAIN": "true",
    "SFDX_DISABLE_DNS_CHECK": "true",
}
LONGEST = 600


@dataclass(frozen=True)
class Client:
    """A command of its own home. folder: where it is run, and where its files lie."""

    program: Path
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        kept = {name: each for name, each in os.environ.items() if name.upper() not in QUIET and name != "PYTHONPATH"}
        kept = {name: each for name, each in kept.items() if not name.lower().endswith("_proxy")}
        kept["PATH"] = os.pathsep.join([str(self.program.parent), kept.get("PATH", "")])
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        return subprocess.run(
            [self.program, *words],
            cwd=self.folder,
            env={**kept, **QUIET, "HOME": str(home), **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )

    def well(self, *words: str) -> str:
        """What it prints, having ended well."""
        done = self.run(*words)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def result(self, *words: str) -> Any:
        """What sf says that came of it."""
        return json.loads(self.well(*words, "--json"))["result"]

    def write(self, name: str, lines: Sequence[str]) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
        return name


@pytest.fixture
def faults() -> Faults[FaultKind]:
    """None; a test may put some in."""
    return Faults([])


@pytest.fixture
def server(faults: Faults[FaultKind]) -> Iterator[Server]:
    server = Server(Simulator(SystemClock(), Settings(bulk_polls=0), faults=faults))
    yield server
    server.close()


@pytest.fixture
def sf(tmp_path: Path, server: Server) -> Client:
    """Signed in to the simulator as `local`."""
    if not SF.exists():
        pytest.skip("sf is not installed: type `make judges`, with node, npm and their registry at hand")
    client = Client(SF, tmp_path, {"SF_ACCESS_TOKEN": server.credentials["session_id"]})
    client.well("org", "login", "access-token", "--instance-url", server.url, "--alias", "local", "--no-prompt")
    return client


def cumulusci(
    folder: Path, simulator: Simulator, credentials: Mapping[str, str], url: str, certificate: Path
) -> Client:
    """url: of TLS in front of the simulator, for simple-salesforce within it writes https whatever it is told."""
    if not CCI.exists():
        pytest.skip("CumulusCI is not installed: type `make judges`, with its registry at hand")
    user = simulator.sign_in.run_as
    wanted = ("refresh_token", "client_id", "client_secret", "username")
    org = {
        "instance_url": url,
        "access_token": credentials["session_id"],
        "id": f"{url}/id/{simulator.org.organization['Id']}/{user['Id']}",
        **{each: credentials[each] for each in wanted},
    }
    told = {
        "CUMULUSCI_KEY": "0123456789abcdef",
        "CUMULUSCI_ORG_judged": json.dumps(org),
        "CUMULUSCI_REPO_URL": "https://127.0.0.1/judged/judged.git",
        "HTTPS_PROXY": NOWHERE,
        "NO_PROXY": "127.0.0.1",
        "REQUESTS_CA_BUNDLE": str(certificate),
    }
    client = Client(CCI, folder, told)
    project = ['minimum_cumulusci_version: "4.0.0"', "project:", "  name: judged"]
    client.write("cumulusci.yml", [*project, '  package: {name: judged, api_version: "62.0"}'])
    # It asks PyPI for a newer version of itself once an hour.
    client.write("home/.cumulusci/cumulus_timestamp", [str(time.time())])
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return client
