"""The connector's side of the questions: who asks, of which object, with what."""

from __future__ import annotations

from collections.abc import Sequence

from ...clock import Clock
from ...questions import Answer, Question
from ...secrets import Secrets
from ..gateway import Gateway
from ..options import Options
from ..query import Query
from ..tenant import TenantObject
from .own import OwnRecords
from .questions import READING
from .reading import Readings
from .writing import Writings


class Probing:
    def __init__(self, gateway: Gateway, query: Query, options: Options, clock: Clock, secrets: Secrets) -> None:
        self._gateway, self._query, self._options = gateway, query, options
        self._clock, self._secrets = clock, secrets
        self._own: dict[str, OwnRecords] = {}

    def probe(self, question: Question, there: TenantObject | None, objects: Sequence[TenantObject]) -> Answer:
        """there: where records of our own may be made. objects: where questions that only read find what they need."""
        reads = question in READING
        if there is not None and (not reads or question.name == "bin"):
            return Writings(self._records(there), self._clock).probe(question.name)
        return Readings(self._gateway, self._options, self._clock, objects).probe(question.name)

    def tidy(self, there: TenantObject) -> tuple[str, ...]:
        return self._records(there).tidy()

    def _records(self, there: TenantObject) -> OwnRecords:
        if there.name not in self._own:
            user = self._secrets.fill(self._options.user)
            self._own[there.name] = OwnRecords(self._gateway, self._query, self._options, user, there)
        return self._own[there.name]
