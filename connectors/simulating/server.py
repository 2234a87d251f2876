"""A simulator behind a socket of this machine."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping
from typing import Protocol, TypeAlias

from ..errors import InputError
from ..loopback import LoopbackHandler, LoopbackServer

HOST = "127.0.0.1"
NO_CONTENT = 204
Answer: TypeAlias = "tuple[int, Mapping[str, str], bytes]"


class NoAnswerError(Exception):
    """The connection breaks instead of an answer. Whether the call was carried out, its caller cannot know."""


class CutAnswerError(NoAnswerError):
    """The connection breaks in the middle of the answer: so many bytes of its body arrive."""

    def __init__(self, answer: Answer, arrive: int) -> None:
        super().__init__()
        self.answer = answer
        self.arrive = arrive


class Answering(Protocol):
    """A simulator without its socket. Many threads call it at once."""

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """(status, headers, body). path: with its query. Raises NoAnswerError where the connection would break."""

    def close(self) -> None: ...


class SimulatorServer:
    """Answers on 127.0.0.1, and nowhere else. Raises InputError `simulator.port` where the port cannot be had; then the
    simulator is closed, too."""

    def __init__(self, answering: Answering, port: int = 0) -> None:
        self._answering = answering
        try:
            self._server = _Server((HOST, port), _Handler)
        except OSError as error:
            answering.close()
            raise InputError("simulator.port", port=port) from error
        self._server.answering = answering
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._answering.close()


class _Server(LoopbackServer):
    answering: Answering


class _Handler(LoopbackHandler):
    def serve(self) -> None:
        assert isinstance(self.server, _Server)  # noqa: S101 - the base class says any server
        body = self.body()
        arrive = None
        try:
            told = self.server.answering.answer(self.command, self.path, dict(self.headers.items()), body)
        except CutAnswerError as error:
            told, arrive = error.answer, error.arrive
        except NoAnswerError:
            self.reset()
            return
        except Exception:  # ours to mend; whoever called sees what it was
            told = 500, {"Content-Type": "text/plain;charset=UTF-8"}, traceback.format_exc().encode()
        self._send(told, arrive)

    def _send(self, told: Answer, arrive: int | None) -> None:
        status, headers, content = told
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != NO_CONTENT:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[:arrive])
        self.wfile.flush()
        if arrive is not None:
            self.close_connection = True

    do_PUT = do_PATCH = do_DELETE = do_HEAD = LoopbackHandler.do_POST  # noqa: N815 - the base class looks for them
