"""What systems have answered to `check --probe`, kept in the project: words and dates, and nobody's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ..connectors.errors import UnavailableError
from ..connectors.port import Settings
from ..connectors.questions import Answer
from ..mappings.yaml.plain_yaml import scalar
from ..mappings.yaml.strict_yaml import load_model, read_yaml
from .project import ConnectionSpec, Project

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
