"""Declared expectations of Great Expectations, asked of every mapped chunk.

Importing it takes seconds, so this module is imported only for a mapping that declares one, and Great Expectations
itself only when the first is prepared. Its results hold cells' values: they become Findings here and are dropped.

Columns are handed over as plain Python objects (text, Decimal, date, datetime), because on Arrow columns some of its
checks compare by float; its models turn every number of a mapping into a float too, so where the column is not FLOAT
the argument goes round them as a Decimal.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from ..connectors.errors import InputError
from ..connectors.finding import Severity
from ..connectors.nearest import nearest
from ..connectors.schema import Field, FieldType
from ..mappings.language import Expectation
from .limits import NUMBERS, TIMES, Column, limit
from .refused import GREAT, Cause, Refused, known_column, unknown_expectation

if TYPE_CHECKING:
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.expectations.expectation import Expectation as Declared

_OF_OTHERS = (
    "expect_column_values_to_be_unique",
    "expect_column_values_to_be_increasing",
    "expect_column_values_to_be_decreasing",
    "expect_column_values_to_not_be_outliers",
    "expect_column_value_z_scores_to_be_less_than",
    "expect_compound_columns_to_be_unique",
)
"""They judge a record by the others of its chunk, and a chunk is an accident of size."""

_OF_STORAGE = ("expect_column_values_to_be_of_type", "expect_column_values_to_be_in_type_list")
"""They judge how a frame stores a column, not what a record holds; the target's schema has typed it already."""

_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list")
_NOT_OF_A_RECORD = ("batch_id", "mostly", "row_condition", "condition_parser", "windows")


@dataclass(frozen=True, slots=True)
class RecordExpectation:
    """An expectation that judges each record by itself, ready to be asked."""

    declared: Expectation
    severity: Severity
    fields: tuple[Field, ...]
    asked: Declared


def expectation_names() -> list[str]:
    """Every expectation that Great Expectations knows, by its snake_case name."""
    _batches()
    from great_expectations.expectations import registry

    return sorted(name for name in registry.list_registered_expectation_implementations() if name.startswith(GREAT))


def record_expectation(
    each: Expectation,
    arguments: Mapping[str, object],
    severity: Severity,
    fields: Mapping[str, Field],
) -> RecordExpectation:
    """Make one ready. Raises Refused where the name, a column or an argument is wrong, and where it cannot judge a
    single record."""
    known = expectation_names()
    if each.name not in known:
        raise unknown_expectation(each.name, known)
    kind = _record_class(each.name)
    _check_argument_names(each.name, kind, arguments)
    columns = _columns(arguments)
    judged = tuple(known_column(each.name, column, fields) for column in columns)
    asked = _construct(each.name, kind, arguments, judged)
    return RecordExpectation(each, severity, judged, asked)


def unexpected_rows(ready: Sequence[RecordExpectation], columns: Mapping[str, Column], mapping: str) -> list[list[int]]:
    """For each expectation the rows that do not meet it.

    columns: the mapped chunk's, by target field, typed by `cell.arrow_type`. Raises InputError `expectation.broken`
    where a check broke instead of judging."""
    needed = dict.fromkeys(field.name for each in ready for field in each.fields)
    frame = pd.DataFrame({name: pd.Series(columns[name].to_pylist(), dtype=object) for name in needed})
    found = []
    for each, (rows, broke) in zip(ready, _ask(ready, frame), strict=True):
        if broke:
            # The message may quote a cell; the exception's name may not.
            problem = broke.partition(":")[0]
            raise InputError("expectation.broken", expectation=each.declared.name, mapping=mapping, problem=problem)
        found.append(rows)
    return found


def _ask(ready: Sequence[RecordExpectation], frame: pd.DataFrame) -> list[tuple[list[int], str]]:
    """For each expectation the rows that fail and, where it broke, the exception as `Name: message`."""
    batches = _batches()
    from great_expectations import ExpectationSuite

    # Results come in an order of their own, and of two equal expectations only one would.
    asked = [each.asked.copy(update={"meta": {"place": place}}) for place, each in enumerate(ready)]
    with _quiet():
        suite = ExpectationSuite("expect", asked)
        batch = batches.get_batch({"dataframe": frame})
        results = batch.validate(suite, result_format={"result_format": "COMPLETE"}).results
    answers = {}
    for each in results:
        rows = sorted(each.result.get("unexpected_index_list") or [])
        answers[cast(Any, each.expectation_config).meta["place"]] = (rows, _broke(each.exception_info))
    return [answers[place] for place in range(len(ready))]


