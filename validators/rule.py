"""What a rule is, and how the shipped ones are found.

A rule is one module in `validators/rules/`: a pure judgement of one whole column, with its meaning in its docstring
and its passing and failing cells in `tests/validators/cases/`. A new file there is found by looking; nothing else is
edited.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Protocol, cast

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from ..connectors.schema import Field
from ..mappings.mapped import Misfit
from .limits import Column
from .seen import SeenValues


class Stage(StrEnum):
    """When a rule is asked.

    CELLS: implied by the target's schema, needs nothing but the column. DECLARED: only where the mapping's `expect`
    names it. CLAIMS: implied, asked after all others, because a record that is rejected anyway must hold no value.
    ANSWERS: asked once the loader knows which parents are there.
    """

    CELLS = "cells"
    DECLARED = "declared"
    CLAIMS = "claims"
    ANSWERS = "answers"


@dataclass(frozen=True, slots=True)
class Failure:
    """One cell that a rule does not accept. row: position in the column. params: what the code's text needs besides
    `field`. sample: the offending text where the column no longer holds it (a misfit's cell is null there)."""

    row: int
    code: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    sample: str | None = None


class Arguments(BaseModel):
    """What a declared rule reads its arguments with. column: the mapped target field it judges."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)

    column: str

    def unfit(self, field: Field) -> str | None:
        """The argument that does not fit a field of this type, None where all do."""
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """One column of a mapped chunk, and what a rule may know besides.

    values: typed by `cell.arrow_type(field)`; a REFERENCE column holds our keys of the parents. misfits: those of this
    column. arguments: a declared rule's own. object, our_keys, blocked, seen:
    for CLAIMS: the target object, our key a row, the rows rejected already, and the index of values. orphans: for
    ANSWERS, true where the parent is not there and never will be.
    """

    values: Column
    field: Field
    misfits: Sequence[Misfit] = ()
    arguments: Arguments | None = None
    object: str = ""
    our_keys: Sequence[str] = ()
    blocked: frozenset[int] = frozenset()
    seen: SeenValues | None = None
    orphans: pa.BooleanArray | None = None


class Rule(Protocol):
    """A module of `validators/rules/`."""

    stage: Stage

    def applies(self, field: Field) -> bool:
        """Whether the rule has anything to say of this target field."""

    def failing(self, cells: Cells) -> list[Failure]:
        """The cells that are not accepted, by row. Never raises because of what a cell holds."""


class DeclaredRule(Rule, Protocol):
    """A rule that the mapping's `expect` asks for by `name`."""

    name: str
    Arguments: type[Arguments]


@cache
def rules(stage: Stage) -> tuple[Rule, ...]:
    """Every rule of this stage, in the order of their files' names."""
    from . import rules as package

    modules = [import_module(f"{package.__name__}.{each.name}") for each in pkgutil.iter_modules(package.__path__)]
    return tuple(cast(Rule, module) for module in modules if cast(Rule, module).stage is stage)


def declared_rules() -> dict[str, DeclaredRule]:
    """The rules that `expect` may name, by name."""
    return {rule.name: rule for rule in cast(tuple[DeclaredRule, ...], rules(Stage.DECLARED))}


def rows(mask: pa.BooleanArray) -> list[int]:
    """The positions where the mask is true; null counts as false."""
    return cast(list[int], pc.indices_nonzero(mask).to_pylist())


def failures(mask: pa.BooleanArray, code: str, **params: str | int) -> list[Failure]:
    """A failure for every true position of the mask, all for the same cause."""
    return [Failure(row, code, params) for row in rows(mask)]


def by_row(found: Iterable[Failure]) -> list[Failure]:
    """The failures in the order of their rows; those of one row keep their order."""
    return sorted(found, key=lambda failure: failure.row)
