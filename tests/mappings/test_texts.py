"""Every code of this room, also those that go through a helper of its own, has a text whose holes are filled."""

from __future__ import annotations

import re
from pathlib import Path

import changeover
import pytest
import yaml

ROOT = Path(changeover.__file__).parent
CODE = re.compile(r'"((?:mapping|people|reference|type|value|yaml)\.[a-z0-9_]+)"')


def used() -> set[str]:
    files = [*(ROOT / "mappings").rglob("*.py"), ROOT / "connectors" / "cell.py"]
    return {code for file in files for code in CODE.findall(file.read_text("utf-8"))}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_codes_have_texts_and_texts_have_codes(language: str) -> None:
    every: dict[str, str] = {}
    for file in (ROOT / "runs" / "texts" / language).glob("*.yaml"):
        every.update(yaml.safe_load(file.read_text("utf-8")))
    own = yaml.safe_load((ROOT / "runs" / "texts" / language / "mappings.yaml").read_text("utf-8"))
    assert sorted(used() - every.keys()) == []
    assert sorted(own.keys() - used()) == []
