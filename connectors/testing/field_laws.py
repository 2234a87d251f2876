"""Laws of cells: what was stored comes back, to the last digit and the last space."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from ..cell import Cell
from ..port import KEY, Connector
from .ground import Ground
from .sample import SAMPLE, read_all, sample_row, sent, told


class FieldLaws(Ground):
    def comes_back(self, connector: Connector, name: str, cells: Sequence[Cell]) -> None:
        """Store each cell in a record of its own; read them and find them again."""
        field = SAMPLE.field(name)
        assert field is not None
        self.need(field.type)
        rows = [sample_row(number, **{name: cell}) for number, cell in enumerate(cells)]
        self.seed(connector, "sample", rows)
        expected = {str(row["id"]): sent({name: row[name]}, SAMPLE) for row in rows}
        assert told(read_all(connector, "sample", [name]), SAMPLE, self.zone) == expected, "as read"
        found = connector.find("sample", (KEY,), [(key,) for key in expected], [name])
        assert told([found], SAMPLE, self.zone) == expected, "as found"

    def test_text_comes_back(self, connector: Connector) -> None:
        """Text of any script comes back as stored: Chinese, full-width, right-to-left, emoji, combined letters."""
        texts = ("北京医疗服务有限公司", "Ａ１　ｶﾅ", "مرحبا שלום", "👩‍⚕️🏥", "é", "e\u0301", "𠮷野家", "ﬁ", "\u202eevil")
        self.comes_back(connector, "note", texts)

    def test_full_width_stays_full_width(self, connector: Connector) -> None:
        """Full-width and half-width letters stay different texts."""
        self.comes_back(connector, "note", ("ＡＢＣ（１）", "ABC(1)", "　", " "))

    def test_space_and_line_ends_come_back(self, connector: Connector) -> None:
        """Leading and trailing space, tabs and line ends of both kinds are part of a text."""
        self.comes_back(connector, "note", ("  both  ", "tab\tinside\t", "two\nlines\n", "cr\r\nlf", "\n", " "))

    def test_quotes_and_separators_come_back(self, connector: Connector) -> None:
        """Quotes, commas, semicolons and backslashes are letters like any other."""
        self.comes_back(
            connector, "note", ('say "hi"', "it's", "a,b;c|d", "back\\slash", '"', '""', "\\N", "NULL", "null")
        )

    def test_null_is_not_empty_text(self, connector: Connector) -> None:
        """Null and empty text are two things."""
        self.comes_back(connector, "note", (None, "", "x"))

    def test_leading_zeros_stay(self, connector: Connector) -> None:
        """A text of digits stays a text, with its zeros, signs and points."""
        self.comes_back(
            connector, "note", ("007", "0", "00", "1.0", "1e5", "+86", "-0", "012345678901234567890", "0x1F")
        )

    def test_the_longest_text_comes_back(self, connector: Connector) -> None:
        """A text as long as its field, counted in characters, comes back whole, and a long text without a limit too."""
        self.comes_back(connector, "name", ("宽" * 200, "😀" * 200, "n" * 200))

    def test_a_long_text_comes_back(self, connector: Connector) -> None:
        """A text of 20,000 characters in a field without a limit comes back whole."""
        self.comes_back(connector, "note", ("长" * 20_000, "line\n" * 4_000))

    def test_integers_come_back(self, connector: Connector) -> None:
        """Whole numbers come back: zero, negative, beyond what a float holds."""
        self.comes_back(connector, "number", (None, 0, 1, -1, 2**31, -(2**31) - 1, 2**53 + 1, 2**63 - 1, -(2**63)))

    def test_decimals_come_back_to_the_last_digit(self, connector: Connector) -> None:
        """Money comes back to the cent, however large; rates to the twelfth place."""
        amounts = ("0", "0.01", "-0.01", "12.50", "100", "1234567.89", "9999999999999999.99", "-9999999999999999.99")
        self.comes_back(connector, "amount", (None, *map(Decimal, amounts)))

    def test_many_places_come_back(self, connector: Connector) -> None:
        """A number with twelve places comes back to the last."""
        rates = ("0.000000000001", "123456789012345678.123456789012", "-0.1", "0.300000000000", "1")
        self.comes_back(connector, "rate", (None, *map(Decimal, rates)))

    def test_floats_come_back(self, connector: Connector) -> None:
        """A float comes back as the same float."""
        self.comes_back(connector, "ratio", (None, 0.0, 0.1, -1.5, 1e-9, 123456.789012, 1e15))

    def test_booleans_come_back(self, connector: Connector) -> None:
        """True, false and null are three things."""
        self.comes_back(connector, "active", (True, False, None))

    def test_dates_come_back(self, connector: Connector) -> None:
        """Dates come back from the first the system holds to the last."""
        self.comes_back(connector, "born", (None, *self.dates))

    def test_instants_come_back(self, connector: Connector) -> None:
        """Instants come back to the last digit, from the first the system holds to the last."""
        self.comes_back(connector, "happened", (None, *self.instants))

    def test_local_times_come_back(self, connector: Connector) -> None:
        """Local times come back to the last digit, and no zone moves them."""
        self.comes_back(connector, "noted", (None, *self.local_times))

    def test_choices_come_back(self, connector: Connector) -> None:
        """A choice comes back as the value that was chosen."""
        self.comes_back(connector, "stage", (None, "open", "won", "lost"))

    def test_bytes_come_back(self, connector: Connector) -> None:
        """Bytes come back byte for byte."""
        self.comes_back(connector, "body", (None, b"\x00\xff\x80", bytes(range(256)), b"text"))
