"""What a mapping's `expect` declares, checked before any record moves.

Two kinds of name: our own rules (`matches`, `between`), which work on Arrow columns and are exact and fast, and
`expect_...`, an expectation of Great Expectations that judges record by record. `severity: warns` beside the other
arguments makes a failing record a warning; without it the record is rejected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ..connectors.finding import Finding, Severity
from ..connectors.nearest import nearest
from ..connectors.schema import Field
from ..mappings.language import Expectation
from .refused import GREAT, Cause, Refused, known_column, unknown_expectation
from .rule import Arguments, DeclaredRule, declared_rules

if TYPE_CHECKING:
    from .expectations import RecordExpectation

_SEVERITIES = (str(Severity.BLOCKS), str(Severity.WARNS))


@dataclass(frozen=True, slots=True)
class DeclaredCheck:
    """One of our own rules, ready to be asked of `field`'s column."""

    rule: DeclaredRule
    arguments: Arguments
    field: Field
    declared: Expectation
    severity: Severity


@dataclass(frozen=True, slots=True)
class Prepared:
    """What could be made of a mapping's expectations; `problems` are those that cannot be used."""

    checks: tuple[DeclaredCheck, ...] = ()
    great: tuple[RecordExpectation, ...] = ()
    problems: tuple[Finding, ...] = ()


def check_expectations(
    expectations: Sequence[Expectation], fields: Sequence[Field], mapping: str | None = None
) -> list[Finding]:
    """Every problem of a mapping's expectations, BLOCKS, with file and line: unknown names, columns and arguments with
    the nearest right word, expectations that cannot judge a single record, and such as break on a typical one.

    fields: the mapped target fields. Great Expectations is imported only if one of its names is declared."""
    return list(prepare(expectations, fields, mapping).problems)


def prepare(
    expectations: Sequence[Expectation], fields: Sequence[Field], mapping: str | None = None, *, try_out: bool = True
) -> Prepared:
    """As `check_expectations`, with what is ready to be asked. try_out: ask them once of a typical record."""
    by_name = {field.name: field for field in fields}
    checks: list[DeclaredCheck] = []
    great: dict[int, RecordExpectation] = {}
    causes: dict[int, Sequence[Cause]] = {}
    for place, each in enumerate(expectations):
        try:
            arguments, severity = _without_severity(each)
            if each.name.startswith(GREAT):
                from .expectations import record_expectation

                great[place] = record_expectation(each, arguments, severity, by_name)
            else:
                checks.append(_declared_check(each, arguments, severity, by_name))
        except Refused as refused:
            causes[place] = refused.causes
    if try_out and great:
        from . import expectations as of_great

        told = zip(list(great), of_great.try_out(list(great.values())), strict=True)
        causes |= {place: [cause] for place, cause in told if cause is not None}
    problems = [
        _problem(code, params, expectations[place], mapping)
        for place in sorted(causes)
        for code, params in causes[place]
    ]
    return Prepared(tuple(checks), tuple(each for place, each in great.items() if place not in causes), tuple(problems))


def _without_severity(each: Expectation) -> tuple[dict[str, object], Severity]:
    arguments = dict(each.arguments)
    given = arguments.pop("severity", _SEVERITIES[0])
    if given not in _SEVERITIES:
        problem = " | ".join(_SEVERITIES)
        raise Refused(
            ("expectation.argument_wrong", {"expectation": each.name, "argument": "severity", "problem": problem})
        )
    return arguments, Severity(str(given))


def _declared_check(
    each: Expectation, arguments: dict[str, object], severity: Severity, fields: Mapping[str, Field]
) -> DeclaredCheck:
    known = declared_rules()
    rule = known.get(each.name)
    if rule is None:
        raise unknown_expectation(each.name, _alike(each.name, list(known)))
    try:
        given = rule.Arguments.model_validate(arguments)
    except ValidationError as error:
        raise _wrong_arguments(each.name, rule.Arguments, error) from None
    field = known_column(each.name, given.column, fields)
    if not rule.applies(field):
        told = {"expectation": each.name, "column": field.name, "type": str(field.type)}
        raise Refused(("expectation.column_unfit", told))
    if unfit := given.unfit(field):
        told = {"expectation": each.name, "argument": unfit, "problem": str(field.type)}
        raise Refused(("expectation.argument_wrong", told))
    return DeclaredCheck(rule, given, field, each, severity)


def _alike(name: str, known: list[str]) -> list[str]:
    # Ours are single words; only what is clearly none of them is worth the seconds of the import.
    if "_" not in name:
        return known
    from .expectations import expectation_names

    return expectation_names()


def _wrong_arguments(name: str, model: type[Arguments], error: ValidationError) -> Refused:
    known = [field.alias or each for each, field in model.model_fields.items()]
    causes: dict[str, Cause] = {}
    for each in error.errors():
        argument = str(each["loc"][0]) if each["loc"] else each["msg"].removeprefix("Value error, ")
        told: dict[str, str | int] = {"expectation": name, "argument": argument}
        if each["type"] == "extra_forbidden":
            cause = ("expectation.argument_unknown", told | {"nearest": nearest(argument, known)})
        elif each["type"] == "missing" or not each["loc"]:
            cause = ("expectation.argument_missing", told)
        else:
            cause = ("expectation.argument_wrong", told | {"problem": each["msg"]})
        # A choice of types gives an error for each; the first says enough.
        causes.setdefault(argument, cause)
    return Refused(*causes.values())


def _problem(code: str, params: Mapping[str, str | int], each: Expectation, mapping: str | None) -> Finding:
    return Finding(code, Severity.BLOCKS, params, mapping=mapping, file=each.file, line=each.line)
