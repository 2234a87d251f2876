"""The port of a Fxiaoke tenant."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from ..cell import Cell
from ..change import Batch, Change, ChangeKind, Outcome
from ..chunk import Chunk
from ..clock import Clock
from ..errors import InputError
from ..finding import Finding, Severity
from ..held_file import Body, HeldFile, Uploaded
from ..holding import Holding
from ..pace import Action, Allowance, Interface, Need, Pace, Quota, Rate
from ..port import KEY, OUR_KEY, AuditFields, Capabilities, Identity, Ordeal, OurKeyPlace, Settings
from ..questions import Answer, Question
from ..schema import Schema
from ..secrets import Secrets
from .bulk import RUNS, RUNS_FOR, able_in_bulk
from .files import DOWNLOAD, LARGEST, Files, upload_paths
from .gateway import Gateway
from .holding import Holdings
from .options import Options
from .ordeals import Ordeals
from .paths import DESCRIBE, FUNCTION, LOCK, OBJECTS, UNLOCK, Paths, data_path
from .pools import Pools
from .probing.probing import Probing
from .probing.questions import QUESTIONS, contradictions
from .query import MODIFIED_AT, Query
from .session import TOKEN_PATHS
from .sight import Sight
from .tenant import CREATED, TenantObject, described, listed, no_field, no_object
from .transport import HttpTransport, Transport
from .wire import Document
from .write import Writer

BATCH_SIZE = 20
"""Changes of a write, each a call of its own: enough that the ledger is not written for each, and few enough that what
a death leaves open is asked for in a call or two."""
SIGN_INS = Rate(10, 60.0)
ZONE = "Asia/Shanghai"
MODIFIED_BY = "last_modified_by"
SECOND = 1.0
"""To which the tenant's own time is told."""


