"""Mappings against both schemas: every problem at once, before any record moves."""
