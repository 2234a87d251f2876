"""The simulator behind a socket of this machine."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping

from ...clock import Clock
from ...errors import InputError
from ...loopback import LoopbackHandler, LoopbackServer
from ...simulators import Setting, Wanted
from .answers import NoAnswerError
from .faults import read_faults
from .settings import Settings, told_settings
from .simulator import Simulator
from .tenant import kept_settings

HOST = "127.0.0.1"


class FxiaokeSimulator:
    """What the entry point leads to."""

    def settings(self) -> tuple[Setting, ...]:
        return told_settings()

    def start(self, wanted: Wanted, clock: Clock) -> Server:
        settings = Settings.of({**kept_settings(wanted.data), **wanted.settings})
        faults = None if wanted.faults is None else read_faults(wanted.faults)
        return Server(Simulator(clock, settings, wanted.data, faults), wanted.port)


class Server:
    """Answers on 127.0.0.1, and nowhere else. Raises InputError `simulator.port` where the port cannot be had."""

    def __init__(self, simulator: Simulator, port: int = 0) -> None:
        self.simulator = simulator
        try:
            self._server = _Server((HOST, port), _Handler)
        except OSError as error:
            raise InputError("simulator.port", port=port) from error
        self._server.simulator = simulator
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}"

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

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.simulator.close()


class _Server(LoopbackServer):
    simulator: Simulator


class _Handler(LoopbackHandler):
    def serve(self) -> None:
        assert isinstance(self.server, _Server)  # noqa: S101 - the base class says any server
        body = self.body()
        try:
            told = self.server.simulator.answer(self.command, self.path, dict(self.headers.items()), body)
        except NoAnswerError:
            self.reset()
            return
        except Exception:  # ours to mend; whoever called sees what it was
            told = 500, {"Content-Type": "text/plain;charset=UTF-8"}, traceback.format_exc().encode()
        status, headers, content = told
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()
