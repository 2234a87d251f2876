"""Doubles that do not put records through ordeals as they should, or know keys for which they say they have no room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..cell import Cell
from ..change import Outcome, OutcomeState
from ..port import Ordeal, OurKeyPlace
from ..schema import Schema
from .broken_cells import Broken


class Undergoes(Broken):
    def __init__(self, schema: Schema, **given: Any) -> None:
        super().__init__(schema, ordeals=tuple(Ordeal), owner="note", **given)


class ForgetsWhoseItWas(Undergoes):
    breaks = ("test_an_ordeal_is_taken_back_whole", "test_an_ordeal_twice_is_an_ordeal_once")

    def take_back(
        self, ordeal: Ordeal, object_name: str, our_key: str, key: str, before: Mapping[str, Cell]
    ) -> Outcome:
        return super().take_back(ordeal, object_name, our_key, key, {})


class LeavesItInTheBin(Undergoes):
    breaks = ("test_an_ordeal_is_taken_back_whole", "test_an_ordeal_twice_is_an_ordeal_once")

    def take_back(
        self, ordeal: Ordeal, object_name: str, our_key: str, key: str, before: Mapping[str, Cell]
    ) -> Outcome:
        if ordeal is Ordeal.SOFT_DELETE:
            return Outcome(our_key, OutcomeState.ACKED, key)
        return super().take_back(ordeal, object_name, our_key, key, before)


class RefusesASecondTime(Undergoes):
    breaks = ("test_an_ordeal_twice_is_an_ordeal_once",)

    def put_through(self, ordeal: Ordeal, object_name: str, our_key: str, key: str) -> Outcome:
        record = self._tables[object_name].records.get(key)
        if record is not None and record.locked and ordeal is Ordeal.LOCK:
            return Outcome(our_key, OutcomeState.REJECTED, key, "target.refused")
        return super().put_through(ordeal, object_name, our_key, key)


class GivesAwayEverything(Undergoes):
    breaks = ("test_an_ordeal_is_of_one_record",)

    def put_through(self, ordeal: Ordeal, object_name: str, our_key: str, key: str) -> Outcome:
        told = super().put_through(ordeal, object_name, our_key, key)
        if ordeal is Ordeal.OWNER:
            for other in list(self._tables[object_name].records):
                super().put_through(ordeal, object_name, our_key, other)
        return told


class SaysDoneToWhatIsGone(Undergoes):
    breaks = ("test_an_ordeal_of_what_is_gone_is_refused",)

    def put_through(self, ordeal: Ordeal, object_name: str, our_key: str, key: str) -> Outcome:
        return replace(super().put_through(ordeal, object_name, our_key, key), state=OutcomeState.ACKED)


class InventsKeys(Broken):
    breaks = ("test_without_room_for_our_key_none_is_told",)

    def __init__(self, schema: Schema, **given: Any) -> None:
        super().__init__(schema, our_key=OurKeyPlace.NONE, **given)

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        yield [(f"ours:{key}", key) for key in self._tables[object_name].records]
