"""What an assembled record is made of, for people."""

from __future__ import annotations

from ...connectors.forwarding import layer_of
from ...mappings.compile import CompiledMapping
from ...runs.report.model import Table, Text
from ..session import Session
from .assembled import AssembledSource


def made_of_table(session: Session, mapping: CompiledMapping, key: str) -> tuple[Table, ...]:
    """Each contributing source record, and the page of the old system that shows it, where there is one; nothing for a
    record that is made of one alone."""
    source = layer_of(session.source, AssembledSource)
    if source is None or mapping.source.name not in source.assemblies:
        return ()
    rows = tuple(
        (name, object_name, own, source.inner.record_url(object_name, own))
        for name, object_name, own in source.contributors(mapping.source.name, key)
    )
    columns = ("column.contributor", "column.object", "column.key", "column.old_link")
    return (Table(Text("table.made_of"), columns, rows),) if rows else ()
