"""Databases: whatever SQLAlchemy reaches, as source and target. SQLite, PostgreSQL and MariaDB (MySQL) are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..clock import Clock
    from ..pace import Pace
    from ..port import Connector, Settings
    from ..secrets import Secrets


def connect(settings: Settings, secrets: Secrets, pace: Pace, clock: Clock) -> Connector:
    """A connection to the database named by the option `url`; it is opened when it is first used.

    Other options: `schema`, `objects`, `keys`, `our_key`, `audit`, `acting_user`, `references`, `files`. One connector
    serves one thread. A database limits no calls. Raises InputError `option.unknown`, `option.value`, `audit.*`,
    `sql.url`, `sql.driver`, `secret.missing` or `held_files.*`.
    """
    from pathlib import Path

    from ..folder_files import with_files
    from .connector import SqlConnector
    from .database import Database
    from .options import read_options

    options = read_options(settings)
    connector = SqlConnector(settings.name, options, Database.of(settings, options, secrets), settings.zone)
    return with_files(connector, settings.options.get("files"), Path(settings.folder), settings.name, connector.piece)
