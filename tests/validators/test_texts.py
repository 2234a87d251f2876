"""Every code that this room gives has a text in both languages, and its params fill every hole."""

from __future__ import annotations

import ast
from pathlib import Path
from string import Formatter

import changeover.validators
import pytest
import yaml

ROOM = Path(changeover.validators.__file__).parent
TEXTS = ROOM.parent / "runs" / "texts"
PREFIXES = ("required.", "length.", "choices.", "range.", "unique.", "reference.", "pattern.", "between.")
SPOKEN = (*PREFIXES, "expectation.", "totals.")
CASES = Path(__file__).parent / "cases"


def texts(language: str) -> dict[str, str]:
    return yaml.safe_load((TEXTS / language / "validators.yaml").read_text(encoding="utf-8"))


def codes_in_source() -> set[str]:
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in ROOM.rglob("*.py")]
    strings = [
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return {each for each in strings if each.startswith(SPOKEN) and " " not in each and not each.endswith(".yaml")}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_texts_are_those_of_the_codes(language):
    assert {code for code in texts(language) if code.startswith(SPOKEN)} == codes_in_source()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("file", sorted(CASES.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_params_of_every_failing_cell_fill_its_text(language, file):
    known = texts(language)
    for case in yaml.safe_load(file.read_text(encoding="utf-8")):
        for cell in case.get("fails", []):
            if cell["code"] in known:
                holes = {name for _, name, _, _ in Formatter().parse(known[cell["code"]]) if name is not None}
                assert holes <= {"field", *cell.get("params", {})}
