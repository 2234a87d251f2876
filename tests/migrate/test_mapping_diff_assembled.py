"""`mapping diff` where records of three systems become one: each side is put together by its own mappings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .contracts import CONTRACT
from .three import ThreeSystems, make_three


@pytest.fixture
def three(tmp_path: Path) -> ThreeSystems:
    made = make_three(tmp_path / "three", CONTRACT)
    shutil.copytree(made.folder / "mappings", made.folder / "old")
    return made


def test_the_records_that_are_put_together_otherwise_are_foretold(three: ThreeSystems) -> None:
    assert three.run().code == 0
    three.rewrite("mappings/contract.yaml", ("prefer: [executed, agreed]", "prefer: [agreed, executed]"))
    said = three.say("mapping", "diff", "old", "--json")
    assert said.code == 0, said.err
    foretold = said.document["records"]["contract"]  # type: ignore[index,call-overload]
    assert foretold == {"updated": ["C-2"]}
    assert three.run().counts("contract") == {"read": 4, "updated": 1, "unchanged": 2, "filtered": 1}
