"""What became of changes: asked for where nobody knows, read back where it was said."""
