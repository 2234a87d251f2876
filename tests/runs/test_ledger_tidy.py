"""A ledger on a server does not grow by what its own updates leave behind."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from changeover.connectors.change import ChangeKind
from changeover.runs.ledger import operations, records, runlog, store
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.ledger.store import Ledger

from ..servers import new_server

NOW = dt.datetime(2024, 2, 29, 8, 0, tzinfo=dt.UTC)
ROWS, BATCHES = 500, 8


def size_after(postgres: sa.URL) -> int:
    """Bytes of the operations after some batches, none of which the server's own vacuum has looked at."""
    with Ledger(new_server(postgres), durable=False) as ledger:
        ledger.db.execute("alter table operation set (autovacuum_enabled = off)")
        run = runlog.begin(ledger, "run", NOW).id
        fields = records.fieldset(ledger, "customer", "account", "digest", ["name"])
        for batch in range(BATCHES):
            keys = [f"old:customer:{batch}-{number}" for number in range(ROWS)]
            intents = [Intent(key, ChangeKind.CREATE, None, b"12345678", b"\x01", "created") for key in keys]
            made = operations.intend(ledger, run, "customer", None, fields, intents, NOW, dt.timedelta(seconds=60))
            operations.settle(ledger, run, made, "account", [Settled(k, "acked", "live", k) for k in keys], NOW)
            operations.verify(ledger, "customer", [], [made])
        return int(ledger.db.execute("select pg_relation_size('operation')").fetchone()[0])


def test_what_updates_leave_behind_is_used_again(postgres: sa.URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "TIDY_AFTER", 10**9)
    left = size_after(postgres)
    monkeypatch.setattr(store, "TIDY_AFTER", ROWS)
    assert size_after(postgres) < left * 0.6
