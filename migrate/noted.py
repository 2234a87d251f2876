"""What is told of one record of a mapping."""

from __future__ import annotations

from collections.abc import Mapping

from ..connectors.finding import Finding, Severity
from ..mappings.compile import CompiledMapping


def finding_of(
    mapping: CompiledMapping,
    code: str,
    severity: Severity,
    key: str,
    name: str | None = None,
    params: Mapping[str, str | int] | None = None,
) -> Finding:
    """At the rule of the field, where one is named."""
    file, line = mapping.rule_lines.get(name or "", (mapping.file, None))
    return Finding(
        code,
        severity,
        dict(params or {}),
        object=mapping.source.name,
        key=key,
        field=name,
        mapping=mapping.name,
        file=file,
        line=line,
    )
