"""Progress for people: bars where a terminal can show them, a line now and then where not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from ..catalogue import Catalogue
from .console import make_console

EVERY_SECONDS = 10.0
NOTICES = ("paused", "continued", "waiting")
"""Signs that are no progress: said once, as they come."""


class Ticked(Protocol):
    """A sign of life of a verb: what is being done to which mapping, how far, of how many where known."""

    @property
    def activity(self) -> str: ...
    @property
    def mapping(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int | None: ...


@contextmanager
def show_progress(stream: TextIO, catalogue: Catalogue) -> Iterator[Callable[[Ticked], None]]:
    """Give a function to call at every sign of life."""
    console = make_console(stream)
    if not console.is_terminal:
        yield _Lines(stream, catalogue, time.monotonic).tick
        return
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[count]}", justify="right"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    bars: dict[tuple[str, str], TaskID] = {}
    with Progress(*columns, console=console) as progress:

        def tick(told: Ticked) -> None:
            if told.activity in NOTICES:
                progress.console.print(_said(catalogue, told), soft_wrap=True)
                return
            name = (told.activity, told.mapping)
            if name not in bars:
                label = catalogue.text(f"activity.{told.activity}", {"mapping": told.mapping})
                bars[name] = progress.add_task(label, total=told.total, count="", rate="")
            task = progress.tasks[progress.task_ids.index(bars[name])]
            rate = f"{told.done / task.elapsed:,.0f}/s" if task.elapsed and told.done > 1 else ""
            count = f"{told.done:,}" if told.total is None else f"{told.done:,}/{told.total:,}"
            progress.update(bars[name], completed=told.done, total=told.total, count=count, rate=rate)

        yield tick


def _said(catalogue: Catalogue, told: Ticked) -> str:
    return catalogue.text(f"activity.{told.activity}", {"mapping": told.mapping})


class _Lines:
    """One line a mapping at its end, and one every few seconds in between."""

    def __init__(self, stream: TextIO, catalogue: Catalogue, clock: Callable[[], float]) -> None:
        self._console = make_console(stream)
        self._catalogue = catalogue
        self._clock = clock
        self._begun: dict[tuple[str, str], float] = {}
        self._told = clock()

    def tick(self, told: Ticked) -> None:
        if told.activity in NOTICES:
            self._console.print(_said(self._catalogue, told), soft_wrap=True)
            return
        now = self._clock()
        begun = self._begun.setdefault((told.activity, told.mapping), now)
        ended = told.total is not None and told.done >= told.total
        if not told.done or (not ended and now - self._told < EVERY_SECONDS):
            return
        self._told = now
        label = self._catalogue.text(f"activity.{told.activity}", {"mapping": told.mapping})
        params: dict[str, str | int] = {"label": label, "done": told.done, "total": told.total or 0}
        code = "activity.so_far"
        if now > begun:
            rate = told.done / (now - begun)
            code = "activity.ended" if ended else "activity.line" if told.total is None else "activity.line_of"
            params |= {"rate": round(rate), "seconds": round(((told.total or 0) - told.done) / rate)}
        if ended:
            del self._begun[told.activity, told.mapping]
        self._console.print(self._catalogue.text(code, params), soft_wrap=True)
