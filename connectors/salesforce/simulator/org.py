"""The org that is imitated: what it has, who is in it, and the folder that says so."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from ...clock import Clock
from ...errors import InputError
from ...simulating.faults import Fault
from ...simulating.settings import told_in
from ...simulating.tables import Row
from . import person_fields
from .answers import Document, RowError, not_found
from .currencies import put_in, rates
from .described import field_documents, named_children, own, shipped, written_out
from .faults import FaultKind
from .ids import numbered
from .settings import Settings
from .shapes import AUDIT, ObjectShape, connected, object_shape
from .store import Store
from .values import kept_instant

FILE, DATABASE = "org.yaml", "simulator.db"
MADE_UP = Path(__file__).with_name("org.yaml")
KEYS = {
    "organization",
    "certificate",
    "profiles",
    "roles",
    "users",
    "groups",
    "record_types",
    "objects",
    "fields",
    "settings",
}
ORGANIZATION = "Organization"
SETUP = ("ObjectPermissions", "FieldPermissions")
"""What only those may see who see the setup."""


@dataclass(frozen=True, slots=True)
class Acting:
    """Who makes a call, and what its headers ask for. user: an id. saves_duplicates: in spite of duplicate rules.
    origin: scheme and host that addresses begin with."""

    user: str
    version: int = 67
    assigns: bool = True
    saves_duplicates: bool = False
    origin: str = "http://localhost"

    def of(self, headers: Mapping[str, str]) -> Acting:
        """headers: by names in lower case."""
        rule = headers.get("sforce-duplicate-rule-header", "").replace(" ", "").lower()
        return replace(
            self,
            assigns=headers.get("sforce-auto-assign", "true").lower() != "false",
            saves_duplicates="allowsave=true" in rule,
            origin=origin(headers),
        )

    @property
    def base(self) -> str:
        return f"/services/data/v{self.version}.0"


def origin(headers: Mapping[str, str]) -> str:
    """Where the caller believes to be. headers: by names in lower case; something that ends TLS before us says so."""
    scheme = "https" if headers.get("x-forwarded-proto", "").lower() == "https" else "http"
    return f"{scheme}://{headers.get('host', 'localhost')}"


@dataclass(slots=True)
class Weather:
    """What is out of the ordinary while one call is answered. stamp: the time that writes are told to be of."""

    stamp: str | None = None
    locked: Fault[FaultKind] | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """What the org's administrator has set up, by object: who gets new records; by which fields duplicates are found;
    which fields a validation rule wants."""

    owners: Mapping[str, str]
    duplicates: Mapping[str, tuple[str, ...]]
    wanted: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        told = (each.partition("=") for each in settings.named("assignment_rules"))
        return cls(
            {name: username for name, _, username in told},
            _by_object(settings.named("duplicate_rules")),
            _by_object(settings.named("validation_rules")),
        )


def _by_object(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Fields told as Account.Name, by object."""
    found: dict[str, tuple[str, ...]] = {}
    for each in names:
        name, _, key = each.partition(".")
        found[name] = (*found.get(name, ()), key)
    return found


