"""A record that is in the target as it was sent takes the room of one set of digests, and is still told with both."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from changeover.connectors.change import ChangeKind
from changeover.runs.ledger import operations, records, runlog, store
from changeover.runs.ledger.claims import Claims
from changeover.runs.ledger.operations import Intent, Settled
from changeover.runs.ledger.place import Place
from changeover.runs.ledger.records import Parked, RecordRow
from changeover.runs.ledger.store import Ledger

NOW = dt.datetime(2024, 2, 29, 8, 0, tzinfo=dt.UTC)
FIRST, SECOND, OTHER = b"aaaaaaaa11111111", b"aaaaaaaa22222222", b"aaaaaaaa33333333"
ALL, LATTER = b"\x01\x01", b"\x00\x01"
CREATE, UPDATE, RELEASE = ChangeKind.CREATE, ChangeKind.UPDATE, ChangeKind.RELEASE
KEY = "old:customer:1"

FIELDS = 9
CHUNK, CHUNKS = 1_000, 10
BOUNDS = {"file": 640, "server": 980}
"""Bytes a record, of a run that creates records of nine fields, one of them unique."""


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with Ledger(place) as opened:
        yield opened


def begin(ledger: Ledger) -> int:
    return runlog.begin(ledger, "run", NOW).id


def write(ledger: Ledger, run: int, kind: ChangeKind, sent: bytes | None, written: bytes, *states: str) -> int:
    fields = records.fieldset(ledger, "customer", "account", "digest", ["name", "city"])
    intent = Intent(KEY, kind, None if kind is CREATE else "T1", sent, written, "created", "1")
    batch = operations.intend(ledger, run, "customer", "t_customer", fields, [intent], NOW, dt.timedelta(0))
    for state in states or ("acked",):
        end = Settled(KEY, state, "live", "T1") if state == "acked" else Settled(KEY, state, code="target.no")
        operations.settle(ledger, run, batch, "account", [end], NOW)
    return batch


def known(ledger: Ledger) -> RecordRow:
    by_key = records.lookup(ledger, "customer", [KEY])[KEY]
    assert records.lookup_target(ledger, "customer", ["T1"]) in ({"T1": by_key}, {})
    return by_key


def digests(ledger: Ledger) -> tuple[bytes | None, bytes | None]:
    return known(ledger).sent, known(ledger).back


# What is told


def test_what_is_there_as_it_was_sent_is_told_so(ledger: Ledger) -> None:
    batch = write(ledger, begin(ledger), CREATE, FIRST, ALL)
    assert digests(ledger) == (FIRST, FIRST)
    assert [each.back for each in operations.unverified(ledger)] == [FIRST]
    operations.verify(ledger, "customer", [], [batch])
    assert digests(ledger) == (FIRST, FIRST)


def test_what_was_never_read_back_is_not_told_as_sent(ledger: Ledger) -> None:
    write(ledger, begin(ledger), CREATE, FIRST, LATTER)
    assert digests(ledger) == (FIRST, None)


@pytest.mark.parametrize("back", [FIRST, OTHER])
def test_what_was_read_back_is_told_as_read(ledger: Ledger, back: bytes) -> None:
    batch = write(ledger, begin(ledger), CREATE, FIRST, ALL)
    operations.verify(ledger, "customer", [(KEY, back, back == FIRST)], [batch])
    assert digests(ledger) == (FIRST, back)


@pytest.mark.parametrize("back", [FIRST, OTHER])
def test_a_newer_write_does_not_change_what_was_read_before_it(ledger: Ledger, back: bytes) -> None:
    run = begin(ledger)
    operations.verify(ledger, "customer", [(KEY, back, back == FIRST)], [write(ledger, run, CREATE, FIRST, ALL)])
    batch = write(ledger, run, UPDATE, SECOND, LATTER)
    assert digests(ledger) == (SECOND, back)
    (left,) = operations.unverified(ledger)
    assert (left.sent, left.back) == (SECOND, back)
    operations.verify(ledger, "customer", [(KEY, SECOND, True)], [batch])
    assert digests(ledger) == (SECOND, SECOND)
    assert operations.unverified(ledger) == []


def test_the_same_written_again_is_still_as_it_was_read(ledger: Ledger) -> None:
    run = begin(ledger)
    write(ledger, run, CREATE, FIRST, ALL)
    write(ledger, run, UPDATE, FIRST, LATTER)
    assert digests(ledger) == (FIRST, FIRST)


def test_a_write_without_digests_leaves_what_was_read(ledger: Ledger) -> None:
    run = begin(ledger)
    write(ledger, run, CREATE, FIRST, ALL)
    write(ledger, run, RELEASE, None, LATTER)
    assert digests(ledger) == (None, FIRST)


def test_a_record_under_other_fields_has_nothing_read_of_them(ledger: Ledger) -> None:
    run = begin(ledger)
    write(ledger, run, CREATE, FIRST, ALL)
    fields = records.fieldset(ledger, "customer", "account", "digest", ["name", "city", "street"])
    intent = Intent(KEY, UPDATE, "T1", FIRST + OTHER[:8], b"\x00\x00\x01", "updated")
    batch = operations.intend(ledger, run, "customer", None, fields, [intent], NOW, dt.timedelta(0))
    operations.settle(ledger, run, batch, "account", [Settled(KEY, "acked", "live", "T1")], NOW)
    assert digests(ledger) == (FIRST + OTHER[:8], None)


def test_what_was_refused_changes_nothing_of_what_is_there(ledger: Ledger) -> None:
    run = begin(ledger)
    write(ledger, run, CREATE, FIRST, ALL)
    write(ledger, run, UPDATE, SECOND, LATTER, "rejected")
    assert (*digests(ledger), known(ledger).code) == (FIRST, FIRST, "target.no")
    with ledger.transaction():
        records.park(ledger, run, "account", "t_customer", "customer", [Parked(KEY, "1", "held", "reference.missing")])
    assert digests(ledger) == (FIRST, FIRST)


def test_a_refusal_of_what_has_no_target_key_keeps_what_was_read(ledger: Ledger) -> None:
    run = begin(ledger)
    batch = write(ledger, run, CREATE, FIRST, ALL, "unknown")
    operations.settle(ledger, run, batch, "account", [Settled(KEY, "acked", "live")], NOW)
    write(ledger, run, UPDATE, SECOND, LATTER, "rejected")
    assert digests(ledger) == (SECOND, FIRST)


@pytest.mark.parametrize("back", [SECOND, OTHER])
def test_what_both_sides_agree_on_already_is_told_so(ledger: Ledger, back: bytes) -> None:
    run = begin(ledger)
    write(ledger, run, CREATE, FIRST, ALL)
    with ledger.transaction():
        records.rebase(ledger, "customer", [(known(ledger).fieldset or 0, SECOND, back, run, KEY)])
    assert digests(ledger) == (SECOND, back)


def test_what_nobody_has_read_stays_unread_when_a_conflict_is_over(ledger: Ledger) -> None:
    run = begin(ledger)
    write(ledger, run, CREATE, FIRST, LATTER)
    with ledger.transaction():
        records.rebase(ledger, "customer", [(known(ledger).fieldset or 0, FIRST, b"", run, KEY)])
    assert not known(ledger).back


def test_a_rehearsal_knows_the_same(ledger: Ledger, tmp_path: Path) -> None:
    run = begin(ledger)
    write(ledger, run, CREATE, FIRST, ALL)
    with closing(ledger.scratch(tmp_path / "rehearsal" / "ledger.db")) as copy:
        assert digests(copy) == (FIRST, FIRST)
        write(copy, run, UPDATE, SECOND, LATTER)
        assert digests(copy) == (SECOND, FIRST)
    assert digests(ledger) == (FIRST, FIRST)


# How much room it takes


def move(ledger: Ledger, fields: Sequence[str]) -> None:
    """As a run does it: claim, write down, settle, read back."""
    run, claims = begin(ledger), Claims(ledger, b"0123456789abcdef")
    number = records.fieldset(ledger, "account", "account", "digest", fields)
    for chunk in range(CHUNKS):
        sources = [f"KH{chunk * CHUNK + each:09}" for each in range(CHUNK)]
        keys = [f"legacy:account:{source}" for source in sources]
        claims.claim("account", fields[0], sources, keys)
        sent = [bytes(f"{source:<8}", "ascii")[-8:] * FIELDS for source in sources]
        intents = [
            Intent(key, CREATE, None, told, b"\x01" * FIELDS, "created", source)
            for key, told, source in zip(keys, sent, sources, strict=True)
        ]
        batch = operations.intend(ledger, run, "account", "account", number, intents, NOW, dt.timedelta(seconds=60))
        ends = [Settled(key, "acked", "live", source) for key, source in zip(keys, sources, strict=True)]
        operations.settle(ledger, run, batch, "account", ends, NOW)
        operations.verify(ledger, "account", [], [batch])


def size(ledger: Ledger) -> int:
    """Bytes of all that it takes, nothing of it tidied by hand."""
    if isinstance(ledger.place, Path):
        return sum(path.stat().st_size for path in ledger.place.parent.glob("ledger.db"))
    tables = "from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace"
    return int(ledger.db.execute(f"select sum(pg_total_relation_size(oid)) {tables}").fetchone()[0])


def test_what_a_record_takes(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The share of a run that a tidying waits for is the same as in a move of a hundred thousand."""
    monkeypatch.setattr(store, "TIDY_AFTER", store.TIDY_AFTER * CHUNK * CHUNKS // 100_000)
    with Ledger(place, durable=False) as ledger:
        if not isinstance(place, Path):
            for table in ("operation", "record", "claim"):
                ledger.db.execute(f"alter table {table} set (autovacuum_enabled = off)")
        move(ledger, ["legacy_id", *(f"field_{each}" for each in range(1, FIELDS))])
        ledger.db.execute("pragma wal_checkpoint(truncate)") if isinstance(place, Path) else None
        taken = size(ledger) / (CHUNK * CHUNKS)
    print(f"{taken:.0f} bytes a record")
    assert taken < BOUNDS["file" if isinstance(place, Path) else "server"]
