"""What the store of bodies knows of a file of a record: where it lies in the target, or that it is lost."""

from __future__ import annotations

import datetime as dt
import json
from typing import Final

from ...connectors.held_file import Uploaded
from ...runs.bodies import BodyStore

REFUSED: Final = "file.refused"
"""Code: it is the target that will not have it."""


def note_lost(store: BodyStore, name: str, code: str) -> None:
    store.note(name, json.dumps({"lost": code}))


def lost(store: BodyStore, name: str) -> str | None:
    """The code of why; None where nothing of the kind is known."""
    told = _told(store, name).get("lost")
    return told if isinstance(told, str) else None


def note_uploaded(store: BodyStore, name: str, uploaded: Uploaded) -> None:
    until = uploaded.good_until
    store.note(name, json.dumps({"id": uploaded.id, "until": until.isoformat() if until else None}))


def uploaded(store: BodyStore, name: str) -> Uploaded | None:
    told = _told(store, name)
    key, until = told.get("id"), told.get("until")
    if not isinstance(key, str):
        return None
    return Uploaded(key, dt.datetime.fromisoformat(until) if isinstance(until, str) else None)


def _told(store: BodyStore, name: str) -> dict[str, object]:
    text = store.noted(name)
    told = json.loads(text) if text is not None else {}
    return told if isinstance(told, dict) else {}


def sweep(store: BodyStore) -> None:
    """A run has come to its end: all but what is lost is forgotten."""
    store.tidy()
    for name in store.names():
        if lost(store, name) is None:
            store.drop(name)
