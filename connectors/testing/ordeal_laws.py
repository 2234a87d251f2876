"""Laws of ordeals: what is done to a record to prove that our key is found all the same can be taken back whole."""

from __future__ import annotations

from typing import cast

import pytest

from ..cell import Cell
from ..change import Outcome, OutcomeState
from ..port import KEY, OUR_KEY, Connector, Ordeal, OurKeyPlace, UndergoesOrdeals
from .our_key_laws import OurKeyLaws
from .sample import SAMPLE, Told, sample_row, told, write
from .write_laws import create

GIVEN: dict[str, Cell] = {"note": "mine", "number": 7}


class OrdealLaws(OurKeyLaws):
    def tried(self, connector: Connector) -> tuple[UndergoesOrdeals, tuple[Ordeal, ...]]:
        """The connector's ordeals, with two records to try them on."""
        self.ready(connector)
        if not connector.capabilities.ordeals:
            pytest.skip("the connector puts records through no ordeals")
        write(connector, "sample", create(1, **GIVEN), create(2, **GIVEN))
        return cast(UndergoesOrdeals, connector), connector.capabilities.ordeals

    def everything(self, connector: Connector, number: int) -> Told:
        """All fields that a sample was given."""
        return self.record(connector, f"s{number:04}", *sample_row(number, **GIVEN))

    def put(self, able: UndergoesOrdeals, ordeal: Ordeal, number: int = 1) -> Outcome:
        return able.put_through(ordeal, "sample", f"ours:{number}", f"s{number:04}")

    def back(self, connector: Connector, ordeal: Ordeal, number: int = 1) -> Outcome:
        """Take an ordeal back, with the cells that were kept."""
        key, able = f"s{number:04}", cast(UndergoesOrdeals, connector)
        return able.take_back(ordeal, "sample", f"ours:{number}", key, self._cells[key])

    def keep(self, connector: Connector, number: int = 1) -> Told:
        """What the record holds now, kept for `back`."""
        names = [each.name for each in SAMPLE.fields if each.type not in self.lacks]
        self.settle(connector)
        found = connector.find("sample", (KEY,), [(f"s{number:04}",)], names)
        row = found.frame.astype(object).where(found.frame.notna(), None).iloc[0]
        self._cells = {f"s{number:04}": {name: row[name] for name in names}}
        return self.everything(connector, number)

    def test_an_ordeal_is_taken_back_whole(self, connector: Connector) -> None:
        """Once an ordeal is taken back, every field of the record is as it was, and it is listed and ours."""
        able, ordeals = self.tried(connector)
        for ordeal in ordeals:
            before = self.keep(connector)
            assert self.put(able, ordeal) == Outcome("ours:1", OutcomeState.ACKED, "s0001"), ordeal
            assert self.back(connector, ordeal).state is OutcomeState.ACKED, ordeal
            assert self.everything(connector, 1) == before, ordeal
            assert connector.count("sample") == 2, ordeal
            assert connector.find("sample", (OUR_KEY,), [("ours:1",)], []).keys == ["s0001"], ordeal

    def test_an_ordeal_twice_is_an_ordeal_once(self, connector: Connector) -> None:
        """Both ways may be asked for twice: a lost answer is asked for again."""
        able, ordeals = self.tried(connector)
        for ordeal in ordeals:
            before = self.keep(connector)
            assert [self.put(able, ordeal).state for _ in range(2)] == [OutcomeState.ACKED] * 2, ordeal
            assert [self.back(connector, ordeal).state for _ in range(2)] == [OutcomeState.ACKED] * 2, ordeal
            assert self.everything(connector, 1) == before, ordeal
            assert connector.count("sample") == 2, ordeal

    def test_an_ordeal_is_of_one_record(self, connector: Connector) -> None:
        """Another record is found and holds what it held, while one is put through an ordeal."""
        able, ordeals = self.tried(connector)
        other = self.everything(connector, 2)
        for ordeal in ordeals:
            self.keep(connector)
            self.put(able, ordeal)
            assert self.everything(connector, 2) == other, ordeal
            found = connector.find("sample", ("note",), [("mine",)], []).keys
            assert "s0002" in found, ordeal
            self.back(connector, ordeal)

    def test_an_ordeal_of_what_is_gone_is_refused(self, connector: Connector) -> None:
        """A record that is not there is put through nothing."""
        able, ordeals = self.tried(connector)
        for ordeal in ordeals:
            assert self.put(able, ordeal, 9).state is OutcomeState.REJECTED, ordeal

    def test_without_room_for_our_key_none_is_told(self, connector: Connector) -> None:
        """A target that has no room for our key tells none: what is not found by it is no record that is not there."""
        if connector.capabilities.our_key is not OurKeyPlace.NONE:
            pytest.skip("the target has room for our key")
        connector.prepare()
        made = write(connector, "sample", create(1))["ours:1"]
        assert (made.state, made.target_key) == (OutcomeState.ACKED, "s0001")
        self.settle(connector)
        assert list(connector.our_keys("sample")) == []
        assert connector.find("sample", (OUR_KEY,), [("ours:1",)], []).keys == []
        found = connector.find("sample", (KEY,), [("s0001",)], ["note"])
        assert (found.our_keys or [None]) == [None]
        assert told([found], SAMPLE, self.zone).keys() == {"s0001"}
