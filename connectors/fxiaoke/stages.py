"""The stage of a sale, changed by an interface of its own, as the option `stages` says. A record is created without it
and is given it afterwards."""

from __future__ import annotations

from typing import Final

from ..change import Change, Outcome
from .options import Options
from .outcome import Calls
from .tenant import TenantObject
from .wire import Document

STAGE: Final = "sales_stage"
PATH: Final = "/cgi/crm/data/changeSalesStage"


class Stages:
    """apart: API names of what is written by this interface."""

    def __init__(self, calls: Calls, options: Options) -> None:
        self._calls = calls
        self.apart = frozenset({STAGE}) if options.stages == "interface" else frozenset()

    def of(self, there: TenantObject, change: Change) -> str | None:
        """The field of a change that is; None where none is."""
        return next((name for name in change.values if there.api_of(name) in self.apart), None)

    def give(self, there: TenantObject, change: Change, name: str) -> Outcome:
        """How the body is called inside is not known."""
        stage = str(change.values[name])
        inner: Document = {"dataObjectApiName": there.api, "objectDataId": change.target_key, STAGE: stage}
        return self._calls.at(there, change, PATH, {"data": inner})
