"""Mapping files as text: read strictly, held against a model, written, and rewritten in place."""
