"""A report as one JSON document: codes and params for programs, texts of one language beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ...connectors.errors import ChangeoverError
from ...connectors.finding import Finding
from ..catalogue import Catalogue
from .alarm import checked
from .model import BUCKETS, BranchCounts, Cause, Report, Table, Text
from .spoken import cause_text

Json = None | str | int | bool | Sequence["Json"] | Mapping[str, "Json"]


def to_json(report: Report, catalogue: Catalogue) -> str:
    """The document as text of ASCII alone, so that it comes whole through any console."""
    return json.dumps(document(report, catalogue), indent=2)


def error_json(error: ChangeoverError, catalogue: Catalogue) -> str:
    """What stopped a command, in place of its report: error {code, text, params}, exit_code, findings."""
    told = {
        "error": {"code": error.code, "text": catalogue.text(error.code, error.params), "params": dict(error.params)},
        "exit_code": error.exit_code,
        "findings": [_problem(finding, catalogue) for finding in error.findings],
    }
    return json.dumps(told, indent=2)


def document(report: Report, catalogue: Catalogue) -> dict[str, object]:
    """verb, verdict {code, text, params, good}, exit_code, mappings {name: the integers of its counts, balanced},
    facts, findings, tables, next, and the members of `report.extra`.

    Raises ValueError where an extra member has one of these names.
    """
    report = checked(report)
    standing: dict[str, object] = {
        "verb": report.verb,
        "verdict": {**_text(report.verdict, catalogue), "good": report.good},
        "exit_code": report.exit_code,
        "mappings": _mappings(report.counts),
        "facts": [
            {"code": code, "label": catalogue.text(code), "value": _cell(told, catalogue)}
            for code, told in report.facts
        ],
        "findings": [_finding(cause, catalogue) for cause in report.causes],
        "tables": [_table(table, catalogue) for table in report.tables],
        "next": list(report.next_steps),
    }
    taken = sorted(standing.keys() & report.extra.keys())
    if taken:
        raise ValueError(f"extra members of a report may not be called {', '.join(taken)}")
    return standing | dict(report.extra)


def _text(text: Text, catalogue: Catalogue) -> dict[str, Json]:
    return {"code": text.code, "text": catalogue.text(text.code, text.params), "params": dict(text.params)}


def _cell(cell: str | int | Text | None, catalogue: Catalogue) -> Json:
    return _text(cell, catalogue) if isinstance(cell, Text) else cell


def _mappings(counts: Sequence[BranchCounts]) -> dict[str, dict[str, Json]]:
    """Lines of the same name are added up; they balance when each does."""
    lines: dict[str, dict[str, Json]] = {}
    for name in dict.fromkeys(branch.mapping for branch in counts):
        same = [branch for branch in counts if branch.mapping == name]
        lines[name] = {
            "read": sum(branch.read for branch in same),
            **{bucket: sum(branch.buckets.get(bucket, 0) for branch in same) for bucket in BUCKETS},
            "adopted": sum(branch.adopted for branch in same),
            "balanced": all(branch.balanced for branch in same),
        }
    return lines


def _finding(cause: Cause, catalogue: Catalogue) -> dict[str, Json]:
    return {
        **_text(cause_text(cause), catalogue),
        "severity": cause.severity.value,
        "count": cause.count,
        "mapping": cause.mapping,
        "object": cause.object,
        "field": cause.field,
        "keys": list(cause.keys),
        "samples": list(cause.samples),
        "file": cause.file,
        "line": cause.line,
        "mender": cause.mender,
    }


def _problem(finding: Finding, catalogue: Catalogue) -> dict[str, Json]:
    """A finding behind an error. Its sample stays out: nobody masked it."""
    return {
        "code": finding.code,
        "text": catalogue.finding(finding),
        "params": dict(finding.params),
        "severity": finding.severity.value,
        "mapping": finding.mapping,
        "object": finding.object,
        "key": finding.key,
        "field": finding.field,
        "file": finding.file,
        "line": finding.line,
    }


def _table(table: Table, catalogue: Catalogue) -> dict[str, Json]:
    return {
        "title": _text(table.title, catalogue),
        "columns": [{"code": column, "text": catalogue.text(column)} for column in table.columns],
        "rows": [[_cell(cell, catalogue) for cell in row] for row in table.rows],
        "omitted": table.omitted,
    }
