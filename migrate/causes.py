"""Put findings together by cause, for people: what, how often, where to look, a few keys and masked samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..connectors.finding import Finding, Severity
from ..runs.masking import mask
from ..runs.menders import mender
from ..runs.report.model import Cause, Text

SHOWN_KEYS = 5
SHOWN_SAMPLES = 3
VARIES = "…"
_ORDER = {Severity.BLOCKS: 0, Severity.HOLDS: 1, Severity.WARNS: 2, Severity.INFO: 3}


@dataclass
class _Group:
    first: Finding
    params: dict[str, str | int]
    count: int = 0
    keys: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def causes(
    findings: Iterable[Finding], sample_of: Callable[[Finding], str | None] = lambda each: each.sample
) -> tuple[Cause, ...]:
    """Findings grouped by code, mapping, field and place, the gravest and most frequent first. A parameter that differs
    within a group shows as an ellipsis. A finding about several records at once (it names
    no key, and tells their `count`) counts as so many."""
    groups: dict[tuple[object, ...], _Group] = {}
    for each in findings:
        key = (each.code, each.severity, each.mapping, each.object, each.field, each.file, each.line)
        group = groups.setdefault(key, _Group(each, dict(each.params)))
        group.count += records_in(each)
        for name, value in each.params.items():
            if group.params.get(name) != value:
                group.params[name] = VARIES
        if each.key is not None and len(group.keys) < SHOWN_KEYS:
            group.keys.append(each.key)
        if len(group.findings) < SHOWN_SAMPLES:
            group.findings.append(each)
    told = [_cause(group, sample_of) for group in groups.values()]
    return tuple(
        sorted(told, key=lambda cause: (_ORDER[cause.severity], -cause.count, cause.mapping or "", cause.text.code))
    )


def records_in(finding: Finding) -> int:
    """How many records a finding is about."""
    count = finding.params.get("count")
    return count if finding.key is None and isinstance(count, int) else 1


def sample_key(finding: Finding) -> str:
    """Under which key the value store keeps a finding's sample: branches find their own in the same record."""
    branch = f"/{finding.mapping}" if "." in (finding.mapping or "") else ""
    return f"{finding.key}/{finding.field}/{finding.code}{branch}"


def _cause(group: _Group, sample_of: Callable[[Finding], str | None]) -> Cause:
    first = group.first
    told = [] if "parent" in group.params else group.findings  # a key: it says nothing when it is masked
    samples = [sample for each in told if (sample := sample_of(each)) is not None]
    return Cause(
        text=Text(first.code, group.params),
        severity=first.severity,
        count=group.count,
        mapping=first.mapping,
        object=first.object,
        field=first.field,
        keys=tuple(group.keys),
        samples=tuple(mask(sample) for sample in samples),
        file=first.file,
        line=first.line,
        mender=mender(first.code, first.severity),
    )
