"""The keys: where they come from, made once, the same for everybody, and never quietly replaced."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from changeover.connectors.errors import DecisionError, InputError, UnavailableError
from changeover.runs.keys import fingerprint, key_folder, load_or_create_keys, require_digest_key
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

PROJECT = "my-move"


class InMemoryKeyring(KeyringBackend):
    priority = 1  # type: ignore[assignment]

    def __init__(self, *, locked: bool = False) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = locked

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringError("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[(service, username)] = password


@pytest.fixture
def ring() -> Iterator[InMemoryKeyring]:
    before = keyring.get_keyring()
    ring = InMemoryKeyring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


@pytest.fixture
def environ(ring: InMemoryKeyring, tmp_path: Path) -> dict[str, str]:
    return {"CHANGEOVER_CONFIG_HOME": str(tmp_path / "config")}


def test_keys_are_made_once_in_files_that_only_the_user_may_read(environ: dict[str, str]) -> None:
    keys = load_or_create_keys(PROJECT, environ)
    assert (len(keys.data), len(keys.digest)) == (32, 16)
    assert load_or_create_keys(PROJECT, environ) == keys
    assert load_or_create_keys("another", environ) != keys
    folder = key_folder(PROJECT, environ)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        "data.key": 0o600,
        "digest.key": 0o600,
    }


def test_the_environment_outranks_the_keyring_and_the_keyring_the_file(
    environ: dict[str, str], ring: InMemoryKeyring
) -> None:
    made = load_or_create_keys(PROJECT, environ)
    ring.kept[("changeover", f"{PROJECT}/data")] = base64.b64encode(b"r" * 32).decode()
    assert load_or_create_keys(PROJECT, environ).data == b"r" * 32
    environ["CHANGEOVER_DATA_KEY"] = base64.b64encode(b"e" * 32).decode()
    keys = load_or_create_keys(PROJECT, environ)
    assert (keys.data, keys.digest) == (b"e" * 32, made.digest)


def test_keys_are_made_in_the_keyring_where_that_is_wanted(environ: dict[str, str], ring: InMemoryKeyring) -> None:
    environ["CHANGEOVER_KEYS"] = "keyring"
    keys = load_or_create_keys(PROJECT, environ)
    assert load_or_create_keys(PROJECT, environ) == keys
    assert sorted(account for _, account in ring.kept) == [f"{PROJECT}/data", f"{PROJECT}/digest"]
    assert not list(key_folder(PROJECT, environ).glob("*.key"))


def test_a_locked_keyring_stops_only_who_asked_for_it(environ: dict[str, str], ring: InMemoryKeyring) -> None:
    ring.locked = True
    assert load_or_create_keys(PROJECT, environ) == load_or_create_keys(PROJECT, environ)
    environ["CHANGEOVER_KEYS"] = "keyring"
    with pytest.raises(UnavailableError, match=r"key\.keyring_refused"):
        load_or_create_keys(PROJECT, environ)


@pytest.mark.parametrize("text", ["not base64!", base64.b64encode(b"short").decode(), "é"])
def test_a_key_that_is_none_is_refused_and_left_as_it_is(environ: dict[str, str], text: str) -> None:
    load_or_create_keys(PROJECT, environ)
    file = key_folder(PROJECT, environ) / "digest.key"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"key\.malformed"):
        load_or_create_keys(PROJECT, environ)
    assert file.read_text("utf-8") == text
    with pytest.raises(InputError, match="CHANGEOVER_DATA_KEY"):
        load_or_create_keys(PROJECT, {**environ, "CHANGEOVER_DATA_KEY": text})


def test_a_key_file_that_others_may_read_is_refused(environ: dict[str, str]) -> None:
    load_or_create_keys(PROJECT, environ)
    (key_folder(PROJECT, environ) / "data.key").chmod(0o640)
    with pytest.raises(InputError, match=r"key\.open_to_others"):
        load_or_create_keys(PROJECT, environ)


def test_an_unknown_place_for_keys_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"key\.place_unknown"):
        load_or_create_keys(PROJECT, {**environ, "CHANGEOVER_KEYS": "paper"})


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "客户"])
def test_a_project_id_never_leads_out_of_the_folder(environ: dict[str, str], name: str) -> None:
    with pytest.raises(ValueError, match="not a plain file name"):
        load_or_create_keys(name, environ)


def test_processes_that_make_the_keys_at_once_end_with_the_same(tmp_path: Path) -> None:
    script = (
        "import sys; from changeover.runs.keys import load_or_create_keys; sys.stdin.read(1);"
        f"print(repr(load_or_create_keys({PROJECT!r})))"
    )
    environ = {
        **os.environ,
        "CHANGEOVER_CONFIG_HOME": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    racers = [
        subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
        for _ in range(6)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(b"g")
        racer.stdin.flush()
    told = {racer.communicate()[0] for racer in racers}
    assert len(told) == 1
    assert b"Keys(data=<" in told.pop()


def test_an_exchanged_digest_key_is_noticed() -> None:
    kept = fingerprint(b"o" * 16)
    require_digest_key(b"o" * 16, kept)
    with pytest.raises(DecisionError, match=r"key\.digest_exchanged"):
        require_digest_key(b"n" * 16, kept)


def test_keys_do_not_show(environ: dict[str, str]) -> None:
    keys = load_or_create_keys(PROJECT, environ)
    for key in (keys.data, keys.digest):
        assert repr(key) not in repr(keys)
        assert key.hex()[:8] not in fingerprint(key)
