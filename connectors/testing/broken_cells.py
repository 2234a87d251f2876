"""Doubles that do not keep cells as they were."""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from ..cell import Cell
from ..change import Batch, Outcome
from ..memory import MemoryConnector


class Broken(MemoryConnector):
    """breaks: the laws that this double does not keep."""

    breaks: ClassVar[tuple[str, ...]] = ()


class AltersCells(Broken):
    def alter(self, name: str, value: Cell) -> Cell:
        return value

    def write(self, batch: Batch) -> list[Outcome]:
        changes = (
            replace(change, values={name: self.alter(name, value) for name, value in change.values.items()})
            for change in batch.changes
        )
        return super().write(Batch(batch.object, tuple(changes)))


class AltersNotes(AltersCells):
    """Alters the text of notes and names, where there is one."""

    def alter(self, name: str, value: Cell) -> Cell:
        return self.altered(value) if isinstance(value, str) and name in ("note", "name") else value

    def altered(self, text: str) -> str | None:
        return text


class EmptyBecomesNull(AltersNotes):
    breaks = ("test_null_is_not_empty_text",)

    def altered(self, text: str) -> str | None:
        return text or None


class NullBecomesEmpty(AltersCells):
    breaks = ("test_null_is_not_empty_text",)

    def alter(self, name: str, value: Cell) -> Cell:
        return "" if value is None and name == "note" else value


class ThreeBytesALetter(AltersNotes):
    breaks = ("test_text_comes_back", "test_the_longest_text_comes_back")

    def altered(self, text: str) -> str | None:
        return "".join(letter if ord(letter) < 0x10000 else "?" for letter in text)


class FoldsWidth(AltersNotes):
    breaks = ("test_full_width_stays_full_width", "test_find_is_exact")

    def altered(self, text: str) -> str | None:
        return unicodedata.normalize("NFKC", text)


class TrimsText(AltersNotes):
    breaks = ("test_space_and_line_ends_come_back",)

    def altered(self, text: str) -> str | None:
        return text.strip()


class OneKindOfLineEnd(AltersNotes):
    breaks = ("test_space_and_line_ends_come_back",)

    def altered(self, text: str) -> str | None:
        return text.replace("\r\n", "\n")


class TakesQuotesOff(AltersNotes):
    breaks = ("test_quotes_and_separators_come_back",)

    def altered(self, text: str) -> str | None:
        return text.strip('"')


class ReadsTheWordNullAsNull(AltersNotes):
    breaks = ("test_quotes_and_separators_come_back",)

    def altered(self, text: str) -> str | None:
        return None if text.upper() == "NULL" else text


class TextOfDigitsBecomesNumber(AltersNotes):
    breaks = ("test_leading_zeros_stay",)

    def altered(self, text: str) -> str | None:
        return str(int(text)) if text.isdecimal() else text


class CutsNames(AltersNotes):
    breaks = ("test_the_longest_text_comes_back",)

    def altered(self, text: str) -> str | None:
        return text.encode()[:200].decode(errors="ignore")


class CutsLongText(AltersNotes):
    breaks = ("test_a_long_text_comes_back",)

    def altered(self, text: str) -> str | None:
        return text[:4000]


class FloatsIntegers(AltersCells):
    breaks = ("test_integers_come_back",)

    def alter(self, name: str, value: Cell) -> Cell:
        return int(float(value)) if name == "number" and isinstance(value, int) else value


class FloatsMoney(AltersCells):
    breaks = ("test_decimals_come_back_to_the_last_digit", "test_many_places_come_back")

    def alter(self, name: str, value: Cell) -> Cell:
        return Decimal(str(float(value))) if isinstance(value, Decimal) else value


class RoundsToSixPlaces(AltersCells):
    breaks = ("test_many_places_come_back", "test_floats_come_back")

    def alter(self, name: str, value: Cell) -> Cell:
        if isinstance(value, Decimal):
            return round(value, 6)
        return round(value, 6) if isinstance(value, float) else value


class NullBecomesFalse(AltersCells):
    breaks = ("test_booleans_come_back",)

    def alter(self, name: str, value: Cell) -> Cell:
        return bool(value) if name == "active" else value


class DatesBeginIn1900(AltersCells):
    breaks = ("test_dates_come_back",)

    def alter(self, name: str, value: Cell) -> Cell:
        return max(value, dt.date(1900, 1, 1)) if name == "born" and isinstance(value, dt.date) else value


class DropsMicroseconds(AltersCells):
    breaks = ("test_instants_come_back", "test_local_times_come_back")

    def alter(self, name: str, value: Cell) -> Cell:
        return value.replace(microsecond=0) if isinstance(value, dt.datetime) else value


class MovesLocalTimes(AltersCells):
    breaks = ("test_local_times_come_back",)

    def alter(self, name: str, value: Cell) -> Cell:
        local = name == "noted" and isinstance(value, dt.datetime) and 1 < value.year < 9999
        return value - dt.timedelta(hours=8) if local and isinstance(value, dt.datetime) else value


class ForgetsChoices(AltersCells):
    breaks = ("test_choices_come_back",)

    def alter(self, name: str, value: Cell) -> Cell:
        return "open" if name == "stage" and value is not None else value


class BytesBecomeText(AltersCells):
    breaks = ("test_bytes_come_back",)

    def alter(self, name: str, value: Cell) -> Cell:
        return value.decode("utf-8", "replace").encode() if isinstance(value, bytes) else value


class LeavesReferencesEmpty(AltersCells):
    breaks = ("test_records_refer_to_records", "test_references_are_the_parents_keys", "test_find_by_reference")

    def alter(self, name: str, value: Cell) -> Cell:
        return None if name == "parent" else value
