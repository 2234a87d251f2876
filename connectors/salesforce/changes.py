"""What has changed in an org since a moment, what was deleted, and until when all of it is told.

A write has the time of its statement and is seen when its transaction ends, which may be hours later. For objects that
it replicates the org says how far back the oldest open transaction reaches: nothing before that moment is still to
come. For the others there is the overlap only, by which whoever asks next goes back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from ..changes import Gone
from ..chunk import Chunk
from ..errors import InputError
from ..schema import FieldType
from .everything import rows_of
from .gateway import Document, Gateway
from .org_object import ID, OrgObject
from .query import Query
from .soql import among, quoted, split

OVERLAP = dt.timedelta(minutes=10)
STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
"""The first that an object has counts; the trails that are kept beside objects have fewer."""
IN_BIN, MERGED_INTO = "IsDeleted", "MasterRecordId"
DAYS_KNOWN = dt.timedelta(days=15)
MINUTE = dt.timedelta(minutes=1)
GONE_BEFORE = "INVALID_REPLICATION_DATE"


class Changes:
    def __init__(self, gateway: Gateway, query: Query) -> None:
        self._gateway, self._query = gateway, query

    def changed(
        self, there: OrgObject, fields: Sequence[str], since: dt.datetime, after: str | None, size: int
    ) -> Iterator[Chunk]:
        """A record that was taken out of the bin again is among them. Raises InputError `changes.no_time`."""
        return self._query.chunks(there, fields, after, size, f"{_stamp(there)} >= {_written(since)}")

    def covered(self, there: OrgObject, now: dt.datetime) -> dt.datetime:
        """Raises as `Gateway.ask`."""
        if not there.replicated:
            return now
        told = self._span("updated", there, now - 2 * MINUTE, now)
        return min(now, _read(told["latestDateCovered"]))

    def deleted(self, there: OrgObject, since: dt.datetime, now: dt.datetime) -> Iterator[Gone]:
        """Raises InputError `changes.too_long_ago` or `changes.no_deletes`."""
        if not there.replicated and not there.binned:
            raise InputError("changes.no_deletes", object=there.name)
        if since < now - DAYS_KNOWN:
            raise self._too_long_ago(there, since, now - DAYS_KNOWN)
        gone = self._logged(there, since, now) if there.replicated else self._in_bin(there, since)
        for some in split([quoted(each) for each in gone]):
            found = self._as_they_are(there, some)
            for each in some:
                key = each[1:-1]
                row = found.get(key)
                if row is None or row.get(IN_BIN):
                    into = None if row is None else row.get(MERGED_INTO)
                    yield Gone(key, gone[key], None if into is None else str(into))

    def _logged(self, there: OrgObject, since: dt.datetime, now: dt.datetime) -> dict[str, dt.datetime]:
        """When each was deleted, by the org's log of deletes."""
        try:
            told = self._span("deleted", there, since, now)
        except InputError as error:
            if error.params.get("number") != GONE_BEFORE:
                raise
            raise self._too_long_ago(there, since, now - DAYS_KNOWN) from error
        earliest = _read(told["earliestDateAvailable"])
        if since < earliest:
            raise self._too_long_ago(there, since, earliest)
        rows = [(str(each["id"]), _read(each["deletedDate"])) for each in told["deletedRecords"]]
        return {key: at for key, at in rows if at >= since}

    def _in_bin(self, there: OrgObject, since: dt.datetime) -> dict[str, dt.datetime]:
        stamp = _stamp(there)
        asked = f"SELECT {ID}, {stamp} FROM {there.name} WHERE {IN_BIN} = true AND {stamp} >= {_written(since)}"  # noqa: S608
        return {str(each[ID]): _read(each[stamp]) for each in rows_of(self._gateway, asked, everything=True)}

    def _as_they_are(self, there: OrgObject, ids: Sequence[str]) -> Mapping[str, Document]:
        """Those of them of which the org still has something: in the bin, or back from it."""
        fields = [each for each in (IN_BIN, MERGED_INTO) if each in there.fields]
        asked = f"SELECT {', '.join([ID, *fields])} FROM {there.name} WHERE {among(ID, ids)}"  # noqa: S608
        return {str(each[ID]): dict(each) for each in rows_of(self._gateway, asked, everything=True)}

    def _span(self, which: str, there: OrgObject, start: dt.datetime, end: dt.datetime) -> Document:
        """Seconds do not count there: whole minutes around it."""
        begins, ends = start - _seconds(start), end - _seconds(end) + MINUTE
        return self._gateway.ask(f"sobjects/{there.name}/{which}/?start={_written(begins)}&end={_written(ends)}")

    def _too_long_ago(self, there: OrgObject, since: dt.datetime, earliest: dt.datetime) -> InputError:
        return InputError(
            "changes.too_long_ago",
            object=there.name,
            since=since.isoformat(timespec="minutes"),
            earliest=earliest.isoformat(timespec="minutes"),
        )


def _stamp(there: OrgObject) -> str:
    for each in STAMPS:
        if each in there.fields and there.fields[each].field.type is FieldType.INSTANT:
            return each
    raise InputError("changes.no_time", object=there.name)


def _written(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read(told: object) -> dt.datetime:
    return dt.datetime.fromisoformat(str(told)).astimezone(dt.UTC)


def _seconds(moment: dt.datetime) -> dt.timedelta:
    return dt.timedelta(seconds=moment.second, microseconds=moment.microsecond)
