"""Life states of source records: in approval, locked, deleted into a bin. What becomes of each is said, or it is
refused; none of them is made normal without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ..connectors.finding import Finding, Severity
from .condition import CompiledConditions, Conditions, Literally, Strict
from .mapped import MappedChunk

REFUSE, LEAVE, NORMAL, SET = "refuse", "leave", "normal", "set"
Marks = npt.NDArray[np.bool_]


class Becomes(Strict):
    """What becomes of records of a state. reason: why they are made normal. fields: target field -> the value that
    shows the state there."""

    kind: Literal["refuse", "leave", "normal", "set"]
    reason: Annotated[str | None, Field(min_length=1)] = None
    fields: dict[str, Literally] = Field(default_factory=dict)


def _becomes(value: object) -> object:
    """`refuse`, `leave`, `{normal: why}` or `{set: {field: value}}`."""
    if value in (REFUSE, LEAVE):
        return {"kind": value}
    if (
        isinstance(value, dict)
        and value.keys() == {NORMAL}
        and isinstance(value[NORMAL], str)
        and value[NORMAL].strip()
    ):
        return {"kind": NORMAL, "reason": value[NORMAL]}
    if isinstance(value, dict) and value.keys() == {SET} and isinstance(value[SET], dict) and value[SET]:
        return {"kind": SET, "fields": value[SET]}
    raise PydanticCustomError("mapping.life_form", "life_form")


class LifeState(Strict):
    """One state: which records are in it, and what becomes of them."""

    when: Conditions
    then: Annotated[Becomes, BeforeValidator(_becomes)]


@dataclass(frozen=True, slots=True)
class CompiledState:
    """values: target field -> typed value, where the state is shown there. line: where it stands in the file."""

    name: str
    when: CompiledConditions
    then: Becomes
    values: Mapping[str, pa.Scalar]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Lives:
    """The states of some records. places: which state each is in, -1 for none; of several the first counts. untold:
    records of which that cannot be told."""

    states: tuple[CompiledState, ...]
    places: npt.NDArray[np.int64]
    untold: Marks

    def of(self, kind: str) -> Marks:
        """The records to which that happens."""
        wanted = [place for place, state in enumerate(self.states) if state.then.kind == kind]
        return np.isin(self.places, wanted)

    def names(self, kind: str) -> pa.StringArray:
        """The states of the records to which that happens, null for the others."""
        names = pa.array([each.name for each in self.states], pa.string()).take(pa.array(np.maximum(self.places, 0)))
        return pc.if_else(pa.array(self.of(kind)), names, pa.scalar(None, pa.string()))

    def kept(self, rows: Marks) -> Lives:
        return Lives(self.states, self.places[rows], self.untold[rows])

    def put(self, mapped: MappedChunk) -> None:
        """Say it of mapped records, a row each of these."""
        for place, state in enumerate(self.states):
            rows = self.places == place
            if not rows.any():
                continue
            mapped.lives[state.name, state.then.kind] += int(rows.sum())
            if state.then.kind == REFUSE:
                self._refuse(mapped, "life.refused", rows, state)
            for name, value in state.values.items():
                column = pa.array(mapped.frame[name])
                shown = pc.if_else(pa.array(rows), value, column)
                mapped.frame[name] = pd.Series(pd.arrays.ArrowExtensionArray(shown), copy=False)
                mapped.misfits = [each for each in mapped.misfits if not (each.field == name and rows[each.row])]
        if self.untold.any():
            self._refuse(mapped, "life.untold", self.untold, self.states[0])

    def _refuse(self, mapped: MappedChunk, code: str, rows: Marks, state: CompiledState) -> None:
        for row in np.flatnonzero(rows).tolist():
            mapped.refused[row] = Finding(
                code,
                Severity.BLOCKS,
                {"state": state.name},
                object=mapped.source_object,
                key=mapped.source_keys[row],
                mapping=mapped.mapping,
                file=state.file,
                line=state.line,
            )


def lives_of(states: Sequence[CompiledState], columns: Mapping[str, pa.Array], count: int) -> Lives:
    """Which state each of the records is in."""
    places, untold = np.full(count, -1), np.zeros(count, dtype=bool)
    for place, state in enumerate(states):
        met = state.when.met(columns, count)
        undecided = (places < 0) & ~untold
        untold |= undecided & met.is_null().to_numpy(zero_copy_only=False)
        places[undecided & pc.fill_null(met, False).to_numpy(zero_copy_only=False)] = place
    return Lives(tuple(states), places, untold)
