"""Creations by jobs: many rows in one upload, and lists of what became of them, in no order, joined by our key.

Nothing of a job is done before it is closed; from then on the org goes on with it whatever becomes of us. So what is
not told in so many words after that is UNKNOWN and asked for, and a creation that was sent twice is refused the second
time, as the org keeps our key unique. Changes of what is there are never sent so: one that the org comes to later would
write over what somebody has saved meanwhile.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from simple_salesforce.api import Salesforce
from simple_salesforce.util import call_salesforce

from ...change import Change, Outcome, OutcomeState
from ...clock import Clock
from ...pace import Need
from ..calls import Calls, Result, outcome_of
from ..errors import Kind, OrgError
from ..gateway import API, WRITING, Document, Gateway, SilentError
from ..options import Options
from ..org_object import OrgObject
from ..our_key import kept
from .jobs import DONE, FAILED, NOT_TAKEN
from .reading import NEVER, POLLS

NOTHING = "#N/A"
"""A cell that empties its field; one without a letter says nothing of it."""
OPEN, CLOSED = "Open", "UploadComplete"
UNDONE: Result = {"undone": True}
"""Of a row that a job which failed never came to."""
LARGEST = 80_000_000
"""Bytes in one upload; the org takes 100 MB of them."""
CALLS_WRITING, CALLS_BESIDES = 4, POLLS + 1
"""Of one job in which all goes well: made, filled, closed, taken away; looked at, its list had."""
DUPLICATES = "DUPLICATES_DETECTED"
Rest = Callable[[OrgObject, Sequence[Change]], list[Outcome]]


def needs_of_writing(options: Options, most: int) -> tuple[Need, ...]:
    """most: records in a call that is not a job's. By jobs, what is created; what is changed costs more."""
    if options.write_by != "jobs":
        return (Need(WRITING, records=most),)
    rows = options.job_rows
    return Need(WRITING, records=rows, calls=CALLS_WRITING), Need(API, records=rows, calls=CALLS_BESIDES)


