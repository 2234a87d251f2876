"""Many rows in one call, by a function of the tenant's own: `changeover_bulk.apl` beside this module, once the tenant's
administrator has put it in.

It is tried against the simulator only. So nothing is taken for granted of what it answers: a row counts by its key, and
one of which the answer does not say in so many words what became of it is UNKNOWN, and asked for. A call that is
refused as a whole may have been broken off in the middle, when it had run for too long: it is UNKNOWN, too.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from ..change import Change, ChangeKind, Outcome, OutcomeState
from ..errors import ChangeoverError, InputError, UnavailableError
from ..pace import Action, Need, Rate
from ..port import Capabilities
from .errors import Kind, field_named, kind_of, refusal
from .gateway import Gateway, HeldBackError
from .options import Options
from .outcome import Calls, outcome_of
from .paths import FUNCTION
from .query import Query
from .tenant import ID, PEOPLE, TenantField, TenantObject
from .wire import Document, Json, parts, whole

FUNCTION_NAME: Final = "changeover_bulk"
VERSION: Final = 1
MOST: Final = {"create": 500, "update": 250}
"""Rows of one call. A create's go in one step inside the tenant, an update's one by one, and a function has 300."""
RUNS_FOR: Final = dt.timedelta(minutes=5)
RUNS: Final = Rate(100, 60.0)
"""By the vendor's word a function runs for five minutes at most, and a hundred times a minute."""
PEOPLE_LISTS: Final = PEOPLE | {"employee_many", "department_many"}
_BROKEN_OFF = re.compile(r"超时|time.?out|timed out|繁忙|busy|系统异常|system error", re.IGNORECASE)
DEEP: Final = 3
OBJECT: Final = "dataObjectApiName"
NO_KEY: Final = "no key"
MAY_BE_THERE: Final = ("target.duplicate", "target.refused")


def able_in_bulk(able: Capabilities, options: Options) -> Capabilities:
    """What the connector is able to do where the function is there. Details go in calls of many rows, too, instead of
    with their masters."""
    needs = {**able.allowance.needs, Action.WRITE: (Need(FUNCTION, options.bulk_rows),)}
    return replace(
        able,
        batch_size=options.bulk_rows,
        details=0,
        server_maximum=max(able.server_maximum, RUNS_FOR),
        allowance=replace(able.allowance, needs=needs),
    )


class Row(NamedTuple):
    """A change, and the document of it that is sent."""

    change: Change
    document: Document


