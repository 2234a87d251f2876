"""Reach the systems: describe, read and write them, and the words that every room speaks.

The lowest room. It imports no other room; what it needs from above is handed to `connect`.
"""
