"""Which records a comparison has come across in the source; forgotten with the connection."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from .store import Ledger


def begin(ledger: Ledger) -> None:
    """Nothing has been seen yet."""
    ledger.db.execute(
        "create temp table if not exists seen (object text, our_key text, primary key (object, our_key))"
        + ledger.db.unnumbered
    )
    ledger.db.execute("delete from seen")


def see(ledger: Ledger, object_name: str, our_keys: Iterable[str]) -> None:
    with ledger.transaction():
        ledger.db.executemany(
            "insert into seen values (?, ?) on conflict do nothing", [(object_name, key) for key in our_keys]
        )


def of_these(ledger: Ledger, object_name: str, our_keys: Sequence[str]) -> set[str]:
    """Those of these keys that were seen."""
    rows = ledger.db.execute(
        f"select s.our_key from {ledger.db.texts()} cross join seen s "  # noqa: S608
        "where s.object = ? and s.our_key = j.value",
        (json.dumps(list(our_keys), ensure_ascii=False), object_name),
    )
    return {str(row[0]) for row in rows}


def unseen(ledger: Ledger, object_name: str, mapping: str) -> list[tuple[str, str, str | None]]:
    """(our key, target key, source key) of what this mapping has in the target and was not seen."""
    return ledger.db.execute(
        "select r.our_key, r.target_key, r.source_key from record r "
        "left join seen s on (s.object, s.our_key) = (r.object, r.our_key) "
        "where r.object = ? and r.mapping = ? and r.target_key is not null and s.our_key is null",
        (object_name, mapping),
    ).fetchall()
