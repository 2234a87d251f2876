"""Records of a child object that become one text, or one file, of their parent."""

FOLD = "fold"
"""Before the name of a fold, where rules speak of it as a source field: `fold.history`."""


def called(name: str) -> str:
    """The field of the parent that the fold of this name makes."""
    return f"{FOLD}.{name}"
