"""What a coordinator asks of its partitions besides their outcomes: which batches they became, the words that wait to
be kept, and that nothing more of them is begun."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .lease import Lease
from .store import Ledger


def keep_words(ledger: Ledger, held: Lease, words: bytes) -> None:
    """What a worker has to bring back so far, sealed; in place of what it had before. Raises BusyError `lease.lost`
    where another worker has the partition."""
    with ledger.transaction():
        changed = ledger.db.execute(
            "update partition set words = ? where id = ? and fence = ? and state = 'leased'",
            (words, held.partition, held.fence),
        ).rowcount
        if not changed:
            raise held.lost(str(ledger.place))


def words_of(ledger: Ledger, partition: int) -> bytes | None:
    """What workers have to bring back of it so far; None where that is nothing."""
    (words,) = ledger.db.execute("select words from partition where id = ?", (partition,)).fetchone()
    return None if words is None else bytes(words)


def words_left(ledger: Ledger) -> list[tuple[int, str, bytes]]:
    """(run, object, words) of partitions of earlier coordinators that nobody has collected."""
    rows = ledger.db.execute(
        "select p.run, p.object, p.words from partition p join control c on p.epoch < c.epoch "
        "where p.words is not null order by p.id"
    )
    return [(int(run), str(object_name), bytes(words)) for run, object_name, words in rows.fetchall()]


def batches_of(ledger: Ledger, partitions: Sequence[int]) -> list[int]:
    """The batches that these partitions became."""
    rows = ledger.db.execute(
        f"select b.id from {ledger.db.texts()} cross join batch b "  # noqa: S608
        "where b.partition = cast(j.value as bigint) order by b.id",
        (json.dumps(list(partitions)),),
    )
    return [int(row[0]) for row in rows]


def withdraw(ledger: Ledger) -> None:
    """Nobody begins with what waits under this coordinator: it is done as far as it is."""
    with ledger.transaction():
        ledger.db.execute(
            "update partition set state = 'done', content = null where epoch = ? and state = 'open'",
            (ledger.epoch or 0,),
        )


def under_way(ledger: Ledger) -> int:
    """How many partitions are being worked on under the latest coordinator; not those whose lease has run out."""
    row = ledger.db.execute(
        "select count(*) from partition p join control c on c.epoch = p.epoch "
        "where p.state = 'leased' and p.lease_until > ?",
        (ledger.now().isoformat(),),
    ).fetchone()
    return int(row[0])


def took_part(ledger: Ledger) -> int:
    """How many processes have worked under the latest coordinator, itself among them."""
    row = ledger.db.execute("select count(*) from worker w join control c on c.epoch = w.epoch").fetchone()
    return int(row[0])
