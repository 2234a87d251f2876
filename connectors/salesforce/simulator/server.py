"""The simulator behind a socket of this machine."""

from __future__ import annotations

from collections.abc import Mapping

from ...clock import Clock
from ...simulating.server import SimulatorServer
from ...simulating.settings import kept_settings
from ...simulators import Setting, Wanted
from .faults import read_faults
from .org import FILE
from .settings import Settings, told_settings
from .simulator import Simulator


class SalesforceSimulator:
    """What the entry point leads to."""

    def settings(self) -> tuple[Setting, ...]:
        return told_settings()

    def start(self, wanted: Wanted, clock: Clock) -> Server:
        settings = Settings.of({**kept_settings(wanted.data, FILE), **wanted.settings})
        faults = None if wanted.faults is None else read_faults(wanted.faults)
        return Server(Simulator(clock, settings, wanted.data, faults), wanted.port)


class Server(SimulatorServer):
    """The simulator on 127.0.0.1."""

    def __init__(self, simulator: Simulator, port: int = 0) -> None:
        super().__init__(simulator, port)
        self.simulator = simulator

    @property
    def credentials(self) -> Mapping[str, str]:
        simulator, settings = self.simulator, self.simulator.settings
        return {
            "client_id": settings.client_id,
            "client_secret": settings.client_secret,
            "refresh_token": simulator.sign_in.refresh_token,
            "username": str(simulator.sign_in.run_as["Username"]),
            "password": settings.password,
            "security_token": settings.security_token,
            "session_id": simulator.sign_in.open(str(simulator.sign_in.run_as["Id"])),
        }