class Org:
    """Raises InputError where the folder cannot be read or used."""

    def __init__(self, clock: Clock, settings: Settings, folder: Path | None) -> None:
        self.clock = clock
        self.settings = settings
        self.weather = Weather()
        told = told_in(MADE_UP if folder is None or not (folder / FILE).exists() else folder / FILE, KEYS)
        self.rates = rates(settings, told)
        """How many of each currency are one of the corporate one; {} where there is but one."""
        self.shapes = _shapes(folder, told, settings, self.rates)
        unseen = {*settings.named("hidden_objects"), *(SETUP if settings.view_setup == "no" else ())}
        self.by_lower = {name.lower(): shape for name, shape in self.shapes.items() if name not in unseen}
        """Those that the user sees."""
        self.seen_whole = set(settings.named("view_all_records"))
        self.by_prefix = {shape.prefix: shape for shape in self.shapes.values() if shape.prefix}
        self.certificate = _certificate(folder, told.get("certificate"))
        self.chance = random.Random(settings.random_seed)  # noqa: S311 - no secret
        self.rules = Rules.of(settings)
        self.live: set[str] = set()
        """Ids that were found to be there; emptied whenever something is deleted or taken back."""
        self.late: list[str] = []
        """Stamps of what is not seen yet."""
        try:
            self.store = Store(None if folder is None else folder / DATABASE, self.shapes)
        except sqlite3.Error as error:
            raise InputError("simulator.database", path=str(folder), reason=str(error)) from error
        self.described = clock.now()
        self.told = told
        """What the folder says of people and record types."""

    # Its clock

    def stamp(self) -> str:
        """The second that a write is of, as it is kept."""
        return self.weather.stamp or kept_instant(self.clock.now())

    def ago(self, **time: float) -> str:
        return kept_instant(self.clock.now() - dt.timedelta(**time))

    # Objects

    def shape(self, name: str) -> ObjectShape:
        """By name in any case. Raises CallError."""
        found = self.by_lower.get(name.lower())
        if found is None:
            raise not_found()
        return found

    def new_id(self, shape: ObjectShape) -> str:
        return numbered(shape.prefix, "5j", self.store.next_number(shape.name))

    def writable(self, shape: ObjectShape, what: str) -> None:
        """what: createable, updateable or deletable. Raises RowError."""
        if not shape.able(what):
            verb = {"createable": "inserted", "updateable": "updated", "deletable": "deleted"}[what]
            said = f"entity type cannot be {verb}: {shape.document['label']}"
            raise RowError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", said)

    # People

    def user(self, username: str) -> Row | None:
        return next(self.store.rows("User", '"Username" = ?', [username]), None)

    @property
    def organization(self) -> Row:
        return next(self.store.rows(ORGANIZATION))


def _certificate(folder: Path | None, name: object) -> bytes | None:
    if folder is None or not name:
        return None
    try:
        return (folder / str(name)).read_bytes()
    except OSError as error:
        raise InputError("simulator.file", path=str(folder / str(name)), reason=type(error).__name__) from error


def _shapes(
    folder: Path | None, told: Mapping[str, Any], settings: Settings, rates: Mapping[str, Decimal]
) -> Mapping[str, ObjectShape]:
    """Every object; the org's own describes outrank those that are shipped."""
    places, documents = _documents(folder, told)
    if rates:
        put_in(documents, places, rates)
    if settings.key_field:
        short = {"type": "string", "length": 120, "external": True, "unique": True, "case_sensitive": True}
        for document in documents.values():
            if document.get("createable") and document["name"] != "User":
                _with_key(document, settings.key_field, short)
    if settings.person_accounts == "yes" or person_fields.has_people(documents):
        person_fields.put_in(documents)
    if settings.audit_fields == "yes":
        _let_audit_be_set(documents.values())
    named_children(documents)
    hidden = _by_object(settings.named("hidden_fields"))
    for name in settings.named("read_only_objects"):
        documents.get(name, {}).update(createable=False, updateable=False, deletable=False)
    shapes = {name: object_shape(each, places[name], hidden.get(name, ())) for name, each in documents.items()}
    connected(shapes)
    return shapes


def _documents(folder: Path | None, told: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Document]]:
    """(where each object's describe stands, the describe)."""
    places, documents = {}, {}
    for name, document in shipped().items():
        places[name], documents[name] = "shipped", {**document, "fields": [dict(each) for each in document["fields"]]}
    for file, document in own(folder):
        places[document["name"]], documents[document["name"]] = file, document
    for at, (name, short) in enumerate((told.get("objects") or {}).items()):
        places[name], documents[name] = FILE, written_out(name, {"prefix": f"a{at + 100:02x}"[:3], **short})
    for name, more in (told.get("fields") or {}).items():
        if name not in documents:
            raise InputError("simulator.describe", where=FILE, what=str(name))
        for key, each in more.items():
            documents[name]["fields"] += field_documents(key, each)
    return places, documents


def _with_key(document: Document, name: str, short: Mapping[str, Any]) -> None:
    if all(each["name"] != name for each in document["fields"]):
        document["fields"] += field_documents(name, short)


def _let_audit_be_set(documents: Iterable[Document]) -> None:
    """By inserts, wherever records can be made."""
    for document in documents:
        for each in document["fields"]:
            if document.get("createable") and each["name"] in AUDIT:
                each.update(createable=True, defaultedOnCreate=True)
