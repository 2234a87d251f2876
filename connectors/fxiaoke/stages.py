"""The stage of a sale, changed by an interface of its own, as the option `stages` says.

A record is created without it and is given it afterwards. What is new is nobody's but ours yet, so a call that nobody
answers is made again: to set a stage twice is to set it once."""

from __future__ import annotations

from typing import Final

from ..change import Change, Outcome, OutcomeState
from .options import Options
from .outcome import Calls
from .tenant import TenantObject
from .wire import Document

STAGE: Final = "sales_stage"
PATH: Final = "/cgi/crm/data/changeSalesStage"
TRIES: Final = 3


class Stages:
    def __init__(self, calls: Calls, options: Options) -> None:
        self._calls = calls
        self.apart = frozenset({STAGE}) if options.stages == "interface" else frozenset()
        """API names of what is written by this interface."""

    def of(self, there: TenantObject, change: Change) -> str | None:
        """The field of a change that is; None where none is."""
        return next((name for name in change.values if there.api_of(name) in self.apart), None)

    def give(self, there: TenantObject, change: Change, name: str, *, again: bool = False) -> Outcome:
        """again: the record is new. How the body is called inside is not known."""
        inner: Document = {
            "dataObjectApiName": there.api,
            "objectDataId": change.target_key,
            STAGE: str(change.values[name]),
        }
        for left in reversed(range(TRIES if again else 1)):
            told = self._calls.at(there, change, PATH, {"data": inner})
            if told.state is not OutcomeState.UNKNOWN or not left:
                break
        return told
