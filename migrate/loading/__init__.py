"""From mapped chunks to planned changes: sorted, resolved, adopted, deferred, counted."""
