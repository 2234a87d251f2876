"""Keep a report beside the ledger: JSON, and a page in each language."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from .. import __version__
from ..connectors.secrets import Secrets
from ..runs.catalogue import Language
from ..runs.ledger import runlog
from ..runs.ledger.store import Ledger
from ..runs.report.alarm import checked
from ..runs.report.model import Origin, Report
from ..runs.report.write import write_report
from .causes import causes
from .hooks import Event, call_hook
from .project import Project


def keep_report(project: Project, report: Report, language: Language, secrets: Secrets) -> Report:
    """Write the report's files, call the project's hook, and return the report naming its page.

    Raises UnavailableError where the disk refuses."""
    report = checked(report)
    folder = project.runs / "reports"
    now = dt.datetime.now(dt.UTC)
    origin = Origin(project.spec.project, project.env, now, __version__)
    paths = write_report(report, folder, f"{report.verb}-{now:%Y%m%d-%H%M%S-%f}", origin)
    shown = paths[language]
    run_id = report.extra.get("run")
    if isinstance(run_id, int) and report.verb in ("run", "undo"):
        with Ledger(project.ledger(secrets)) as ledger:
            runlog.name_report(ledger, run_id, project.shown(shown))
            state = runlog.get(ledger, run_id).state
        ended = state in ("finished", "stopped")
        wrong = call_hook(project, Event.FINISHED, run_id, state, shown) if ended else ()
        if wrong:
            report = replace(report, causes=(*report.causes, *causes(wrong)))
            write_report(report, folder, paths["json"].stem, origin)
    return replace(
        report,
        facts=(*report.facts, ("fact.report", project.typed(shown))),
        extra={**report.extra, "report": str(shown)},
    )
