"""The physical limit: read every row from SQLite, COPY it into PostgreSQL, one transaction a table. Nothing is checked.

python bare_copy.py FILE.db DSN SCHEMA
"""

from __future__ import annotations

import sqlite3
import sys

import psycopg
from company import OBJECTS


def copy(file: str, dsn: str, schema: str) -> None:
    """Rows go one by one into psycopg's compiled writer, which is faster than any text put together in Python."""
    source = sqlite3.connect(file)
    with psycopg.connect(dsn, autocommit=True) as target:
        for name, columns in OBJECTS.items():
            into = ", ".join(each.target for each in columns)
            with target.transaction(), target.cursor().copy(f"copy {schema}.{name} ({into}) from stdin") as sink:
                for row in source.execute(f"select * from {name}"):
                    sink.write_row(row)
    source.close()


if __name__ == "__main__":
    copy(*sys.argv[1:4])
