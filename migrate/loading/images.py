"""What the target held before a run, for undo."""

from __future__ import annotations

from collections.abc import Sequence

from ...connectors.errors import DecisionError
from ...runs.cells import decode_cells, encode_cells
from ...runs.ledger import undone
from ...runs.values import PREIMAGE
from ..session import Session


def keep_images(session: Session, run_id: int, images: Sequence[tuple[str, str, str, str, bytes]]) -> None:
    """Of a field that the run writes twice, the first counts; not of one that it only meant to write when it was cut
    off or turned away, for somebody may have edited it since. images: of one object, also empty ones."""
    if not images:
        return
    name, keys = images[0][2], [our_key for *_, our_key, _ in images]
    try:
        before = session.values.get_many(PREIMAGE, str(run_id), name, keys)
    except DecisionError:  # the data key is lost: that costs undo what it could restore, never a run
        before = {}
    wrote = undone.wrote(session.ledger, run_id, name, list(before)) if before else {}
    told = []
    for purpose, run, _, key, image in images:
        cells = decode_cells(image)
        if cells or key in before:
            earlier = decode_cells(before[key]) if key in before else {}
            kept = {field: cell for field, cell in earlier.items() if field in wrote.get(key, ())}
            told.append((purpose, run, name, key, encode_cells({**cells, **kept})))
    session.values.put_many(told)
