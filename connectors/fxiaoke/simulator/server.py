"""The simulator behind a socket of this machine."""

from __future__ import annotations

from collections.abc import Mapping

from ...clock import Clock
from ...simulating.server import SimulatorServer
from ...simulating.settings import kept_settings
from ...simulators import Setting, Wanted
from .faults import read_faults
from .settings import Settings, told_settings
from .simulator import Simulator
from .tenant import FILE


class FxiaokeSimulator:
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
        settings, people = self.simulator.settings, self.simulator.tenant.people
        first = next(iter(people.by_id.values()), None)
        told = {
            "appId": settings.app_id,
            "appSecret": settings.app_secret,
            "permanentCode": settings.permanent_code,
            "x-fs-ea": settings.ea,
        }
        if first is not None:
            told |= {"x-fs-userid": first.id, "currentOpenUserId": first.open_id}
        return told
