"""Records that stand for others which do not move, so that what refers to these need not go without: what they are
called. Which rules they have, and that these are enough, is `checking/stub.py`'s."""

from __future__ import annotations

from typing import Final

STUB: Final = "stub"
"""The key of a mapping under which the rules of its stubs stand."""
OF_STUB: Final = ":stub"
"""Behind the name of a mapping: what makes its stubs."""


def makes_stubs(mapping: str) -> bool:
    """Whether that is the name of what makes stubs."""
    return mapping.endswith(OF_STUB)


def of_mapping(name: str) -> str:
    """The mapping whose stubs those are; any other name is that of a mapping itself."""
    return name.removesuffix(OF_STUB)