class Bulk:
    """on: rows go by the function. lacks: why they do not though the option names one; empty where they do. told_with:
    the object with which a check tells that."""

    def __init__(self, gateway: Gateway, query: Query, calls: Calls, options: Options) -> None:
        self._gateway, self._query, self._calls, self._options = gateway, query, calls, options
        self._open_ids = options.sign_in != "bearer"
        self.on = False
        self.lacks = self.told_with = ""

    def look(self) -> None:
        """See whether the function is there, as we know it. Raises UnavailableError."""
        self.on, self.lacks, self.told_with = False, "", ""
        if self._options.bulk is None:
            return
        try:
            told = self._gateway.ask(FUNCTION, self._request({"action": "about"}))
        except (InputError, UnavailableError) as error:
            number = error.params.get("number")
            if number is None:
                raise
            self.lacks = str(number)
            return
        version = whole(_inside(told, "version"))
        self.on = _inside(told, "function") == FUNCTION_NAME and version == VERSION
        self.lacks = "" if self.on else f"version {'-' if version is None else version}"

    def takes(self, there: TenantObject, change: Change, alone: frozenset[str]) -> str | None:
        """The action by which a change goes; None where it goes by calls of its own. alone: API names of fields that
        are written so. A function knows people by their numbers only, and its updates set off no approvals and know of
        no locks that are to be passed."""
        if not self.on or change.details:
            return None
        creates, changed = change.kind is ChangeKind.CREATE, [there.fields[name] for name in change.values]
        if any(each.api in alone or each.member for each in changed) or (
            self._open_ids and any(map(_of_people, changed))
        ):
            return None
        if creates:
            return "create"
        updates = change.kind is ChangeKind.UPDATE and bool(changed)
        return "update" if updates and not self._options.approvals and not self._options.edit_locked else None

    def write(self, there: TenantObject, action: str, rows: Sequence[Row], flags: Document) -> list[Outcome]:
        """One outcome for each. Raises, of everything, only what kept the call from departing."""
        key = str(there.our_key) if action == "create" else ID
        asked: Document = {
            "object": there.api,
            "action": action,
            "key": key,
            "flags": flags,
            "rows": [{name: cell for name, cell in each.document.items() if name != OBJECT} for each in rows],
        }
        answer = self._calls.answer(FUNCTION, self._request(asked))
        if isinstance(answer, str):
            return [_unknown(each.change, answer) for each in rows]
        if answer.kind is not Kind.DONE:
            return [
                self._calls.turned_away(each.change, answer) or _unknown(each.change, answer.words) for each in rows
            ]
        told = _by_key(answer.document)
        outcomes = [_outcome(there, each, told.get(str(each.document[key]))) for each in rows]
        return self._made(there, outcomes) if action == "create" else self._changed(there, outcomes)

    def _request(self, request: Document) -> Document:
        parameter: Document = {"name": "request", "type": "Map", "value": request}
        return {"data": {"api_name": self._options.bulk, "parameters": [parameter]}}

    def _made(self, there: TenantObject, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """What was refused may be there already, and what was made may have been told without its key."""
        sought = [each.our_key for each in outcomes if each.code in MAY_BE_THERE or each.detail == NO_KEY]
        holders = self._found(there, str(there.our_key), sought) or {}
        told = []
        for each in outcomes:
            holder = holders.get(each.our_key)
            if holder is None:
                told.append(each)
            elif each.state is OutcomeState.REJECTED:
                told.append(Outcome(each.our_key, OutcomeState.EXISTS, holder, "target.exists"))
            else:
                told.append(Outcome(each.our_key, OutcomeState.ACKED, holder))
        return told

    def _changed(self, there: TenantObject, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """What was refused may be gone: texts do not tell it reliably."""
        refused = [each for each in outcomes if each.state is OutcomeState.REJECTED and each.code != "target.gone"]
        left = self._found(there, ID, [each.target_key or "" for each in refused])
        if left is None:
            return list(outcomes)
        return [
            replace(each, code="target.gone", field=None) if each in refused and each.target_key not in left else each
            for each in outcomes
        ]

    def _found(self, there: TenantObject, api: str, sought: Sequence[str]) -> dict[str, str] | None:
        """Value -> key of the records of which a field has one of these; None where nobody answers."""
        found: dict[str, str] = {}
        size = self._options.find_size
        try:
            for start in range(0, len(sought), size):
                rows = self._query.by_text(there, api, sought[start : start + size], [])
                found |= {str(row[api]): str(row[ID]) for row in rows}
        except (ChangeoverError, HeldBackError):
            return None
        return found


def _of_people(field: TenantField) -> bool:
    return field.kind in PEOPLE_LISTS


def _by_key(answer: Document) -> dict[str, Document]:
    """What is said of each row, by its key; nothing of one that is named twice."""
    told: dict[str, Document] = {}
    twice = set()
    for each in parts({"results": _inside(answer, "results")}, "results"):
        key = str(each.get("key") or "")
        twice |= {key} & told.keys()
        told[key] = each
    return {key: each for key, each in told.items() if key not in twice}


def _inside(answer: Json, name: str, deep: int = DEEP) -> Json:
    """The first member of this name: how deep in its answer the gateway puts what a function returns is not known."""
    if not isinstance(answer, dict):
        return None
    if name in answer:
        return answer[name]
    found = (_inside(each, name, deep - 1) for each in answer.values() if deep)
    return next((each for each in found if each is not None), None)


def _outcome(there: TenantObject, row: Row, told: Document | None) -> Outcome:
    change = row.change
    if told is None or not isinstance(told.get("success"), bool):
        return _unknown(change, "not told")
    if told["success"]:
        key = told.get("id")
        if change.kind is not ChangeKind.CREATE:
            return outcome_of(change, OutcomeState.ACKED)
        return (
            Outcome(change.our_key, OutcomeState.ACKED, key)
            if isinstance(key, str) and key
            else _unknown(change, NO_KEY)
        )
    number, message = whole(told.get("code")), str(told.get("message") or "")
    words = f"{'' if number is None else number} {message}".strip()
    if (number is not None and kind_of(number) is not Kind.REFUSED) or _BROKEN_OFF.search(message):
        return _unknown(change, words)
    refused = outcome_of(change, OutcomeState.REJECTED, refusal(number or 0, message), words)
    return replace(refused, field=field_named(message, there.by_words))


def _unknown(change: Change, words: str) -> Outcome:
    return outcome_of(change, OutcomeState.UNKNOWN, "target.no_answer", words)
