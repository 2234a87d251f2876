"""What a job does with each of its rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ..answers import CallError, Document, RowError, WrongKindError
from ..ids import whole
from ..org import Acting, Org
from ..removing import delete
from ..shapes import ObjectShape
from ..writing import external_key, insert, update, upsert

Verb: TypeAlias = Callable[[Document], "tuple[str, bool | None]"]
"""From a record to its id, and whether it was made. Raises RowError."""


def guarded(verb: Verb) -> Verb:
    """A record that cannot be read is refused, and the others are not."""

    def work(record: Document) -> tuple[str, bool | None]:
        try:
            return verb(record)
        except WrongKindError as error:
            said = f"'{error.value}' is not a valid value for the type xsd:{error.kind}"
            raise RowError("INVALID_TYPE_ON_FIELD_IN_RECORD", said) from error
        except CallError as error:
            raise RowError(error.code, error.message) from error

    return work


def verb_of(org: Org, acting: Acting, told: Document, shape: ObjectShape) -> Verb:
    """told: of the job, its operation and where it wants one, its external id."""
    operation = told["operation"]

    def id_of(record: Document) -> str:
        given = record.pop("Id", None)
        row_id = whole(str(given or ""))
        if row_id is None or not row_id.startswith(shape.prefix):
            raise RowError("MALFORMED_ID", f"bad id {given}" if given else "Id not specified", ["Id"])
        return row_id

    def make(record: Document) -> tuple[str, bool | None]:
        return insert(org, acting, shape, record), True

    def change(record: Document) -> tuple[str, bool | None]:
        row_id = id_of(record)
        update(org, acting, shape, row_id, record)
        return row_id, False

    def remove(record: Document) -> tuple[str, bool | None]:
        row_id = id_of(record)
        delete(org, acting, shape, row_id, for_good=operation == "hardDelete")
        return row_id, False

    def put(record: Document) -> tuple[str, bool | None]:
        key = external_key(shape, str(told["externalIdFieldName"]))
        value = record.pop(key.name, None)
        if value is None and key.name != "Id":
            raise RowError("MISSING_ARGUMENT", f"{key.name} not specified", [key.name])
        return upsert(org, acting, shape, key, value, record)

    return {"insert": make, "update": change, "upsert": put}.get(operation, remove)
