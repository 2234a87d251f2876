"""How a record came to be what it is, or why it is not there: one sentence, then the tables."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ..connectors.clock import Clock
from ..connectors.errors import DecisionError, InputError
from ..connectors.finding import Finding
from ..connectors.port import KEY
from ..connectors.secrets import Secrets
from ..mappings.compile import CompiledMapping, FieldTrace
from ..mappings.language import Outside
from ..mappings.mapped import branch_suffix, make_our_key
from ..mappings.stub import makes_stubs, of_mapping
from ..runs.ledger import operations, records, runlog
from ..runs.ledger.records import RecordRow
from ..runs.report.model import Report, Table, Text
from ..runs.values import REJECT
from .addresses import new_address
from .corrections import corrections_of
from .loading.outside import Reason, Scoped, scoped
from .loading.rewriting import addresses_table, rewritten
from .loading.stubs import stub_chunks
from .other_branches import other_branches
from .prepare import prepare
from .project import Project
from .session import Session, open_session
from .showing import Showing, showing
from .sources.folded import folded_table
from .sources.told import made_of_table
from .successions import successions


@dataclass(frozen=True, slots=True)
class _Subject:
    """What the key turned out to name. record: None where the ledger does not know it."""

    mapping: CompiledMapping
    source_key: str
    our_key: str
    record: RecordRow | None


def explain(project: Project, key: str, show_values: bool, secrets: Secrets, clock: Clock) -> Report:
    """Explain the record of an old, a new or one of our keys, `OBJECT:KEY` or just the key. Raises InputError
    `explain.unknown` where neither the ledger nor the source knows it, `explain.several` where it names more than
    one."""
    with open_session(project, secrets, clock, alone=False) as session:
        prepare(session)
        subject = _subject(session, key)
        object_name = subject.mapping.target.name
        history = operations.history(session.ledger, object_name, subject.our_key)
        undoes = {each.id: each.undoes for each in runlog.history(session.ledger) if each.undoes is not None}
        named = (None, subject.mapping.name)
        about = runlog.findings_about(session.ledger, subject.mapping.source.name, subject.source_key)
        noted = [(number, each) for number, each in about if not subject.mapping.branch or each.mapping in named]
        files = [each.mapping_file for each in session.mappings.values()]
        may = showing(project.spec.classes, files, show_values)
        trace, filtered = _trace(session, subject, may)
        latest = [each for run, each in noted if run == max((number for number, _ in noted), default=0)]
        record = subject.record
        orphan = record is not None and record.waits_for is not None and not _candidates(session, record.waits_for)
        return Report(
            verb="explain",
            verdict=_sentence(subject, filtered, orphan, latest, history, undoes),
            good=_good(record, filtered is not None),
            facts=(*_facts(session, subject), *_words(session, subject, may)),
            tables=(
                *made_of_table(session, subject.mapping, subject.source_key),
                *folded_table(session.source, subject.mapping, subject.source_key),
                *trace,
                *_corrections_table(session, subject, may),
                *other_branches(session, subject.mapping, subject.source_key),
                *_findings_table(latest, subject.mapping.file),
                *_history_table(history, undoes),
            ),
            next_steps=tuple(map(project.command, _next(record, filtered, orphan))),
            extra={
                "our_key": subject.our_key,
                "state": record.state if record else None,
                "source_key": subject.source_key,
                "target_key": record.target_key if record else None,
            },
        )


def _good(record: RecordRow | None, left_out: bool) -> bool:
    return left_out if record is None else record.state == "live" and record.code is None and not left_out


def _subject(session: Session, text: str) -> _Subject:
    found = list({(each.mapping.name, each.our_key): each for each in _candidates(session, text)}.values())
    if not found:
        raise InputError("explain.unknown", key=text)
    if len(found) > 1 and _not_moved_yet(found):
        return found[0]
    if len(found) > 1:
        named = [f"{each.mapping.source.name}:{each.source_key}" for each in found]
        if len(set(named)) < len(named):  # one source record, several mappings
            named = [f"{each.mapping.target.name}:{each.source_key}" for each in found]
        if len(set(named)) < len(named):  # several branches make the same object
            named = [each.our_key.removeprefix(f"{each.mapping.system}:") for each in found]
        raise InputError("explain.several", key=text, count=len(found), names=", ".join(named[:5]))
    return found[0]


def _not_moved_yet(found: Sequence[_Subject]) -> bool:
    """Whether these are one source record in the branches of one file: each tells of the others."""
    of = {(each.mapping.file, each.source_key) for each in found if each.record is None and each.mapping.branch}
    return len(of) == 1 and all(each.record is None for each in found)


def _candidates(session: Session, text: str) -> list[_Subject]:
    """By our key, by old key, by new key, in the ledger; then by old key in the source; then by the object of the
    target and the old key."""
    object_name, colon, key = text.removeprefix(f"{session.source_name}:").partition(":")
    readings: list[tuple[str | None, str]] = [(object_name, key), (None, text)] if colon else [(None, text)]
    mappings = list(session.mappings.values())
    ours = [(each.source.name, make_our_key(each.system, each.source.name, "")) for each in mappings]
    ours += [(each.source.name, f"{each.source.name}:") for each in mappings if ":" in each.source.name]
    readings += [(name, text.removeprefix(before)) for name, before in ours if colon and text.startswith(before)]
    found = _in_ledger(session, mappings, readings, text) or _in_source(session, mappings, readings)
    if found or not colon:
        return found
    for mapping in mappings:
        if mapping.target.name == object_name:
            old = [(mapping.source.name, key)]
            found += _in_ledger(session, [mapping], old, text) or _in_source(session, [mapping], old)
    return found


def _in_ledger(
    session: Session, mappings: Sequence[CompiledMapping], readings: Sequence[tuple[str | None, str]], text: str
) -> list[_Subject]:
    found: list[_Subject] = []
    for mapping in mappings:
        old = _old_keys(mapping, readings)
        new = [value for name, value in readings if name in (None, mapping.target.name)]
        ours = [text, *(make_our_key(mapping.system, mapping.source.name, key, mapping.branch) for key in old)]
        known = records.lookup(session.ledger, mapping.target.name, ours)
        known |= records.lookup_target(session.ledger, mapping.target.name, new)
        found += [
            _Subject(each, record.source_key or "", record.our_key, record)
            for record in known.values()
            for each in mapping.with_stub
            if record.mapping == each.name
        ]
    return found


def _old_keys(mapping: CompiledMapping, readings: Sequence[tuple[str | None, str]]) -> list[str]:
    """What may be a source key of this mapping; `KEY#BRANCH` is the key in that branch."""
    values = [value for name, value in readings if name in (None, mapping.source.name)]
    suffix = branch_suffix(mapping.branch)
    own = [value.removesuffix(suffix) for value in values if suffix and value.endswith(suffix)]
    return own or values


def _in_source(
    session: Session, mappings: Sequence[CompiledMapping], readings: Sequence[tuple[str | None, str]]
) -> list[_Subject]:
    found = []
    for mapping in mappings:
        for value in _old_keys(mapping, readings):
            if len(session.source.find(mapping.source.name, (KEY,), [(value,)], ())):
                our_key = make_our_key(mapping.system, mapping.source.name, value, mapping.branch)
                found.append(_Subject(mapping, value, our_key, None))
    return found


def _sentence(
    subject: _Subject,
    filtered: Text | None,
    orphan: bool,
    latest: Sequence[Finding],
    history: Sequence[operations.DoneOperation],
    undoes: Mapping[int, int],
) -> Text:
    """orphan: the record waits for a parent that neither the ledger nor the source has. undoes: undo -> the run that it
    took back."""
    params: dict[str, str | int] = {
        "source": f"{subject.mapping.source.name}:{subject.source_key}",
        "object": subject.mapping.target.name,
    }
    record = subject.record
    if record is None:
        return filtered or Text("explain.not_run", params)
    params |= {"target": f"{subject.mapping.target.name}:{record.target_key}", "run": record.run}
    if record.code is not None:
        why = next((each for each in latest if each.code == record.code), None)
        told = {
            "field": (why.field if why else None) or "-",
            "parent": record.waits_for or "-",
            **(why.params if why else {}),
        }
        params = {**told, **params, "cause": "@explain.orphan" if orphan else f"@{record.code}"}
        return Text("explain.waits" if record.target_key is None else "explain.waits_in_target", params)
    if filtered is not None and filtered.code == "explain.filtered" and record.state in ("live", "pending"):
        return Text("explain.left_out", params)
    if makes_stubs(subject.mapping.name) and record.state == "live":
        return Text("explain.stub", params)
    if record.run in undoes:
        return Text(f"explain.{_taken_back(record, history)}", params | {"undoes": undoes[record.run]})
    how = "adopted" if record.adopted else record.state
    return Text(f"explain.{how}", params)


def _taken_back(record: RecordRow, history: Sequence[operations.DoneOperation]) -> str:
    """What an undo, the last that wrote to it, has made of a record."""
    if record.state != "gone":
        return "restored" if record.state == "live" else record.state
    let_go = any(each.kind == "release" and each.state == "acked" for each in history[-1:])
    return "released" if let_go else "gone"


def _facts(session: Session, subject: _Subject) -> tuple[tuple[str, str | int | Text], ...]:
    mapping, record = subject.mapping, subject.record
    facts: list[tuple[str, str | int | Text]] = [
        ("fact.mapping", f"{mapping.name} ({mapping.file})"),
        ("fact.our_key", subject.our_key),
    ]
    if record is not None:
        facts.append(("fact.state", Text(f"state.{record.state}")))
        if record.waits_for:
            facts.append(("fact.waits_for", record.waits_for))
        for label, link in (
            ("fact.old_link", session.source.record_url(mapping.source.name, subject.source_key)),
            (
                "fact.new_link",
                new_address(session, mapping.target.name, record.target_key) if record.target_key else None,
            ),
        ):
            if link:
                facts.append((label, link))
    return tuple(facts)


def _words(session: Session, subject: _Subject, may: Showing) -> tuple[tuple[str, str | Text], ...]:
    """What the target itself said when it refused the record. It may quote cells, so it is shown as cells are."""
    record = subject.record
    if record is None or record.code is None:
        return ()
    try:
        kept = session.values.get(REJECT, str(record.run), subject.mapping.target.name, subject.our_key)
    except DecisionError as lost:
        return (("fact.target_said", Text(lost.code, lost.params)),)
    if kept is None:
        return ()
    if may.hidden(of_mapping(subject.mapping.name)):  # they may quote any cell
        return (("fact.target_said", Text("explain.words_withheld")),)
    return (("fact.target_said", json.loads(kept) if may.asked else Text("explain.words_kept")),)


def _left_out(scope: Scoped, source: str) -> Text:
    """What leaves the record out: `where`, or a reference that leaves the scope."""
    reason: Reason | None = next(iter(scope.skipped.values()), None)
    if reason is None:
        state = next((each.name for each in scope.mapped.left if each.what == "life"), None)
        told = {"source": source} | ({} if state is None else {"state": state})
        return Text("explain.filtered", told) if state is None else Text("explain.life", told)
    return Text("explain.skipped", {"source": source, "field": reason.field, "why": f"@outside.{reason.why}"})


def _trace(session: Session, subject: _Subject, may: Showing) -> tuple[tuple[Table, ...], Text | None]:
    """Field by field from the source's cell to the target's; and what leaves the record out, if anything does."""
    mapping = subject.mapping
    chunk = session.source.find(mapping.source.name, (KEY,), [(subject.source_key,)], mapping.source_fields)
    if makes_stubs(mapping.name):
        chunk = next(stub_chunks(session, mapping, [subject.our_key]))
    if not len(chunk):
        return (), None
    mapped = mapping.apply(chunk, session.people)
    scope = scoped(session, mapping, mapped)
    source = f"{mapping.source.name}:{subject.source_key}"
    filtered = _left_out(scope, source) if scope.mapped.filtered_keys else None
    nulled = {reason.field: reason for reason, rows in scope.rows.items() if reason.policy is Outside.NULL}

    classes = {rule.field.name: rule.rule.class_ for rule in mapping.rules}
    rows = tuple(
        (
            each.field,
            ", ".join(name for name, _ in each.sources) or None,
            "; ".join(may.source(mapping.source.name, name, text) if text else "-" for name, text in each.sources)
            or None,
            " > ".join(step.name for step in each.steps) or None,
            Text(each.misfit, {"field": each.field})
            if each.misfit
            else Text("explain.nulled", {"parent": each.result or "-", "why": f"@outside.{nulled[each.field].why}"})
            if each.field in nulled
            else _result(may, mapping, each),
            _place(each.file, each.line, mapping.file),
            *((classes[each.field],) if session.project.spec.classes else ()),
        )
        for each in mapping.trace(chunk, session.people)
    )
    columns = ["field", "source_field", "cell", "steps", "value", "rule"]
    columns += ["class"] if session.project.spec.classes else []
    addresses = addresses_table(rewritten(session, mapping, scope.mapped), partial(may.target, mapping.name))
    return (
        Table(Text("table.fields"), tuple(f"column.{each}" for each in columns), rows),
        *addresses,
        *successions(mapped.findings),
    ), filtered


def _result(may: Showing, mapping: CompiledMapping, each: FieldTrace) -> str | None:
    """A key of a parent is no value that is masked without a word."""
    name = of_mapping(mapping.name)
    if each.result is None or (each.field in mapping.references and not may.hidden(name, each.field)):
        return each.result
    return may.target(name, each.field, each.result)


def _corrections_table(session: Session, subject: _Subject, may: Showing) -> tuple[Table, ...]:
    """What was corrected in the record, by whom and why, and whether it still holds. Looked at once the record was."""
    rows = tuple(
        (
            each.field,
            *(may.source(each.object, each.field, text) if text else None for text in (each.old, each.new)),
            each.who,
            each.why,
            Text(_STANDS[holds]),
            f"{each.file}:{each.line}",
        )
        for each, holds in corrections_of(session, subject.mapping.source.name, subject.source_key)
    )
    columns = ("source_field", "was", "corrected", "who", "because", "state", "place")
    return (Table(Text("table.corrections"), tuple(f"column.{each}" for each in columns), rows),) if rows else ()


_STANDS = {True: "correction.holds", False: "correction.holds_no_more", None: "correction.not_looked_at"}


def _place(file: str | None, line: int | None, named: str) -> str | None:
    """The line alone in the file that the report has named already."""
    shown = "" if file == named and line else file
    return shown if line is None else f"{shown}:{line}"


def _findings_table(findings: Sequence[Finding], named: str) -> tuple[Table, ...]:
    if not findings:
        return ()
    rows = tuple(
        (
            Text(f"severity.{each.severity.value}"),
            each.field,
            Text(each.code, {"field": each.field or "", "object": each.object or "", **each.params}),
            _place(each.file, each.line, named),
        )
        for each in findings
    )
    return (Table(Text("table.findings"), ("column.severity", "column.field", "column.what", "column.rule"), rows),)


def _history_table(history: Sequence[operations.DoneOperation], undoes: Mapping[int, int]) -> tuple[Table, ...]:
    if not history:
        return ()
    rows = tuple(
        (
            Text("explain.undo", {"run": each.run, "undoes": undoes[each.run]}) if each.run in undoes else each.run,
            Text(f"change.{each.kind}"),
            Text(f"state.{each.state}"),
            each.at[:19],
            each.code,
        )
        for each in history
    )
    return (
        Table(
            Text("table.operations"), ("column.run", "column.change", "column.state", "column.at", "column.code"), rows
        ),
    )


def _next(record: RecordRow | None, filtered: Text | None, orphan: bool) -> tuple[str, ...]:
    """The words of commands. What a record waits for is explained where there is something to explain. The parent of an
    orphan would be new to the ledger, so that only a whole run comes to it."""
    if record is None:
        return () if filtered is not None else ("run --execute",)
    if record.waits_for and not orphan:
        return (f"explain {shlex.quote(record.waits_for)}",)
    if record.code is None:
        return ()
    again = f"run --rejected --code {shlex.quote(record.code)} --execute"
    return ("run --execute" if orphan else again,)