class FxiaokeConnector:
    """The tenant's objects are described when they are first needed, a call each, and `describe` asks anew."""

    def __init__(
        self,
        settings: Settings,
        options: Options,
        secrets: Secrets,
        transport: Transport,
        pace: Pace,
        clock: Clock,
    ) -> None:
        zone = ZoneInfo(settings.zone or ZONE)
        dates = ZoneInfo(options.date_zone) if options.date_zone else zone
        self._name, self._options, self._secrets, self._clock = settings.name, options, secrets, clock
        self._transport = transport
        self._gateway = Gateway(options, secrets, transport, pace, clock, zone)
        self._query = Query(self._gateway, options, dates)
        self._pools = Pools(self._query, options, settings.name)
        self._writer = Writer(self._gateway, self._query, self._pools, options, dates, self._there)
        self._ordeals = Ordeals(self._query, self._writer, options)
        self._files = Files(self._gateway, options, clock)
        self._paths = Paths(options.custom_path == "always")
        self._settings = settings
        self._probing = Probing(self._gateway, self._query, options, clock, secrets)
        self._holdings = Holdings(self._query, self._pools, options)
        self._sight = Sight(self._gateway, self._query, options, settings.name)
        self._lock = threading.Lock()
        self._objects: dict[str, TenantObject] | None = None
        self.capabilities = Capabilities(
            batch_size=BATCH_SIZE,
            at_once=options.at_once,
            find_size=options.find_size,
            writes=True,
            our_key=OurKeyPlace.FIELD,
            details=options.details,
            answers_details=False,
            deletes=True,
            read_back_lag=dt.timedelta(seconds=options.read_back_lag),
            server_maximum=dt.timedelta(seconds=options.server_maximum),
            allowance=_allowance(options, zone.key),
            ordeals=_ordeals(options),
            tells_lacking=True,
            holds_files=True,
            takes_files=True,
            largest_file=LARGEST,
            tells_changes=True,
            overlap=dt.timedelta(seconds=options.read_back_lag + SECOND),
            tells_unseen=True,
            knows_holding=True,
            tells_calls=True,
            questions=QUESTIONS,
        )
        self._one_by_one = self.capabilities
        pace.obey(self.capabilities.allowance)

    # The port

    def identity(self) -> Identity:
        tenant = self._gateway.tenant
        return Identity("fxiaoke", tenant, tenant)

    def describe(self) -> Schema:
        """The objects of the option `objects`, or all that are active. Raises InputError `fxiaoke.no_object` where an
        option names what is not there."""
        with self._lock:
            objects = self._know(self._described())
            return Schema({name: each.schema for name, each in objects.items()})

    def audit_fields(self, object_name: str) -> AuditFields:
        there = self._there(object_name)
        named = {each.api: name for name, each in there.fields.items()}
        return AuditFields(*map(named.get, (MODIFIED_AT, MODIFIED_BY, *CREATED)))

    def acting_user(self) -> str | None:
        return self._secrets.fill(self._options.user)

    def read(
        self, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
    ) -> Iterator[Chunk]:
        return self._query.chunks(self._there(object_name, fields), fields, after, size)

    def changed(
        self,
        object_name: str,
        fields: Sequence[str],
        since: dt.datetime,
        *,
        after: str | None = None,
        size: int = 20_000,
    ) -> Iterator[Chunk]:
        """By `last_modified_time`. What was made 作废 since does not come where the option `invalid` leaves it out."""
        if self.audit_fields(object_name).modified_at is None:
            raise InputError("changes.no_time", object=object_name)
        return self._query.chunks(self._there(object_name, fields), fields, after, size, since)

    def count(self, object_name: str) -> int:
        return self._query.count(self._there(object_name))

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        named = [] if tuple(by) in ((KEY,), (OUR_KEY,)) else by
        there = self._there(object_name, [*named, *fields])
        if len(values) > self.capabilities.find_size:
            raise ValueError(f"{object_name}: {len(values)} values to find, {self.capabilities.find_size} at most")
        return self._query.find(there, by, values, fields)

    def write(self, batch: Batch) -> list[Outcome]:
        """A call for each change, one after another. Raises InputError `fxiaoke.our_key` without room for our key."""
        if len(batch.changes) > self.capabilities.batch_size:
            raise ValueError(f"{batch.object}: {len(batch.changes)} changes, {self.capabilities.batch_size} at most")
        there = self._written(batch.object, batch.changes)
        self._pools.of(there)
        for change in batch.changes:
            for each in change.details:
                self._written(each.object, each.changes)
        self._speak_of(there, batch)
        return self._writer.write(there, batch)

    def calls_of(self, batch: Batch, *, again: bool = False) -> Mapping[str, int]:
        return self._writer.costs.of(self._there(batch.object), batch.changes, again)

    def _written(self, name: str, changes: Sequence[Change]) -> TenantObject:
        there = self._there(name, [field for change in changes for field in change.values])
        if there.our_key is None:
            field = self._options.our_key_of(name)
            raise InputError(
                "fxiaoke.our_key", connection=self._name, object=name, label=there.schema.label, field=field
            )
        return there

    def put_through(self, ordeal: Ordeal, object_name: str, our_key: str, key: str) -> Outcome:
        return self._ordeals.put_through(self._there(object_name), ordeal, our_key, key)

    def take_back(
        self, ordeal: Ordeal, object_name: str, our_key: str, key: str, before: Mapping[str, Cell]
    ) -> Outcome:
        return self._ordeals.take_back(self._there(object_name), ordeal, our_key, key, before)

    def body(self, object_name: str, file: HeldFile) -> Iterator[bytes]:
        return self._files.body(file)

    def upload(self, object_name: str, field: str, file: HeldFile, body: Body) -> Uploaded:
        return self._files.upload(file, body)

    def prepare(self) -> None:
        """The field for our key is the administrator's to make; `write` refuses an object that lacks it."""

    def lacking(self, object_name: str) -> tuple[Finding, ...]:
        """The unique text field for our key, which only the administrator can make, and the pool that is named."""
        there = self._there(object_name)
        if self._options.updates == "overwrite":
            told = {"connection": self._name, "object": there.name}
            return (Finding("fxiaoke.overwrites", Severity.BLOCKS, told, object=object_name),)
        try:
            self._pools.of(there)
        except InputError as error:
            return (Finding(error.code, Severity.BLOCKS, error.params, object=object_name),)
        if there.our_key is not None and there.unique:
            return self._lacking_in_bulk(object_name)
        code = "fxiaoke.our_key" if there.our_key is None else "fxiaoke.our_key_twice"
        label, field = there.schema.label or there.api, self._options.our_key_of(there.name)
        told = {"connection": self._name, "object": there.name, "label": label, "field": field}
        return (Finding(code, Severity.BLOCKS, told, object=object_name),)

    def probe(self, question: Question, object_name: str | None) -> Answer:
        there = None if object_name is None else self._written(object_name, ())
        return self._probing.probe(question, there, list(self._all().values()))

    def unseen(self, object_names: Sequence[str]) -> tuple[Finding, ...]:
        return self._sight.unseen([self._there(each) for each in object_names])

    def holding(self, object_name: str) -> Holding | None:
        return self._holdings.of(self._there(object_name))

    def owned(self, object_name: str, people: Sequence[str]) -> Mapping[str, int]:
        return self._holdings.owned(self._there(object_name), people)

    def tidy(self, object_name: str) -> tuple[str, ...]:
        return self._probing.tidy(self._there(object_name))

    def contradicted(self) -> tuple[Finding, ...]:
        return contradictions(self._settings)

    def _lacking_in_bulk(self, object_name: str) -> tuple[Finding, ...]:
        """Told with the first object that is asked about, since it is the same for all."""
        bulk = self._writer.bulk
        bulk.told_with = bulk.told_with or object_name
        if not bulk.lacks or bulk.told_with != object_name:
            return ()
        told = {"connection": self._name, "function": str(self._options.bulk), "number": bulk.lacks}
        return (Finding("fxiaoke.bulk_missing", Severity.WARNS, told),)

    def our_keys(self, object_name: str) -> Iterator[list[tuple[str, str]]]:
        return self._query.our_keys(self._there(object_name))

    def now(self) -> dt.datetime:
        """By the `Date` of an answer, in whole seconds; this machine's clock where the gateway sends none."""
        self._gateway.ask(OBJECTS, {})
        return self._gateway.server_time or self._clock.now()

    def record_url(self, object_name: str, key: str) -> str | None:
        """By the option `record_url`: what a tenant's pages are called is not documented."""
        template = self._options.record_url
        if template is None:
            return None
        return template.replace("{object}", self._there(object_name).api).replace("{key}", key)

    def close(self) -> None:
        if isinstance(self._transport, HttpTransport):
            self._transport.close()

    # What is there

    def _described(self) -> dict[str, TenantObject]:
        there = listed(self._gateway.ask(OBJECTS, {}))
        ours = {api: name for name, api in self._options.names.items()}
        wanted = self._options.objects
        if wanted is None:
            wanted = sorted(ours.get(api, api) for api in there)
        objects = {}
        for name in wanted:
            api = self._options.names.get(name, name)
            if api not in there:
                raise no_object(name, {ours.get(each, each): label for each, label in there.items()})
            asked: Document = {"apiName": api, "data": {"apiName": api}}  # the documents say the one, clients the other
            answer = self._gateway.ask(DESCRIBE, asked)
            objects[name] = described(name, api, there[api], answer, self._options, ours)
        self._writer.bulk.look()
        self.capabilities = able_in_bulk(self._one_by_one, self._options) if self._writer.bulk.on else self._one_by_one
        return objects

    def _all(self) -> dict[str, TenantObject]:
        with self._lock:
            return self._know(self._described()) if self._objects is None else self._objects

    def _there(self, name: str, fields: Sequence[str] = ()) -> TenantObject:
        """Raises InputError `fxiaoke.no_object` or `fxiaoke.no_field`."""
        objects = self._all()
        there = objects.get(name)
        if there is None:
            raise no_object(name, {each.name: each.schema.label for each in objects.values()})
        for field in fields:
            if field not in there.fields:
                raise no_field(there, field)
        return there

    def _know(self, objects: dict[str, TenantObject]) -> dict[str, TenantObject]:
        """From now on, and through which interfaces each of them goes."""
        self._objects = objects
        bulk = {Action.WRITE: self.capabilities.allowance.needs[Action.WRITE]} if self._writer.bulk.on else {}
        self._cost({name: _needs(self._options, self._paths.custom(each)) | bulk for name, each in objects.items()})
        return objects

    def _speak_of(self, there: TenantObject, batch: Batch) -> None:
        """How many calls of `write` do good is told by the interface that they go to."""
        if self._writer.bulk.on:
            return
        creates = any(each.kind is ChangeKind.CREATE for each in batch.changes)
        need = (Need(self._paths.of(there, "create" if creates else "update")),)
        with self._lock:
            known = self.capabilities.allowance.objects
            if known[there.name][Action.WRITE] != need:
                self._cost({**known, there.name: {**known[there.name], Action.WRITE: need}})

    def _cost(self, needs: Mapping[str, Mapping[Action, tuple[Need, ...]]]) -> None:
        allowance = replace(self.capabilities.allowance, objects=needs)
        self.capabilities = replace(self.capabilities, allowance=allowance)


