"""The command line: parse, call one verb, render what it returns, end with its exit code.

Everything heavy is imported by the verb that needs it, so that `changeover --help` is instant.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from .migrate.command import Call, commands_of
from .migrate.options import (
    ACCEPT,
    CHOICE,
    MAKING,
    OF_WAITING,
    PROBING,
    RETRY,
    SIMULATING,
    STARTING,
    BodiesOption,
    ConfirmOption,
    DryRunOption,
    ExecuteOption,
    ImportOption,
    NoDataOption,
    ShowValuesOption,
)
from .migrate.start import collect_late

if TYPE_CHECKING:
    from .runs.report.model import Report


def _group(name: str, about: str) -> typer.Typer:
    return typer.Typer(
        name=name,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help=about,
    )


app = _group("changeover", "Move a company's records from one CRM to another while both are in use, and prove it.")
mapping = _group("mapping", "Write, judge and try mappings.")
book = _group("workbook", "The mappings as a workbook for the business, and back.")
app.add_typer(mapping)
mapping.add_typer(book)

command, mapping_command, book_command = map(commands_of, (app, mapping, book))


@command(of_a_project=False, choosing=STARTING)
def init(call: Call, folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to make.")]) -> Report:
    """Make a project folder that belongs in your own git."""
    from .migrate import init as verb

    return verb.init(folder, **call.chosen)


@command(choosing=PROBING)
def check(
    call: Call,
    offline: Annotated[
        bool, typer.Option("--offline", help="By the schemas kept in schemas/; no system is opened.")
    ] = False,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Change rules one by one; say what no example notices.")
    ] = False,
    sheet: Annotated[
        str | None,
        typer.Option("--build-sheet", metavar="FILE", help="Write what the target lacks: FILE.xlsx, FILE.csv or -"),
    ] = None,
    no_data: NoDataOption = False,
    show_values: ShowValuesOption = False,
) -> Report:
    """Check project, connections, mappings and the source's data in full; no record moves."""
    from .migrate import check as verb
    from .migrate.checking.probe import Probing

    asked = verb.Asked(not no_data, show_values, mutate, offline, Probing(**call.chosen))
    with call.progress() as tick:
        if sheet is None:
            return verb.check(call.project, *call.outside, asked, tick)
        built = verb.build(call.project, *call.outside, asked, tick, sheet, call.voice.catalogue)
    return built.report if built.text is None else _written(built.text, built.problem)


@command(kept=True, choosing=CHOICE | RETRY)
def plan(call: Call) -> Report:
    """The dry run: READY or NOT READY, and why. Nothing is written to the target."""
    from .migrate import run as verbs

    with call.progress() as tick:
        return verbs.plan(call.project, verbs.Order(**call.chosen), *call.outside, tick)


@command(kept=True, choosing=CHOICE | RETRY | ACCEPT)
def run(
    call: Call,
    execute: ExecuteOption = False,
    dry_run: DryRunOption = False,
    plan_name: Annotated[
        str | None, typer.Option("--plan", metavar="PLAN", help="Refuse if anything changed since this plan.")
    ] = None,
    confirm: ConfirmOption = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, metavar="N", help="Share the run among N processes, and who joins."),
    ] = None,
    join: Annotated[
        bool, typer.Option("--join", help="Share a run that was started with --workers or --cluster.")
    ] = False,
    cluster: Annotated[
        str | None, typer.Option("--cluster", metavar="URL", help="Share the run with the workers of a dask scheduler.")
    ] = None,
) -> Report:
    """Move the records. Start it again and it goes on where it was."""
    from .migrate import run as verbs
    from .migrate.sharing import join as joining

    order = verbs.Order(**call.chosen, plan=plan_name, confirm=confirm, workers=workers, cluster=cluster)
    execute = execute and not dry_run
    with call.progress() as tick:
        if join:
            return joining.join(call.project, order, execute, *call.outside, tick)
        verb = verbs.run if execute else verbs.plan
        return verb(call.project, order, *call.outside, tick)


@command(kept=True, choosing=CHOICE)
def reconcile(call: Call, files: BodiesOption = False) -> Report:
    """Compare both sides: counts, keys, every mapped field, totals. Exit 1 where they differ."""
    from .migrate import compare
    from .migrate.run import Order

    with call.progress() as tick:
        return compare.reconcile(call.project, Order(**call.chosen), *call.outside, tick, files=files)


@command(kept=True)
def undo(
    call: Call,
    run_id: Annotated[int, typer.Argument(metavar="RUN", help="The run's number; `changeover runs` lists them.")],
    execute: ExecuteOption = False,
    dry_run: DryRunOption = False,
    confirm: ConfirmOption = None,
) -> Report:
    """Take a run back, sparing what was edited since. Without --execute: what it would cost and spare."""
    from .migrate.undoing import take_back

    with call.progress() as tick:
        return take_back.undo(call.project, run_id, execute and not dry_run, *call.outside, tick, confirm)


@command()
def pause(call: Call) -> Report:
    """From another terminal: let the run stand still after the batch in flight."""
    from .migrate import steering

    return steering.pause(call.project, *call.outside)


@command()
def continue_(call: Call) -> Report:
    """From another terminal: let a paused run go on."""
    from .migrate import steering

    return steering.go_on(call.project, *call.outside)


@command()
def pace(
    call: Call,
    share: Annotated[str, typer.Argument(metavar="SHARE|off", help="0.3 or 30%; off: what the project says.")],
) -> Report:
    """From another terminal: let runs take only a share of the calls that the systems allow."""
    from .migrate import steering

    return steering.pace(call.project, share, *call.outside)


