"""How one call of the command line speaks: its language, a document or a terminal, and its errors."""

from __future__ import annotations

import os
import sys

from ...connectors.errors import ChangeoverError
from ..catalogue import Catalogue, choose_language
from .alarm import checked
from .as_json import error_json, to_json
from .console import can_print, make_console
from .model import Report
from .terminal import render


class Voice:
    """lang: as it was typed, None for the environment's, or English where the console cannot print that."""

    def __init__(self, lang: str | None, as_json: bool) -> None:
        self.as_json = as_json
        chosen = choose_language(lang, os.environ)
        if lang is None and not can_print(sys.stdout, chosen):
            chosen = "en"
        self.catalogue = Catalogue(chosen)

    def report(self, report: Report) -> None:
        report = checked(report)
        if self.as_json:
            make_console(sys.stdout).out(to_json(report, self.catalogue), highlight=False)
        else:
            make_console(sys.stdout).print(render(report, self.catalogue), crop=False)


def tell_error(error: ChangeoverError, catalogue: Catalogue, as_json: bool) -> None:
    if as_json:
        make_console(sys.stdout).out(error_json(error, catalogue), highlight=False)
    tell(catalogue.error(error))


def tell(text: str) -> None:
    make_console(sys.stderr).print(text, markup=False, highlight=False, soft_wrap=True)
