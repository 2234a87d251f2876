"""The verb `simulator`: a local server that imitates a system, for as long as nobody stops it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from ..connectors.clock import Clock
from ..connectors.errors import InputError
from ..connectors.simulators import Running, Wanted, available, simulator
from ..runs.report.model import Report, Table, Text
from ..runs.report.voice import Voice

Say = Callable[[Report], None]
SETTING_COLUMNS = ("column.setting", "column.default", "column.choices", "column.decides", "column.known")


class Stopped(KeyboardInterrupt):
    """The operator stopped the server. code: what the command says then."""

    code = "simulator.stopped"


def simulate(
    name: str | None,
    port: int,
    data: Path | None,
    values: Sequence[str],
    faults: Path | None,
    clock: Clock,
    voice: Voice,
) -> Report:
    """Without a name: what there is. Else serves until it is stopped, and raises Stopped."""
    if name is None:
        return listed(voice.catalogue.language)
    return serve(name, wanted(port, data, values, faults), clock, voice.report)


def listed(language: str) -> Report:
    """Every simulator that is installed, and its settings."""
    names = tuple(available())
    return Report(
        verb="simulator",
        verdict=Text("simulator.listed", {"count": len(names)}),
        good=True,
        tables=tuple(_settings(name, language) for name in names),
        next_steps=tuple(f"changeover simulator {name}" for name in names),
        extra={"simulators": list(names)},
    )


def _settings(name: str, language: str) -> Table:
    rows = tuple(
        (
            each.name,
            each.default,
            " | ".join(each.choices),
            each.about.get(language, each.about["en"]),
            Text("simulator.told" if each.known else "simulator.guessed"),
        )
        for each in simulator(name).settings()
    )
    return Table(Text("table.simulator_settings", {"name": name}), SETTING_COLUMNS, rows, whole=True)


def wanted(port: int, data: Path | None, values: Sequence[str], faults: Path | None) -> Wanted:
    """values: NAME=VALUE each. Raises InputError `simulator.set`, `simulator.folder`."""
    settings = {}
    for each in values:
        name, equals, value = each.partition("=")
        if not equals:
            raise InputError("simulator.set", text=each)
        settings[name.strip()] = value.strip()
    if data is not None:
        try:
            data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError("simulator.folder", path=str(data), reason=type(error).__name__) from error
    return Wanted(port, data, settings, faults)


@contextmanager
def running(name: str, order: Wanted, clock: Clock) -> Iterator[tuple[Running, Report]]:
    """The server, which answers until the end of the block, and where it is to be found."""
    server = simulator(name).start(order, clock)
    try:
        yield server, _where(name, server, order.data)
    finally:
        server.close()


def _where(name: str, server: Running, data: Path | None) -> Report:
    kept = Text("simulator.kept_nowhere") if data is None else str(data)
    rows = tuple(server.credentials.items())
    return Report(
        verb="simulator",
        verdict=Text("simulator.answers", {"name": name, "url": server.url}),
        good=True,
        facts=(("fact.simulator_data", kept),),
        tables=(Table(Text("table.simulator_credentials"), ("column.name", "column.value"), rows, whole=True),),
        extra={"url": server.url, "credentials": dict(server.credentials)},
    )


def serve(name: str, order: Wanted, clock: Clock, say: Say) -> NoReturn:
    """Answer until somebody presses Ctrl-C or ends the process. Raises Stopped then."""
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    with running(name, order, clock) as (_, report):
        for each in (signal.SIGINT, signal.SIGTERM):
            with suppress(ValueError):  # not in the main thread, where nobody sends a signal
                signal.signal(each, stop)
        say(report)
        stopped.wait()
    raise Stopped
