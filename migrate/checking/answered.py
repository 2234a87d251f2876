"""Whether what systems have answered holds for those that are asked now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from ...connectors.finding import Finding, Severity
from ...connectors.port import Connector, Identity
from ...connectors.questions import AnswersQuestions
from ..answers import file_of, read_answers
from ..session import Session
from ..sources.several import connections_of


def named(identity: Identity) -> str:
    return f"{identity.kind} {identity.id}"


def named_connections(session: Session) -> Iterator[tuple[str, Connector]]:
    """Every connection as it is, by name; the target last."""
    environment = session.project.environment
    for role, each in connections_of(session.source).items():
        yield environment.system if role == "source" else role.removeprefix("source "), each
    yield environment.target.name, session.target


def asked_connections(session: Session) -> Iterator[tuple[str, Connector]]:
    """Those whose systems have questions."""
    return ((name, each) for name, each in named_connections(session) if each.capabilities.questions)


def check_answers(session: Session) -> list[Finding]:
    """Answers that another system gave, and settings that are not as this one answered."""
    kept, project, findings = read_answers(session.project), session.project, []
    for name, each in asked_connections(session):
        if name not in kept:
            continue
        now = named(each.identity())
        if kept[name].system != now:
            told: dict[str, str | int] = {"file": project.shown(file_of(project)), "connection": name}
            told |= {"kept": kept[name].system, "now": now, "command": project.command("check --probe")}
            findings.append(Finding("answers.other_system", Severity.BLOCKS, told))
        findings += cast(AnswersQuestions, each).contradicted()
    return findings
