"""Moves make hundreds of commits, and nothing here depends on when they reach the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
import sqlalchemy as sa
from changeover.connectors.sql import connector
from changeover.connectors.sql.dialect import Dialect
from changeover.connectors.sql.options import Options
from changeover.connectors.sql.reflect import Reflected

from ..hasty import hasty
from .kill_at import Launcher
from .sharing import http_crm_installed


@pytest.fixture(scope="module", autouse=True)
def _hasty() -> Iterator[None]:
    with hasty():
        yield


_KNOWN: dict[tuple[object, ...], Reflected] = {}


@pytest.fixture(scope="module", autouse=True)
def _like_databases_are_described_once() -> Iterator[None]:
    """Many a test makes the same few tables. A SQLite file keeps the text of all that is told of them."""
    reflect = connector.reflect

    def once(connection: sa.Connection, dialect: Dialect, options: Options, name: str) -> Reflected:
        if dialect.kind != "sqlite":
            return reflect(connection, dialect, options, name)
        texts = connection.exec_driver_sql("select type, name, tbl_name, sql from sqlite_schema").all()
        like = (name, repr(options.model_copy(update={"url": ""})), *map(tuple, texts))
        if like not in _KNOWN:
            _KNOWN[like] = reflect(connection, dialect, options, name)
        return _KNOWN[like]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connector, "reflect", once)
        yield


@pytest.fixture(scope="session")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """One for all that this process tests: what a command loads takes longer than the command."""
    with closing(Launcher(tmp_path_factory.mktemp("launcher"))) as started:
        yield started


@pytest.fixture(scope="module")
def http_launcher(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """Its commands find the connector of the CRM over HTTP installed."""
    with http_crm_installed(tmp_path_factory.mktemp("path")):
        yield launcher
