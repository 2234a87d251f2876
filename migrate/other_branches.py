"""What became of a source record in the other branches of its mapping."""

from __future__ import annotations

from ..connectors.port import KEY
from ..mappings.compile import CompiledMapping
from ..mappings.mapped import make_our_key
from ..runs.ledger import records
from ..runs.report.model import Row, Table, Text
from .session import Session


def other_branches(session: Session, mapping: CompiledMapping, source_key: str) -> tuple[Table, ...]:
    """A line a branch: what it makes, the target's key, and its state or why it is not there. Nothing for a mapping
    without branches."""
    others = [
        each
        for each in session.mappings.values()
        if mapping.branch and each.file == mapping.file and each.branch != mapping.branch
    ]
    if not others:
        return ()
    rows = tuple(_row(session, each, source_key) for each in others)
    columns = ("column.mapping", "column.object", "column.new", "column.state")
    return (Table(Text("table.other_branches"), columns, rows),)


def _row(session: Session, mapping: CompiledMapping, source_key: str) -> Row:
    our_key = make_our_key(mapping.system, mapping.source.name, source_key, mapping.branch)
    known = records.lookup(session.ledger, mapping.target.name, [our_key]).get(our_key)
    if known is not None:
        return (mapping.name, mapping.target.name, known.target_key, Text(f"state.{known.state}"))
    chunk = session.source.find(mapping.source.name, (KEY,), [(source_key,)], mapping.source_fields)
    filtered = bool(mapping.apply(chunk, session.people).filtered_keys)
    return (mapping.name, mapping.target.name, None, Text("bucket.filtered" if filtered else "branches.not_moved"))
