"""The project's cached describes: what both systems looked like, without a value, for work offline and for `git
diff`."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

from ..connectors.errors import InputError, UnavailableError
from ..connectors.schema import Schema, schema_from_json
from .project import Project
from .session import Session

FOLDER = "schemas"


@dataclass(frozen=True, slots=True)
class CachedSchema:
    """file: relative to the project. at: when it was written, in UTC."""

    file: str
    at: dt.datetime
    schema: Schema


def cached_schemas(project: Project) -> tuple[CachedSchema, CachedSchema]:
    """(source, target) as they were described last. Raises InputError `schemas.missing` or `schemas.unreadable`."""
    return _cached(project, "source"), _cached(project, "target")


def _cached(project: Project, role: str) -> CachedSchema:
    path = project.folder / FOLDER / f"{role}.json"
    file, command = f"{FOLDER}/{role}.json", project.command("check")
    try:
        at = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
        schema = schema_from_json(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError("schemas.missing", file=file, command=command) from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError("schemas.unreadable", file=file, command=command) from error
    return CachedSchema(file, at, schema)


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
