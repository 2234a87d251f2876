"""Siblings go in one batch where they fit, and never in two at the same time."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from changeover.connectors.change import Change, ChangeKind
from changeover.mappings.compile import CompiledMapping, compile_mappings, load_mapping_files
from changeover.migrate.sending.answer import Planned
from changeover.migrate.sending.siblings import parent_field, together, touches
from changeover.migrate.sending.split import Line
from changeover.runs.ledger.operations import Intent

from .firms import SOURCE, TARGET, write_project


def planned(number: int, parent: str | None = None, *, key: str | None = None, was: str | None = None) -> Planned:
    kind = ChangeKind.UPDATE if key else ChangeKind.CREATE
    values = {} if parent is None else {"parent": parent}
    expect = None if was is None else {"parent": was}
    change = Change(kind, f"ours:{number}", key, values, expect)
    return Planned(change, Intent(change.our_key, kind, key, None, None, "created"))


def parents(each: Planned) -> tuple[str, ...]:
    return tuple(
        str(key) for key in (each.change.values.get("parent"), (each.change.expect or {}).get("parent")) if key
    )


def numbers(group: list[Planned]) -> list[int]:
    return [int(each.change.our_key.partition(":")[2]) for each in group]


def test_a_family_goes_in_one_batch_and_small_ones_fill_it() -> None:
    line = [planned(n, parent) for n, parent in enumerate(["a", "b", "a", "c", "b", "b", None, "c", "a"])]
    assert [numbers(each) for each in together(line, 4, parents)] == [[0, 2, 8, 6], [1, 4, 5], [3, 7]]


def test_a_family_too_large_for_a_batch_fills_some_of_its_own() -> None:
    line = [planned(n, "a" if n < 5 else "b") for n in range(7)]
    assert [numbers(each) for each in together(line, 2, parents)] == [[0, 1], [2, 3], [4], [5, 6]]


def test_one_record_a_call_leaves_siblings_beside_each_other() -> None:
    line = [planned(n, "ab"[n % 2]) for n in range(6)]
    assert [numbers(each) for each in together(line, 1, parents)] == [[0], [2], [4], [1], [3], [5]]


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_left_out_and_no_batch_is_too_large(seed: int) -> None:
    some = random.Random(seed)
    line = [planned(n, some.choice([None, *"abcdefgh"])) for n in range(some.randint(0, 90))]
    size = some.randint(1, 12)
    batches = together(line, size, parents)
    assert Counter(each.change.our_key for batch in batches for each in batch) == Counter(
        f"ours:{n}" for n in range(len(line))
    )
    assert all(0 < len(batch) <= size for batch in batches)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_under_way_nobody_waits_for_ever_and_no_parent_is_touched_twice(seed: int) -> None:
    some = random.Random(seed)
    line = Line(
        [planned(n, some.choice([None, *"abc"]), was=some.choice([None, None, *"abc"])) for n in range(60)],
        some.randint(1, 5),
        parents,
    )
    under_way: list[list[Planned]] = []
    done: list[int] = []
    while line or under_way:
        busy = [key for group in under_way for key in line.touched(group)]
        assert len(busy) == len(set(busy))
        group = line.take(1 if some.random() < 0.1 else None, busy) if len(under_way) < 4 else []
        if group:
            under_way.append(group)
        else:
            assert under_way, "something has to be taken where nothing is under way"
            ended = under_way.pop(some.randrange(len(under_way)))
            if some.random() < 0.2:
                line.back([ended])
            else:
                done += numbers(ended)
    assert sorted(done) == list(range(60))
    assert len(line) == 0


def mapping(folder: Path, name: str) -> CompiledMapping:
    write_project(folder)
    compiled, _ = compile_mappings(load_mapping_files(folder / "mappings"), SOURCE, TARGET, "old")
    return compiled[name]


def test_the_parent_is_that_of_the_first_required_reference_else_of_the_first(tmp_path: Path) -> None:
    account = mapping(tmp_path / "move", "account")
    assert parent_field(account) == next(iter(account.references))
    assert parent_field(mapping(tmp_path / "other", "contact")) == "account_id"


def test_a_record_that_is_a_parent_itself_is_touched_by_its_own_change(tmp_path: Path) -> None:
    touched = touches(mapping(tmp_path / "move", "account"))
    parent = parent_field(mapping(tmp_path / "other", "account"))
    change = Change(ChangeKind.UPDATE, "ours:1", "7", {str(parent): "3"}, {str(parent): "2"})
    update = Planned(change, Intent("ours:1", ChangeKind.UPDATE, "7", None, None, "updated"))
    assert touched(update) == ("3", "2", "7")
    assert touched(update._replace(change=Change(ChangeKind.UPDATE, "ours:1", "7"), parent="5")) == ("5", "7")


def test_nobody_is_a_sibling_without_a_reference() -> None:
    assert touches(None)(planned(1, "a")) == ()