def _broke(info: Mapping[str, Any]) -> str:
    """The exception behind a check without an answer, empty where it has one. `info` is flat, or one entry a metric."""
    entries = [info] if "raised_exception" in info else list(info.values())
    for entry in entries:
        if entry.get("raised_exception"):
            return f"{_cause_name(str(entry.get('exception_traceback')))}: {entry.get('exception_message')}"
    return ""


def _cause_name(traceback: str) -> str:
    """The class of the first exception of the chain: what was raised before Great Expectations wrapped it."""
    raised = re.findall(r"^((?:\w+\.)*\w*(?:Error|Exception|Warning))\b", traceback, re.MULTILINE)
    return str(raised[0]).rpartition(".")[2] if raised else "Exception"


def _record_class(name: str) -> type[Declared]:
    from great_expectations.expectations import registry
    from great_expectations.expectations.expectation import (
        ColumnMapExpectation,
        ColumnPairMapExpectation,
        MulticolumnMapExpectation,
    )

    kind = registry.get_expectation_impl(name)
    if not issubclass(kind, ColumnMapExpectation | ColumnPairMapExpectation | MulticolumnMapExpectation):
        raise Refused(("expectation.of_the_whole", {"expectation": name}))
    if name in _OF_OTHERS:
        raise Refused(("expectation.of_others", {"expectation": name}))
    if name in _OF_STORAGE:
        raise Refused(("expectation.of_storage", {"expectation": name}))
    return cast("type[Declared]", kind)


def _check_argument_names(name: str, kind: type[Declared], arguments: Mapping[str, object]) -> None:
    keys = {*_COLUMN_ARGUMENTS, *kind.domain_keys, *kind.success_keys} & set(kind.__fields__)
    known = sorted(keys - set(_NOT_OF_A_RECORD))
    causes: list[Cause] = []
    for argument in arguments:
        told = {"expectation": name, "argument": argument}
        if argument in _NOT_OF_A_RECORD:
            causes.append(("expectation.argument_of_the_whole", told))
        elif argument not in known:
            causes.append(("expectation.argument_unknown", told | {"nearest": nearest(argument, known)}))
    if causes:
        raise Refused(*causes)


def _columns(arguments: Mapping[str, object]) -> list[object]:
    columns: list[object] = []
    for name in _COLUMN_ARGUMENTS:
        given = arguments.get(name)
        columns += given if isinstance(given, list | tuple) else [] if given is None else [given]
    return list(dict.fromkeys(columns))


def _construct(name: str, kind: type[Declared], arguments: Mapping[str, object], fields: Sequence[Field]) -> Declared:
    from great_expectations.compatibility.pydantic import ValidationError

    try:
        with _quiet():
            read = kind.parse_obj(dict(arguments))
    except ValidationError as error:
        raise Refused(*_causes(name, arguments, error.errors())) from None
    except (TypeError, ValueError) as error:
        told = {"expectation": name, "argument": ", ".join(arguments), "problem": str(error)}
        raise Refused(("expectation.argument_wrong", told)) from None
    told = {argument: getattr(read, argument) for argument in arguments}
    exact = told | _typed_values(name, told, fields)
    if not any(field.type is FieldType.FLOAT for field in fields):
        exact |= {argument: _exact(arguments[argument], value) for argument, value in exact.items()}
    return read if exact == told else _loosened(kind).parse_obj(exact)  # type: ignore[arg-type]  # Any to mypy


