"""Contacts that go inside a new account, in the small moves whose target takes them so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from changeover.connectors.change import ChangeKind
from changeover.migrate.loading.details import as_written
from changeover.migrate.sending.answer import Carried, Ended, Planned, What, carrying
from changeover.migrate.session import Session
from changeover.migrate.settling import readback
from changeover.runs.ledger import records

if TYPE_CHECKING:
    from .small_move import SmallMove

BY = "account_id"


def with_details(world: SmallMove, session: Session, planned: Planned) -> Planned:
    """The change with as many contacts as it may carry, where it creates an account."""
    change, inside = planned.change, []
    if not world.kind.details or change.kind is not ChangeKind.CREATE or BY in change.values:
        return planned
    for step in world.steps:
        for each in step.asked:
            if each.kind is ChangeKind.CREATE and each.cells.get(BY) == change.our_key:
                detail = world.planned(each, None, world.ready[step], {change.our_key: ""})
                cells = {name: cell for name, cell in detail.change.values.items() if name != BY}
                inside.append(detail._replace(change=replace(detail.change, values=cells)))
    mapping = world.mappings["contact"]
    names = [each.name for each in mapping.target_fields]
    number = records.fieldset(session.ledger, "contact", "contact", mapping.digest, names)
    what = What("contact", "contact", mapping.source.name, number)
    return carrying(planned, [Carried(what, BY, tuple(inside[: world.kind.details]))] if inside else [])


def read_back_details(world: SmallMove, session: Session, run: int, ended: Sequence[Ended]) -> None:
    acked = [each for each in ended if each.end.state == "acked"]
    if acked:
        mapping = world.mappings["contact"]
        readback.read_back(session, mapping, as_written(acked, len(mapping.target_fields)), run)
