"""What systems have answered to `check --probe`, kept in the project: words and dates, and nobody's data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

from pydantic import BaseModel, ConfigDict, Field

from ..connectors.errors import UnavailableError
from ..connectors.finding import Finding, Severity
from ..connectors.forwarding import Forwarding
from ..connectors.port import Connector, Identity, Settings
from ..connectors.questions import Answer, AnswersQuestions
from ..mappings.yaml.plain_yaml import scalar
from ..mappings.yaml.strict_yaml import load_model, read_yaml
from .project import ConnectionSpec, Project
from .sources.several import Sources

if TYPE_CHECKING:
    from .session import Session

FOLDER = "schemas"
HEAD = "# What systems answered to `changeover check --probe`, which keeps this file. changeover.yaml outranks it.\n"
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class KeptAnswer(BaseModel):
    """asked: on which day. number: see `Answer`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asked: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    answer: Word
    number: int | None = None

    @property
    def told(self) -> Answer:
        return Answer(self.answer, self.number)


class KeptAnswers(BaseModel):
    """Of one connection. system: which one answered, as it calls itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str
    answers: dict[Word, KeptAnswer] = {}


class AnswersFile(BaseModel):
    """By connection."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connections: dict[str, KeptAnswers] = {}


def file_of(project: Project) -> Path:
    return project.folder / FOLDER / f"answers-{project.env}.yaml"


def read_answers(project: Project) -> Mapping[str, KeptAnswers]:
    """By connection. Raises InputError `yaml.*` where the file is not as it was written."""
    path = file_of(project)
    if not path.is_file():
        return {}
    return load_model(read_yaml(path, project.shown(path)), AnswersFile).connections


def keep_answers(project: Project, kept: Mapping[str, KeptAnswers]) -> None:
    """Raises UnavailableError where the disk refuses."""
    path = file_of(project)
    lines = ["connections:"]
    for name, each in sorted(kept.items()):
        lines += [f"  {scalar(name)}:", f"    system: {scalar(each.system)}", "    answers:"]
        for question, one in each.answers.items():
            number = "" if one.number is None else f", number: {one.number}"
            lines.append(f'      {question}: {{asked: "{one.asked}", answer: {scalar(one.answer)}{number}}}')
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise UnavailableError("file.write_refused", path=str(path), reason=error.strerror or "?") from error


def settings_of(project: Project, spec: ConnectionSpec) -> Settings:
    """What the project says of a connection, and what its system has answered."""
    kept = read_answers(project).get(spec.name)
    answers = {} if kept is None else {question: each.told for question, each in kept.answers.items()}
    return replace(spec.settings(project.folder), answers=answers)


def named(identity: Identity) -> str:
    return f"{identity.kind} {identity.id}"


def connections_of(session: Session) -> Iterator[tuple[str, Connector]]:
    """Every connection as it is, by name; the target last."""
    environment, source = session.project.environment, session.source
    while isinstance(source, Forwarding):  # what mappings lay over it
        source = source.inner
    sources = source.connections if isinstance(source, Sources) else {environment.system: source}
    yield from (*sources.items(), (environment.target.name, session.target))


def asked_connections(session: Session) -> Iterator[tuple[str, Connector]]:
    """Those whose systems have questions."""
    return ((name, each) for name, each in connections_of(session) if each.capabilities.questions)


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
