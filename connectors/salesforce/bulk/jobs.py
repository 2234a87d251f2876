"""Jobs that query: one call each to make it, to ask how far it is, for a page of its results, and to take it away."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from simple_salesforce.api import Salesforce
from simple_salesforce.util import call_salesforce

from ...errors import InputError, UnavailableError
from ..gateway import Document, Gateway, LocatorGoneError
from .page import Page, read_page

DONE, FAILED = "JobComplete", ("Failed", "Aborted")
NOT_TAKEN = frozenset({"INVALIDENTITY", "FUNCTIONALITY_NOT_ENABLED", "FEATURENOTENABLED", "FEATURE_NOT_ENABLED"})
"""Errors of a query that REST may answer all the same."""
LIMITED = "REQUEST_LIMIT_EXCEEDED"


class NotTakenError(Exception):
    """Bulk does not take this query, or no more of them today."""


class JobGoneError(Exception):
    """The job's results are no longer there, or not to be had."""


class QueryJobs:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def make(self, soql: str, everything: bool) -> str:
        """Its id. everything: with what is deleted or archived. Raises NotTakenError, or as `Gateway.ask`."""
        told = {"operation": "queryAll" if everything else "query", "query": soql}
        told |= {"contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF"}
        try:
            made = self._carried_out("jobs/query", "POST", told)
        except InputError as error:
            if str(error.params.get("number")).upper() in NOT_TAKEN:
                raise NotTakenError from error
            raise
        except UnavailableError as error:
            if error.params.get("reason") == LIMITED:
                raise NotTakenError from error
            raise
        return str(made["id"])

    def look(self, job: str) -> Document:
        """Raises JobGoneError, or as `Gateway.ask`."""
        try:
            return self._carried_out(f"jobs/query/{job}", "GET")
        except InputError as error:
            raise JobGoneError from error

    def page(self, job: str, locator: str, most: int, names: Sequence[str]) -> Page:
        """names: of the columns. Raises JobGoneError, or as `Gateway.ask`."""
        path, asked = f"jobs/query/{job}/results", {"maxRecords": str(most)}
        asked |= {"locator": locator} if locator else {}

        def call(client: Salesforce) -> dict[str, Page] | None:
            headers = {**client.headers, "Accept": "text/csv"}
            answer = call_salesforce(client.base_url + path, "GET", client.session, headers, params=asked)
            told = answer.headers
            page = read_page(answer.content, names, told.get("Sforce-Locator"), told.get("Sforce-NumberOfRecords"))
            return None if page is None else {"page": page}

        try:
            return self._gateway.carry_out(path, call)["page"]  # type: ignore[no-any-return]
        except (InputError, LocatorGoneError) as error:
            raise JobGoneError from error

    def remove(self, job: str, under_way: bool = False) -> None:
        """Best done and no more than that: what stays is taken away by the org after seven days. under_way: it has not
        come to its end, and has to be stopped first."""
        with suppress(InputError, UnavailableError):
            if under_way:
                self._carried_out(f"jobs/query/{job}", "PATCH", {"state": "Aborted"})
            self._carried_out(f"jobs/query/{job}", "DELETE")

    def _carried_out(self, path: str, method: str, body: Document | None = None) -> Document:
        def call(client: Salesforce) -> Any:
            told = client.restful(path, method=method, **({} if body is None else {"json": body}))
            return {} if method == "DELETE" else told

        return self._gateway.carry_out(path, call)