class Ingest:
    """rest: writes some creations by calls of their own. Makes nothing while the options do not say so."""

    def __init__(self, gateway: Gateway, calls: Calls, options: Options, clock: Clock, rest: Rest) -> None:
        self._gateway, self._calls, self._options, self._clock, self._rest = gateway, calls, options, clock, rest
        self._never = set(NEVER)

    def cut(self, there: OrgObject, bodies: Sequence[bytes]) -> Iterator[slice]:
        """Which of them go by jobs, so many in each as it takes; the others do not. bodies: of rows in JSON."""
        options = self._options
        if options.write_by != "jobs" or options.assignment or there.name in self._never:
            return
        start, size = 0, 0
        for at, each in enumerate(bodies):
            if at > start and (at - start == options.job_rows or size + len(each) > LARGEST):
                yield slice(start, at)
                start, size = at, 0
            size += len(each)
        if len(bodies) - start >= options.job_from:
            yield slice(start, len(bodies))

    def create(self, there: OrgObject, changes: Sequence[Change], bodies: Sequence[bytes]) -> list[Outcome]:
        """Raises, of everything, only what kept the job from being made."""
        content = _content(bodies)
        if content is None:  # a text that a job would take for something else
            return self._rest(there, changes)
        try:
            job = self._made(there)
        except SilentError as error:  # whatever there is now, it is empty
            return [outcome_of(each, OutcomeState.NOT_SENT, "target.no_answer", str(error)) for each in changes]
        except OrgError as error:
            if error.code.upper() not in NOT_TAKEN and error.kind is not Kind.REFUSED:
                return self._calls.created(there, changes, _raising(error))
            self._never.add(there.name)
            return self._rest(there, changes)
        try:
            closed = self._closed(job, content)
        except BaseException:  # nothing of the rows has left
            self._gone(job, under_way=True)
            raise
        if not closed:
            self._gone(job, under_way=True)
            return [outcome_of(each, OutcomeState.NOT_SENT, "target.no_answer") for each in changes]
        return self._ended(there, changes, job)

    def _made(self, there: OrgObject) -> str:
        told = {"object": there.name, "operation": "insert", "contentType": "CSV", "lineEnding": "LF"}
        answer = self._gateway.once("POST", "jobs/ingest", json.dumps(told).encode(), {})
        if not isinstance(answer, dict) or not answer.get("id"):
            raise SilentError("no job")
        return str(answer["id"])

    def _closed(self, job: str, content: bytes) -> bool:
        """Whether the org may have begun with it. Raises what kept a call from departing."""
        path = f"jobs/ingest/{job}/batches"

        def upload(client: Salesforce) -> bool:
            headers = {**client.headers, "Content-Type": "text/csv; charset=UTF-8"}
            call_salesforce(client.base_url + path, "PUT", client.session, headers, data=content)
            return True

        try:
            self._gateway.once_by(upload)
        except (OrgError, SilentError):
            return False
        try:
            self._gateway.once("PATCH", f"jobs/ingest/{job}", json.dumps({"state": CLOSED}).encode(), {})
        except OrgError as error:
            return error.kind is Kind.SILENT
        except SilentError:
            return True
        return True

    def _ended(self, there: OrgObject, changes: Sequence[Change], job: str) -> list[Outcome]:
        """What became of each, once the job is through."""
        try:
            told = self._awaited(job)
            if told.get("state") == OPEN:  # it never came to be closed, and must not come to it later
                self._gone(job, under_way=True)
                raise SilentError(OPEN)
            results = self._results(there, job, told)
        except BaseException as error:  # the rows have left; whatever keeps us from knowing, they are asked for
            why = type(error).__name__
            return [outcome_of(each, OutcomeState.UNKNOWN, "target.no_answer", why) for each in changes]
        self._gone(job)
        return self._sorted(there, changes, {each.our_key: results.get(kept(each.our_key), {}) for each in changes})

    def _sorted(self, there: OrgObject, changes: Sequence[Change], results: Mapping[str, Result]) -> list[Outcome]:
        """results: by our key; of one that no list names, empty."""
        alone, undone = list[Change](), list[Change]()
        if self._options.duplicates == "save":  # a job knows no header by which they are
            alone = [each for each in changes if _status(results[each.our_key]) == DUPLICATES]
        undone = [each for each in changes if results[each.our_key] is UNDONE]
        apart = {each.our_key for each in (*alone, *undone)}
        named = [each for each in changes if each.our_key not in apart]
        outcomes = self._calls.created(there, named, lambda: [results[each.our_key] for each in named]) if named else []
        outcomes += [outcome_of(each, OutcomeState.NOT_SENT, "target.no_answer") for each in undone]
        if alone:
            try:
                outcomes += self._rest(there, alone)
            except BaseException:  # these have not left, but others had
                outcomes += [outcome_of(each, OutcomeState.NOT_SENT, "send.recalled") for each in alone]
        return outcomes

    def _awaited(self, job: str) -> Document:
        """Its end; its beginning, where that is still to come. Nobody who waits for the pace is heard meanwhile: what
        is under way is seen to its end."""
        while True:
            self._clock.sleep(self._options.poll)
            told = self._gateway.ask(f"jobs/ingest/{job}")
            if told.get("state") in (DONE, *FAILED, OPEN):
                return told

    def _results(self, there: OrgObject, job: str, told: Document) -> dict[str, Result]:
        """By our key as it is kept. told: the job at its end, which says which lists are empty."""
        assert there.our_key is not None  # noqa: S101 - no object is written to without
        key, results = there.our_key.name, dict[str, Result]()
        for row in self._list(job, "successfulResults"):
            results[row.get(key, "")] = {"success": True, "id": row.get("sf__Id")}
        if told.get("numberRecordsFailed") != 0:
            for row in self._list(job, "failedResults"):
                results[row.get(key, "")] = {"success": False, "errors": [_error(row.get("sf__Error") or "")]}
        if told["state"] != DONE:
            results |= {row.get(key, ""): UNDONE for row in self._list(job, "unprocessedrecords")}
        return results

    def _list(self, job: str, name: str) -> list[dict[str, str]]:
        path = f"jobs/ingest/{job}/{name}"

        def call(client: Salesforce) -> Document | None:
            headers = {**client.headers, "Accept": "text/csv"}
            answer = call_salesforce(client.base_url + path, "GET", client.session, headers)
            text = answer.content.decode("utf-8-sig", "replace")
            if text.lstrip().startswith("<"):
                return None
            return {"rows": list(csv.DictReader(io.StringIO(text, newline="")))}

        return list(self._gateway.carry_out(path, call)["rows"])

    def _gone(self, job: str, under_way: bool = False) -> None:
        """Best done and no more than that, as of a job that queries."""
        with suppress(Exception):
            if under_way:
                self._gateway.once("PATCH", f"jobs/ingest/{job}", json.dumps({"state": "Aborted"}).encode(), {})
            self._gateway.once("DELETE", f"jobs/ingest/{job}", None, {})


def _content(bodies: Sequence[bytes]) -> bytes | None:
    """CSV of these rows; None where one has a text that would empty its field."""
    rows = [json.loads(each, parse_float=str, parse_int=str) for each in bodies]
    names = list(dict.fromkeys(name for each in rows for name in each if name != "attributes"))
    if any(cell == NOTHING for each in rows for cell in each.values()):
        return None
    out = io.StringIO(newline="")
    told = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    told.writerow(names)
    told.writerows([_cell(each.get(name, "")) for name in names] for each in rows)
    return out.getvalue().encode()


def _cell(told: object) -> str:
    if told is None:
        return NOTHING
    return str(told).lower() if isinstance(told, bool) else str(told)


def _error(told: str) -> Result:
    """`CODE:what is wrong:Field,Other --` as the other calls tell it."""
    code, _, rest = told.strip().removesuffix("--").rstrip().partition(":")
    message, _, fields = rest.rpartition(":")
    return {"statusCode": code, "message": message or rest, "fields": [each for each in fields.split(",") if each]}


def _status(result: Result) -> str:
    return str((result.get("errors") or [{}])[0].get("statusCode") or "")


def _raising(error: Exception) -> Callable[[], Any]:
    def call() -> Any:
        raise error

    return call
