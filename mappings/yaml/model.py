"""A YAML document against a pydantic model: every problem at once, each with its line and the nearest right word."""

from __future__ import annotations

import json
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ...connectors.errors import InputError
from ...connectors.finding import Finding, Severity
from ...connectors.nearest import nearest
from .document import Document, YamlPath, shown_path

Model = TypeVar("Model", bound=BaseModel)

_CODES: Final = {
    "missing": "yaml.missing_key",
    "extra_forbidden": "yaml.unknown_key",
    "literal_error": "yaml.not_one_of",
    "enum": "yaml.not_one_of",
    "string_type": "yaml.not_text",
    "int_type": "yaml.not_a_number",
    "int_parsing": "yaml.not_a_number",
    "decimal_type": "yaml.not_a_number",
    "decimal_parsing": "yaml.not_a_number",
    "float_type": "yaml.not_a_number",
    "bool_type": "yaml.not_true_or_false",
    "list_type": "yaml.not_a_list",
    "tuple_type": "yaml.not_a_list",
    "dict_type": "yaml.not_a_mapping",
    "model_type": "yaml.not_a_mapping",
    "model_attributes_type": "yaml.not_a_mapping",
    "too_short": "yaml.empty",
    "string_too_short": "yaml.empty",
    "string_pattern_mismatch": "yaml.malformed",
    "greater_than": "yaml.out_of_range",
    "greater_than_equal": "yaml.out_of_range",
    "less_than": "yaml.out_of_range",
    "less_than_equal": "yaml.out_of_range",
}


def load_model(document: Document, model: type[Model]) -> Model:
    """The document as that model, read strictly: no text for a number, no number for text.

    A validator of the model may raise PydanticCustomError with a code of the text catalogue (it has a dot in it) and
    its parameters. Raises InputError `yaml.invalid` with all problems as Findings.
    """
    try:
        # JSON's strict reading takes lists for tuples and text for enumerations, where Python's would not
        return model.model_validate_json(json.dumps(document.data), strict=True)
    except ValidationError as error:
        findings = _findings(document, model, error.errors(include_url=False))
    raise InputError("yaml.invalid", findings, file=document.file, count=len(findings))


def _findings(document: Document, model: type[BaseModel], errors: list[ErrorDetails]) -> tuple[Finding, ...]:
    found: dict[tuple[str, str], Finding] = {}
    for each in errors:
        path = _place(document, each["loc"])
        code, params = _told(each, model)
        key = shown_path((*path, str(each["loc"][-1]))) if code == "yaml.missing_key" else shown_path(path)
        # of a value that fits none of several forms pydantic tells each form's complaint: one a place is enough
        found.setdefault(
            (key, code),
            Finding(
                code,
                Severity.BLOCKS,
                {"path": shown_path(path), **params},
                file=document.file,
                line=document.line(path),
            ),
        )
    return tuple(sorted(found.values(), key=lambda finding: (finding.line or 0, finding.code)))


def _place(document: Document, location: tuple[int | str, ...]) -> YamlPath:
    """Pydantic's location names models and validators on the way; the document knows which steps are its own."""
    path: YamlPath = ()
    for step in location:
        if (*path, step) in document.lines:
            path = (*path, step)
    return path


def _told(error: ErrorDetails, model: type[BaseModel]) -> tuple[str, dict[str, str | int]]:
    context = error.get("ctx", {})
    kind = error["type"]
    if "." in kind:
        return kind, {name: value if isinstance(value, int) else str(value) for name, value in context.items()}
    code = _CODES.get(kind, "yaml.wrong_value")
    match code:
        case "yaml.unknown_key":
            key = str(error["loc"][-1])
            return code, {"key": key, "nearest": nearest(key, _keys(_annotation(model, error["loc"][:-1])))}
        case "yaml.missing_key":
            return code, {"key": str(error["loc"][-1])}
        case "yaml.not_one_of":
            return code, {"expected": str(context.get("expected", "-")).replace(" or ", ", ")}
        case "yaml.malformed":
            return code, {"pattern": str(context["pattern"])}
        case "yaml.out_of_range":
            limit = next((str(context[bound]) for bound in ("ge", "gt", "le", "lt") if bound in context), "-")
            return code, {"limit": limit}
        case "yaml.wrong_value":
            return code, {"reason": error["msg"]}
        case _:
            return code, {}


def _keys(annotation: Any) -> list[str]:
    """The keys that a value of this annotation takes, aliases first: what a mapping may hold there."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [each.alias or name for name, each in annotation.model_fields.items()]
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return [key for part in get_args(annotation) for key in _keys(part)]
    return []


def _annotation(model: type[BaseModel], location: tuple[int | str, ...]) -> Any:
    """What the model says of that place. Steps of pydantic's own that lead to no other place are passed over."""
    annotation: Any = model
    for step in location:
        annotation = _below(annotation, step) or annotation
    return annotation


def _below(annotation: Any, step: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        fields = annotation.model_fields
        return next((each.annotation for name, each in fields.items() if step in (each.alias, name)), None)
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return next((below for part in parts if (below := _below(part, step)) is not None), None)
    if origin is Annotated:
        return _below(parts[0], step)
    if origin is dict:
        return parts[1]
    return parts[0] if origin in (list, tuple) else None
