"""What a rule may say of the record that it refers to: the mapping that makes it, or several, told apart by record."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from .condition import Strict

Makers: TypeAlias = Annotated[dict[str, str], Field(min_length=1)]


class Kinds(Strict):
    """A reference to records of several kinds. by, of: the source field that says the kind, and its cell -> the
    mapping that makes the parent. prefix: instead of them, how the key itself begins -> the mapping."""

    by: str | None = None
    of: Makers | None = None
    prefix: Makers | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Kinds:
        if (self.by is None) != (self.of is None) or (self.of is None) == (self.prefix is None):
            raise PydanticCustomError("mapping.reference_form", "reference_form")
        return self

    @property
    def told(self) -> tuple[str, Makers]:
        """The key under which the mappings stand, and kind -> mapping."""
        return ("of", self.of) if self.of is not None else ("prefix", self.prefix or {})


def _form(value: object) -> str:
    return "several" if isinstance(value, dict | Kinds) else "one"


Reference: TypeAlias = Annotated[Annotated[str, Tag("one")] | Annotated[Kinds, Tag("several")], Discriminator(_form)]
"""The name of a mapping, or kinds with one each."""
