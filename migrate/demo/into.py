"""A demo whose new CRM is a simulator: what the project's folder gets of it, and the server for as long as it runs.

Of each there is a folder `targets/NAME`: the project, and in `tenant/` what the simulator imitates. There
`rows/OBJECT.sql` asks the new CRM of `target.sql` for what its users have made already: (key here, key there, the row
as the simulator reads it)."""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from ...connectors.clock import Clock
from ...connectors.errors import InputError
from ...connectors.pace import Pace
from ...connectors.registry import connect
from ...connectors.secrets import Secrets
from ...connectors.simulators import Running, Wanted, available, simulator
from ...runs.report.model import Report, Text
from ..pace.predict import at_the_limits, predicted_time
from ..project import FILE, Project

TENANT: Final = "tenant"
ROWS: Final = "rows"
CAPITAL: Final = re.compile(r"[A-Z]")
PORT: Final = 8750
"""At which the project expects the simulator."""


def shipped_for(name: str) -> Traversable:
    """The folder of that target. Raises InputError `demo.no_target` where there is none, `simulator.unknown`."""
    known = sorted(each.name for each in (files(__package__) / "targets").iterdir() if each.name in available())
    if name not in known:
        raise InputError("demo.no_target", name=name, known=", ".join(known))
    return files(__package__) / "targets" / name


def lay_rows(crm: sqlite3.Connection, asked: Traversable, folder: Path) -> Mapping[str, Mapping[str, str]]:
    """Write `OBJECT.jsonl` for each `OBJECT.sql`. Returns for each object: key in the database -> key in the target."""
    folder.mkdir(parents=True, exist_ok=True)
    keys: dict[str, dict[str, str]] = {}
    for sql in asked.iterdir():
        name = sql.name.partition(".")[0]
        rows = crm.execute(sql.read_text(encoding="utf-8")).fetchall()
        keys[name] = {str(here): str(there) for here, there, _ in rows}
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for _, _, line in rows), encoding="utf-8")
    return keys


@contextmanager
def answering(name: str, folder: Path, clock: Clock) -> Iterator[Running]:
    """The simulator, until the end of the block, where the project says that it is. Where that port is taken it has
    another one, and the project is told."""
    tenant = folder / TENANT
    try:
        server = simulator(name).start(Wanted(PORT, tenant), clock)
    except InputError as error:
        if error.code != "simulator.port":
            raise
        server = simulator(name).start(Wanted(0, tenant), clock)
        path = folder / FILE
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(f"http://127.0.0.1:{PORT}", server.url), encoding="utf-8")
    try:
        yield server
    finally:
        server.close()


def made_up(server: Running, project: Project) -> Mapping[str, str]:
    """The simulator's credentials that the project names as secrets: `${APP_SECRET}` is its `appSecret`."""
    text = (project.folder / FILE).read_text(encoding="utf-8")
    told = {CAPITAL.sub(r"_\g<0>", name).upper(): value for name, value in server.credentials.items()}
    return {name: value for name, value in told.items() if f"${{{name}}}" in text}


def to_start(name: str, server: Running, project: Project) -> tuple[str, ...]:
    """What to type so that the simulator answers again where it did, and the project may call it."""
    port = server.url.rpartition(":")[2]
    told = (f"export {name}={value}" for name, value in made_up(server, project).items())
    data = shlex.quote(project.typed(project.folder / TENANT))
    return (f"changeover simulator {name} --data {data} --port {port}", *told)


def in_earnest(project: Project, planned: Report, secrets: Secrets, clock: Clock) -> tuple[tuple[str, Text], ...]:
    """How long the calls that the plan foretold take by what the project's other environments allow. Nothing, where
    calls are not counted."""
    calls = planned.extra.get("calls")
    facts = []
    for name, environment in project.spec.environments.items():
        if name != project.env and isinstance(calls, dict):
            settings = environment.target.settings(project.folder)
            with closing(connect(settings, secrets, Pace(clock), clock)) as target:
                foretold = at_the_limits(calls["predicted"], target.capabilities.allowance, clock.now())
            facts.append(("fact.real_limits", predicted_time(foretold, "demo.real_limits", environment=name)))
    return tuple(facts)
