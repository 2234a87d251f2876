"""A database that is not there, and options that are wrong."""

from __future__ import annotations

import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from changeover.connectors.change import OutcomeState
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import ChangeoverError, InputError
from changeover.connectors.pace import Pace
from changeover.connectors.port import Settings
from changeover.connectors.secrets import Secrets
from changeover.connectors.sql import connect, mariadb, postgresql, sqlite
from changeover.runs.catalogue import Catalogue

from .sql_kit import Kit, create, kit, sqlite_url, write

TABLE = "CREATE TABLE t (id int PRIMARY KEY, name varchar(40))"
THREE = tuple(create(f"o:{n}", id=n, name=f"n{n}") for n in range(3))


def closed_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def refused(url: str, folder: str = ".", **environment: str) -> ChangeoverError:
    """What a connection says at its first use; that it was made at all shows that making it reaches nothing."""
    connector = connect(
        Settings("crm", "sql", {"url": url}, folder=folder),
        Secrets(environment.get),
        Pace(SystemClock()),
        SystemClock(),
    )
    with pytest.raises(ChangeoverError) as caught:
        connector.count("t")
    with pytest.raises(ChangeoverError):
        write(connector, "t", *THREE)
    connector.close()
    return caught.value


def test_a_password_is_hidden_wherever_it_turns_up() -> None:
    error = refused(f"mariadb://me:hunter2@127.0.0.1:{closed_port()}/hunter2")
    assert "hunter2" not in str(error)
    assert str(error.params["server"]).endswith("/***")


@pytest.mark.parametrize("driver", ["postgresql", "mariadb"])
def test_nobody_answers(driver: str) -> None:
    error = refused(f"{driver}://me:${{WORD}}@127.0.0.1:{closed_port()}/crm", WORD="p@ss:w/rd %")
    assert (error.code, error.exit_code) == ("sql.unreachable", 3)
    assert "p@ss" not in str(error)
    assert "127.0.0.1" in str(error.params["server"])


def test_a_wrong_password_and_an_unknown_database(my: Kit, mariadb: sa.URL) -> None:
    my.sql("CREATE OR REPLACE USER clerk@localhost IDENTIFIED BY 'p@ss:w/rd %'", "GRANT ALL ON *.* TO clerk@localhost")
    try:
        url = f"mariadb://clerk:${{WORD}}@127.0.0.1:{mariadb.port}/{my.engine.url.database}"
        wrong = refused(url, WORD="not that")
        assert wrong.code == "sql.unreachable"
        assert "Access denied" in str(wrong.params["reason"])
        assert "not that" not in str(wrong)
        assert (
            refused(url.replace(str(my.engine.url.database), "nowhere"), WORD="p@ss:w/rd %").code == "sql.unreachable"
        )
        secrets = Secrets({"WORD": "p@ss:w/rd %", "ALL": my.url}.get)
        for address in (url, "${ALL}"):
            connector = connect(Settings("crm", "sql", {"url": address}), secrets, Pace(SystemClock()), SystemClock())
            assert connector.identity().name == my.engine.url.database
            connector.close()
    finally:
        my.sql("DROP USER clerk@localhost")


def test_a_sqlite_file_is_never_made(tmp_path: Path) -> None:
    error = refused("sqlite:///gone.db", str(tmp_path))
    assert (error.code, error.exit_code, error.params["file"]) == ("sql.no_file", 2, str(tmp_path / "gone.db"))
    assert list(tmp_path.iterdir()) == []
    assert refused("sqlite:///.", str(tmp_path)).code == "sql.not_a_file"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "crm.db").write_text("id,name\n" * 1000)
    error = refused("sqlite:///crm.db", str(tmp_path))
    assert (error.code, error.exit_code) == ("sql.unreachable", 3)
    assert "not a database" in str(error.params["reason"])


def test_a_sqlite_file_that_goes_away_does_not_come_back_empty(tmp_path: Path) -> None:
    with kit(sqlite_url(tmp_path / "..", f"{tmp_path.name}.db")) as opened:
        opened.sql(TABLE)
        connector = opened.connector()
        write(connector, "t", *THREE)
        connector.close()
        Path(str(opened.engine.url.database)).unlink()
        for act in (lambda: connector.count("t"), lambda: write(connector, "t", create("o:9", id=9))):
            with pytest.raises(InputError, match=r"sql\.no_file"):
                act()
        assert not Path(str(opened.engine.url.database)).exists()


def test_a_path_is_the_projects(tmp_path: Path) -> None:
    folder = tmp_path / "项目 100%#?"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "crm.db")) as database:
        database.execute(TABLE)
    connector = connect(
        Settings("crm", "sql", {"url": "sqlite:///crm.db"}, folder=str(folder)),
        Secrets(),
        Pace(SystemClock()),
        SystemClock(),
    )
    assert connector.count("t") == 0
    connector.close()
    shutil.rmtree(folder)


# Options


@pytest.mark.parametrize(
    ("options", "code", "params"),
    [
        ({"url": "sqlite:///a.db", "key": {}}, "option.unknown", {"option": "key", "near": "keys"}),
        ({"url": "sqlite:///a.db", "audit": {"t": {"modifed_at": "x"}}}, "audit.unknown", {"nearest": "modified_at"}),
        ({}, "option.value", {"option": "url"}),
        ({"url": "sqlite:///a.db", "objects": "t"}, "option.value", {"option": "objects"}),
        ({"url": "sqlite:///a.db", "keys": {"t": "id"}}, "option.value", {"option": "keys.t"}),
        ({"url": "sqlite:///a.db", "references": {"t": {"c": 5}}}, "option.value", {"option": "references.t.c"}),
        ({"url": 5}, "option.value", {"option": "url"}),
        ({"url": "crm.db"}, "sql.url", {}),
        ({"url": "sqlite://"}, "sql.url", {}),
        ({"url": "sqlite:///a.db?mode=rwc"}, "sql.url", {}),
        ({"url": "sqlite:///:memory:"}, "sql.url", {}),
        ({"url": "postgresql+psycopg2://h/d"}, "sql.driver", {"use": "postgresql+psycopg"}),
        ({"url": "nosuch://h/d"}, "sql.driver", {"driver": "nosuch"}),
        ({"url": "mariadb://u:${NO_SUCH_SECRET_HERE}@h/d"}, "secret.missing", {"name": "NO_SUCH_SECRET_HERE"}),
    ],
)
def test_options_that_are_wrong(options: dict[str, object], code: str, params: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        connect(Settings("crm", "sql", options), Secrets(lambda name: None), Pace(SystemClock()), SystemClock())
    assert caught.value.code == code
    assert params.items() <= caught.value.params.items()


def test_every_answer_of_a_database_has_a_text() -> None:
    codes = {*sqlite._CODES.values(), *sqlite._BREAKS.values(), *postgresql._CODES.values()}
    codes |= {*postgresql._BREAKS.values(), *postgresql._BREAKING_CLASSES.values(), *mariadb._CODES.values()}
    codes |= {*mariadb._BREAKS.values(), "target.unknown", "target.gone", "target.taken", "target.stale", "target.type"}
    codes |= {"target.exists", "target.refused", "target.connection_lost", "target.batch_refused"}
    for language in ("zh", "en"):
        assert [code for code in codes if not Catalogue(language).knows(code)] == []
    assert OutcomeState.UNKNOWN
