"""Laws of finding records by values."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ..cell import Cell
from ..chunk import join_key
from ..port import KEY, Connector
from ..schema import FieldType
from .ground import Ground
from .read_laws import PAIRS
from .sample import SAMPLE, sample_row, sent, told

AWKWARD = ("O'Brien", 'a "quoted" name', "100%", "a_b", "a\\b", "%", "_", "'; DROP TABLE sample; --", "?", ":x", "{0}")
LISTS = ("a,b", "{a,b}", "a\x1fb", "\x1f", "NULL", '"a","b"')
"""What a list of values might be taken apart at."""


class FindLaws(Ground):
    def test_find_by_key(self, connector: Connector) -> None:
        """Records are found by their keys, and only they, with the cells that reading gives."""
        rows = [sample_row(number, note=f"note {number}") for number in range(9)]
        self.seed(connector, "sample", rows)
        chunk = connector.find("sample", (KEY,), [("s0003",), ("s0007",), ("s9999",)], ["name", "note"])
        found = told([chunk], SAMPLE, self.zone)
        assert set(found) == {"s0003", "s0007"}
        assert found["s0003"] == sent({name: rows[3][name] for name in ("name", "note")}, SAMPLE)

    def test_find_by_a_composite_key(self, connector: Connector) -> None:
        """Records are found by composite keys, joined, with every part as it is."""
        self.seed(connector, "pair", [{"left": left, "right": right, "label": "x"} for left, right in PAIRS])
        keys = [join_key((left, str(right))) for left, right in PAIRS]
        assert sorted(_keys(connector, "pair", KEY, keys)) == sorted(keys)
        assert _keys(connector, "pair", KEY, ["a|11", "b|1"]) == []

    def test_find_by_one_field(self, connector: Connector) -> None:
        """Every record that holds one of the values is found."""
        self.seed(
            connector, "sample", [sample_row(number, note="even" if number % 2 == 0 else "odd") for number in range(6)]
        )
        assert sorted(_keys(connector, "sample", "note", ["even", "neither"])) == ["s0000", "s0002", "s0004"]

    def test_find_by_several_fields(self, connector: Connector) -> None:
        """Several fields are matched together, record by record, not each for itself."""
        rows = [
            sample_row(n, name=name, note=note) for n, (name, note) in enumerate([("a", "x"), ("a", "y"), ("b", "x")])
        ]
        self.seed(connector, "sample", rows)
        chunk = connector.find("sample", ("name", "note"), [("a", "x"), ("b", "y")], ["name"])
        assert chunk.keys == ["s0000"]

    def test_find_by_every_type(self, connector: Connector) -> None:
        """A value is found as the type that its field is described with: the number 12.5 by 12.50, a time by itself."""
        cells: dict[str, Cell] = {
            "number": -7,
            "amount": Decimal("12.5"),
            "active": True,
            "born": self.dates[1],
            "happened": self.instants[1],
            "noted": self.local_times[1],
            "stage": "won",
        }
        cells = {name: cell for name, cell in cells.items() if _type(name) not in self.lacks}
        self.seed(connector, "sample", [sample_row(1, **cells), sample_row(2)])
        types = {each.name: each.type for each in connector.describe().objects["sample"].fields}
        cells = {name: cell for name, cell in cells.items() if types[name] is _type(name)}
        asked = [*cells.items(), *((name, Decimal("12.50")) for name in cells if name == "amount")]
        for name, cell in asked:
            assert _keys(connector, "sample", name, [cell]) == ["s0001"], f"{name} by {cell!r}"

    def test_find_by_reference(self, connector: Connector) -> None:
        """Children are found by their parent's key."""
        self.need(FieldType.REFERENCE)
        self.seed(connector, "sample", [sample_row(1), sample_row(2, parent="s0001"), sample_row(3)])
        assert _keys(connector, "sample", "parent", ["s0001", "s0003"]) == ["s0002"]

    def test_find_takes_values_as_they_are(self, connector: Connector) -> None:
        """Quotes, %, _, commas and backslashes are letters, not commands, patterns or the end of a value."""
        texts = (*AWKWARD, *LISTS)
        rows = [sample_row(number, name=text) for number, text in enumerate(texts)]
        others = [sample_row(number, name=text) for number, text in enumerate(("axb", "1000", "a", "b", "xa"), 50)]
        self.seed(connector, "sample", [*rows, *others])
        assert sorted(_keys(connector, "sample", "name", texts)) == [f"s{number:04}" for number in range(len(texts))]
        for number, text in enumerate(texts):
            assert _keys(connector, "sample", "name", [text]) == [f"s{number:04}"], f"by {text}"

    def test_find_is_exact(self, connector: Connector) -> None:
        """Another case, an accent, a space or a full-width letter is another value."""
        texts = ("Acme", "acme", "Acmé", "Acme ", "Ａｃｍｅ", " Acme")
        self.seed(connector, "sample", [sample_row(number, name=text) for number, text in enumerate(texts)])
        for number, text in enumerate(texts):
            assert _keys(connector, "sample", "name", [text]) == [f"s{number:04}"], f"by {text!r}"

    def test_find_returns_each_record_once(self, connector: Connector) -> None:
        """A record comes once, however often its value is asked for."""
        self.seed(connector, "sample", [sample_row(1, note="x"), sample_row(2, note="x"), sample_row(3, note="y")])
        assert sorted(_keys(connector, "sample", "note", ["x", "y", "x", "x"])) == ["s0001", "s0002", "s0003"]
        assert _keys(connector, "sample", KEY, ["s0002", "s0002"]) == ["s0002"]

    def test_find_of_nothing_is_nothing(self, connector: Connector) -> None:
        """Values that are not there, no values, and null find nothing."""
        self.seed(connector, "sample", [sample_row(1, note=None), sample_row(2, note="")])
        assert _keys(connector, "sample", "note", ["nowhere"]) == []
        assert _keys(connector, "sample", "note", []) == []
        assert _keys(connector, "sample", "note", [None]) == []
        assert _keys(connector, "sample", KEY, []) == []

    def test_find_takes_as_many_values_as_it_says(self, connector: Connector) -> None:
        """As many values as `find_size` says are found in one call."""
        size = max(5, min(connector.capabilities.find_size, 5000))
        self.seed(connector, "sample", [sample_row(number) for number in range(5)])
        numbers = [*range(5, size), *range(5)]
        expected = [f"s{number:04}" for number in range(5)]
        assert sorted(_keys(connector, "sample", KEY, [f"s{number:04}" for number in numbers])) == expected
        assert sorted(_keys(connector, "sample", "name", [f"Sample {number}" for number in numbers])) == expected


def _keys(connector: Connector, object_name: str, by: str, values: Sequence[Cell]) -> list[str]:
    return connector.find(
        object_name, (by,), [(value,) for value in values], ["name" if object_name == "sample" else "label"]
    ).keys


def _type(name: str) -> FieldType:
    field = SAMPLE.field(name)
    assert field is not None
    return field.type
