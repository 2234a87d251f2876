"""One call of a change, and what its answer or its silence came to. What is certain is told, and nothing else."""

from __future__ import annotations

from dataclasses import replace

from ..change import Change, ChangeKind, Outcome, OutcomeState
from ..errors import ChangeoverError
from .errors import Kind, field_named, refusal
from .gateway import Answer, Gateway, HeldBackError
from .options import Options
from .paths import Paths
from .query import Query
from .tenant import ID, TenantObject
from .transport import NoAnswerError
from .wire import Document

TURNED_AWAY = {
    Kind.THROTTLED: (OutcomeState.THROTTLED, "target.throttled"),
    Kind.SPENT: (OutcomeState.THROTTLED, "target.throttled"),
    Kind.SESSION: (OutcomeState.EXPIRED, "target.session_expired"),
    Kind.SILENT: (OutcomeState.UNKNOWN, "target.no_answer"),
    Kind.FATAL: (OutcomeState.FATAL, "target.fatal"),
}


def outcome_of(change: Change, state: OutcomeState, code: str | None = None, detail: str | None = None) -> Outcome:
    return Outcome(change.our_key, state, change.target_key, code, detail)


class Calls:
    """Raises, of everything, only what kept the call from departing: HeldBackError, NotSentError,
    WrongCredentialsError, UnavailableError."""

    def __init__(self, gateway: Gateway, query: Query, options: Options) -> None:
        self._gateway, self._query, self._options = gateway, query, options
        self.paths = Paths(options.custom_path == "always")

    def create(self, there: TenantObject, change: Change, body: Document) -> Outcome:
        answer = self.answer(self.paths.of(there, "create"), body)
        if isinstance(answer, str):
            return outcome_of(change, OutcomeState.UNKNOWN, "target.no_answer", answer)
        if answer.kind is not Kind.DONE:
            return self._refused(there, change, answer)
        key = answer.document.get("dataId")
        if isinstance(key, str) and key:
            return Outcome(change.our_key, OutcomeState.ACKED, key)
        key = self._holder(there, change)  # the vendor's own sample of a custom object has no dataId
        if key is None:
            return outcome_of(change, OutcomeState.UNKNOWN, "target.no_answer", "no dataId")
        return Outcome(change.our_key, OutcomeState.ACKED, key)

    def call(self, there: TenantObject, change: Change, operation: str, body: Document) -> Outcome:
        return self.at(there, change, self.paths.of(there, operation), body)

    def at(self, there: TenantObject, change: Change, path: str, body: Document) -> Outcome:
        answer = self.answer(path, body)
        if isinstance(answer, str):
            return outcome_of(change, OutcomeState.UNKNOWN, "target.no_answer", answer)
        if answer.kind is Kind.DONE:
            return outcome_of(change, OutcomeState.ACKED)
        return self._refused(there, change, answer)

    def answer(self, path: str, body: Document) -> Answer | str:
        """The answer, or of what kind the silence was."""
        try:
            return self._gateway.call(path, body)
        except NoAnswerError as error:
            return str(error)

    def turned_away(self, change: Change, answer: Answer) -> Outcome | None:
        """What came of it by the kind of the answer alone; None where the request itself was refused."""
        if answer.kind is Kind.BUSY:
            if self._options.busy == "unknown":
                return outcome_of(change, OutcomeState.UNKNOWN, "target.no_answer", answer.words)
            return outcome_of(change, OutcomeState.THROTTLED, "target.throttled", answer.words)
        if answer.kind in TURNED_AWAY:
            state, code = TURNED_AWAY[answer.kind]
            return replace(outcome_of(change, state, code, answer.words), retry_after=answer.retry_after)
        return None

    def _refused(self, there: TenantObject, change: Change, answer: Answer) -> Outcome:
        turned_away = self.turned_away(change, answer)
        if turned_away is not None:
            return turned_away
        code = refusal(answer.code, answer.message, self._options.refusals)
        if change.kind is ChangeKind.CREATE and code in ("target.duplicate", "target.refused"):
            holder = self._holder(there, change)
            if holder is not None:
                return Outcome(change.our_key, OutcomeState.EXISTS, holder, "target.exists")
        if change.kind is not ChangeKind.CREATE and code != "target.gone" and self._gone(there, change):
            code = "target.gone"
        field = field_named(answer.message, there.by_words)
        return replace(outcome_of(change, OutcomeState.REJECTED, code, answer.words), field=field)

    def _holder(self, there: TenantObject, change: Change) -> str | None:
        """The key of the record that has our key, where it can be seen."""
        if there.our_key is None:
            return None
        try:
            rows = self._query.by_text(there, there.our_key, [change.our_key], [])
        except (ChangeoverError, HeldBackError):
            return None
        return str(rows[0][ID]) if rows else None

    def _gone(self, there: TenantObject, change: Change) -> bool:
        """Texts do not tell it reliably."""
        try:
            return not self._query.by_text(there, ID, [change.target_key or ""], [])
        except (ChangeoverError, HeldBackError):
            return False
