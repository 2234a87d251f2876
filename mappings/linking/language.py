"""What the project says of addresses: how those of old records look, whose records they lead to, and what those of the
new ones are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias
from urllib.parse import quote

from pydantic import AfterValidator, Discriminator, Tag, model_validator
from pydantic_core import PydanticCustomError

from ..condition import Strict
from ..reference import Kinds, Reference

KEY: Final = "{key}"
OBJECT: Final = "{object}"
REST: Final = "*"
"""At the end of an address: whatever else belongs to it goes with it."""

_FORM = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^\s/?#{}*\"'<>]+))?(?P<path>[/?#][^\s{}*\"'<>]*)"
)


class OldAddress(Strict):
    """One form of addresses. address: with `{key}` where the record's own key stands. reference: the mapping that makes
    the record, or several, told apart by how the key begins."""

    address: str
    reference: Reference

    @model_validator(mode="after")
    def _can_be(self) -> OldAddress:
        if (
            self.address.count(KEY) != 1
            or _FORM.fullmatch(self.parts[0]) is None
            or re.search(r"[\s{}*\"'<>]", self.end)
        ):
            raise PydanticCustomError("linking.address_form", "address_form", {"address": self.address})
        if isinstance(self.reference, Kinds) and self.reference.prefix is None:
            raise PydanticCustomError("linking.kinds_form", "kinds_form", {"address": self.address})
        return self

    @property
    def parts(self) -> tuple[str, str]:
        """What stands before the key and behind it, without the star."""
        before, _, behind = self.address.partition(KEY)
        return before, behind.removesuffix(REST)

    @property
    def end(self) -> str:
        return self.parts[1]

    @property
    def takes_rest(self) -> bool:
        return self.address.endswith(REST)

    @property
    def place(self) -> tuple[str, str, str]:
        """Scheme and host, empty where the address has none, and what follows up to the key."""
        found = _FORM.fullmatch(self.parts[0])
        return ("", "", "") if found is None else (found["scheme"] or "", found["host"] or "", found["path"])

    @property
    def makers(self) -> dict[str, str]:
        """How the key begins -> the mapping; empty text where it does not matter."""
        return {"": self.reference} if isinstance(self.reference, str) else dict(self.reference.prefix or {})


def _new(address: str) -> str:
    rest = address.replace(OBJECT, "").replace(KEY, "", 1)
    if KEY not in address or re.search(r"[\s{}\"'<>]", rest):
        raise PydanticCustomError("linking.record_url_form", "record_url_form", {"address": address})
    return address


def _form(value: object) -> str:
    return "each" if isinstance(value, dict) else "all"


_New = Annotated[str, AfterValidator(_new)]
RecordUrl: TypeAlias = Annotated[
    Annotated[_New, Tag("all")] | Annotated[dict[str, _New], Tag("each")], Discriminator(_form)
]
"""The address of a new record, with `{key}` and, where it serves for all objects, `{object}`; or one an object."""


@dataclass(frozen=True, slots=True)
class Links:
    """old: the forms of addresses of old records. new: the addresses of new ones, as far as the project says them."""

    old: tuple[OldAddress, ...] = ()
    new: str | dict[str, str] | None = None

    def address(self, object_name: str, key: str) -> str | None:
        """Of a record of the target; None where the project does not say it."""
        form = self.new.get(object_name) if isinstance(self.new, dict) else self.new
        return (
            None
            if form is None
            else form.replace(OBJECT, quote(object_name, safe="")).replace(KEY, quote(key, safe=""))
        )


NONE: Final = Links()
