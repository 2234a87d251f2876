"""Addresses of old records in texts: how they look, where they stand, and other addresses in their place."""
