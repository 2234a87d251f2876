"""Bodies to Fxiaoke and back by either way, over a real socket, whatever becomes of the answers."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Change, ChangeKind, OutcomeState
from changeover.connectors.clock import SystemClock, VirtualClock
from changeover.connectors.errors import UnavailableError
from changeover.connectors.fxiaoke import connect
from changeover.connectors.fxiaoke.connector import FxiaokeConnector
from changeover.connectors.fxiaoke.files import CREDENTIAL, DOWNLOAD, MEDIA
from changeover.connectors.fxiaoke.simulator import Fault, FaultKind, Faults, Server, Simulator
from changeover.connectors.fxiaoke.simulator import Settings as SimulatorSettings
from changeover.connectors.fxiaoke.transport import HttpTransport, Streamed
from changeover.connectors.held_file import PIECE, FileError, HeldFile, cell_of, files_in
from changeover.connectors.loopback import LoopbackHandler, LoopbackServer
from changeover.connectors.pace import Pace
from changeover.connectors.port import KEY, Settings
from changeover.connectors.secrets import Secrets

from .fxiaoke_kit import APP, CONTRACT, OUR_FIELD, SECRETS, START, InProcess, connected, tenant_folder

ADDRESS = "/simulated/upload/"


@pytest.fixture(params=["media", "signed"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, FxiaokeConnector]]:
    """Of each call that files take, the first is lost once it is done, and the third comes to nothing."""
    faults = [
        Fault(path, kind, frozenset({call}), after=kind is FaultKind.LOST)
        for path in (MEDIA, CREDENTIAL, ADDRESS, DOWNLOAD)
        for kind, call in ((FaultKind.LOST, 1), (FaultKind.GATEWAY, 3))
    ]
    told = SimulatorSettings.of({"key_field": OUR_FIELD, "rate_calls": "2000"})
    server = Server(Simulator(SystemClock(), told, tenant_folder(tmp_path), Faults(faults)))
    options = {**APP, **CONTRACT, "host": server.url, "sign_in": "bearer", "upload": request.param}
    clock = VirtualClock(START)
    connector = connect(Settings("fx", "fxiaoke", options), Secrets(SECRETS.get), Pace(clock), clock)
    assert isinstance(connector, FxiaokeConnector)
    yield server, connector
    connector.close()
    server.close()


def test_a_body_goes_there_and_back_however_often_the_line_breaks(served: tuple[Server, FxiaokeConnector]) -> None:
    server, connector = served
    piece, number = bytes(range(256)) * 1024, 40
    size = len(piece) * number
    told = connector.upload("paper", "files", HeldFile("old", "盖章.PDF", size), lambda: repeat(piece, number))
    file = HeldFile(told.id, "盖章.PDF", size)
    [made] = connector.write(
        Batch("paper", (Change(ChangeKind.CREATE, "ours:1", values={"id": "p1", "files": cell_of([file])}),))
    )
    assert made.state is OutcomeState.ACKED
    [row] = server.simulator.rows("paper__c")
    assert '"ext":"pdf"' in str(row["files__c"])
    chunk = connector.find("paper", (KEY,), [(made.target_key,)], ["files"])
    [held] = files_in(chunk.frame["files"].tolist()[0])
    assert (held.name, held.size) == ("盖章.PDF", size)
    came = 0
    for each in connector.body("paper", held):
        assert each == (piece * 8)[came % len(piece) :][: len(each)]
        assert len(each) <= PIECE
        came += len(each)
    assert came == size


class Sink(LoopbackHandler):
    """Reads what comes and keeps nothing, then answers as much."""

    def serve(self) -> None:
        size = left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 65_536)))
        self.send_response_only(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        for _ in range(size // 65_536):
            self.wfile.write(bytes(65_536))
        self.wfile.flush()


def test_no_body_is_whole_in_memory() -> None:
    server = LoopbackServer(("127.0.0.1", 0), Sink)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    way, number = HttpTransport(f"http://127.0.0.1:{server.server_address[1]}", 20.0), 512
    tracemalloc.start()
    body = Streamed(number * 65_536, repeat(bytes(65_536), number))
    with way.coming("POST", "/x", {}, body) as (status, _, pieces):
        came = sum(map(len, pieces))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (status, came) == (200, number * 65_536)
    assert peak < 8 * PIECE
    way.close()
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_the_tenant_refuses_is_told_and_what_it_does_not_answer_stops(tmp_path: Path) -> None:
    clock = VirtualClock(START)
    simulator = Simulator(clock, SimulatorSettings.of({"key_field": OUR_FIELD}), tenant_folder(tmp_path))
    way = InProcess(simulator, clock)
    local = {"host": "http://localhost", **CONTRACT}
    for upload in ("media", "signed"):
        connector = connected(way, clock, upload=upload, **local)
        with pytest.raises(FileError) as told:
            connector.upload("paper", "files", HeldFile("x", "a.txt", 0), lambda: iter(()))
        assert told.value.code == "file.refused"
    simulator.faults = Faults([Fault("*", FaultKind.BUSY, every=1)])
    for call in (
        lambda: connector.upload("paper", "files", HeldFile("x", "a.txt", 1), lambda: iter([b"a"])),
        lambda: list(connector.body("paper", HeldFile("x", "a.txt", 1))),
    ):
        with pytest.raises(UnavailableError) as silent:
            call()
        assert silent.value.code == "fxiaoke.no_answer"


def test_a_body_goes_over_no_open_line(tmp_path: Path) -> None:
    clock = VirtualClock(START)
    simulator = Simulator(clock, SimulatorSettings.of({"key_field": OUR_FIELD}), tenant_folder(tmp_path))
    way = InProcess(simulator, clock)
    connector = connected(way, clock, upload="signed", **CONTRACT)  # whose host speaks TLS
    with pytest.raises(UnavailableError) as told:
        connector.upload("paper", "files", HeldFile("x", "a.txt", 1), lambda: iter([b"a"]))
    assert told.value.code == "fxiaoke.upload_address"
    assert ADDRESS not in [path for path, _ in way.sent]
