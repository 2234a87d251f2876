"""Jobs of Bulk 2.0: those that query, with their results page by page, and those that create."""