@command()
def runs(call: Call) -> Report:
    """List the runs."""
    from .migrate import status as verbs

    return verbs.runs(call.project, call.outside[0])


@command()
def status(call: Call) -> Report:
    """What the ledger knows: records by state, the latest run, what is open."""
    from .migrate import status as verbs

    return verbs.status(call.project, call.outside[0])


@command(choosing=OF_WAITING)
def worklist(
    call: Call,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE.xlsx]", help="Where to; else beside the ledger.")
    ] = None,
    filled: ImportOption = None,
    show_values: ShowValuesOption = False,
) -> Report:
    """The records that wait for somebody as a workbook, a sheet for each who can mend them; or back from it."""
    from .migrate import worklist as verb
    from .migrate import worklist_import as importing

    if filled is not None:
        return importing.import_worklist(call.project, filled, *call.outside)
    return verb.worklist(
        call.project, file, call.voice.catalogue, *call.outside, show_values=show_values, **call.chosen
    )


@command()
def explain(
    call: Call,
    key: Annotated[str, typer.Argument(metavar="[OBJECT:]KEY", help="An old or a new key.")],
    show_values: ShowValuesOption = False,
) -> Report:
    """How a record came to be what it is, or why it is not there."""
    from .migrate import explain as verb

    return verb.explain(call.project, key, show_values, *call.outside)


@mapping_command()
def profile(
    call: Call,
    object_name: Annotated[
        str | None, typer.Argument(metavar="[OBJECT]", help="Only this object of the source.")
    ] = None,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Show cells as they are; masked otherwise.")
    ] = False,
) -> Report:
    """What is really in the source's fields: fill, distinct, lengths, last used, who writes it."""
    from .migrate.mapping import profile as verb

    with call.progress() as tick:
        return verb.profile(call.project, object_name, show_values, *call.outside, tick)


@mapping_command()
def suggest(
    call: Call,
    object_name: Annotated[str, typer.Argument(metavar="OBJECT", help="The source object.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="TARGET", help="The target object; else the one most like it.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.yaml", help="Where to; else mappings/TARGET.yaml.")
    ] = None,
) -> Report:
    """A mapping from both schemas and the profile, with reason and confidence a line, to be edited."""
    from .migrate.mapping import suggest as verb

    with call.progress() as tick:
        return verb.suggest(call.project, object_name, to, out, call.voice.catalogue, *call.outside, tick)


@book_command()
def export(
    call: Call,
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="Where to; no file is written over.")],
) -> Report:
    """Write the mappings for a workshop: fields, fill, masked samples, rules in words, decisions, open questions."""
    from .migrate.mapping import workbook as verb

    with call.progress() as tick:
        return verb.export(call.project, file, call.voice.catalogue, *call.outside, tick)


@book_command()
def import_(
    call: Call,
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help="An exported workbook that people have filled in.")],
) -> Report:
    """Bring back what was changed in it: rules, reasons, decisions, questions. Nothing else changes."""
    from .migrate.mapping import workbook_import as verb

    return verb.import_workbook(call.project, file)


@mapping_command()
def diff(
    call: Call,
    old: Annotated[str, typer.Argument(metavar="OLD", help="A folder with mappings, or a git revision.")],
    new: Annotated[str | None, typer.Argument(metavar="[NEW]", help="Likewise; else the project's own.")] = None,
    show_values: ShowValuesOption = False,
) -> Report:
    """Which records a changed set of mappings would change, in which fields, from what to what."""
    from .migrate.mapping import diff as verb

    with call.progress() as tick:
        return verb.diff(call.project, old, new, show_values, *call.outside, tick)


@mapping_command()
def reverse(
    call: Call,
    name: Annotated[str | None, typer.Argument(metavar="[MAPPING]", help="Only this mapping.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where to; else reverse/.")] = None,
) -> Report:
    """The mappings turned around, from target to source, and why other rules go one way."""
    from .migrate.mapping import reverse as verb

    return verb.turn_around(call.project, name, out, *call.outside)


@command()
def crosswalk(
    call: Call,
    object_name: Annotated[
        str | None, typer.Argument(metavar="[OBJECT]", help="Only this source or target object.")
    ] = None,
) -> None:
    """Source key, our key, target key of every record, as CSV (or JSON) on stdout."""
    from .migrate.status import crosswalk_lines
    from .runs.report.console import write_data

    write_data(sys.stdout, crosswalk_lines(call.project, call.outside[0], object_name, as_json=call.voice.as_json))


@command(of_a_project=False)
def connectors(call: Call) -> Report:
    """The connectors that are installed, where each comes from, and whether it loads."""
    from .migrate.installed import installed

    return installed()


@command(of_a_project=False, choosing=SIMULATING)
def simulator(call: Call) -> Report | None:
    """A server on this machine that imitates a system, to rehearse against, until you stop it."""
    from .migrate import simulator as verb

    return verb.simulate(**call.chosen, clock=call.outside[1], voice=call.voice)


@command(of_a_project=False, choosing=MAKING)
def demo(call: Call) -> Report:
    """A whole move of an invented company: made, checked, planned, run, reconciled, totalled. Exit 0 if all came as
    planted."""
    from .migrate.demo import verb

    secrets, clock = call.outside
    with call.progress() as tick:
        return verb.demo(**call.chosen, secrets=secrets, clock=clock, tick=tick, language=call.voice.catalogue.language)


def _written(text: str, problem: Exception | None) -> NoReturn:
    """Data on stdout, in place of a report."""
    from .runs.report.console import write_data

    write_data(sys.stdout, [text])
    raise problem or typer.Exit


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
    collect_late()
    app()
