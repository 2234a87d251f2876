"""Files of records: which go, and their bodies into the target just before their records."""