def _ordeals(options: Options) -> tuple[Ordeal, ...]:
    named = {"owner": Ordeal.OWNER, "lock": Ordeal.LOCK, "invalid": Ordeal.SOFT_DELETE}
    return tuple(named[each] for each in options.ordeals if each != "owner" or options.ordeal_owner)


def _allowance(options: Options, zone: str) -> Allowance:
    """Every interface has calls of its own. Those that write are told by the one for creating in preset objects, until
    it is known better."""
    rate = Rate(options.calls, options.seconds)
    mostly_custom = options.custom_path == "always" or all(
        options.names.get(each, each).endswith("__c") for each in options.objects or ("",)
    )
    interfaces = {path: Interface((SIGN_INS,), threads=1) for path in TOKEN_PATHS.values()}
    late = options.server_maximum
    if options.bulk is not None:
        interfaces[FUNCTION] = Interface((rate, RUNS), threads=options.at_once)
        late = max(late, RUNS_FOR.total_seconds())
    return Allowance(
        interfaces=interfaces,
        others=Interface((rate,), threads=options.at_once),
        quota=None if options.daily is None else Quota(options.daily, zone=zone),
        late=late,
        needs=_needs(options, mostly_custom),
    )


def _needs(options: Options, custom: bool) -> dict[Action, tuple[Need, ...]]:
    return {
        Action.WRITE: (Need(data_path("create", custom)),),
        Action.DELETE: (Need(data_path("invalid", custom)), Need(data_path("delete", custom))),
        Action.FIND: (Need(data_path("query", custom), options.find_size),),
        Action.READ: (Need(data_path("query", custom), options.page),),
        Action.UPLOAD: tuple(map(Need, upload_paths(options))),
        Action.BODY: (Need(DOWNLOAD),),
        Action.CLOCK: (Need(OBJECTS),),
        **_ordeals_cost(custom),
    }


def _ordeals_cost(custom: bool) -> dict[Action, tuple[Need, ...]]:
    """Each looks at the record first, when it is done and when it is taken back."""
    looks, into, out = (
        Need(data_path("get", custom), calls=2),
        data_path("invalid", custom),
        data_path("recover", custom),
    )
    return {
        Action.OWNER: (looks, Need(data_path("changeOwner", custom), calls=2)),
        Action.LOCK: (looks, Need(LOCK), Need(UNLOCK)),
        Action.SOFT_DELETE: (looks, Need(into), Need(out)),
    }
