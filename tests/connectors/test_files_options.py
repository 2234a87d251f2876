"""What a project may say of a folder of files, and what it is told when it is wrong."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
import yaml
from changeover.connectors.clock import SystemClock, VirtualClock
from changeover.connectors.errors import InputError
from changeover.connectors.files import connect
from changeover.connectors.files.connector import FilesConnector
from changeover.connectors.pace import Pace
from changeover.connectors.port import Settings
from changeover.connectors.registry import available
from changeover.connectors.secrets import Secrets

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    export = tmp_path / "export"
    export.mkdir()
    (export / "customer.csv").write_text("id,name\n1,a\n")
    (export / "deal.jsonl").write_text('{"no": 1}\n')
    (export / "readme.txt").write_text("not an object")
    (export / ".hidden.csv").write_text("not an object either")
    return tmp_path


def open_folder(folder: Path, **options: object) -> FilesConnector:
    settings = Settings("old", "files", {"path": "export", **options}, folder=str(folder))
    return connect(settings, Secrets(), Pace(SystemClock()), SystemClock())


def test_every_file_of_the_folder_is_an_object(folder: Path) -> None:
    connector = open_folder(folder, keys={"customer": ["id"], "deal": "no"})
    assert {name: each.key for name, each in connector.describe().objects.items()} == {
        "customer": ("id",),
        "deal": ("no",),
    }


def test_only_the_files_that_are_listed(folder: Path) -> None:
    connector = open_folder(folder, objects={"client": {"file": "customer.csv", "key": ["id"]}})
    assert list(connector.describe().objects) == ["client"]
    connector = open_folder(folder, objects={"client": {"file": "customer.csv"}}, keys={"client": "id"})
    assert connector.count("client") == 1


def test_a_folder_says_which_it_is(folder: Path) -> None:
    connector = open_folder(folder, keys={"customer": "id", "deal": "no"})
    identity = connector.identity()
    assert (identity.kind, identity.id, identity.name, identity.production) == ("files", "export", "export", None)
    assert connector.record_url("customer", "1") is None
    assert connector.acting_user() is None


def test_the_time_is_the_clocks(folder: Path) -> None:
    start = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    settings = Settings(
        "old", "files", {"path": "export", "keys": {"customer": "id", "deal": "no"}}, folder=str(folder)
    )
    assert connect(settings, Secrets(), Pace(VirtualClock(start)), VirtualClock(start)).now() == start


@pytest.mark.parametrize(
    ("options", "code", "params"),
    [
        ({"path": "exprot"}, "files.no_folder", {"folder": "exprot"}),
        ({"pth": "x"}, "files.option", {"option": "pth", "nearest": "path"}),
        ({"keys": {"customer": "id"}}, "files.no_key", {"object": "deal", "file": "deal.jsonl"}),
        ({"keys": ["id"]}, "files.not_a_mapping", {"option": "keys"}),
        ({"keys": {"customer": "id", "deal": "no", "deel": "no"}}, "files.key_of_nothing", {"object": "deel"}),
        ({"keys": {"customer": [], "deal": "no"}}, "files.key_no_columns", {"object": "customer"}),
        ({"keys": {"customer": [1], "deal": "no"}}, "files.key_no_columns", {"object": "customer"}),
        ({"objects": ["customer"]}, "files.not_a_mapping", {"option": "objects"}),
        ({"objects": {"a": "customer.csv"}}, "files.not_a_mapping", {"option": "a"}),
        ({"objects": {"a": {"key": "id"}}}, "files.no_file", {"object": "a"}),
        ({"objects": {"a": {"file": "customers.csv", "key": "id"}}}, "files.no_file", {"file": "customers.csv"}),
        ({"objects": {"a": {"file": "customer.csv"}}}, "files.no_key", {"object": "a"}),
        ({"objects": {"a": {"file": "readme.txt", "key": "id"}}}, "files.no_format", {"file": "readme.txt"}),
        ({"objects": {"a": {"file": "customer.csv", "key": "id", "format": "xls"}}}, "files.no_format", {}),
        (
            {"objects": {"a": {"file": "customer.csv", "key": "id", "encodng": "x"}}},
            "files.option",
            {"option": "encodng"},
        ),
        ({"objects": {"a": {"file": "customer.csv", "key": "id", "encoding": "gb"}}}, "files.no_encoding", {}),
        ({"objects": {"a": {"file": "customer.csv", "key": "id", "encoding": "hex"}}}, "files.no_encoding", {}),
        ({"objects": {"a": {"file": "customer.csv", "key": "id", "delimiter": ", "}}}, "files.no_delimiter", {}),
        ({"objects": {"a": {"file": "customer.csv", "key": "id", "delimiter": '"'}}}, "files.no_delimiter", {}),
    ],
)
def test_what_is_wrong_with_the_settings_is_told(
    folder: Path, options: dict[str, object], code: str, params: dict[str, str]
) -> None:
    with pytest.raises(InputError) as told:
        open_folder(folder, **options)
    assert told.value.code == code
    assert dict(told.value.params) | params == dict(told.value.params)
    assert told.value.params["connection"] == "old"


def test_the_nearest_file_is_named_first(folder: Path) -> None:
    with pytest.raises(InputError) as told:
        open_folder(folder, objects={"a": {"file": "customers.csv", "key": "id"}})
    assert str(told.value.params["nearest"]).startswith("customer.csv")


def test_two_files_of_one_name_are_told(folder: Path) -> None:
    (folder / "export" / "customer.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"files\.same_name"):
        open_folder(folder, keys={"customer": "id", "deal": "no"})


def test_a_folder_without_files_is_told(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    with pytest.raises(InputError, match=r"files\.empty_folder"):
        open_folder(tmp_path)


def test_both_connectors_are_installed() -> None:
    for name in ("files", "memory"):
        assert callable(available()[name].load())


def raised_in(text: str) -> Iterator[tuple[str, set[str]]]:
    """(code, names of its params) of every error that is made in a source text."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error"):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and str(first.value).startswith(("files.", "memory.", "hostile.")):
                yield str(first.value), {str(each.arg) for each in node.keywords}


def test_every_error_has_its_text_in_both_languages_and_fills_it() -> None:
    room = ROOT / "connectors"
    sources = [*(room / "files").glob("*.py"), *room.glob("memory*.py"), room / "testing" / "hostile.py"]
    raised: dict[str, set[str]] = {}
    for path in sources:
        for code, names in raised_in(path.read_text("utf-8")):
            raised[code] = raised.get(code, names) & names
    assert len(raised) > 25
    for language in ("en", "zh"):
        texts = yaml.safe_load((ROOT / "runs" / "texts" / language / "files.yaml").read_text("utf-8"))
        assert texts.pop("target.throttled")
        assert set(texts) == set(raised), language
        for code, text in texts.items():
            assert {name for _, name, _, _ in Formatter().parse(text) if name} <= raised[code], f"{language} {code}"
