"""The value store: gives back what was put, hides it from others, notices a lost key and a changed file."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from changeover.connectors.errors import DecisionError, UnavailableError
from changeover.runs.values import BLOCK_RECORDS, PREIMAGE, REJECT, SAMPLE, ValueStore

KEY, OTHER = b"k" * 32, b"o" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "values.db"


def items(count: int, *, purpose: str = PREIMAGE, run: str = "1") -> list[tuple[str, str, str, str, bytes]]:
    return [(purpose, run, "account", f"legacy:t_customer:{n}", f"客户{n}".encode()) for n in range(count)]


def test_everything_put_comes_back_after_opening_again(path: Path) -> None:
    many = items(2 * BLOCK_RECORDS + 3)
    with ValueStore(path, KEY) as store:
        store.put_many(many)
    with ValueStore(path, KEY) as store:
        wanted = [our_key for _, _, _, our_key, _ in many]
        found = store.get_many(PREIMAGE, "1", "account", [*reversed(wanted), "legacy:t_customer:none"])
        assert found == {our_key: payload for _, _, _, our_key, payload in many}
        assert store.get(PREIMAGE, "1", "account", "legacy:t_customer:1000") == "客户1000".encode()
        assert store.get(PREIMAGE, "1", "account", "none") is None
        assert store.get_many(PREIMAGE, "1", "account", []) == {}


def test_purpose_run_and_object_keep_values_apart(path: Path) -> None:
    owners = [(PREIMAGE, "1", "account"), (REJECT, "1", "account"), (PREIMAGE, "2", "account"), (PREIMAGE, "1", "x")]
    with ValueStore(path, KEY) as store:
        store.put_many((*owner, "k", "|".join(owner).encode()) for owner in owners)
        assert [store.get(*owner, "k") for owner in owners] == ["|".join(owner).encode() for owner in owners]
        store.drop("1", PREIMAGE, "account")
        assert [store.get(*owner, "k") is None for owner in owners] == [True, False, False, False]


def test_a_second_value_takes_the_firsts_place_and_empty_is_a_value(path: Path) -> None:
    with ValueStore(path, KEY) as store:
        store.put_many([(SAMPLE, "1", "account", "k", b"old"), (SAMPLE, "1", "account", "j", b"")])
        store.put_many([(SAMPLE, "1", "account", "k", b"new")])
        assert store.get_many(SAMPLE, "1", "account", ["k", "j"]) == {"k": b"new", "j": b""}


def test_a_call_that_fails_keeps_nothing_of_itself(path: Path) -> None:
    def broken() -> object:
        yield from items(BLOCK_RECORDS + 1)
        raise RuntimeError("reading stopped")

    with ValueStore(path, KEY) as store:
        with pytest.raises(RuntimeError):
            store.put_many(broken())  # type: ignore[arg-type]
        assert store.get(PREIMAGE, "1", "account", "legacy:t_customer:0") is None
        store.put_many(items(1))
        assert store.get(PREIMAGE, "1", "account", "legacy:t_customer:0") == "客户0".encode()


def test_nothing_of_a_value_lies_in_the_files_and_only_the_user_may_read_them(path: Path) -> None:
    with ValueStore(path, KEY) as store:
        store.put_many((SAMPLE, "1", "account", str(n), b"secret-of-" + bytes([65 + n])) for n in range(20))
        files = sorted(path.parent.iterdir())
        assert [file.name for file in files] == ["values.db", "values.db-shm", "values.db-wal"]
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert not any(b"secret" in file.read_bytes() for file in files)


def test_a_lost_key_costs_the_old_values_and_writing_goes_on(path: Path) -> None:
    with ValueStore(path, KEY) as store:
        store.put_many(items(3))
    with ValueStore(path, OTHER) as store:
        store.put_many(items(1, run="2"))
        assert store.get(PREIMAGE, "2", "account", "legacy:t_customer:0") == "客户0".encode()
        with pytest.raises(DecisionError, match=r"values\.key_lost"):
            store.get(PREIMAGE, "1", "account", "legacy:t_customer:0")
        assert store.get(PREIMAGE, "1", "account", "none") is None
    with ValueStore(path, KEY) as store:
        assert store.get(PREIMAGE, "1", "account", "legacy:t_customer:2") == "客户2".encode()


@pytest.mark.parametrize(
    "change",
    [
        "update block set sealed = cast(substr(sealed, 1, 40) || x'00' || substr(sealed, 42) as blob)",
        "update block set sealed = substr(sealed, 1, length(sealed) - 1)",
        "update block set sealed = x''",
        "update entry set position = 1 - position",
        "update entry set position = 7",
        "update entry set block_id = 3 - block_id",
        "update owner set purpose = 'reject' where purpose = 'preimage'",
    ],
)
def test_a_changed_store_is_noticed(path: Path, change: str) -> None:
    with ValueStore(path, KEY) as store:
        store.put_many(items(2))
        store.put_many((PREIMAGE, "2", "account", our_key, payload) for _, _, _, our_key, payload in items(2))
    with sqlite3.connect(path) as base:
        base.execute(change)
    base.close()
    with ValueStore(path, KEY) as store:
        moved = "reject" if "reject" in change else "preimage"
        with pytest.raises(DecisionError, match=r"values\.damaged"):
            store.get_many(moved, "1", "account", ["legacy:t_customer:0", "legacy:t_customer:1"])


def test_a_file_that_is_no_store_is_said_so(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(UnavailableError, match=r"values\.unavailable"):
        ValueStore(path, KEY)


def test_a_full_disk_keeps_what_was_there(path: Path) -> None:
    with ValueStore(path, KEY) as store:
        store.put_many(items(10))
    script = (
        "import os, resource; from pathlib import Path; from changeover.connectors.errors import UnavailableError;"
        "from changeover.runs.values import ValueStore\n"
        f"store = ValueStore(Path({str(path)!r}), {KEY!r})\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, {resource.RLIM_INFINITY}))\n"
        "try: store.put_many(('preimage', '2', 'account', str(n), os.urandom(900)) for n in range(2000))\n"
        "except UnavailableError as error: print(error.code)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "values.unavailable"
    with ValueStore(path, KEY) as store:
        assert store.get(PREIMAGE, "1", "account", "legacy:t_customer:9") == "客户9".encode()
        assert store.get(PREIMAGE, "2", "account", "0") is None
        store.put_many(items(10, run="2"))
