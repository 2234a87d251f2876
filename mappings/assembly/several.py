"""Two records of one contributor that have one key: what a mapping may say of them."""

from __future__ import annotations

from typing import Literal

from pydantic_core import PydanticCustomError

from ..condition import Strict


def long_form(value: object) -> object:
    """`holds`, `{first: FIELD}` or `{last: FIELD}`."""
    if value == "holds":
        return {"kind": value}
    if isinstance(value, dict) and len(value) == 1 and isinstance(field := next(iter(value.values())), str):
        return {"kind": next(iter(value)), "by": field}
    raise PydanticCustomError("mapping.several_form", "several_form")


class Several(Strict):
    """What becomes of two records of one contributor that have one key: the record waits for a decision, or the first
    or last of them by a field is taken."""

    kind: Literal["holds", "first", "last"] = "holds"
    by: str | None = None
