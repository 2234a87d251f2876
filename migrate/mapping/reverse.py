"""The verb `mapping reverse`: the mappings turned around, and every rule that goes one way."""

from __future__ import annotations

from pathlib import Path

from ...connectors.clock import Clock
from ...connectors.errors import InputError
from ...connectors.nearest import nearest
from ...connectors.secrets import Secrets
from ...mappings.compile import SUFFIX
from ...mappings.reverse import Reversed, reverse
from ...runs.private_files import write_private, write_refused
from ...runs.report.model import Report, Table, Text
from ..prepare import prepare
from ..project import Project
from ..session import open_session

FOLDER = "reverse"


def turn_around(project: Project, name: str | None, out: Path | None, secrets: Secrets, clock: Clock) -> Report:
    """Write the way back of one mapping, or of all, a file each, anew each time. Raises InputError
    `reverse.no_mapping`, or as `prepare`."""
    folder = out.absolute() if out is not None else project.folder / FOLDER
    with open_session(project, secrets, clock, alone=False) as session:
        prepare(session)
        if name is not None and name not in session.mappings:
            raise InputError("reverse.no_mapping", name=name, nearest=nearest(name, list(session.mappings)))
        chosen = list(session.mappings) if name is None else [name]
        turned = [reverse(session.mappings[each], session.mappings, session.people) for each in chosen]
    files = [_write(folder, each) for each in turned if each.rules]
    whole = sum(len(each.rules) for each in turned)
    rows = tuple(
        (finding.mapping, finding.field, Text(finding.code, finding.params), f"{finding.file}:{finding.line or 1}")
        for each in turned
        for finding in each.one_way
    )
    columns = ("column.mapping", "column.field", "column.why", "column.rule")
    return Report(
        verb="mapping reverse",
        verdict=Text("reverse.done", {"count": whole, "one_way": len(rows)}),
        good=True,
        facts=(("fact.environment", project.env), *(("fact.file", project.typed(each)) for each in files)),
        tables=(Table(Text("table.one_way"), columns, rows),) if rows else (),
        extra={
            "files": [str(each) for each in files],
            "yaml": {each.mapping.name: each.text for each in turned if each.rules},
            "one_way": [
                {"mapping": finding.mapping, "field": finding.field, "code": finding.code}
                for each in turned
                for finding in each.one_way
            ],
        },
    )


def _write(folder: Path, turned: Reversed) -> Path:
    path = folder / f"{turned.mapping.name}{SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise write_refused(folder, problem) from problem
    write_private(path, turned.text.encode())
    return path
