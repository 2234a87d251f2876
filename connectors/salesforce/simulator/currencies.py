"""An org of several currencies: what each is worth, and the field that says in which one a record's amounts are."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from ...errors import InputError
from .answers import Document
from .described import field_documents, written_out
from .settings import Settings

CODE, KIND = "CurrencyIsoCode", "CurrencyType"
CORPORATE = "CNY"
KINDS: Mapping[str, Any] = {
    "prefix": "01L",
    "read_only": True,
    "without": ["IsDeleted"],
    "fields": {
        "IsoCode": {"type": "picklist", "required": True, "name": True},
        "ConversionRate": {"type": "double", "precision": 18, "scale": 6, "required": True},
        "DecimalPlaces": {"type": "int", "required": True},
        "IsActive": {"type": "boolean"},
        "IsCorporate": {"type": "boolean"},
    },
}


def rates(settings: Settings, told: Mapping[str, Any]) -> Mapping[str, Decimal]:
    """Currency -> how many of it are one of the corporate currency, that one first; {} where the org has but one.
    told: the org's folder. Raises InputError `simulator.setting_value`."""
    wanted = settings.named("currencies")
    if not wanted:
        return {}
    found = {str((told.get("organization") or {}).get("DefaultCurrencyIsoCode") or CORPORATE): Decimal(1)}
    for each in wanted:
        code, _, rate = each.partition("=")
        try:
            found[code.strip()] = Decimal(rate)
        except InvalidOperation as error:
            raise InputError("simulator.setting_value", name="currencies", expected="USD=0.14") from error
    if any(not each.is_finite() or each <= 0 for each in found.values()):
        raise InputError("simulator.setting_value", name="currencies", expected="USD=0.14")
    return found


def put_in(documents: dict[str, Document], places: dict[str, str], rates: Mapping[str, Decimal]) -> None:
    """The field into each object whose records have owners or amounts."""
    corporate = next(iter(rates))
    short = {"type": "picklist", "length": 3, "values": [*rates], "restricted": True, "default": corporate}
    for document in documents.values():
        told = document["fields"]
        owned = any(each["name"] == "OwnerId" or each.get("type") == "currency" for each in told)
        if document.get("createable") and owned and all(each["name"] != CODE for each in told):
            told += field_documents(CODE, {**short, "label": "Currency ISO Code"})
    places[KIND], documents[KIND] = "shipped", written_out(KIND, KINDS)
