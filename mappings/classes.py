"""Data classes of fields, as the project declares them: what each means, and how far cells of it are ever shown."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Masked(StrEnum):
    """How cells are shown. always: only their shape, whatever is asked. default: their shape, or as they are where
    somebody asks for values. never: as they are."""

    ALWAYS = "always"
    DEFAULT = "default"
    NEVER = "never"


STRICTEST = (Masked.ALWAYS, Masked.DEFAULT, Masked.NEVER)
"""Where several are said of one cell, the first of these counts."""


class DataClass(BaseModel):
    """One entry of `classes`: what of the data belongs to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    means: Annotated[str, Field(min_length=1)]
    masked: Masked = Masked.DEFAULT

    @model_validator(mode="before")
    @classmethod
    def _by_meaning(cls, value: object) -> object:
        return {"means": value} if isinstance(value, str) else value
