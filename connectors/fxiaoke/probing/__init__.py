"""What only the tenant can tell of its API, and how it is asked."""
