"""The project's systems without the ledger: what is looked at before there is a mapping, or even a target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ...connectors.clock import Clock
from ...connectors.errors import InputError
from ...connectors.nearest import nearest
from ...connectors.port import Connector
from ...connectors.schema import ObjectSchema, Schema
from ...connectors.secrets import Secrets
from ..pace.pacing import paces_of
from ..project import Project
from ..session import Interruption, open_connectors, open_sources


@contextmanager
def open_source(project: Project, secrets: Secrets, clock: Clock) -> Iterator[tuple[Connector, Interruption]]:
    """The source alone, and whether the operator wants to stop."""
    with ExitStack() as stack:
        interruption = Interruption()
        paces = paces_of(project, secrets, clock, interruption.listen)
        stack.callback(paces.asked.close)
        stack.callback(paces.close)
        source = stack.enter_context(open_sources(project, secrets, paces, clock))
        stack.enter_context(interruption.heard())
        yield source, interruption


@contextmanager
def open_both(project: Project, secrets: Secrets, clock: Clock) -> Iterator[tuple[Connector, Connector, Interruption]]:
    """Source and target, and whether the operator wants to stop."""
    with ExitStack() as stack:
        interruption = Interruption()
        paces = paces_of(project, secrets, clock, interruption.listen)
        stack.callback(paces.asked.close)
        source, target = stack.enter_context(open_connectors(project, secrets, paces, clock))
        stack.enter_context(interruption.heard())
        yield source, target, interruption


def object_of(schema: Schema, name: str, code: str) -> ObjectSchema:
    """Raises InputError with that code, the name and the nearest ones, where the schema has no such object."""
    found = schema.object(name)
    if found is None:
        known = {each: described.label for each, described in schema.objects.items()}
        raise InputError(code, name=name, nearest=nearest(name, known))
    return found
