"""A company whose ledger lies on a server, so that more processes than one may work on it."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import pytest
import sqlalchemy as sa
from changeover.connectors.secrets import Secrets
from changeover.migrate.project import load_project
from changeover.runs.ledger.place import Server

from .company import Company

PASSWORD = "hush-hush"  # noqa: S105 - the server lets everybody in


@dataclass(frozen=True)
class OnServer(Company):
    """A company whose ledger lies on a server."""

    @property
    def place(self) -> Server:
        place = load_project(self.folder).ledger(Secrets())
        assert isinstance(place, Server)
        return place

    def ledger(self, sql: str) -> list[tuple[object, ...]]:
        place = self.place
        url = place.secrets.fill(place.url)
        with psycopg.connect(url, options=f"-c search_path={place.schema}") as server:
            done = server.execute(sql.encode())
            return done.fetchall() if done.description else []


def with_password(text: str, patch: pytest.MonkeyPatch) -> str:
    """The URL of a database for ledgers as a project writes it: its password by name."""
    patch.setenv("LEDGER_PASSWORD", PASSWORD)
    made = sa.make_url(text).set(drivername="postgresql", password="LEDGER")  # noqa: S106
    return made.render_as_string(hide_password=False).replace(":LEDGER@", ":${LEDGER_PASSWORD}@")


def on_server(company: Company, url: str, name: str = "") -> OnServer:
    """Each in a schema of its own: they lie in folders of other names. name: of the project, where that is not so."""
    company.rewrite(
        "changeover.yaml",
        ("    production: false", f'    production: false\n    ledger: "{url}"'),
        ("project: small-move", f"project: {name or company.folder.parent.name}"),
    )
    return OnServer(company.folder)
