"""Laws of our key on a target: one record, one key; what is not ours is left alone."""

from __future__ import annotations

import pytest

from ..cell import Cell
from ..change import Change, ChangeKind, Outcome, OutcomeState
from ..port import KEY, OUR_KEY, Connector, OurKeyPlace
from .sample import SAMPLE, keys_of, read_all, sample_row, sent, told, write
from .write_laws import WriteLaws, create, update


class OurKeyLaws(WriteLaws):
    def ready(self, connector: Connector) -> None:
        if connector.capabilities.our_key is OurKeyPlace.NONE:
            pytest.skip("the target has no room for our key")
        connector.prepare()

    def ours(self, connector: Connector) -> dict[str, str]:
        """Our key -> target key of everything the target knows for samples. Fails where one of ours comes twice."""
        pairs = [pair for some in connector.our_keys("sample") for pair in some]
        assert len(dict(pairs)) == len(pairs), "one of our keys came twice"
        return dict(pairs)

    def stranger(self, connector: Connector, number: int) -> str:
        """The key of a record that is not ours."""
        row = sample_row(number, note="theirs")
        made = write(connector, "sample", Change(ChangeKind.CREATE, "passing", values=row))["passing"]
        assert made.target_key is not None
        released = write(connector, "sample", Change(ChangeKind.RELEASE, "passing", made.target_key))["passing"]
        assert released.state is OutcomeState.ACKED
        self.settle(connector)
        return made.target_key

    def test_the_same_key_twice_makes_one_record(self, connector: Connector) -> None:
        """Creating with a key of ours that is there says EXISTS, with the record's key, and writes nothing."""
        self.ready(connector)
        first = write(connector, "sample", create(1, note="first"))["ours:1"]
        again = Change(ChangeKind.CREATE, "ours:1", values=sample_row(2, note="second"))
        outcomes = write(connector, "sample", again, create(3))
        assert outcomes["ours:1"].state is OutcomeState.EXISTS
        assert outcomes["ours:1"].target_key == first.target_key
        assert outcomes["ours:3"].state is OutcomeState.ACKED
        assert connector.count("sample") == 2
        assert self.record(connector, "s0001", "note") == {"note": "first"}

    def test_a_batch_sent_again_makes_nothing_new(self, connector: Connector) -> None:
        """A whole batch delivered twice leaves each record once."""
        self.ready(connector)
        changes = [create(number) for number in range(5)]
        write(connector, "sample", *changes)
        outcomes = write(connector, "sample", *changes)
        assert {outcome.state for outcome in outcomes.values()} == {OutcomeState.EXISTS}
        assert connector.count("sample") == 5

    def test_our_keys_are_exact(self, connector: Connector) -> None:
        """Another case, a space or a quote makes another key of ours."""
        self.ready(connector)
        keys = ["crm:a:1", "CRM:a:1", "crm:a:1 ", "crm:a:'1", "crm:a:%", "crm:a:_", "系统:客户:１", "系统:客户:1"]
        changes = (Change(ChangeKind.CREATE, key, values=sample_row(number)) for number, key in enumerate(keys))
        outcomes = write(connector, "sample", *changes)
        assert {outcome.state for outcome in outcomes.values()} == {OutcomeState.ACKED}
        self.settle(connector)
        for number, key in enumerate(keys):
            assert connector.find("sample", (OUR_KEY,), [(key,)], []).keys == [f"s{number:04}"], key

    def test_our_keys_lists_all_and_only_ours(self, connector: Connector) -> None:
        """Every record of ours is listed with its key, and none that is not ours."""
        self.ready(connector)
        theirs = self.stranger(connector, 50)
        write(connector, "sample", *(create(number) for number in range(7)))
        assert self.ours(connector) == {f"ours:{number}": f"s{number:04}" for number in range(7)}
        self.settle(connector)
        chunk = connector.find("sample", (KEY,), [(theirs,), ("s0001",)], ["note"])
        assert dict(zip(chunk.keys, chunk.our_keys, strict=True)) == {theirs: None, "s0001": "ours:1"}

    def test_an_object_has_its_own_keys(self, connector: Connector) -> None:
        """The keys of one object are not those of another."""
        self.ready(connector)
        pair: dict[str, Cell] = {"left": "a", "right": 1, "label": "x"}
        made = write(connector, "pair", Change(ChangeKind.CREATE, "ours:1", values=pair))["ours:1"]
        assert (made.state, made.target_key) == (OutcomeState.ACKED, "a|1")
        assert self.ours(connector) == {}
        assert write(connector, "sample", create(1))["ours:1"].state is OutcomeState.ACKED
        assert [pair for some in connector.our_keys("pair") for pair in some] == [("ours:1", "a|1")]

    def test_adopting_writes_our_key_and_nothing_else(self, connector: Connector) -> None:
        """Adopting makes a record ours once, and leaves its fields as they are but for the values given."""
        self.ready(connector)
        key = self.stranger(connector, 1)
        assert adopt(connector, "ours:1", key).state is OutcomeState.ACKED
        before = sent({"name": "Sample 1", "note": "theirs", "number": None}, SAMPLE)
        assert self.record(connector, key, "name", "note", "number") == before
        found = connector.find("sample", (OUR_KEY,), [("ours:1",)], [])
        assert (found.keys, found.our_keys) == ([key], ["ours:1"])
        assert self.ours(connector) == {"ours:1": key}
        assert connector.count("sample") == 1

    def test_adopting_writes_the_values_given(self, connector: Connector) -> None:
        """Values that come with an adoption are written, and only they."""
        self.ready(connector)
        key = self.stranger(connector, 1)
        assert adopt(connector, "ours:1", key, number=5).state is OutcomeState.ACKED
        expected = sent({"name": "Sample 1", "note": "theirs", "number": 5}, SAMPLE)
        assert self.record(connector, key, "name", "note", "number") == expected

    def test_adopting_a_taken_record_is_refused(self, connector: Connector) -> None:
        """A record has one key of ours: another is refused, nothing is written, and the first stays."""
        self.ready(connector)
        write(connector, "sample", create(1, note="ours"))
        outcome = adopt(connector, "ours:2", "s0001", note="taken over")
        assert (outcome.state, outcome.code) == (OutcomeState.REJECTED, "target.taken")
        assert self.record(connector, "s0001", "note") == {"note": "ours"}
        assert self.ours(connector) == {"ours:1": "s0001"}

    def test_a_key_of_ours_is_not_given_twice(self, connector: Connector) -> None:
        """A key that one record has is not given to another."""
        self.ready(connector)
        key = self.stranger(connector, 2)
        write(connector, "sample", create(1))
        assert adopt(connector, "ours:1", key, note="taken over").state is not OutcomeState.ACKED
        assert self.record(connector, key, "note") == {"note": "theirs"}
        assert self.ours(connector) == {"ours:1": "s0001"}

    def test_adopting_what_is_gone_is_refused(self, connector: Connector) -> None:
        """A record that is not there is not adopted, and no key is left behind."""
        self.ready(connector)
        outcome = adopt(connector, "ours:1", "s0001")
        assert (outcome.state, outcome.code) == (OutcomeState.REJECTED, "target.gone")
        assert self.ours(connector) == {}

    def test_a_stale_adoption_is_refused(self, connector: Connector) -> None:
        """An adoption that expects what is no longer there writes neither key nor values."""
        self.ready(connector)
        if not connector.capabilities.compare_and_set:
            pytest.skip("the target has no compare-and-set")
        key = self.stranger(connector, 1)
        change = Change(ChangeKind.ADOPT, "ours:1", key, {"number": 5}, {"note": "something else"})
        assert write(connector, "sample", change)["ours:1"].state is OutcomeState.STALE
        assert self.ours(connector) == {}
        assert self.record(connector, key, "number") == {"number": None}

    def test_releasing_takes_our_key_off_and_leaves_the_record(self, connector: Connector) -> None:
        """A released record stays as it is and is no longer ours; it may be adopted again."""
        self.ready(connector)
        write(connector, "sample", create(1, note="stays", number=3), create(2))
        released = write(connector, "sample", Change(ChangeKind.RELEASE, "ours:1", "s0001"))["ours:1"]
        assert released.state is OutcomeState.ACKED
        assert self.record(connector, "s0001", "note", "number") == {"note": "stays", "number": "3"}
        assert self.ours(connector) == {"ours:2": "s0002"}
        assert len(connector.find("sample", (OUR_KEY,), [("ours:1",)], [])) == 0
        assert adopt(connector, "ours:7", "s0001").state is OutcomeState.ACKED

    def test_releasing_writes_the_values_given(self, connector: Connector) -> None:
        """Values that come with a release are written, and only they."""
        self.ready(connector)
        key = self.stranger(connector, 1)
        adopt(connector, "ours:1", key, note="ours", number=3)
        write(connector, "sample", Change(ChangeKind.RELEASE, "ours:1", key, {"note": "theirs"}))
        assert self.record(connector, key, "note", "number") == {"note": "theirs", "number": "3"}

    def test_an_update_keeps_our_key(self, connector: Connector) -> None:
        """A record that is updated stays ours, under the same key."""
        self.ready(connector)
        write(connector, "sample", create(1), create(2))
        write(connector, "sample", update(1, note="new"))
        assert self.ours(connector) == {"ours:1": "s0001", "ours:2": "s0002"}

    def test_reading_does_not_mind_whose_a_record_is(self, connector: Connector) -> None:
        """Ours and theirs are read and counted alike."""
        self.ready(connector)
        theirs = self.stranger(connector, 3)
        write(connector, "sample", create(1), create(2))
        assert sorted(keys_of(read_all(connector, "sample", []))) == ["s0001", "s0002", theirs]
        self.settle(connector)
        found = connector.find("sample", ("name",), [("Sample 1",), ("Sample 3",)], ["name"])
        assert set(told([found], SAMPLE, self.zone)) == {"s0001", theirs}


def adopt(connector: Connector, our_key: str, key: str, /, **values: Cell) -> Outcome:
    return write(connector, "sample", Change(ChangeKind.ADOPT, our_key, key, values))[our_key]
