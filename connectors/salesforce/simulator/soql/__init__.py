"""Queries of the API: read, and carried out as SQL over what is kept."""
