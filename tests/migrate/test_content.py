"""What a partition carries comes back as it went, and opens to nobody else."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.change import Change, ChangeKind
from changeover.connectors.errors import ChangeoverError
from changeover.migrate.sending.answer import Planned
from changeover.migrate.sharing import content
from changeover.migrate.sharing.content import Brought, Sealed
from changeover.runs.ledger.operations import Intent
from hypothesis import given
from hypothesis import strategies as st

KEY = bytes(range(32))
TEXTS = st.text(max_size=20)
CELLS: st.SearchStrategy[Cell] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    TEXTS,
    st.decimals(allow_nan=False, allow_infinity=False, places=4),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(dt.UTC)),
    st.binary(max_size=20),
)
RECORDS = st.dictionaries(TEXTS, CELLS, max_size=5)
BYTES = st.none() | st.binary(max_size=32)


@st.composite
def planned(draw: st.DrawFn) -> Planned:
    kind, our_key, key = draw(st.sampled_from(ChangeKind)), draw(TEXTS), draw(st.none() | TEXTS)
    return Planned(
        Change(kind, our_key, key, draw(RECORDS), draw(st.none() | RECORDS)),
        Intent(our_key, kind, key, draw(BYTES), draw(BYTES), draw(TEXTS), draw(st.none() | TEXTS)),
        draw(st.sampled_from(["live", "pending"])),
        draw(st.none() | TEXTS),
    )


def types_of(each: Planned) -> list[type]:
    return [type(cell) for cells in (each.change.values, each.change.expect or {}) for cell in cells.values()]


@given(st.lists(planned(), max_size=6))
def test_changes_come_back_with_every_cell_and_its_type(changes: list[Planned]) -> None:
    sealed = Sealed(KEY, 7, "账户")
    back = sealed.opened_changes(sealed.changes(changes))
    assert back == changes
    assert [types_of(each) for each in back] == [types_of(each) for each in changes]


@given(
    st.dictionaries(TEXTS, TEXTS, max_size=3),
    st.dictionaries(TEXTS, st.integers(0), max_size=2),
    st.lists(TEXTS, max_size=2),
)
def test_what_a_worker_brings_back_comes_back(words: dict[str, str], calls: dict[str, int], aside: list[str]) -> None:
    sealed, brought = Sealed(KEY, 7, "customer"), Brought(words, calls, tuple(aside))
    assert sealed.opened_brought(sealed.brought(brought)) == brought


CHANGE = Change(ChangeKind.CREATE, "legacy:a:1", None, {"name": "张晓明", "revenue": Decimal("1200.50")})
ONE = [Planned(CHANGE, Intent("legacy:a:1", ChangeKind.CREATE, None, b"s", b"w", "created", "1"))]


def test_nothing_of_it_can_be_read_without_the_key() -> None:
    told = Sealed(KEY, 7, "customer").changes(ONE)
    for word in ("张晓明", "1200.50", "legacy:a:1", "name"):
        assert word.encode() not in told


@pytest.mark.parametrize(
    "other", [Sealed(bytes(32), 7, "customer"), Sealed(KEY, 8, "customer"), Sealed(KEY, 7, "orders")]
)
def test_another_key_run_or_object_does_not_open_it(other: Sealed) -> None:
    with pytest.raises(ChangeoverError) as caught:
        other.opened_changes(Sealed(KEY, 7, "customer").changes(ONE))
    assert caught.value.code == "content.damaged"


def test_changes_are_not_taken_for_what_was_brought_back() -> None:
    sealed = Sealed(KEY, 7, "customer")
    with pytest.raises(ChangeoverError):
        sealed.opened_brought(sealed.changes([]))


def test_another_version_is_told_and_not_guessed_at(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = Sealed(KEY, 7, "customer")
    told = sealed.changes(ONE)
    monkeypatch.setattr(content, "FORMAT", 2)
    with pytest.raises(ChangeoverError) as caught:
        sealed.opened_changes(told)
    assert (caught.value.code, caught.value.exit_code) == ("content.version", 2)
