"""Finds the transforms, checks what a mapping asks of one, and applies it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, get_type_hints

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from ..connectors.errors import InputError
from . import transforms
from .examples import Example

_PROBE = (None, "", "a", "1")


class WrongArgumentError(Exception):
    """A mapping gives a transform arguments that it does not take. problems: one text each, in English."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Transform:
    """One named transform. summary: what it does. parameters: argument -> whether it must be given. joins: it makes one
    column of several. alone: it does so of a single one too. examples: see `transforms`. digest: of the file that it
    comes from, where that is the project's."""

    name: str
    summary: str
    parameters: Mapping[str, bool]
    joins: bool
    alone: bool
    examples: tuple[Example, ...]
    digest: str
    _function: Callable[..., Any]
    _model: type[BaseModel]

    def bind(self, arguments: Mapping[str, object], columns: int = 1) -> BoundTransform:
        """The transform with its arguments, for so many columns. Raises WrongArgumentError."""
        try:
            checked = self._model.model_validate(dict(arguments), strict=True)
        except ValidationError as error:
            raise WrongArgumentError([self._problem(each) for each in error.errors(include_url=False)]) from error
        bound = BoundTransform(self, {name: getattr(checked, name) for name in checked.model_fields_set})
        probe = pa.array(_PROBE, pa.string())
        try:
            bound(*[probe] * (columns if self.joins else 1))
        except (ValueError, pa.ArrowException) as error:  # the arguments, since no cell of the probe is at fault
            raise WrongArgumentError([str(error)]) from error
        except InputError as error:  # one of the project's own
            told = error.__cause__ or error
            raise WrongArgumentError([f"{type(told).__name__}: {told}"]) from error
        return bound

    def _problem(self, error: ErrorDetails) -> str:
        place = ".".join(map(str, error["loc"]))
        if error["type"] != "extra_forbidden" or len(error["loc"]) > 1:
            return f"{place}: {error['msg']}"
        return f"{place} is none of its arguments ({', '.join(self.parameters) or 'it has none'})"


@dataclass(frozen=True, slots=True)
class BoundTransform:
    """A transform with its arguments: text columns of one length to one text column of that length."""

    transform: Transform
    arguments: Mapping[str, object]

    def __call__(self, *columns: pa.StringArray) -> pa.StringArray:
        result = self.transform._function(*columns, **self.arguments)
        return result.combine_chunks() if isinstance(result, pa.ChunkedArray) else result


@cache
def available() -> dict[str, Transform]:
    """Every transform by name: each module of `transforms` is one."""
    names = sorted(module.name for module in pkgutil.iter_modules(transforms.__path__))
    return {name: _read(name, importlib.import_module(f"{transforms.__name__}.{name}")) for name in names}


def _read(name: str, module: ModuleType) -> Transform:
    return make_transform(name, module.transform, inspect.getdoc(module) or "", tuple(module.EXAMPLES))


def make_transform(
    name: str, function: Callable[..., Any], summary: str, examples: tuple[Example, ...], digest: str = ""
) -> Transform:
    """The transform that this function is."""
    hints = get_type_hints(function)
    parameters = inspect.signature(function).parameters.values()
    named = [each for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
    fields: dict[str, Any] = {
        each.name: (hints[each.name], ... if each.default is inspect.Parameter.empty else each.default)
        for each in named
    }
    return Transform(
        name=name,
        summary=summary,
        parameters={each.name: each.default is inspect.Parameter.empty for each in named},
        joins=any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters),
        alone=any(each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for each in parameters),
        examples=examples,
        digest=digest,
        _function=function,
        _model=create_model(name, __config__=ConfigDict(extra="forbid", arbitrary_types_allowed=True), **fields),
    )
