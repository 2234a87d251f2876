"""A project's two keys: the data key opens the value store and the stage, the digest key makes the ledger's digests.

Each comes from the environment, else from the system keyring, else from a file in the user's configuration folder;
where there is none it is made once, in the file (or, with CHANGEOVER_KEYS=keyring, in the keyring), and never replaced.
They lie apart from the project, so that a copy of the project's folder opens nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..connectors.errors import DecisionError, InputError, UnavailableError
from .private_files import private_folder, read_refused, require_plain_name, sync_folder, write_new, write_refused

SERVICE = "changeover"
DATA_BYTES = 32
DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Keys:
    """data: 32 bytes, for AES-256-GCM. digest: 16 bytes, for `digest.field_digests`. Neither shows in a repr."""

    data: bytes
    digest: bytes

    def __repr__(self) -> str:
        return f"Keys(data=<{fingerprint(self.data)}>, digest=<{fingerprint(self.digest)}>)"


def load_or_create_keys(project_id: str, environ: Mapping[str, str] = os.environ) -> Keys:
    """Both keys of the project.

    Raises InputError `key.malformed` (not base64, or not of the right length), `key.open_to_others` (a key file that
    others may read), `key.place_unknown` (CHANGEOVER_KEYS), and UnavailableError where the file or keyring refuses us.
    Processes that create the keys at the same time all end with the same ones.
    """
    require_plain_name(project_id)
    return Keys(
        data=_load_or_create(project_id, "data", DATA_BYTES, environ),
        digest=_load_or_create(project_id, "digest", DIGEST_BYTES, environ),
    )


def load_keys(project_id: str, environ: Mapping[str, str] = os.environ) -> Keys:
    """Both keys of the project, which must be there already. Raises DecisionError `key.none`, and as
    `load_or_create_keys`."""
    require_plain_name(project_id)
    return Keys(
        data=_load_or_create(project_id, "data", DATA_BYTES, environ, create=False),
        digest=_load_or_create(project_id, "digest", DIGEST_BYTES, environ, create=False),
    )


def fingerprint(key: bytes) -> str:
    """16 hexadecimal digits that tell one key from another and give nothing of it away."""
    return hashlib.sha256(b"changeover key fingerprint\0" + key).hexdigest()[:16]


def require_digest_key(key: bytes, kept: str) -> None:
    """Raises DecisionError `key.digest_exchanged` where `kept`, a fingerprint of the past, is another key's."""
    if not hmac.compare_digest(fingerprint(key), kept):
        raise DecisionError("key.digest_exchanged", now=fingerprint(key), kept=kept)


def key_folder(project_id: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the project's key files lie: below CHANGEOVER_CONFIG_HOME, else below the user's configuration folder."""
    named = environ.get("CHANGEOVER_CONFIG_HOME")
    if named:
        return Path(named).expanduser() / "keys" / project_id
    import platformdirs

    return platformdirs.user_config_path("changeover") / "keys" / project_id


def _load_or_create(
    project_id: str, name: str, length: int, environ: Mapping[str, str], *, create: bool = True
) -> bytes:
    variable = f"CHANGEOVER_{name.upper()}_KEY"
    told = environ.get(variable)
    if told:
        return _decode(told, length, place=variable)
    wanted = environ.get("CHANGEOVER_KEYS", "file")
    if wanted not in ("file", "keyring"):
        raise InputError("key.place_unknown", value=wanted)
    account = f"{project_id}/{name}"
    kept = _from_keyring(account, must_answer=wanted == "keyring")
    if kept:
        return _decode(kept, length, place=f"keyring {SERVICE} {account}")
    path = key_folder(project_id, environ) / f"{name}.key"
    found = _from_file(path, length)
    if found is not None:
        return found
    if not create:
        raise DecisionError("key.none", name=name, account=account)
    if wanted == "keyring":
        return _create_in_keyring(account, length, path.parent)
    return _create_in_file(path, length)


def _decode(text: str, length: int, *, place: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != length:
        raise InputError("key.malformed", place=place, length=length)
    return key


def _from_file(path: Path, length: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise InputError("key.open_to_others", path=str(path))
            body = file.read(4096)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise read_refused(path, problem) from problem
    return _decode(body.decode("ascii", errors="replace"), length, place=str(path))


def _create_in_file(path: Path, length: int) -> bytes:
    """A link is made whole and refuses to replace: whoever comes second reads the first one's key."""
    private_folder(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}.draft")
    try:
        write_new(draft, base64.b64encode(secrets.token_bytes(length)) + b"\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as problem:
        raise write_refused(path, problem) from problem
    created = _from_file(path, length)
    if created is None:
        raise UnavailableError("file.read_refused", path=str(path), reason=os.strerror(2))
    return created


def _from_keyring(account: str, *, must_answer: bool) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, account)
    except KeyringError as problem:
        if must_answer:
            raise UnavailableError("key.keyring_refused", reason=type(problem).__name__) from problem
        return None


def _create_in_keyring(account: str, length: int, folder: Path) -> bytes:
    import keyring
    from filelock import FileLock
    from keyring.errors import KeyringError

    with FileLock(private_folder(folder) / "keyring.lock"):
        kept = _from_keyring(account, must_answer=True)
        if kept is None:
            try:
                keyring.set_password(SERVICE, account, base64.b64encode(secrets.token_bytes(length)).decode())
            except KeyringError as problem:
                raise UnavailableError("key.keyring_refused", reason=type(problem).__name__) from problem
            kept = _from_keyring(account, must_answer=True)
    if kept is None:
        raise UnavailableError("key.keyring_refused", reason="NotKept")
    return _decode(kept, length, place=f"keyring {SERVICE} {account}")
