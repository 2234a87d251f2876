"""What all who share a run must have alike besides mappings, keys and systems. Each calls the target by what its own
project says, so what is kept for the business, business hours, zones and leases have to be those of all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from ... import __version__
from ...connectors.errors import InputError
from ...runs.ledger.runlog import Run
from ...runs.ledger.store import Ledger
from ..answers import settings_of
from ..project import ConnectionSpec, Project

TERMS = "shared_terms"
"""In the ledger's meta: those of the latest coordinator."""


def terms_of(project: Project) -> dict[str, str]:
    """Name -> version or digest. Secrets are in it by their names only."""
    environment, spec = project.environment, project.spec
    return {
        "changeover": __version__,
        **{f"{role}:": _digest(_connection(project, each)) for role, each in environment.sources.items()},
        "target:": _digest(_connection(project, environment.target)),
        "limits:": _digest(spec.limits.model_dump(mode="json")),
        "schedule:": _digest(spec.schedule.model_dump(mode="json") if spec.schedule else None),
    }


def note_terms(ledger: Ledger, project: Project) -> None:
    """Before anybody can join."""
    with ledger.transaction():
        ledger.set_meta(TERMS, json.dumps(terms_of(project)))


def require_terms(ledger: Ledger, project: Project, run: Run) -> None:
    """Raise InputError `join.otherwise` where they are others here, naming which."""
    noted = ledger.get_meta(TERMS)
    if noted is None:
        return
    there, here = ledger.parsed(noted), terms_of(project)
    others = [name for name in sorted({*there, *here}) if there.get(name) != here.get(name)]
    if others:
        raise InputError("join.otherwise", run=run.id, what=", ".join(others))


def _connection(project: Project, spec: ConnectionSpec) -> Mapping[str, object]:
    settings = settings_of(project, spec)
    return {
        "told": [settings.name, settings.connector, settings.zone, spec.pace.model_dump(mode="json")],
        "options": dict(settings.options),
        "answers": dict(settings.answers),
    }


def _digest(what: object) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:12]
