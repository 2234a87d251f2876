"""The project's cached describes: what both systems looked like, without a value, for work offline and for `git
diff`."""

from __future__ import annotations

import json

from ..connectors.errors import UnavailableError
from ..connectors.schema import Schema
from .session import Session

FOLDER = "schemas"


def cache_schemas(session: Session) -> None:
    """Write `schemas/source.json` and `schemas/target.json`. Raises UnavailableError where the disk refuses."""
    folder = session.project.folder / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        for role, schema in (("source", session.source_schema), ("target", session.target_schema)):
            (folder / f"{role}.json").write_text(_text(schema), encoding="utf-8")
    except OSError as error:
        raise UnavailableError("file.write_refused", path=str(folder), reason=error.strerror or "?") from error


def _text(schema: Schema) -> str:
    return json.dumps(schema.to_json(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
