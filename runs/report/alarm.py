"""The counts identity: where it does not hold, no rendering says that all is well."""

from __future__ import annotations

from dataclasses import replace

from .model import BUCKETS, BranchCounts, Report, Text


def checked(report: Report) -> Report:
    """The report itself where every branch's counts add up; else the report with that as its verdict, what it would
    have said as its first fact, and an exit code of at least 1. Commands end with the exit code of the checked report.
    """
    broken = [branch.mapping for branch in report.counts if not branch.balanced]
    if not broken or report.verdict.code == "report.unbalanced":
        return report
    return replace(
        report,
        verdict=Text("report.unbalanced", {"mappings": ", ".join(broken)}),
        good=False,
        exit_code=max(1, report.exit_code),
        facts=(("report.verdict_otherwise", report.verdict), *report.facts),
    )


def imbalance(branch: BranchCounts) -> Text | None:
    """What is wrong with the branch's counts, None where they add up."""
    if branch.balanced:
        return None
    total = sum(branch.buckets.get(name, 0) for name in BUCKETS)
    return Text("report.branch_unbalanced", {"mapping": branch.mapping, "read": branch.read, "total": total})
