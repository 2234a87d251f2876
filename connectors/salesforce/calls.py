"""One call that writes some records, and what its answer or its silence came to for each of them. What is certain is
told, and nothing else.

An answer lists its results in the order of the records; each is held against its record's own id besides, where that
is known before. A record that could not be locked is not done and goes again; so do those that were refused together
without a word on which of them it is for, in halves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from ..change import CONTAGION, Change, ChangeKind, Outcome, OutcomeState
from ..port import KEY, OUR_KEY
from .errors import Kind, OrgError
from .gateway import Gateway, SilentError
from .options import Options
from .org_object import OrgObject
from .query import Query
from .refusals import CODES, FULL, GONE, HELD, LOCKED, Refusal, refusal_of
from .row import Row
from .soql import whole_id
from .with_files import WithFiles

COLLECTION: Final = "composite/sobjects"
ITSELF: Final = (None, "Id", "LinkedEntityId")
"""A refusal that names no other field may be for the record itself, which may be gone."""
HOUR: Final = 3600.0
"""Until it is worth to try where the calls of the last 24 hours are spent: they come back little by little."""
_TURNED_AWAY = {
    Kind.THROTTLED: (OutcomeState.THROTTLED, "target.throttled"),
    Kind.SPENT: (OutcomeState.THROTTLED, "target.throttled"),
    Kind.SESSION: (OutcomeState.EXPIRED, "target.session_expired"),
    Kind.TURNED_AWAY: (OutcomeState.FATAL, "target.fatal"),
    Kind.REFUSED: (OutcomeState.NOT_SENT, CONTAGION),
}
Result = dict[str, Any]


def outcome_of(change: Change, state: OutcomeState, code: str | None = None, detail: str | None = None) -> Outcome:
    return Outcome(change.our_key, state, change.target_key, code, detail)


class Calls:
    """Raises, of everything, only what kept the call from departing."""

    def __init__(self, gateway: Gateway, query: Query, options: Options) -> None:
        self._gateway, self._query = gateway, query
        self._headers = {"Sforce-Auto-Assign": "TRUE" if options.assignment else "FALSE"}
        if options.duplicates == "save":
            self._headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
        self._with_files = WithFiles(gateway, options.version, self._headers)

    def create(self, there: OrgObject, rows: Sequence[Row]) -> list[Outcome]:
        changes = [each.change for each in rows]
        return self.created(there, changes, lambda: self._sent(there, rows, creates=True))

    def created(self, there: OrgObject, changes: Sequence[Change], call: Callable[[], Any]) -> list[Outcome]:
        """call: creates them, and gives a result for each, in their order."""
        outcomes, refused = self._told(changes, call)
        held = [each for each in changes if each.our_key in refused and refused[each.our_key].status in HELD]
        if not held:
            return outcomes
        holders = self._holders(there, held)
        return [_of_held(each, holders) if each.our_key in {one.our_key for one in held} else each for each in outcomes]

    def change(self, there: OrgObject, rows: Sequence[Row]) -> list[Outcome]:
        """What is there already."""
        changes = [each.change for each in rows]
        outcomes, refused = self._told(changes, lambda: self._sent(there, rows, creates=False))
        return self._gone(there, changes, outcomes, refused)

    def delete(self, there: OrgObject, rows: Sequence[Row]) -> list[Outcome]:
        changes = [each.change for each in rows]
        ids = ",".join(str(each.target_key) for each in changes)
        path = f"{COLLECTION}?ids={ids}&allOrNone=false"
        outcomes, refused = self._told(changes, lambda: self._gateway.once("DELETE", path, None, self._headers))
        return self._gone(there, changes, outcomes, refused)

    def _sent(self, there: OrgObject, rows: Sequence[Row], *, creates: bool) -> Any:
        """Those of one call have all something to say of files, or none."""
        if rows[0].files is not None:
            return self._with_files.sent(there, rows, creates=creates)
        body = b'{"allOrNone":false,"records":[' + b",".join(each.body for each in rows) + b"]}"
        return self._gateway.once("POST" if creates else "PATCH", COLLECTION, body, self._headers)

    def _told(self, changes: Sequence[Change], call: Callable[[], Any]) -> tuple[list[Outcome], dict[str, Refusal]]:
        """The outcomes, and by our key why a record was refused."""
        try:
            answer = call()
        except OrgError as error:
            return [_of_error(each, error, alone=len(changes) == 1) for each in changes], {}
        except SilentError as error:
            return [_unknown(each, str(error)) for each in changes], {}
        results = answer if isinstance(answer, list) else []
        if len(results) != len(changes) or not all(isinstance(each, dict) for each in results):
            return [_unknown(each, "no result for each record") for each in changes], {}
        pairs = list(zip(changes, results, strict=True))
        refused = {each.our_key: refusal_of(result) for each, result in pairs if result.get("success") is False}
        return [
            _of_refusal(each, refused[each.our_key]) if each.our_key in refused else _of_success(each, result)
            for each, result in pairs
        ], refused

    def _holders(self, there: OrgObject, changes: Sequence[Change]) -> dict[str, str] | None:
        """Our key -> the record that has it, where it can be seen; None where nobody could be asked."""
        try:
            found = self._query.find(there, (OUR_KEY,), [(each.our_key,) for each in changes], [])
        except BaseException:  # the creates have left; whatever keeps us from asking, and it comes again
            return None
        return {str(ours): key for ours, key in zip(found.our_keys, found.keys, strict=True)}

    def _gone(
        self, there: OrgObject, changes: Sequence[Change], outcomes: list[Outcome], refused: dict[str, Refusal]
    ) -> list[Outcome]:
        """With those told apart whose record is no longer there."""
        doubtful = {key for key, each in refused.items() if each.status in GONE and each.field in ITSELF}
        if not doubtful:
            return outcomes
        keys = {whole_id(str(each.target_key)): each.our_key for each in changes if each.our_key in doubtful}
        try:
            found = self._query.find(there, (KEY,), [(key,) for key in keys if key is not None], [])
        except BaseException:  # as above; what the org said is told
            return outcomes
        gone = doubtful - {keys[each] for each in found.keys}
        return [replace(each, code="target.gone") if each.our_key in gone else each for each in outcomes]


def _unknown(change: Change, why: str) -> Outcome:
    return outcome_of(change, OutcomeState.UNKNOWN, "target.no_answer", why)


def _of_error(change: Change, error: OrgError, *, alone: bool) -> Outcome:
    """The call was refused as a whole, or nobody knows what came of it."""
    words = f"{error.code} {error.words}".strip()
    if error.kind not in _TURNED_AWAY:
        return _unknown(change, words)
    if alone and error.kind is Kind.REFUSED:
        return outcome_of(change, OutcomeState.REJECTED, CODES.get(error.code, "target.refused"), words)
    state, code = _TURNED_AWAY[error.kind]
    after = HOUR if error.kind is Kind.SPENT else None
    return replace(outcome_of(change, state, code, words), retry_after=after)


def _of_success(change: Change, result: Result) -> Outcome:
    key = whole_id(str(result.get("id") or ""))
    known = None if change.target_key is None else whole_id(change.target_key)
    if result.get("success") is not True or key is None or known not in (None, key):
        return _unknown(change, "no result of this record")
    return Outcome(change.our_key, OutcomeState.ACKED, key if change.kind is ChangeKind.CREATE else change.target_key)


def _of_refusal(change: Change, refusal: Refusal) -> Outcome:
    if refusal.status in LOCKED:
        return outcome_of(change, OutcomeState.NOT_SENT, "target.locked", refusal.words)
    if refusal.status == FULL:
        return outcome_of(change, OutcomeState.FATAL, "target.disk_full", refusal.words)
    if refusal.exhausted:
        return outcome_of(change, OutcomeState.NOT_SENT, CONTAGION, refusal.words)
    rejected = outcome_of(change, OutcomeState.REJECTED, refusal.code, refusal.words)
    return replace(rejected, field=refusal.field if refusal.field in change.values else None)


def _of_held(refused: Outcome, holders: dict[str, str] | None) -> Outcome:
    """A create that was refused for a value that another record has: ours, if it has our key."""
    if holders is None:
        return Outcome(refused.our_key, OutcomeState.UNKNOWN, None, "target.no_answer", refused.detail)
    if refused.our_key in holders:
        return Outcome(refused.our_key, OutcomeState.EXISTS, holders[refused.our_key], "target.exists")
    return refused
