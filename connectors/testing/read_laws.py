"""Laws of describing and reading."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict

import pandas as pd
import pytest

from ..chunk import join_key, split_key
from ..errors import InputError
from ..port import Connector
from ..schema import FieldType
from .ground import Ground
from .sample import PAIR, SAMPLE, keys_of, read_all, sample_row, told

PAIRS = [("a", 1), ("a", 2), ("a", 10), ("a|1", 2), ("a\\", 1), ("b", -1), ("公司", 3)]


class ReadLaws(Ground):
    def test_describe_is_stable(self, connector: Connector) -> None:
        """Describing twice gives equal digests."""
        self.seed(connector, "sample", [sample_row(1)])
        self.seed(connector, "pair", [])
        assert connector.describe().digest() == connector.describe().digest()

    def test_describe_names_key_and_fields(self, connector: Connector) -> None:
        """An object is described with its key, in order, and all its fields."""
        self.seed(connector, "sample", [sample_row(1)])
        self.seed(connector, "pair", [{"left": "a", "right": 1, "label": None}])
        schema = connector.describe()
        for expected in (SAMPLE, PAIR):
            described = schema.object(expected.name)
            assert described is not None, f"{expected.name} is not described"
            assert described.key == expected.key
            missing = [each.name for each in expected.fields if each.type not in self.lacks]
            assert set(missing) <= set(described.field_names)

    def test_identity_is_stable(self, connector: Connector) -> None:
        """A system says the same of itself each time, and has an id."""
        assert connector.identity() == connector.identity()
        assert connector.identity().kind
        assert connector.identity().id

    def test_now_is_aware_and_utc(self, connector: Connector) -> None:
        """The system's time is aware and in UTC."""
        assert connector.now().utcoffset() == dt.timedelta(0), f"{connector.now()!r} is not in UTC"

    def test_audit_fields_are_fields(self, connector: Connector) -> None:
        """The fields that say who made and changed a record, and when, are fields of the object."""
        self.seed(connector, "sample", [sample_row(1)])
        audit = connector.audit_fields("sample")
        described = connector.describe().objects["sample"]
        assert set(asdict(audit).values()) - {None} <= set(described.field_names)

    def test_every_record_is_read_once(self, connector: Connector) -> None:
        """Reading gives every record, and none twice."""
        self.seed(connector, "sample", [sample_row(number) for number in range(23)])
        for size in (1, 5, 23, 100):
            keys = keys_of(read_all(connector, "sample", ["name"], size=size))
            assert sorted(keys) == [f"s{number:04}" for number in range(23)], f"with chunks of {size}"

    def test_chunks_keep_to_their_size(self, connector: Connector) -> None:
        """No chunk is larger than asked for."""
        self.seed(connector, "sample", [sample_row(number) for number in range(11)])
        for size in (1, 2, 5, 11, 12):
            assert all(len(chunk) <= size for chunk in read_all(connector, "sample", ["name"], size=size))

    def test_a_read_resumes_after_every_cursor(self, connector: Connector) -> None:
        """Whichever chunk was the last, reading after its cursor gives exactly the rest."""
        self.seed(connector, "sample", [sample_row(number) for number in range(11)])
        whole = keys_of(read_all(connector, "sample", ["name"]))
        for size in (1, 2, 3, 11):
            seen: list[str] = []
            for chunk in read_all(connector, "sample", ["name"], size=size):
                seen += chunk.keys
                rest = keys_of(read_all(connector, "sample", ["name"], after=chunk.cursor, size=size))
                assert seen + rest == whole, f"after {chunk.keys[-1]}, with chunks of {size}"

    def test_the_order_is_always_the_same(self, connector: Connector) -> None:
        """Records come in the same order each time, whatever the size of the chunks and the fields asked for."""
        self.seed(connector, "sample", [sample_row((number * 7) % 11) for number in range(11)])
        whole = keys_of(read_all(connector, "sample", []))
        for size in (1, 4, 100):
            assert keys_of(read_all(connector, "sample", ["note", "name"], size=size)) == whole

    def test_an_empty_object_is_no_records(self, connector: Connector) -> None:
        """Where nothing is, nothing is read."""
        self.seed(connector, "sample", [])
        assert connector.count("sample") == 0
        assert keys_of(read_all(connector, "sample", ["name"])) == []

    def test_chunks_have_the_columns_asked_for(self, connector: Connector) -> None:
        """A chunk has the columns asked for, in that order, on Arrow types, its rows numbered from 0."""
        self.seed(connector, "sample", [sample_row(number) for number in range(5)])
        for fields in (["note", "name"], ["number", "id", "amount"], []):
            chunks = read_all(connector, "sample", fields, size=2)
            assert len(keys_of(chunks)) == 5
            for chunk in chunks:
                assert chunk.object == "sample"
                assert list(chunk.frame.columns) == fields
                assert all(isinstance(kind, pd.ArrowDtype) for kind in chunk.frame.dtypes)
                assert list(chunk.frame.index) == list(range(len(chunk)))

    def test_keys_are_text_made_of_the_key_fields(self, connector: Connector) -> None:
        """A record's key is the text of its key field, or of its key fields joined."""
        self.seed(connector, "sample", [sample_row(7), sample_row(8, id="007")])
        for key, record in told(read_all(connector, "sample", ["id"]), SAMPLE, self.zone).items():
            assert isinstance(key, str)
            assert key == record["id"]

    def test_composite_keys_are_joined_and_resumed(self, connector: Connector) -> None:
        """Composite keys come joined, part by part, and reading resumes between records that share a part."""
        self.seed(connector, "pair", [{"left": left, "right": right, "label": "x"} for left, right in PAIRS])
        chunks = read_all(connector, "pair", ["left", "right"], size=1)
        whole = keys_of(chunks)
        assert sorted(whole) == sorted(join_key((left, str(right))) for left, right in PAIRS)
        for key, record in told(chunks, PAIR, self.zone).items():
            assert split_key(key, 2) == (record["left"], record["right"])
        for place, chunk in enumerate(chunks, 1):
            rest = keys_of(read_all(connector, "pair", ["label"], after=chunk.cursor, size=2))
            assert whole[:place] + rest == whole

    def test_references_are_the_parents_keys(self, connector: Connector) -> None:
        """A reference reads as the text of its parent's key."""
        self.need(FieldType.REFERENCE)
        self.seed(connector, "sample", [sample_row(1), sample_row(2, parent="s0001"), sample_row(3, parent="s0002")])
        records = told(read_all(connector, "sample", ["parent"]), SAMPLE, self.zone)
        assert {key: record["parent"] for key, record in records.items()} == {
            "s0001": None,
            "s0002": "s0001",
            "s0003": "s0002",
        }

    def test_count_is_what_read_gives(self, connector: Connector) -> None:
        """The count is the number of records read."""
        self.seed(connector, "sample", [sample_row(number) for number in range(13)])
        self.seed(connector, "pair", [{"left": left, "right": right, "label": None} for left, right in PAIRS])
        for name in ("sample", "pair"):
            assert connector.count(name) == len(keys_of(read_all(connector, name, [])))

    def test_what_is_not_there_is_an_input_error(self, connector: Connector) -> None:
        """An object or a field that does not exist is the asker's mistake, and is said so."""
        self.seed(connector, "sample", [sample_row(1)])
        with pytest.raises(InputError):
            read_all(connector, "no_such_object", ["name"])
        with pytest.raises(InputError):
            read_all(connector, "sample", ["no_such_field"])
        with pytest.raises(InputError):
            connector.count("no_such_object")
        with pytest.raises(InputError):
            connector.find("sample", ("no_such_field",), [("x",)], ["name"])
        with pytest.raises(InputError):
            connector.find("sample", ("name",), [("x",)], ["no_such_field"])
