"""Files that a column names below a folder: their sizes told, their bodies given, nothing outside of the folder."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import cast

import pytest
import sqlalchemy as sa
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import InputError
from changeover.connectors.files import connect as connect_files
from changeover.connectors.held_file import PIECE, FileError, HeldFile, HoldsFiles, files_in
from changeover.connectors.pace import Pace
from changeover.connectors.port import KEY, Connector, Settings
from changeover.connectors.schema import FieldType
from changeover.connectors.secrets import Secrets
from changeover.connectors.sql import connect as connect_sql

from .sql_kit import EVERY, Kit

LARGE = bytes(range(256)) * 9_000
ROWS = [
    ("1", "2020/合同.pdf", "Contract"),
    ("2", "\\2020\\合同.pdf; 2021/b.txt;", "Contract; B"),
    ("3", "", "nothing"),
    ("4", "gone.pdf", "Gone"),
    ("5", "../outside.txt", "Outside"),
    ("6", "out/secret.txt", "Link"),
    ("7", "2020", "Folder"),
    ("8", "a\0b", "Nul"),
    ("9", None, None),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    uploads = tmp_path / "uploads"
    for path, body in (("2020/合同.pdf", LARGE), ("2021/b.txt", b"b")):
        (uploads / path).parent.mkdir(parents=True)
        (uploads / path).write_bytes(body)
    (tmp_path / "outside.txt").write_text("not ours")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.txt").write_text("not ours")
    (uploads / "out").symlink_to(tmp_path / "elsewhere")
    return tmp_path


@pytest.fixture(params=["sql", "files"])
def connector(request: pytest.FixtureRequest, folder: Path) -> Connector:
    return opened(request.param, folder, {"t": {"scan": {"folder": "uploads", "name": "title", "separator": ";"}}})


def opened(kind: str, folder: Path, files: object) -> Connector:
    world = (Secrets(), Pace(SystemClock()), SystemClock())
    if kind == "files":
        lines = [
            f'"{"" if a is None else a}","{"" if b is None else b}","{"" if c is None else c}"' for a, b, c in ROWS
        ]
        (folder / "t.csv").write_text("id,scan,title\n" + "\n".join(lines) + "\n", "utf-8")
        options = {"objects": {"t": {"file": "t.csv", "key": "id"}}, "files": files}
        return connect_files(Settings("old", "files", options, folder=str(folder)), *world)
    base = sqlite3.connect(folder / "old.db")
    base.execute("create table if not exists t (id varchar(9) primary key, scan varchar(80), title varchar(80))")
    base.executemany("insert or replace into t values (?, ?, ?)", ROWS)
    base.commit()
    base.close()
    return connect_sql(Settings("old", "sql", {"url": "sqlite:///old.db", "files": files}, folder=str(folder)), *world)


def files_of(connector: Connector) -> dict[str, tuple[HeldFile, ...]]:
    [chunk] = connector.read("t", ["scan"])
    assert list(chunk.frame.columns) == ["scan"]
    cells = chunk.frame["scan"].tolist()
    return {key: files_in(each if isinstance(each, str) else None) for key, each in zip(chunk.keys, cells, strict=True)}


def body(connector: Connector, file: HeldFile) -> bytes | str:
    try:
        pieces = list(cast(HoldsFiles, connector).body("t", file))
    except FileError as error:
        return error.code
    assert max(map(len, pieces)) <= PIECE
    return b"".join(pieces)


def test_a_column_of_paths_is_a_field_of_files(connector: Connector) -> None:
    field = connector.describe().objects["t"].field("scan")
    assert field is not None
    assert (field.type, field.writable, connector.capabilities.holds_files) == (FieldType.FILE, False, True)
    told = files_of(connector)
    assert [(each.name, each.size) for each in told["1"]] == [("Contract", len(LARGE))]
    assert [(each.name, each.size) for each in told["2"]] == [("Contract", len(LARGE)), ("B", 1)]
    assert (told["3"], told["9"]) == ((), ())
    assert [body(connector, each) for each in (*told["1"], *told["2"])] == [LARGE, LARGE, b"b"]
    [found] = connector.find("t", (KEY,), [("2",)], ["title", "scan"]).frame["scan"].tolist()
    assert files_in(found) == told["2"]


def test_nothing_is_read_outside_of_the_folder_and_what_is_gone_is_told(connector: Connector) -> None:
    told = files_of(connector)
    assert {key: [each.size for each in told[key]] for key in "45678"} == {key: [0] for key in "45678"}
    assert body(connector, told["4"][0]) == "file.gone"
    assert {body(connector, told[key][0]) for key in "5678"} == {"file.unreadable"}


def test_a_file_is_called_as_its_path_ends_where_nothing_else_is_said(folder: Path) -> None:
    told = files_of(opened("sql", folder, {"t": {"scan": "uploads"}}))
    assert [each.name for each in told["1"]] == ["合同.pdf"]


@EVERY
def test_a_column_that_holds_bodies_is_a_field_of_files(opened: Kit) -> None:
    kind = {"sqlite": "blob", "postgresql": "bytea"}.get(opened.engine.dialect.name, "longblob")
    opened.sql(
        f"create table paper (no varchar(9), part integer, title varchar(40), body {kind}, primary key (no, part))"
    )
    rows = [("p|1", 1, "合同.pdf", LARGE), ("p|1", 2, None, b""), ("p2", 1, "none", None), ("P2", 2, "b", b"\0\xff")]
    with opened.engine.begin() as connection:
        for row in rows:
            said = sa.text("insert into paper values (:a, :b, :c, :d)")
            connection.execute(said, dict(zip("abcd", row, strict=True)))
    connector = opened.unprepared(files={"paper": {"body": {"name": "title"}}})
    field = connector.describe().objects["paper"].field("body")
    assert field is not None
    assert (field.type, field.writable) == (FieldType.FILE, False)
    told = {}
    for chunk in connector.read("paper", ["body", "title"], size=2):
        for key, cell in zip(chunk.keys, chunk.frame["body"].tolist(), strict=True):
            told[key] = files_in(cell if isinstance(cell, str) else None)
    assert {key: [(each.name, each.size) for each in files] for key, files in told.items()} == {
        "p\\|1|1": [("合同.pdf", len(LARGE))],
        "p\\|1|2": [("body", 0)],
        "p2|1": [],
        "P2|2": [("b", 2)],
    }
    held = cast(HoldsFiles, connector)
    bodies = {each.name: b"".join(held.body("paper", each)) for files in told.values() for each in files}
    assert bodies == {"合同.pdf": LARGE, "body": b"", "b": b"\0\xff"}
    assert max(map(len, held.body("paper", told["p\\|1|1"][0]))) <= PIECE
    opened.sql("update paper set body = null where no = 'P2'")
    with pytest.raises(FileError):
        list(held.body("paper", told["P2|2"][0]))


@pytest.mark.parametrize("kind", ["sql", "files"])
@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"t": {"scan": "nowhere"}}, "held_files.no_folder"),
        ({"t": {"scan": {"folder": "uploads", "nam": "title"}}}, "held_files.option"),
        ({"t": {"skan": "uploads"}}, "held_files.no_field"),
        ({"t": {"scan": {"folder": "uploads", "name": "titel"}}}, "held_files.no_field"),
        ({"u": {"scan": "uploads"}}, "held_files.no_object"),
        ({"t": {"scan": {"separator": ";"}}}, "held_files.option"),
    ],
)
def test_what_is_not_there_is_named(folder: Path, kind: str, files: object, code: str) -> None:
    with pytest.raises(InputError) as told:
        opened(kind, folder, files).describe()
    assert told.value.code == code
