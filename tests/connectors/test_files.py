"""Files keep the contract of a source, in all formats."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet
import pytest
from changeover.connectors.cell import Cell, arrow_type
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import InputError
from changeover.connectors.files import connect
from changeover.connectors.files.connector import FilesConnector
from changeover.connectors.pace import Pace
from changeover.connectors.port import Connector, Settings
from changeover.connectors.schema import FieldType
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.contract import SourceContract
from changeover.connectors.testing.sample import SCHEMA, Row, sample_row


def open_folder(folder: Path, **options: object) -> FilesConnector:
    settings = Settings("export", "files", {"path": ".", **options}, folder=str(folder))
    return connect(settings, Secrets(), Pace(SystemClock()), SystemClock())


def csv_cell(cell: Cell) -> str:
    """As exports write it: null as nothing, text in quotes, all else plain."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return '"' + cell.replace('"', '""') + '"'
    return str(cell)


class FolderContract(SourceContract):
    ending = ""

    @pytest.fixture
    def connector(self, tmp_path: Path) -> FilesConnector:
        self.folder = tmp_path
        for name in SCHEMA.objects:
            self.put(name, [])
        objects = {
            name: {"file": f"{name}.{self.ending}", "key": list(each.key)} for name, each in SCHEMA.objects.items()
        }
        return open_folder(tmp_path, objects=objects)

    def seed(self, connector: Connector, object_name: str, rows: Iterable[Row]) -> None:
        self.put(object_name, list(rows))

    def put(self, object_name: str, rows: list[Row]) -> None:
        raise AssertionError("each format says how")


class TestCsv(FolderContract):
    ending = "csv"
    lacks = frozenset({FieldType.BINARY})  # a file of text

    def put(self, object_name: str, rows: list[Row]) -> None:
        names = SCHEMA.objects[object_name].field_names
        lines = [names, *([csv_cell(row.get(name)) for name in names] for row in rows)]
        with (self.folder / f"{object_name}.csv").open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(",".join(line) + "\r\n" for line in lines)


class TestParquet(FolderContract):
    ending = "parquet"

    def put(self, object_name: str, rows: list[Row]) -> None:
        fields = SCHEMA.objects[object_name].fields
        columns = {each.name: pa.array([row.get(each.name) for row in rows], arrow_type(each)) for each in fields}
        pyarrow.parquet.write_table(pa.table(columns), self.folder / f"{object_name}.parquet", row_group_size=4)


class TestJsonLines(FolderContract):
    ending = "jsonl"
    lacks = frozenset({FieldType.BINARY})  # JSON has no bytes

    def put(self, object_name: str, rows: list[Row]) -> None:
        fields = SCHEMA.objects[object_name].fields
        with (self.folder / f"{object_name}.jsonl").open("w", encoding="utf-8") as stream:
            for row in rows:
                cells = (f'"{each.name}": {self.json(row.get(each.name))}' for each in fields)
                stream.write("{" + ", ".join(cells) + "}\n")

    def test_an_empty_object_is_no_records(self, connector: Connector) -> None:
        """A file without records has no field but its key, and nothing is read."""
        self.seed(connector, "sample", [])
        assert connector.count("sample") == 0
        assert list(connector.read("sample", ["id"])) == []
        with pytest.raises(InputError):
            connector.read("sample", ["name"])

    def json(self, cell: Cell) -> str:
        if isinstance(cell, Decimal | float) and not isinstance(cell, bool):
            return str(cell)
        return json.dumps(cell.isoformat() if isinstance(cell, dt.date) else cell, ensure_ascii=False)


class TestXlsx(FolderContract):
    """As programs write workbooks: numbers as numbers where Excel holds them, else as text."""

    ending = "xlsx"
    lacks = frozenset({FieldType.BINARY})  # a sheet has no bytes

    def put(self, object_name: str, rows: list[Row]) -> None:
        names = SCHEMA.objects[object_name].field_names
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.append(names)
        for row in rows:
            sheet.append([self.cell(row.get(name)) for name in names])
        book.save(self.folder / f"{object_name}.xlsx")

    def cell(self, cell: Cell) -> Cell:
        if isinstance(cell, Decimal | int) and not isinstance(cell, bool):
            return cell if len(Decimal(cell).as_tuple().digits) <= 15 else str(cell)
        if isinstance(cell, dt.datetime):
            fits = cell.tzinfo is None and cell.year > 1900 and not cell.microsecond
            return cell if fits else str(cell)
        return cell if not isinstance(cell, dt.date) or cell.year > 1900 else str(cell)

    def test_null_is_not_empty_text(self, connector: Connector) -> None:
        """A sheet has no empty text: a cell without anything is null."""
        self.seed(connector, "sample", [sample_row(1, note=None), sample_row(2, note=""), sample_row(3, note=" ")])
        (chunk,) = connector.read("sample", ["note"])
        assert pa.array(chunk.frame["note"]).to_pylist() == [None, None, " "]

    def test_find_takes_values_as_they_are(self, connector: Connector) -> None:
        """As the law says, less the control characters, which XML cannot hold."""
        values = ["' or 1=1 --", "100%", "a_b", "*", "?", '"', "\\", ";", "\n", "[x]"]
        self.seed(connector, "sample", [sample_row(number, code=value) for number, value in enumerate(values)])
        for number, value in enumerate(values):
            assert connector.find("sample", ("code",), [(value,)], ["id"]).keys == [f"s{number:04}"]
