"""The port of an org."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import replace

from ..cell import Cell
from ..change import Batch, Outcome
from ..changes import Gone
from ..chunk import Chunk
from ..clock import Clock
from ..errors import InputError
from ..finding import Finding
from ..held_file import Body, HeldFile, Uploaded
from ..pace import Action, Allowance, Interface, Need, Pace, Quota
from ..port import KEY, OUR_KEY, AuditFields, Capabilities, Identity, Ordeal, OurKeyPlace, Settings
from ..schema import Schema
from ..secrets import Secrets
from .bulk.ingest import needs_of_writing
from .bulk.reading import Reading
from .calls import Calls
from .changes import OVERLAP, Changes
from .files import Files
from .gateway import API, WRITING, Document, Gateway
from .lacking import lacking, require_key
from .line import Line
from .location import facts_of
from .options import Options
from .ordeals import Ordeals
from .org_object import OrgObject, described, listed, no_object, require
from .parents import with_parents
from .query import Query
from .sight import Sight
from .uploads import LARGEST, upload
from .write import MOST, Writer

THREADS = 5
"""Calls under way; an org for trials takes no more that last for long."""
ORGANIZATION = "SELECT Id, Name, IsSandbox, InstanceName FROM Organization"
AUDIT = ("LastModifiedDate", "LastModifiedById", "CreatedDate", "CreatedById")


class SalesforceConnector:
    """An object is described when it is first needed, a call each, and `describe` asks for all anew."""

    def __init__(
        self, settings: Settings, options: Options, secrets: Secrets, line: Line, pace: Pace, clock: Clock
    ) -> None:
        self._name, self._options, self._line, self._pace, self._clock = settings.name, options, line, pace, clock
        self._gateway = Gateway(options, secrets, line, pace, clock, self._learned)
        self._query = Query(self._gateway, options)
        self._changes = Changes(self._gateway, self._query)
        self._files = Files(self._gateway, clock)
        calls = Calls(self._gateway, self._query, options)
        self._writer = Writer(calls, self._query, self._gateway, options, clock)
        self._ordeals = Ordeals(self._query, self._writer, options)
        self._sight = Sight(self._gateway, options, settings.name, self._query.count)
        self._lock = threading.RLock()
        self._identity: Identity | None = None
        self._labels: dict[str, str] | None = None
        self._objects: dict[str, OrgObject] = {}
        by_object: dict[str, MutableMapping[Action, tuple[Need, ...]]] = {}  # told once an object was counted
        self._reading = Reading(self._gateway, self._query, options, pace, by_object)
        allowance = Allowance(
            interfaces={API: Interface(threads=THREADS), WRITING: Interface(threads=options.at_once)},
            late=options.server_maximum,
            needs={
                Action.READ: (Need(API, records=options.page),),
                Action.FIND: (Need(API, records=options.find_size),),
                Action.WRITE: needs_of_writing(options, MOST),
                Action.FILED: (Need(API, records=options.find_size),),
                Action.OWNER: (Need(WRITING, calls=2),),
                Action.UPLOAD: (Need(API),),
                Action.BODY: (Need(API),),
                Action.CLOCK: (Need(API),),
            },
            objects=by_object,
        )
        self.capabilities = Capabilities(
            batch_size=options.job_rows if options.write_by == "jobs" else MOST,
            at_once=options.at_once,
            find_size=options.find_size,
            writes=True,
            our_key=OurKeyPlace.FIELD,
            deletes=True,
            server_maximum=dt.timedelta(seconds=options.server_maximum),
            allowance=allowance,
            ordeals=(Ordeal.OWNER,) if options.ordeal_owner else (),
            tells_lacking=True,
            tells_unseen=True,
            tells_calls=True,
            tells_changes=True,
            tells_deletes=True,
            holds_files=True,
            takes_files=True,
            largest_file=LARGEST,
            overlap=OVERLAP,
        )
        pace.obey(allowance)

    def _learned(self, daily: int) -> None:
        """The org counts any 24 hours, and says with each answer how much of them is spent."""
        allowance = replace(self.capabilities.allowance, quota=Quota(daily))
        self.capabilities = replace(self.capabilities, allowance=allowance)
        self._pace.obey(allowance)

    def identity(self) -> Identity:
        """Asked for once: the same org answers as long as we are connected."""
        if self._identity is None:
            (told,) = self._gateway.query(ORGANIZATION)["records"]
            where = facts_of(self._gateway.instance, str(told.get("InstanceName") or ""))
            self._identity = Identity("salesforce", str(told["Id"]), str(told["Name"]), not told["IsSandbox"], where)
        return self._identity

    def describe(self) -> Schema:
        """The objects of the option `objects`, or all that hold records of their own. Raises InputError
        `salesforce.no_object` where the option names one that our user does not see."""
        with self._lock:
            self._labels, self._objects = None, {}
            wanted = self._options.objects
            names = sorted(self._listed() if wanted is None else wanted)
            return Schema({name: self._there(name).schema for name in names})

    def audit_fields(self, object_name: str) -> AuditFields:
        there = self._there(object_name)
        return AuditFields(*(each if each in there.fields else None for each in AUDIT))

    def acting_user(self) -> str | None:
        return self._gateway.user() or None

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        there = self._there(object_name, fields)
        chunks = self._reading.chunks(there, self._files.plain(there, fields), after, size)
        return self._files.filled(there, fields, chunks)

    def changed(
        self,
        object_name: str,
        fields: Sequence[str],
        since: dt.datetime,
        *,
        after: str | None = None,
        size: int = 20_000,
    ) -> Iterator[Chunk]:
        there = self._there(object_name, fields)
        chunks = self._changes.changed(there, self._files.plain(there, fields), since, after, size)
        return self._files.filled(there, fields, chunks)

    def covered(self, object_name: str) -> dt.datetime:
        return self._changes.covered(self._there(object_name), self.now())

    def deleted(self, object_name: str, since: dt.datetime) -> Iterator[Gone]:
        return self._changes.deleted(self._there(object_name), since, self.now())

    def count(self, object_name: str) -> int:
        there = self._there(object_name)
        number = self._query.count(there)
        self._reading.counted(there, number)
        return number

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        named = [] if tuple(by) in ((KEY,), (OUR_KEY,)) else by
        there = self._there(object_name, [*named, *fields])
        if len(values) > self.capabilities.find_size:
            raise ValueError(f"{object_name}: {len(values)} values to find, {self.capabilities.find_size} at most")
        found = self._query.find(there, by, values, self._files.plain(there, fields))
        (chunk,) = self._files.filled(there, fields, [found])
        return chunk

    def upload(self, object_name: str, field: str, file: HeldFile, body: Body) -> Uploaded:
        return upload(self._gateway, file, body)

    def body(self, object_name: str, file: HeldFile) -> Iterator[bytes]:
        return self._files.body(file)

    def write(self, batch: Batch) -> list[Outcome]:
        """Raises InputError `salesforce.our_key` without room for our key."""
        if len(batch.changes) > self.capabilities.batch_size:
            raise ValueError(f"{batch.object}: {len(batch.changes)} changes, {self.capabilities.batch_size} at most")
        there = self._there(batch.object, [name for each in batch.changes for name in each.values])
        require_key(there, self._name, self._options)
        return self._writer.write(there, batch)

    def calls_of(self, batch: Batch, *, again: bool = False) -> Mapping[str, int]:
        return self._writer.calls_of(self._there(batch.object), batch.changes, again)

    def prepare(self) -> None:
        """The field for our key is the administrator's to make; `write` refuses an object that lacks it."""

    def lacking(self, object_name: str) -> tuple[Finding, ...]:
        return lacking(self._there(object_name), self._name, self._options)

    def put_through(self, ordeal: Ordeal, object_name: str, our_key: str, key: str) -> Outcome:
        return self._ordeals.put_through(self._there(object_name), our_key, key)

    def take_back(
        self, ordeal: Ordeal, object_name: str, our_key: str, key: str, before: Mapping[str, Cell]
    ) -> Outcome:
        return self._ordeals.take_back(self._there(object_name), our_key, key, before)

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        return self._query.our_keys(self._there(object_name))

    def now(self) -> dt.datetime:
        """By the `Date` of an answer, in whole seconds; this machine's clock where the org sends none."""
        self._gateway.query(ORGANIZATION)
        return self._gateway.server_time or self._clock.now()

    def unseen(self, object_names: Sequence[str]) -> tuple[Finding, ...]:
        return self._sight.unseen([self._there(each) for each in object_names])

    def record_url(self, object_name: str, key: str) -> str | None:
        return f"{self._gateway.instance}/{key}"

    def close(self) -> None:
        self._line.close()

    # What is there

    def _listed(self) -> dict[str, str]:
        with self._lock:
            if self._labels is None:
                self._labels = listed(self._gateway.ask("sobjects"))
            return self._labels

    def _there(self, name: str, fields: Sequence[str] = ()) -> OrgObject:
        """Raises InputError `salesforce.no_object` or `salesforce.no_field`."""
        with self._lock:
            if name not in self._objects:
                self._objects[name] = self._described(name)
            there = self._objects[name]
        require(there, fields)
        return there

    def _described(self, name: str) -> OrgObject:
        wanted = self._options.objects
        if wanted is not None and name not in wanted:
            raise no_object(name, dict.fromkeys(wanted, ""))
        document = self._document(name)
        above = self._options.parents.get(name, ())
        there = described(document, self._options.key_field)
        return with_parents(there, document, above, lambda each: described(self._document(each)))

    def _document(self, name: str) -> Document:
        try:
            document = self._gateway.ask(f"sobjects/{name}/describe")
        except InputError as error:
            if error.params.get("number") in ("NOT_FOUND", "INVALID_TYPE"):
                raise no_object(name, self._listed()) from error
            raise
        if document.get("name") != name:
            raise no_object(name, {str(document.get("name")): ""})
        if not document.get("queryable"):
            raise no_object(name, self._listed())
        return document
