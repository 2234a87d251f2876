"""`check --probe`: what only the systems themselves can tell is asked of them, and their answers are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import cast

from ...connectors.clock import Clock
from ...connectors.errors import InputError, UnavailableError
from ...connectors.finding import Finding, Severity
from ...connectors.nearest import nearest
from ...connectors.port import Connector
from ...connectors.questions import UNTRIED, Answer, AnswersQuestions, Question
from ...connectors.secrets import Secrets
from ...runs.report.model import Report, Row, Table, Text
from ..answers import KeptAnswer, KeptAnswers, file_of, keep_answers, read_answers
from ..causes import causes
from ..pins import require_name
from ..project import Project
from ..session import Session, Tick, open_session
from .answered import asked_connections, named


@dataclass(frozen=True, slots=True)
class Probing:
    """execute: make records of our own in the target's `object`, and take them away again. confirm: the target's own
    name, typed by hand."""

    probe: bool = False
    execute: bool = False
    object: str | None = None
    confirm: str | None = None


UNASKED = Probing()


@dataclass
class Heard:
    """What one connection answered. before: what was kept of it. now: by question. left: keys of records of ours."""

    name: str
    connector: Connector
    before: Mapping[str, KeptAnswer]
    now: dict[str, Answer] = field(default_factory=dict)
    left: tuple[str, ...] = ()

    @property
    def changed(self) -> int:
        return sum(name not in self.before or self.before[name].told != each for name, each in self.new.items())

    @property
    def new(self) -> dict[str, Answer]:
        return {name: each for name, each in self.now.items() if each.word != UNTRIED}

    def kept(self, day: str) -> dict[str, KeptAnswer]:
        """Of every question its latest answer."""
        new = {name: KeptAnswer(asked=day, answer=each.word, number=each.number) for name, each in self.new.items()}
        known = {each.name for each in self.connector.capabilities.questions}
        return {name: each for name, each in {**self.before, **new}.items() if name in known}


def probe(project: Project, secrets: Secrets, clock: Clock, asked: Probing, tick: Callable[[Tick], None]) -> Report:
    """Without `execute` nothing is written to either system. Raises InputError `probe.*`, `run.production_needs_name`,
    or what keeps a connector from asking."""
    if asked.execute and asked.object is None:
        raise InputError("probe.needs_object", command=project.command("check"))
    with open_session(project, secrets, clock, tick, alone=asked.execute) as session:
        kept = dict(read_answers(project))
        heard = []
        for name, connector in asked_connections(session):
            writes = asked.execute and connector is session.target
            if writes:
                require_name(connector.identity(), project.environment.production, asked.confirm)
            there = _object(session, asked.object) if writes else None
            before, system = kept.get(name), named(connector.identity())
            same = before is not None and before.system == system
            each = Heard(name, connector, before.answers if before and same else {})
            heard.append(each)
            try:
                _ask(session, each, there)
            finally:  # what was answered until then holds
                day = clock.now().date().isoformat()
                kept[name] = KeptAnswers(system=system, answers=each.kept(day))
                keep_answers(project, kept)
        return _report(session, heard, asked, kept)


def _object(session: Session, name: str | None) -> str:
    if name is None or name not in session.target_schema.objects:
        labels = {each.name: each.label for each in session.target_schema.objects.values()}
        raise InputError("probe.no_object", object=name or "", near=nearest(name or "", labels))
    return name


def _ask(session: Session, heard: Heard, there: str | None) -> None:
    """there: the object where records of our own may be made."""
    questions = [each for each in heard.connector.capabilities.questions if there is not None or not each.writes]
    able = cast(AnswersQuestions, heard.connector)
    with _tidied(heard, able, there):
        for place, question in enumerate(questions):
            session.interruption.check()
            session.tick(Tick("probe", heard.name, place, len(questions)))
            heard.now[question.name] = able.probe(question, there)
        session.tick(Tick("probe", heard.name, len(questions), len(questions)))


@contextmanager
def _tidied(heard: Heard, able: AnswersQuestions, there: str | None) -> Iterator[None]:
    """Whatever happens, what was made is taken away; and before, what a process that ended has left. Raises
    UnavailableError `probe.left_open` where it all ends early and records are left."""
    if there is None:
        yield
        return
    able.tidy(there)
    try:
        yield
    except BaseException as error:
        left = able.tidy(there)
        if left:
            raise UnavailableError("probe.left_open", object=there, keys=", ".join(left)) from error
        raise
    heard.left = able.tidy(there)


def _report(session: Session, heard: list[Heard], asked: Probing, kept: Mapping[str, KeptAnswers]) -> Report:
    project = session.project
    left = sum(len(each.left) for each in heard)
    answered = sum(len(kept[each.name].answers) for each in heard)
    count = sum(len(each.connector.capabilities.questions) for each in heard)
    told = {"answered": answered, "changed": sum(each.changed for each in heard)}
    verdict = Text("probe.asked", {**told, "count": count})
    if not heard:
        verdict = Text("probe.nothing")
    if left:
        verdict = Text("probe.left_behind", {"count": left})
    return Report(
        verb="check",
        verdict=verdict,
        good=not left,
        exit_code=1 if left else 0,
        facts=(
            ("fact.project", project.spec.project),
            ("fact.environment", project.env),
            *((("fact.answers", project.shown(file_of(project))),) if heard else ()),
        ),
        causes=causes(_left(each, asked.object) for each in heard if each.left),
        tables=tuple(table for each in heard for table in _tables(each, kept[each.name].answers)),
        next_steps=(project.command("check"),),
        extra={
            "answers": {
                each.name: {name: one.model_dump() for name, one in kept[each.name].answers.items()} for each in heard
            },
            "left": [key for each in heard for key in each.left],
        },
    )


def _left(heard: Heard, object_name: str | None) -> Finding:
    return Finding("probe.left", Severity.WARNS, {"keys": ", ".join(heard.left)}, object=object_name)


def _tables(heard: Heard, kept: Mapping[str, KeptAnswer]) -> Iterator[Table]:
    """Apart, the questions that are asked without writing, and those that make records of ours."""
    columns = ("column.question", "column.answer", "column.asked_at")
    for writes, title in ((False, "table.answers"), (True, "table.answers_writing")):
        questions = [each for each in heard.connector.capabilities.questions if each.writes is writes]
        if questions:
            rows = tuple(_row(each, kept.get(each.name)) for each in questions)
            yield Table(Text(title, {"connection": heard.name}), columns, rows)


def _row(question: Question, kept: KeptAnswer | None) -> Row:
    if kept is None:
        return Text(question.code), Text("probe.untried"), None
    told = {"number": "-" if kept.number is None else str(kept.number)}
    return Text(question.code), Text(f"{question.code}_{kept.answer}", told), kept.asked
