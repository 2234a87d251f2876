"""TLS in front of the simulator, for clients that take no other way: a certificate of our own, for loopback only."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from changeover.connectors.loopback import LoopbackHandler, LoopbackServer
from changeover.connectors.simulating.server import HOST, Answering
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Front:
    """certificate: the file by which a client trusts it."""

    url: str
    certificate: Path


@contextmanager
def front(answering: Answering, folder: Path) -> Iterator[Front]:
    """Answers with what is behind it, which stays the caller's to close. folder: for certificate and key."""
    certificate, key = _written(folder)
    server = _Server((HOST, 0), _Handler)
    server.answering = answering
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(certificate, key)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield Front(f"https://{HOST}:{server.server_address[1]}", certificate)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(LoopbackServer):
    answering: Answering
    tls: ssl.SSLContext

    def get_request(self) -> tuple[socket.socket, Any]:
        """Hands shaken by the thread that reads."""
        caller, address = super().get_request()
        return self.tls.wrap_socket(caller, server_side=True, do_handshake_on_connect=False), address


class _Handler(LoopbackHandler):
    def serve(self) -> None:
        assert isinstance(self.server, _Server)
        headers = {**dict(self.headers.items()), "X-Forwarded-Proto": "https"}
        status, told, body = self.server.answering.answer(self.command, self.path, headers, self.body())
        self.send_response_only(status)
        for name, value in told.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    do_PUT = do_PATCH = do_DELETE = do_HEAD = LoopbackHandler.do_POST  # noqa: N815 - the base class looks for them


def _written(folder: Path) -> tuple[Path, Path]:
    """(certificate, key), good for a day, which signs itself."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulator")]),
    )
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    return files
