"""Profiles: an object of the source read once and measured, and what is kept of that in `schemas/`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from ...connectors.errors import UnavailableError
from ...connectors.port import Connector
from ...connectors.schema import ObjectSchema
from ...mappings.profiling.measure import ObjectMeasure
from ...mappings.profiling.profile import ObjectProfile, profile_from_json
from ..project import Project
from ..schemas import FOLDER
from ..session import Interruption, Tick


def measure(
    source: Connector, schema: ObjectSchema, size: int, tick: Callable[[Tick], None], interruption: Interruption
) -> ObjectMeasure:
    """Read every record of the object. size: records a chunk. Raises Interrupted."""
    audit = source.audit_fields(schema.name)
    measured = ObjectMeasure(schema, audit.modified_at, audit.modified_by)
    total, done = source.count(schema.name), 0
    for chunk in source.read(schema.name, schema.field_names, size=size):
        interruption.check()
        measured.take(chunk)
        done += len(chunk)
        tick(Tick("profile", schema.name, done, total))
    return measured


def kept_in(project: Project, object_name: str) -> Path:
    """Where an object's profile lies. Letters of any script stay; what a file's name may not hold is written %xx."""
    safe = re.sub(r"[^\w.-]", lambda found: "".join(f"%{byte:02x}" for byte in found[0].encode()), object_name)
    return project.folder / FOLDER / f"profile-{safe}.json"


def keep(project: Project, profile: ObjectProfile) -> Path:
    """Write the profile's figures, and no cell. Raises UnavailableError where the disk refuses."""
    path = kept_in(project, profile.object)
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(profile.to_json(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UnavailableError("file.write_refused", path=str(path), reason=error.strerror or "?") from error
    return path


def kept(project: Project, schema: ObjectSchema) -> ObjectProfile | None:
    """The profile that was kept, where it is of the object's fields as they are now; else None."""
    path = kept_in(project, schema.name)
    try:
        found = profile_from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    fields = tuple((each.name, each.type) for each in schema.fields)
    return found if tuple((each.name, each.type) for each in found.fields) == fields else None
