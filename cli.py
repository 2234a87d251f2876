"""The command line: parse, call one verb, render what it returns, end with its exit code.

Everything heavy is imported by the verb that needs it, so that `changeover --help` is instant.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from .connectors.clock import SystemClock
    from .connectors.errors import ChangeoverError
    from .connectors.secrets import Secrets
    from .migrate.project import Project
    from .migrate.session import Tick
    from .runs.catalogue import Catalogue
    from .runs.report.model import Report

app = typer.Typer(
    name="changeover",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Move a company's records from one CRM to another while both are in use, and prove it.",
)

ProjectOption = Annotated[Path, typer.Option("--project", "-p", metavar="DIR", help="The project folder.")]
EnvOption = Annotated[
    str | None, typer.Option("--env", "-e", metavar="NAME", help="The environment; else the project's default.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; progress goes to stderr.")]
LangOption = Annotated[str | None, typer.Option("--lang", metavar="zh|en", help="The language of texts.")]
KeysOption = Annotated[
    list[str] | None,
    typer.Option("--keys", metavar="OBJECT:K1,K2|FILE", help="Only these records and what they refer to."),
]
SampleOption = Annotated[
    int | None, typer.Option("--sample", min=1, metavar="N", help="Only N records of each mapping.")
]
ChildrenOption = Annotated[bool, typer.Option("--children", help="With --keys or --sample: also what refers to them.")]
ExecuteOption = Annotated[bool, typer.Option("--execute", help="Really write to the target.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen (the default).")]
HERE = Path()


class Voice:
    """How this call speaks: the language, JSON or terminal, and where progress goes."""

    def __init__(self, lang: str | None, as_json: bool) -> None:
        from .runs.catalogue import Catalogue, choose_language
        from .runs.report.console import can_print

        self.as_json = as_json
        self.catalogue: Catalogue = Catalogue("en")
        chosen = choose_language(lang, os.environ)
        if lang is None and not can_print(sys.stdout, chosen):
            chosen = "en"
        self.catalogue = Catalogue(chosen)

    def report(self, report: Report) -> NoReturn:
        from .runs.report.alarm import checked
        from .runs.report.as_json import to_json
        from .runs.report.console import make_console
        from .runs.report.terminal import render

        report = checked(report)
        if self.as_json:
            make_console(sys.stdout).out(to_json(report, self.catalogue), highlight=False)
        else:
            make_console(sys.stdout).print(render(report, self.catalogue), crop=False)
        raise typer.Exit(report.exit_code)


@contextmanager
def speaking(lang: str | None, as_json: bool) -> Iterator[Voice]:
    """Give the command its voice, and tell its operator's errors in it."""
    from .connectors.errors import ChangeoverError
    from .runs.catalogue import Catalogue

    voice: Voice | None = None
    try:
        voice = Voice(lang, as_json)
        yield voice
    except ChangeoverError as error:
        catalogue = voice.catalogue if voice else Catalogue("en")
        tell_error(error, catalogue, as_json)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt as stopped:
        catalogue = voice.catalogue if voice else Catalogue("en")
        tell(catalogue.text(getattr(stopped, "code", "cli.killed")))
        raise typer.Exit(130) from None
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - whoever read our output is gone; nothing is left to say
        raise typer.Exit(1) from None


def tell_error(error: ChangeoverError, catalogue: Catalogue, as_json: bool) -> None:
    if as_json:
        from .runs.report.as_json import error_json
        from .runs.report.console import make_console

        make_console(sys.stdout).out(error_json(error, catalogue), highlight=False)
    tell(catalogue.error(error))


def tell(text: str) -> None:
    from .runs.report.console import make_console

    make_console(sys.stderr).print(text, markup=False, highlight=False, soft_wrap=True)


def open_project(folder: Path, env: str | None) -> Project:
    from .migrate.project import load_project

    return load_project(folder, env)


def outside() -> tuple[Secrets, SystemClock]:
    """What verbs are handed of the world: secrets and the time."""
    from .connectors.clock import SystemClock
    from .connectors.secrets import Secrets

    return Secrets(), SystemClock()


@contextmanager
def progress(voice: Voice) -> Iterator[Callable[[Tick], None]]:
    """Bars on a terminal, a line now and then elsewhere."""
    from .runs.report.progress import show_progress

    with show_progress(sys.stderr, voice.catalogue) as tick:
        yield tick


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")],
    source: Annotated[
        str, typer.Option("--source", metavar="URL", help="The legacy system, for example sqlite:///old.db")
    ] = "sqlite:///legacy.db",
    target: Annotated[str, typer.Option("--target", metavar="URL", help="The new system.")] = "sqlite:///target.db",
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Make a project folder that belongs in your own git."""
    with speaking(lang, as_json) as voice:
        from .migrate.init import init as make

        voice.report(make(folder, source, target))


@app.command()
def check(
    project: ProjectOption = HERE, env: EnvOption = None, as_json: JsonOption = False, lang: LangOption = None
) -> None:
    """Check project, connections and mappings in full; no record moves."""
    with speaking(lang, as_json) as voice:
        from .migrate.check import check as verb

        voice.report(verb(open_project(project, env), *outside()))


@app.command()
def plan(
    project: ProjectOption = HERE,
    env: EnvOption = None,
    keys: KeysOption = None,
    sample: SampleOption = None,
    children: ChildrenOption = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """The dry run: READY or NOT READY, and why. Nothing is written to the target."""
    _move(project, env, keys, sample, children, None, None, execute=False, as_json=as_json, lang=lang)


@app.command()
def run(
    project: ProjectOption = HERE,
    env: EnvOption = None,
    execute: ExecuteOption = False,
    dry_run: DryRunOption = False,
    plan_name: Annotated[
        str | None, typer.Option("--plan", metavar="PLAN", help="Refuse if anything changed since this plan.")
    ] = None,
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="NAME", help="The target org's own name; production asks for it.")
    ] = None,
    keys: KeysOption = None,
    sample: SampleOption = None,
    children: ChildrenOption = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Move the records. Start it again and it goes on where it was."""
    _move(
        project,
        env,
        keys,
        sample,
        children,
        plan_name,
        confirm,
        execute=execute and not dry_run,
        as_json=as_json,
        lang=lang,
    )


