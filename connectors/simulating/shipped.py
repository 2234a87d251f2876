"""Files of YAML that come with a simulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def read_shipped(file: Path) -> Any:
    """What it says. By libyaml where PyYAML was built with it: what the two parsers read otherwise is not in there."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(file.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - it makes no objects