def _typed_values(name: str, told: Mapping[str, object], fields: Sequence[Field]) -> dict[str, object]:
    """The values that a column is compared with, as the column holds them: YAML has decimals and times as text."""
    typed: dict[str, object] = {}
    try:
        if isinstance(values := told.get("value_set"), list | tuple):
            typed["value_set"] = [_as_held(value, fields[0]) for value in values]
        if isinstance(pairs := told.get("value_pairs_set"), list | tuple):
            sides = (fields[0], fields[-1])
            typed["value_pairs_set"] = [
                tuple(_as_held(value, side) for value, side in zip(pair, sides, strict=True)) for pair in pairs
            ]
    except (TypeError, ValueError) as error:
        argument = "value_set" if "value_set" in told else "value_pairs_set"
        raise Refused(
            ("expectation.argument_wrong", {"expectation": name, "argument": argument, "problem": str(error)})
        ) from None
    return typed


def _as_held(value: object, field: Field) -> object:
    if field.type not in NUMBERS + TIMES or not isinstance(value, str | int | float | Decimal | dt.date):
        return value
    held = limit(value, field.type)
    return float(value) if field.type is FieldType.FLOAT and not isinstance(value, dt.date) else held


def _exact(written: object, read: object) -> object:
    """A number that was read as a float, as the decimal that the mapping wrote."""
    return Decimal(str(written)) if isinstance(read, float) else read


@cache
def _loosened(kind: type[Declared]) -> type[Declared]:
    """The same expectation with arguments of any type, so that a Decimal stays one."""
    arguments = [key for key in kind.success_keys if key in kind.__fields__ and key not in _NOT_OF_A_RECORD]
    body = {
        "__module__": __name__,
        "__doc__": kind.__doc__,
        "__annotations__": dict.fromkeys(arguments, Any),
        **{key: kind.__fields__[key].default for key in arguments},
    }
    made: type[Declared] = type(kind)(f"Exact{kind.__name__}", (kind,), body)  # type: ignore[misc]
    return made


def _causes(name: str, given: Mapping[str, object], errors: Sequence[Mapping[str, Any]]) -> list[Cause]:
    causes: dict[str, Cause] = {}
    # An argument that could not be read is missing to the model as a whole; that is no second problem.
    of_arguments = [each for each in errors if each["loc"] != ("__root__",)]
    for each in of_arguments or errors:
        argument = ", ".join(str(part) for part in each["loc"] if part != "__root__") or ", ".join(given)
        told: dict[str, str | int] = {"expectation": name, "argument": argument}
        if each["type"] == "value_error.missing":
            causes.setdefault(argument, ("expectation.argument_missing", told))
        else:
            causes.setdefault(argument, ("expectation.argument_wrong", told | {"problem": each["msg"]}))
    return list(causes.values())


def try_out(ready: Sequence[RecordExpectation]) -> list[Cause | None]:
    """Why each breaks on a typical record of its columns, None where it does not; all in one call, which is quicker."""
    fields = {field.name: field for each in ready for field in each.fields}
    typical = pd.DataFrame({name: pd.Series([_TYPICAL[field.type]], dtype=object) for name, field in fields.items()})
    return [
        ("expectation.breaks", {"expectation": each.declared.name, "problem": broke}) if broke else None
        for each, (_, broke) in zip(ready, _ask(ready, typical), strict=True)
    ]


_TYPICAL: Mapping[FieldType, object] = {
    FieldType.TEXT: "0",
    FieldType.CHOICE: "0",
    FieldType.REFERENCE: "0",
    FieldType.INTEGER: 0,
    FieldType.DECIMAL: Decimal(0),
    FieldType.FLOAT: 0.0,
    FieldType.BOOLEAN: False,
    FieldType.DATE: dt.date(2000, 1, 1),
    FieldType.INSTANT: dt.datetime(2000, 1, 1, tzinfo=dt.UTC),
    FieldType.LOCAL_TIME: dt.datetime(2000, 1, 1),  # noqa: DTZ001 - a wall clock's reading has no zone
    FieldType.BINARY: b"0",
}


@cache
def _batches() -> BatchDefinition[Any]:
    """Where frames are handed in: an ephemeral context, which writes nothing, asks nobody and shows no progress."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # What it logs quotes cells.
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    with _quiet():
        import great_expectations as gx
        from great_expectations import util
        from great_expectations.data_context.types.base import ProgressBarsConfig

        # For each Decimal it reads the sources of the whole stack, 4 to 20 ms, to see whether its own profiler called.
        util.stack = list
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("mapped").add_dataframe_asset("chunk")
        return asset.add_batch_definition_whole_dataframe("whole")


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
