"""Which schema a ledger gets."""

from __future__ import annotations

import re

import pytest
from changeover.runs.ledger.place import NAME_BYTES, schema_name


@pytest.mark.parametrize("project", ["small-move", "Kunde.Ä-1", "x" * 200, 'a"; drop schema public; --'])
def test_a_schemas_name_is_safe(project: str) -> None:
    name = schema_name(project, "mock")
    assert re.fullmatch(r"changeover_[a-z0-9_]+", name)
    assert len(name) <= NAME_BYTES


def test_no_two_environments_share_a_schema() -> None:
    pairs = [("a-b", "c"), ("a_b", "c"), ("a", "b-c"), ("A-b", "c"), ("x" * 100, "y"), ("x" * 101, "y")]
    assert len({schema_name(*pair) for pair in pairs}) == len(pairs)
