"""What simulators bring with them is read alike with libyaml and without."""

from __future__ import annotations

from pathlib import Path

import changeover.connectors
import pytest
import yaml
from changeover.connectors.simulating.shipped import read_shipped

FILES = sorted(Path(changeover.connectors.__file__).parent.glob("*/simulator/**/*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_both_parsers_read_it_alike(file: Path) -> None:
    assert read_shipped(file) == yaml.safe_load(file.read_text("utf-8"))


def test_it_is_read_without_libyaml_too(monkeypatch: pytest.MonkeyPatch) -> None:
    told = read_shipped(FILES[0])
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert read_shipped(FILES[0]) == told
