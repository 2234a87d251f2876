"""Records of a child object that become one text of their parent."""

FOLD = "fold"
"""Before the name of a fold, where rules speak of it as a source field: `fold.history`."""
