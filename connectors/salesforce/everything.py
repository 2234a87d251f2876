"""All rows of a query at once: for what the org says of itself, which is little."""

from __future__ import annotations

from ..errors import InputError, UnavailableError
from .cells import Row
from .gateway import TRIES, Gateway, LocatorGoneError


def rows_of(gateway: Gateway, soql: str, everything: bool = False) -> list[Row]:
    """everything: with what is deleted or archived. From the beginning again where further pages are no longer kept.
    Raises as `Gateway.ask`."""
    for _ in range(TRIES):
        rows: list[Row] = []
        try:
            page = gateway.query(soql, everything)
            rows += page["records"]
            while not page["done"]:
                page = gateway.ask(str(page["nextRecordsUrl"]))
                rows += page["records"]
        except LocatorGoneError:
            continue
        return rows
    raise UnavailableError("salesforce.no_answer", host=gateway.instance, path="query", reason="INVALID_QUERY_LOCATOR")


def rows_if_allowed(gateway: Gateway, soql: str) -> list[Row] | None:
    """None where our user may not ask this, or the org does not know it."""
    try:
        return rows_of(gateway, soql)
    except InputError as error:
        if error.code != "salesforce.refused":
            raise
    except UnavailableError as error:
        if error.code != "salesforce.turned_away":
            raise
    return None
