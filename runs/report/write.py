"""A report's files: the JSON document, and a page for each language."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..catalogue import LANGUAGES, Catalogue, Language
from ..private_files import private_folder, require_plain_name, write_private
from .as_json import document
from .html import page
from .model import Origin, Report


def write_report(
    report: Report, folder: Path, name: str, origin: Origin | None = None, languages: Sequence[Language] = LANGUAGES
) -> dict[str, Path]:
    """Write NAME.json (its texts in the first language) and NAME.LANGUAGE.html, each 0600 and in one step, into a
    folder of 0700. Gives the paths by `json` and by language.

    Raises UnavailableError where the disk refuses us, ValueError for a name that is not plain.
    """
    require_plain_name(name)
    private_folder(folder)
    paths = {"json": folder / f"{name}.json"} | {language: folder / f"{name}.{language}.html" for language in languages}
    told = document(report, Catalogue(languages[0]))
    write_private(paths["json"], (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace"))
    for language in languages:
        write_private(paths[language], page(report, Catalogue(language), origin).encode("utf-8"))
    return paths
