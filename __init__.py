"""Changeover: move a company's records from one CRM to another while both are in use."""

__version__ = "0.1.0"
