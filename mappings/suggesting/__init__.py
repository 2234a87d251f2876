"""Which source field becomes which target field: suggestions with their reasons, and silence where none is sure."""