def _move(
    folder: Path,
    env: str | None,
    keys: list[str] | None,
    sample: int | None,
    children: bool,
    plan_name: str | None,
    confirm: str | None,
    *,
    execute: bool,
    as_json: bool,
    lang: str | None,
) -> None:
    with speaking(lang, as_json) as voice:
        from .migrate import run as verbs

        project = open_project(folder, env)
        order = verbs.Order(tuple(keys or ()), sample, children, plan_name, confirm)
        verb = verbs.run if execute else verbs.plan
        with progress(voice) as tick:
            report = verb(project, order, *outside(), tick)
        voice.report(_written(project, report, voice))


def _written(project: Project, report: Report, voice: Voice) -> Report:
    """The report with its files beside the ledger, named in it."""
    from .migrate.keeping import keep_report

    return keep_report(project, report, voice.catalogue.language)


@app.command()
def reconcile(
    project: ProjectOption = HERE,
    env: EnvOption = None,
    keys: KeysOption = None,
    sample: SampleOption = None,
    children: ChildrenOption = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Compare both sides: counts, keys, every mapped field, totals. Exit 1 where they differ."""
    with speaking(lang, as_json) as voice:
        from .migrate.compare import reconcile as verb
        from .migrate.run import Order

        opened = open_project(project, env)
        with progress(voice) as tick:
            report = verb(opened, Order(tuple(keys or ()), sample, children), *outside(), tick)
        voice.report(_written(opened, report, voice))


@app.command()
def undo(
    run_id: Annotated[int, typer.Argument(metavar="RUN", help="The run's number; `changeover runs` lists them.")],
    project: ProjectOption = HERE,
    env: EnvOption = None,
    execute: ExecuteOption = False,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Take a run back, sparing what was edited since. Without --execute: what it would cost and spare."""
    with speaking(lang, as_json) as voice:
        from .migrate.take_back import undo as verb

        opened = open_project(project, env)
        with progress(voice) as tick:
            report = verb(opened, run_id, execute and not dry_run, *outside(), tick)
        voice.report(_written(opened, report, voice))


@app.command()
def runs(
    project: ProjectOption = HERE, env: EnvOption = None, as_json: JsonOption = False, lang: LangOption = None
) -> None:
    """List the runs."""
    with speaking(lang, as_json) as voice:
        from .migrate.status import runs as verb

        voice.report(verb(open_project(project, env)))


@app.command()
def status(
    project: ProjectOption = HERE, env: EnvOption = None, as_json: JsonOption = False, lang: LangOption = None
) -> None:
    """What the ledger knows: records by state, the latest run, what is open."""
    with speaking(lang, as_json) as voice:
        from .migrate.status import status as verb

        voice.report(verb(open_project(project, env)))


@app.command()
def explain(
    key: Annotated[str, typer.Argument(metavar="[OBJECT:]KEY", help="An old or a new key.")],
    project: ProjectOption = HERE,
    env: EnvOption = None,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Show cells as they are; masked otherwise.")
    ] = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """How a record came to be what it is, or why it is not there."""
    with speaking(lang, as_json) as voice:
        from .migrate.explain import explain as verb

        voice.report(verb(open_project(project, env), key, show_values, *outside()))


@app.command()
def crosswalk(
    object_name: Annotated[
        str | None, typer.Argument(metavar="[OBJECT]", help="Only this source or target object.")
    ] = None,
    project: ProjectOption = HERE,
    env: EnvOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Source key, our key, target key of every record, as CSV (or JSON) on stdout."""
    with speaking(lang, as_json):
        from .migrate.status import crosswalk_lines
        from .runs.report.console import write_data

        write_data(sys.stdout, crosswalk_lines(open_project(project, env), object_name, as_json=as_json))


@app.command()
def connectors(as_json: JsonOption = False, lang: LangOption = None) -> None:
    """The connectors that are installed, where each comes from, and whether it loads."""
    with speaking(lang, as_json) as voice:
        from .migrate.installed import installed

        voice.report(installed())


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to make it; must not hold one yet.")] = Path(
        "demo"
    ),
    records: Annotated[
        int, typer.Option("--records", min=1000, metavar="N", help="Records in the legacy CRM.")
    ] = 103_000,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="The same seed makes the same data.")] = 20_240_601,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """A whole move of an invented company: made, checked, planned, run, reconciled, totalled. Exit 0 if all came as
    planted."""
    with speaking(lang, as_json) as voice:
        from .migrate.demo.verb import demo as verb

        with progress(voice) as tick:
            report = verb(folder, records, seed, *outside(), tick, voice.catalogue.language)
        voice.report(report)


def _version(wanted: bool) -> None:
    if wanted:
        from . import __version__

        typer.echo(f"changeover {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="The version, and nothing else.")
    ] = False,
) -> None:
    """Nothing to do before a command; what every command takes is told by each."""


def main() -> None:
    """The entry point."""
    app()
