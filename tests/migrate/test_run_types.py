"""Types do not drift: the target holds what the source held, to the cent, the microsecond and the letter."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from .company import Company

DDL = {
    "sqlite": "id integer primary key, amount decimal(18, 2), code varchar(10), note text, born date, seen timestamp, "
    "since timestamptz, hot boolean",
    "postgresql": "id integer primary key, amount numeric(18, 2), code varchar(10), note text, born date, "
    "seen timestamp, since timestamptz, hot boolean",
    "mariadb": "id integer primary key, amount decimal(18, 2), code varchar(10), note text, born date, "
    "seen datetime(6), since timestamp(6) null, hot boolean",
}
FIELDS = ("amount", "code", "note", "born", "seen", "since", "hot")
SHANGHAI = dt.timezone(dt.timedelta(hours=8))
MOMENT = dt.datetime(2024, 7, 1, 8, 30, 0, 250_000, tzinfo=SHANGHAI)
THINGS = (
    (1, "0.10", "007", "", "2024-02-29", "2024-01-31 23:59:59.123456", MOMENT, True),
    (2, "-1234567890123.45", "0", "😀 客户 é", "1900-01-01", "1969-12-31 00:00:00", MOMENT, False),
    (3, None, "", None, None, None, None, None),
    (4, "100", " x ", "two\nlines\t\"quoted\" 'it' \\ %s :a", "2038-01-20", "2024-03-31 02:30:00", MOMENT, True),
)
WIDEST = (5, "99999999999999.99", "99", "", "2024-01-01", "2024-01-01 00:00:00", MOMENT, True)
PROJECT = """
project: things
default: mock
environments:
  mock:
    source: {{connector: sql, name: old, url: "{source}", zone: Asia/Shanghai, objects: [old_thing]}}
    target: {{connector: sql, name: new, url: "{target}", zone: Asia/Shanghai, objects: [new_thing]}}
"""
MAPPING = "mapping: thing\nfrom: old_thing\nto: new_thing\nfields:\n  id: id\n"


def make_things(folder: Path, source: str, target: str, things: Sequence[tuple[object, ...]]) -> Company:
    (folder / "mappings").mkdir(parents=True)
    (folder / "changeover.yaml").write_text(PROJECT.format(source=source, target=target), encoding="utf-8")
    (folder / "mappings" / "thing.yaml").write_text(MAPPING + "".join(f"  {each}: {each}\n" for each in FIELDS))
    for url, table in ((source, "old_thing"), (target, "new_thing")):
        run_sql(url, f"create table {table} ({DDL[kind_of(url)]})")
    places = ", ".join(f":{name}" for name in ("id", *FIELDS))
    rows = [dict(zip(("id", *FIELDS), _as_kept(each, source), strict=True)) for each in things]
    run_sql(source, f"insert into old_thing values ({places})", rows)
    return Company(folder)


def kind_of(url: str) -> str:
    return sa.make_url(url).get_backend_name()


def _as_kept(thing: tuple[object, ...], url: str) -> tuple[object, ...]:
    """The cells as this database takes them for an instant."""
    since = thing[6]
    if not isinstance(since, dt.datetime):
        return thing
    utc = since.astimezone(dt.UTC)
    kept = {"sqlite": utc.isoformat(" "), "mariadb": utc.replace(tzinfo=None)}.get(kind_of(url), since)
    return (*thing[:6], kept, thing[7])


def run_sql(url: str, sql: str, rows: list[dict[str, object]] | None = None) -> list[tuple[object, ...]]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        if kind_of(url) == "mariadb":
            connection.exec_driver_sql("set time_zone = '+00:00'")
        done = connection.execute(sa.text(sql), rows or {})
        return [tuple(row) for row in done] if done.returns_rows else []


def things_of(url: str, table: str) -> list[tuple[object, ...]]:
    """The rows, each cell as exact as its database keeps it."""
    rows = run_sql(url, f"select id, {', '.join(FIELDS)} from {table} order by id")
    return [tuple(_exact(cell, place, url) for place, cell in enumerate(row)) for row in rows]


def _exact(cell: object, place: int, url: str) -> object:
    if cell is None:
        return None
    if place == 1:
        return str(Decimal(str(cell)).quantize(Decimal("0.01")))
    if place == 6:
        moment = cell if isinstance(cell, dt.datetime) else dt.datetime.fromisoformat(str(cell))
        return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)
    if place == 7:
        return bool(cell)
    if place == 5 and not isinstance(cell, dt.datetime):
        return dt.datetime.fromisoformat(str(cell))
    if place == 4 and not isinstance(cell, dt.date):
        return dt.date.fromisoformat(str(cell))
    return cell


def expected(things: Sequence[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [tuple(_exact(cell, place, "") for place, cell in enumerate(thing)) for thing in things]


PAIRS = [
    ("sqlite", "sqlite"),
    ("sqlite", "postgres_url"),
    ("postgres_url", "postgres_url"),
    ("postgres_url", "sqlite"),
    ("mariadb_url", "mariadb_url"),
    ("sqlite", "mariadb_url"),
]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_types_do_not_drift(source: str, target: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    urls = [
        f"sqlite:///{tmp_path / name}.db" if each == "sqlite" else request.getfixturevalue(each)
        for each, name in ((source, "old"), (target, "new"))
    ]
    wide = "sqlite" not in (source, target)
    things = (*THINGS, WIDEST) if wide else THINGS
    company = make_things(tmp_path / "move", urls[0], urls[1], things)
    assert things_of(urls[0], "old_thing") == expected(things)
    done = company.run()
    assert (done.verdict, done.counts("thing")) == ("run.done", {"read": len(things), "created": len(things)})
    assert things_of(urls[1], "new_thing") == expected(things)
    if kind_of(urls[1]) == "postgresql":
        assert run_sql(urls[1], "select amount::text from new_thing where id = 1") == [("0.10",)]
    assert company.run().counts("thing") == {"read": len(things), "unchanged": len(things)}
    assert company.reconcile().verdict == "reconcile.equal"


def test_a_number_that_the_target_cannot_hold_is_refused_and_never_rounded(tmp_path: Path) -> None:
    """SQLite keeps 15 digits of a decimal; this one has 16, and is text in the source."""
    source, target = (f"sqlite:///{tmp_path / name}.db" for name in ("old", "new"))
    company = make_things(tmp_path / "move", source, target, THINGS[:1])
    run_sql(source, "drop table old_thing")
    run_sql(source, f"create table old_thing ({DDL['sqlite'].replace('decimal(18, 2)', 'text')})")
    run_sql(source, "insert into old_thing (id, amount) values (1, '99999999999999.99'), (2, '9999999999999.99')")
    done = company.run()
    assert (done.code, done.counts("thing")) == (1, {"read": 2, "created": 1, "rejected": 1})
    assert done.causes() == {("target.out_of_range", "old_thing"): ["1"]}
    assert run_sql(target, "select id, amount from new_thing") == [(2, 9999999999999.99)]
