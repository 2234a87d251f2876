"""What a rule may say of people besides that they are: several in one cell, and what becomes of those who left."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from .condition import Strict, filled
from .transforms.multi import SEPARATORS

Separator: TypeAlias = Annotated[str, Field(min_length=1)]


class PeopleRule(Strict):
    """separator: what parts the people of one cell in the target; without it a cell is one person. separators: what
    parts them in the source. gone: whether somebody takes over from those who are not found or left, or nobody does:
    then a cell of several goes without them, and of one `outside` decides."""

    separator: Separator | None = None
    separators: Annotated[tuple[Separator, ...], BeforeValidator(filled)] = tuple(SEPARATORS)
    gone: Literal["replace", "drop"] = "replace"

    @model_validator(mode="after")
    def _says_something(self) -> PeopleRule:
        if not self.model_fields_set or (self.separator is None and "separators" in self.model_fields_set):
            raise PydanticCustomError("mapping.people_form", "people_form")
        return self


def _form(value: object) -> str:
    return "told" if isinstance(value, dict | PeopleRule) else "plain"


PeopleOfRule: TypeAlias = Annotated[
    Annotated[bool, Tag("plain")] | Annotated[PeopleRule, Tag("told")], Discriminator(_form)
]
"""`true`, or more than that."""
