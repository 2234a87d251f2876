"""Remember: the ledger and its crosswalk, the encrypted value store, the stage, plans, reports and their texts."""
