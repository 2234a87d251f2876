"""A tenant with a connector to it, and what may become of the calls between them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import cast

from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch, Change, ChangeKind, Outcome
from changeover.connectors.clock import VirtualClock
from changeover.connectors.fxiaoke.connector import FxiaokeConnector
from changeover.connectors.fxiaoke.simulator.settings import Settings as SimulatorSettings
from changeover.connectors.fxiaoke.simulator.simulator import Simulator
from changeover.connectors.fxiaoke.transport import Answered
from changeover.connectors.pace import Pace

from .fxiaoke_kit import OUR_FIELD, START, Body, InProcess, Strike, connected

CREATE, QUERY = "/cgi/crm/v2/data/create", "/cgi/crm/v2/data/query"
OBJECTS = ["AccountObj", "ContactObj", "NewOpportunityObj"]


class Tenant:
    """A tenant with an administrator who has made our field, and a connector to it."""

    def __init__(self, settings: dict[str, str] | None = None, strike: Strike | None = None, **options: object) -> None:
        self.clock = VirtualClock(START)
        told = SimulatorSettings.of({"key_field": OUR_FIELD, **(settings or {})})
        self.simulator = Simulator(self.clock, told)
        self.way = InProcess(self.simulator, self.clock, strike)
        self.pace = Pace(self.clock)
        self.connector: FxiaokeConnector = connected(
            self.way, self.clock, pace=self.pace, **{"objects": OBJECTS, **options}
        )

    def write(self, *changes: Change, object_name: str = "AccountObj") -> list[Outcome]:
        return self.connector.write(Batch(object_name, changes))

    def accounts(self, *numbers: int, **cells: Cell) -> list[Outcome]:
        return self.write(*(account(number, **cells) for number in numbers))

    def names(self) -> list[str]:
        return [str(row["name"]) for row in self.simulator.rows("AccountObj")]


def account(number: int, /, **cells: Cell) -> Change:
    return Change(ChangeKind.CREATE, f"k{number}", values={"name": f"客户{number}", **cells})


def envelope(code: int, message: str = "x") -> Answered:
    return 200, {}, json.dumps({"errorCode": code, "errorMessage": message, "traceId": "E-O.x"}).encode()


def at(path: str, *answers: object) -> Strike:
    """What becomes of the calls to a path, one after another: an exception before or (in a list) after it was done, an
    answer in place of the gateway's, or None for the gateway's own."""
    left = list(answers)

    def strike(called: str, act: Callable[[], Answered]) -> Answered:
        told = left.pop(0) if called == path and left else None
        if isinstance(told, Exception):
            raise told
        if isinstance(told, list):
            act()
            raise told[0]
        return cast(Answered, told) if told is not None else act()

    return strike


def page(*rows: Body, total: int = 0) -> Answered:
    return 200, {}, json.dumps({"errorCode": 0, "data": {"dataList": rows, "total": total}}).encode()
