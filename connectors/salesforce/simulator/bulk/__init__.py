"""Bulk 2.0: jobs that query, and jobs that write."""
