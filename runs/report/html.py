"""A report as one page that stands alone: no script, nothing fetched from anywhere, fit for paper too."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from ..catalogue import Catalogue
from .model import Origin, Report
from .spoken import Spoken, SpokenBranch, speak
from .wrapping import widest

MOST_ROWS = 500
MOST_CAUSES = 500
_THINNEST = 0.8
_WIDE = 28
"""Cells of an unbroken text, such as a path, beyond which a fact has a line of the page for itself."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a branch's bar. start, width: per cent of the bar."""

    name: str
    label: str
    number: int
    start: float
    width: float


def page(report: Report, catalogue: Catalogue, origin: Origin | None = None) -> str:
    """The page, complete, with its origin in its head where one is given. All text is escaped; the page allows itself
    its own style and nothing else."""
    spoken = speak(report, catalogue, MOST_ROWS)
    style = _file("report.css")
    sealed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _template().render(
        language="zh-CN" if catalogue.language == "zh" else "en",
        style=Markup(style),  # noqa: S704 (a file of ours)
        style_digest=sealed,
        spoken=spoken,
        origin=origin,
        causes=spoken.causes[:MOST_CAUSES],
        causes_omitted=max(0, len(spoken.causes) - MOST_CAUSES),
        bars=[segments(branch, spoken) for branch in spoken.branches],
        say=lambda code, **params: catalogue.text(code, params),
    )


def segments(branch: SpokenBranch, spoken: Spoken) -> list[Segment]:
    """The branch's bar: a piece a bucket in proportion, none so thin that it cannot be seen."""
    total = sum(branch.figures.values())
    shown = [(name, label, branch.figures[name]) for name, label in spoken.buckets if branch.figures[name] > 0]
    widths = [max(_THINNEST, 100 * number / total) for _, _, number in shown]
    scale = 100 / sum(widths) if widths else 0
    pieces, start = [], 0.0
    for (name, label, number), width in zip(shown, widths, strict=True):
        pieces.append(Segment(name, label, number, round(start, 3), round(width * scale, 3)))
        start += width * scale
    return pieces


@cache
def _template() -> Template:
    kept = Environment(
        loader=FunctionLoader(_file), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    kept.filters["widest"] = widest
    kept.globals["WIDE"] = _WIDE
    kept.filters["grouped"] = lambda number: f"{number:,}"
    return kept.get_template("report.html.j2")


@cache
def _file(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")
