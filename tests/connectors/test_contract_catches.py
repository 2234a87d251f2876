"""The contract is itself tested: it catches every broken double, and each of its laws can fail."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from typing import Any

import pytest
from changeover.connectors.clock import VirtualClock
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.port import Ordeal, OurKeyPlace
from changeover.connectors.schema import Schema
from changeover.connectors.testing.broken import BROKEN
from changeover.connectors.testing.broken_cells import Broken
from changeover.connectors.testing.broken_changes import Changing
from changeover.connectors.testing.broken_files import Filing
from changeover.connectors.testing.broken_writes import Dated
from changeover.connectors.testing.change_laws import ChangeLaws
from changeover.connectors.testing.contract import TargetContract, laws
from changeover.connectors.testing.details_laws import DetailsLaws
from changeover.connectors.testing.file_laws import FileLaws
from changeover.connectors.testing.sample import LINE, SCHEMA


class Suite(TargetContract):
    def __init__(self) -> None:
        self.clock = VirtualClock(dt.datetime(2026, 3, 1, tzinfo=dt.UTC))

    def holds(self, law: str, double: type[MemoryConnector]) -> bool:
        try:
            getattr(self, law)(double(SCHEMA, clock=self.clock))
        except (Exception, pytest.fail.Exception):  # whatever way a double falls, it has been caught
            return False
        return True


class Roomless(MemoryConnector):
    def __init__(self, schema: Schema, **given: Any) -> None:
        super().__init__(schema, our_key=OurKeyPlace.NONE, **given)


class Tried(MemoryConnector):
    def __init__(self, schema: Schema, **given: Any) -> None:
        super().__init__(schema, ordeals=tuple(Ordeal), owner="note", **given)


class Carrying(MemoryConnector):
    def __init__(self, schema: Schema, **given: Any) -> None:
        super().__init__(Schema({**schema.objects, "line": LINE}), details=3, **given)


class CarryingUntold(MemoryConnector):
    def __init__(self, schema: Schema, **given: Any) -> None:
        super().__init__(Schema({**schema.objects, "line": LINE}), details=3, answers_details=False, **given)


@pytest.mark.parametrize("law", [each for each in vars(DetailsLaws) if each.startswith("test_")])
@pytest.mark.parametrize("double", [Carrying, CarryingUntold])
def test_the_double_that_carries_details_keeps_every_law(double: type[MemoryConnector], law: str) -> None:
    assert Suite().holds(law, double)


@pytest.mark.parametrize("law", [each for each in vars(FileLaws) if each.startswith("test_")])
def test_the_double_that_takes_files_keeps_every_law(law: str) -> None:
    assert Suite().holds(law, Filing)


@pytest.mark.parametrize("law", [each for each in vars(ChangeLaws) if each.startswith("test_")])
def test_the_double_that_tells_changes_keeps_every_law(law: str) -> None:
    assert Suite().holds(law, Changing)


def test_the_double_with_a_field_of_creation_alone_keeps_its_law() -> None:
    assert Suite().holds("test_a_field_of_creation_alone_is_refused_of_an_update", Dated)


@pytest.mark.parametrize("law", laws(TargetContract))
@pytest.mark.parametrize("double", [Tried, Roomless])
def test_the_intact_double_keeps_every_law(double: type[MemoryConnector], law: str) -> None:
    assert Suite().holds(law, double)


@pytest.mark.parametrize(
    ("double", "law"), [pytest.param(each, law, id=f"{each.__name__}-{law}") for each in BROKEN for law in each.breaks]
)
def test_a_broken_double_is_caught(double: type[Broken], law: str) -> None:
    assert not Suite().holds(law, double)


def test_each_law_has_been_seen_to_fail() -> None:
    assert set(laws(TargetContract)) == {law for double in BROKEN for law in double.breaks}


@pytest.mark.parametrize("double", BROKEN, ids=lambda double: double.__name__)
def test_a_broken_double_is_not_a_broken_system(double: type[Broken]) -> None:
    """It breaks what it says and still works elsewhere, so that it is the law that catches it and not a crash."""
    kept = 0
    for law in laws(TargetContract)[::3]:
        with suppress(pytest.skip.Exception):  # about something that the double does not do
            kept += law not in double.breaks and Suite().holds(law, double)
        if kept >= 5:
            break
    assert kept >= 5
