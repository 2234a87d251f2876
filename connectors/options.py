"""Options of a connection, held against what its connector knows of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from .errors import InputError
from .nearest import nearest

Model = TypeVar("Model", bound=BaseModel)


def checked(model: type[Model], given: Mapping[str, object], connection: str) -> Model:
    """The options of this connection. Raises InputError `option.unknown` or `option.value`."""
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = nearest(str(first["loc"][-1]), names_in(model))
        raise InputError("option.unknown", connection=connection, option=path, near=near)
    raise InputError("option.value", connection=connection, option=path, reason=first["msg"])


def names_in(model: type[BaseModel]) -> list[str]:
    """The options that there are, as a project writes them."""
    return [field.alias or name for name, field in model.model_fields.items()]
