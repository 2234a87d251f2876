"""Types of options that connections share."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator


def _plain_number(value: object) -> object:
    """What a project's YAML has with a point in it comes exact, as text or as a decimal."""
    if not isinstance(value, str | Decimal):
        return value
    try:
        return float(value)
    except ValueError:
        return value


Number = Annotated[float, BeforeValidator(_plain_number)]
