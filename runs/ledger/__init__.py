"""The ledger: which records are where, what was asked of the target, and what came of it. Keys, states, codes, times
and keyed digests only; never a field's value, never a server's words."""
