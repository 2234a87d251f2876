"""What is sent for records that the ledger does not know yet: they are created, or those that are there are adopted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...connectors.cell import Cell
from ...connectors.change import Change, ChangeKind
from ...mappings.compile import CompiledMapping
from ...runs.cells import encode_cells
from ...runs.digest import pack
from ...runs.ledger.operations import Intent
from ...runs.values import PREIMAGE
from ..fingerprint import UNKNOWN, Digests, Marks, marked
from ..sending.answer import Planned, carrying
from .adopt import Matches, adoption
from .carriage import Aboard
from .classify import Sorted


@dataclass(frozen=True)
class CreatePlan:
    """planned: in the order of the rows. sent, written, before: a row each (see readback). images: what adopted records
    hold now, for undo."""

    planned: Sequence[Planned]
    sent: Digests
    written: Marks
    before: Digests
    images: Sequence[tuple[str, str, str, str, bytes]]


def plan_creates(
    mapping: CompiledMapping,
    run_id: int,
    rows: Sorted,
    matches: Matches,
    new: Sequence[int],
    cells: Sequence[Mapping[str, Cell]],
    empty: Mapping[int, set[str]],
    aboard: Aboard,
) -> CreatePlan:
    """new: the rows. cells: theirs, as the target wants them. empty: row -> fields that stay empty for now."""
    names = [each.name for each in mapping.target_fields]
    sends = np.array([name not in mapping.unwritten for name in names], dtype=bool)
    sent, written = rows.digests[new].copy(), np.tile(sends, (len(new), 1))
    before = np.zeros_like(sent)
    changes: list[tuple[Change, str]] = []
    images = []
    for place, row in enumerate(new):
        our_key = rows.mapped.our_keys[row]
        if row in matches.adopted:
            change, image, bucket = adoption(mapping, rows, row, cells[place], *matches.adopted[row])
            target, spot = matches.adopted[row]
            before[place] = np.where(sends, target.digests[spot], UNKNOWN)
            written[place] = [name in change.values for name in names]
            images.append((PREIMAGE, str(run_id), mapping.target.name, our_key, encode_cells(image)))
        else:
            change, bucket = Change(ChangeKind.CREATE, our_key, None, cells[place]), "created"
        for name in empty.get(row, ()):
            column = names.index(name)
            sent[place, column], written[place, column] = 0, False
        changes.append((change, "pending" if row in empty else bucket))
    planned = [
        Planned(
            change,
            Intent(
                change.our_key, change.kind, change.target_key, digests, marks, bucket, rows.mapped.source_keys[row]
            ),
            "pending" if bucket == "pending" else "live",
        )
        for row, (change, bucket), digests, marks in zip(new, changes, pack(sent), marked(written), strict=True)
    ]
    planned = [carrying(each, aboard[row]) if row in aboard else each for row, each in zip(new, planned, strict=True)]
    return CreatePlan(planned, sent, written, before, images)
