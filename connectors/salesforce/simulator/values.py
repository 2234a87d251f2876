"""Values on their way in: from JSON or a cell of CSV to what is kept."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from ...simulating.tables import Stored
from .answers import RowError, WrongKindError
from .ids import whole
from .shapes import FieldShape, Kind

EXACT = Context(prec=60)
BIGGEST_INT = 2**31
EMAIL = re.compile(r"[^@\s,;<>()\"\\]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z]{2,}\Z")
TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d*)?)?Z?\Z")
TRUTH = {"true": 1, "false": 0, "1": 1, "0": 0}


def stored(field: FieldShape, value: Any) -> Stored:
    """Raises RowError for what the field does not take, CallError for what is not even of its kind."""
    if value is None:
        return None
    return READERS[field.kind](field, value)


def _text(field: FieldShape, value: Any) -> Stored:
    if not isinstance(value, str):
        raise WrongKindError("string", value)
    if "\x00" in value:
        value = value.replace("\x00", "")
    text = value.strip()
    if len(text) > field.length:
        shown = text[:255]
        raise RowError(
            "STRING_TOO_LONG",
            f"{field.label}: data value too large: {shown} (max length={field.length})",
            [field.name],
        )
    return text or None


def _picklist(field: FieldShape, value: Any) -> Stored:
    text = _text(field, value)
    if field.options is not None and text is not None and text not in field.options:
        raise _restricted(field, str(text))
    return text


def _restricted(field: FieldShape, text: str) -> RowError:
    said = f"{field.label}: bad value for restricted picklist field: {text}"
    return RowError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", said, [field.name])


def _picklists(field: FieldShape, value: Any) -> Stored:
    text = _text(field, value)
    if text is None:
        return None
    chosen = list(dict.fromkeys(each.strip() for each in str(text).split(";") if each.strip()))
    if field.options is not None:
        for each in chosen:
            if each not in field.options:
                raise _restricted(field, each)
    return ";".join(chosen) or None


def _email(field: FieldShape, value: Any) -> Stored:
    text = _text(field, value)
    if text is not None and not EMAIL.match(str(text)):
        raise RowError("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", [field.name])
    return text


def _id(field: FieldShape, value: Any) -> Stored:
    if not isinstance(value, str):
        raise WrongKindError("reference", value)
    if not value:
        return None
    found = whole(value)
    if found is None:
        raise RowError("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", [field.name])
    return found


def _boolean(field: FieldShape, value: Any) -> Stored:
    found = int(value) if isinstance(value, bool) else TRUTH.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise WrongKindError("boolean", value)
    return found


def _number_of(kind: str, value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str | float):
        raise WrongKindError(kind, value)
    if isinstance(value, str) and not value.strip():
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise WrongKindError(kind, value) from error
    if not number.is_finite():
        raise WrongKindError(kind, value)
    return number


def _int(field: FieldShape, value: Any) -> Stored:
    number = _number_of("int", value)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise WrongKindError("int", value)
    if not -BIGGEST_INT <= number < BIGGEST_INT and field.type == "int":
        raise _outside(field, number)
    return int(number)


def _outside(field: FieldShape, number: Decimal) -> RowError:
    said = f"{field.label}: value outside of valid range on numeric field: {number}"
    return RowError("NUMBER_OUTSIDE_VALID_RANGE", said, [field.name])


def _number(field: FieldShape, value: Any) -> Stored:
    number = _number_of("double", value)
    if number is None:
        return None
    if number.adjusted() >= field.digits - field.scale:
        raise _outside(field, number)
    return int(number.scaleb(field.scale, EXACT).to_integral_value(ROUND_HALF_UP))


@lru_cache(maxsize=8192)
def _day(text: str) -> str:
    return dt.date.fromisoformat(text).isoformat()


def _date(field: FieldShape, value: Any) -> Stored:
    if not isinstance(value, str):
        raise WrongKindError("date", value)
    if not value:
        return None
    try:
        return _day(value[:10] if value[10:11] == "T" else value)
    except ValueError as error:
        raise WrongKindError("date", value) from error


@lru_cache(maxsize=8192)
def instant(text: str) -> str:
    """As it is kept: UTC, whole seconds. Raises ValueError."""
    found = dt.datetime.fromisoformat(text)
    if found.tzinfo is None:
        if len(text) > len("2026-03-02"):
            raise ValueError(text)
        found = found.replace(tzinfo=dt.UTC)
    return kept_instant(found)


def kept_instant(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000")


def _datetime(field: FieldShape, value: Any) -> Stored:
    if not isinstance(value, str):
        raise WrongKindError("datetime", value)
    if not value:
        return None
    try:
        return instant(value)
    except (ValueError, OverflowError) as error:
        raise WrongKindError("datetime", value) from error


def _time(field: FieldShape, value: Any) -> Stored:
    found = TIME.match(value) if isinstance(value, str) else None
    if found is None:
        if value == "":
            return None
        raise WrongKindError("time", value)
    hour, minute, second, fraction = (each or "0" for each in found.groups())
    return f"{hour}:{minute}:{int(second):02d}.{fraction.ljust(3, '0')}"


def _body(field: FieldShape, value: Any) -> Stored:
    """Bytes, as a text of a character each: they are kept apart in a moment."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, str):
        raise WrongKindError("base64", value)
    try:
        return base64.b64decode(value, validate=True).decode("latin-1")
    except binascii.Error as error:
        raise RowError("INVALID_BASE64", f"{field.label}: not base64", [field.name]) from error


def _compound(field: FieldShape, value: Any) -> Stored:
    raise read_only(field.name)


def read_only(*names: str) -> RowError:
    return RowError(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this field and "
        "verify that it is read/write for your profile or permission set.",
        names,
    )


READERS: Mapping[Kind, Callable[[FieldShape, Any], Stored]] = {
    Kind.TEXT: _text,
    Kind.PICKLIST: _picklist,
    Kind.PICKLISTS: _picklists,
    Kind.EMAIL: _email,
    Kind.ID: _id,
    Kind.BOOLEAN: _boolean,
    Kind.INT: _int,
    Kind.NUMBER: _number,
    Kind.DATE: _date,
    Kind.DATETIME: _datetime,
    Kind.TIME: _time,
    Kind.BODY: _body,
    Kind.ADDRESS: _compound,
    Kind.LOCATION: _compound,
}
