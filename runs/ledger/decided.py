"""What was decided of fields that both systems had changed, as the findings of the runs that decided it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from .runlog import SETTLED
from .store import Ledger


def settled(
    ledger: Ledger, object_name: str, mapping: str, code: str, keys: Sequence[str]
) -> Iterator[tuple[str, str, str]]:
    """(source key, field, what both sides held then) of every field of these records that was left as it is."""
    rows = ledger.db.execute(
        f"select f.key, f.field, f.params from {ledger.db.texts()} cross join finding f "  # noqa: S608
        "where f.object = ? and f.key = j.value and f.code = ? and f.mapping = ?",
        (json.dumps(list(keys), ensure_ascii=False), object_name, code, mapping),
    )
    for key, field, params in rows:
        yield key, field, str(ledger.parsed(params).get(SETTLED, ""))


def fields_of(ledger: Ledger, run_id: int, mapping: str, code: str, keys: Sequence[str]) -> set[tuple[str, str]]:
    """(source key, field) of every field of these records of which that run decided so."""
    rows = ledger.db.execute(
        f"select f.key, f.field from {ledger.db.texts()} cross join finding f "  # noqa: S608
        "where f.run = ? and f.code = ? and f.key = j.value and f.mapping = ?",
        (json.dumps(list(keys), ensure_ascii=False), run_id, code, mapping),
    )
    return {(str(key), str(field)) for key, field in rows}
