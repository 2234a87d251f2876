"""What every command has in common: its voice, its project, the options that all take, and how it ends.

Nothing heavy is imported before a command needs it, so that `changeover --help` is instant.
"""

from __future__ import annotations

import inspect
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ..connectors.clock import SystemClock
    from ..connectors.secrets import Secrets
    from ..runs.report.model import Report
    from ..runs.report.voice import Voice
    from .project import Project
    from .session import Tick

ProjectOption = Annotated[Path, typer.Option("--project", "-p", metavar="DIR", help="The project folder.")]
EnvOption = Annotated[
    str | None, typer.Option("--env", "-e", metavar="NAME", help="The environment; else the project's default.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; progress goes to stderr.")]
LangOption = Annotated[str | None, typer.Option("--lang", metavar="zh|en", help="The language of texts.")]
OF_A_PROJECT = {"project": (ProjectOption, Path()), "env": (EnvOption, None)}
OF_ALL = {"as_json": (JsonOption, False), "lang": (LangOption, None)}


@contextmanager
def speaking(lang: str | None, as_json: bool, context: typer.Context | None = None) -> Iterator[Voice]:
    """Give the command its voice, and tell its operator's errors in it. context: what was typed."""
    from ..connectors.errors import ChangeoverError, UnavailableError
    from ..runs.catalogue import Catalogue, typed_again
    from ..runs.report.voice import Voice, tell, tell_error

    voice: Voice | None = None
    try:
        voice = Voice(lang, as_json)
        yield voice
    except ChangeoverError as error:
        catalogue = voice.catalogue if voice else Catalogue("en")
        if isinstance(error, UnavailableError):
            error.again = _typed(context)
        tell_error(error, catalogue, as_json)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt as stopped:
        catalogue = voice.catalogue if voice else Catalogue("en")
        tell(typed_again(catalogue.text(getattr(stopped, "code", "cli.killed")), _typed(context)))
        raise typer.Exit(130) from None


def _typed(context: typer.Context | None) -> str:
    """The command as it was typed, but for the org's name, which is typed by hand each time. Empty outside of one."""
    if context is None:
        return ""
    names, within = list[str](), context.parent  # the outermost is the program, however that was begun
    while within is not None and within.parent is not None:
        names.insert(0, str(within.info_name))
        within = within.parent
    words = ["changeover", *names, str(context.info_name)]
    for each in context.command.params:
        source = context.get_parameter_source(each.name or "")
        if source is None or source.name != "COMMANDLINE" or each.name == "confirm":
            continue
        value = context.params[each.name or ""]
        values = value if isinstance(value, list | tuple) else [value]
        option = [max(each.opts, key=len)] if each.param_type_name == "option" else []
        words += [word for one in values for word in (option if one is True else [*option, str(one)])]
    return shlex.join(words)


class Call:
    """What a command is given besides its own arguments: its voice, its project, and the world."""

    def __init__(self, voice: Voice, folder: Path, env: str | None, chosen: Mapping[str, Any]) -> None:
        self.voice = voice
        self.chosen = chosen
        self._folder = folder
        self._env = env

    @cached_property
    def project(self) -> Project:
        from .project import load_project

        return load_project(self._folder, self._env)

    @cached_property
    def outside(self) -> tuple[Secrets, SystemClock]:
        """What verbs are handed of the world: secrets and the time."""
        from ..connectors.clock import SystemClock
        from ..connectors.secrets import Secrets

        return Secrets(), SystemClock()

    @contextmanager
    def progress(self) -> Iterator[Callable[[Tick], None]]:
        """Bars on a terminal, a line now and then elsewhere."""
        from ..runs.report.progress import show_progress

        with show_progress(sys.stderr, self.voice.catalogue) as tick:
            yield tick


Verb = Callable[..., "Report | None"]
Command = Callable[..., Callable[[Verb], Verb]]


def commands_of(app: typer.Typer) -> Command:
    """The decorator that makes a command of that app of a function: it takes a Call and arguments of its own, and the
    command has the options that all have besides, and those by which records are chosen (`call.chosen` holds what was
    given for these). The report that it returns is rendered, and kept beside the ledger first where it is to be
    `kept`."""

    def command(
        *, of_a_project: bool = True, kept: bool = False, choosing: Mapping[str, Any] = MappingProxyType({})
    ) -> Callable[[Verb], Verb]:
        shared = {**choosing, **(OF_A_PROJECT if of_a_project else {}), **OF_ALL}

        def register(verb: Verb) -> Verb:
            def called(**given: Any) -> None:
                _call(verb, given, choosing, kept)

            called.__doc__, called.__annotations__ = verb.__doc__, {}
            called.__signature__ = _signature(verb, shared)  # type: ignore[attr-defined]
            app.command(verb.__name__.rstrip("_"))(called)
            return verb

        return register

    return command


def _call(verb: Verb, given: dict[str, Any], choosing: Iterable[str], kept: bool) -> None:
    with speaking(given.pop("lang"), given.pop("as_json"), given.pop("context")) as voice:
        chosen = {name: given.pop(name) for name in choosing}
        call = Call(voice, given.pop("project", Path()), given.pop("env", None), chosen)
        report = verb(call, **given)
        if report is not None and kept:
            from .keeping import keep_report

            report = keep_report(call.project, report, voice.catalogue.language, call.outside[0])
        if report is not None:
            voice.report(report)
            raise typer.Exit(report.exit_code)


def _signature(verb: Verb, shared: Mapping[str, tuple[Any, Any]]) -> inspect.Signature:
    """The verb's own arguments but for the Call, and the shared options (name -> option and default)."""
    names = {**verb.__globals__, "Report": object}
    own = list(inspect.signature(verb, eval_str=True, globals=names).parameters.values())[1:]
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=option)
        for name, (option, default) in shared.items()
    ]
    typed = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    return inspect.Signature([typed, *(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own), *options])
