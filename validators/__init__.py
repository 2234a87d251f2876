"""Judge records: integrity, declared expectations, business totals. Findings only; a record is never changed here."""
