"""`examples` of a mapping file: invented source records, and what must become of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Cell = str | int | bool | None


def cell_text(cell: Cell) -> str | None:
    """A cell as the text that stands in the file, whether YAML took it for a number or not."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell if cell is None else str(cell)


class RecordExample(BaseModel):
    """One example. name: what findings call it. from: source field -> cell; fields that are not named are null. to:
    target field -> expected cell, those that are to be compared; a reference as `MAPPING:KEY` or as our key of the
    parent. rejected: the code for which the record is refused. filtered: `where` leaves it out. people: source cell ->
    the target's key of that person, null for somebody unknown; departments: the same of departments."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Annotated[str, Field(min_length=1)] | None = None
    from_: Annotated[dict[str, Cell], Field(alias="from", min_length=1)]
    to: Annotated[dict[str, Cell], Field(min_length=1)] | None = None
    rejected: str | None = None
    filtered: bool = False
    people: dict[str, Cell] = {}
    departments: dict[str, Cell] = {}

    @model_validator(mode="after")
    def _has_one_outcome(self) -> RecordExample:
        if [self.to is not None, self.rejected is not None, self.filtered].count(True) != 1:
            raise PydanticCustomError("mapping.example_form", "example_form")
        return self
