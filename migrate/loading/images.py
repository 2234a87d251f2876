"""What the target held before a run, for undo."""

from __future__ import annotations

from collections.abc import Sequence

from ...connectors.errors import DecisionError
from ...runs.cells import decode_cells, encode_cells
from ...runs.values import PREIMAGE
from ..session import Session


def keep_images(session: Session, run_id: int, images: Sequence[tuple[str, str, str, str, bytes]]) -> None:
    """Of a field that the run writes twice, the first counts. images: of one object."""
    if not images:
        return
    keys = [our_key for *_, our_key, _ in images]
    try:
        before = session.values.get_many(PREIMAGE, str(run_id), images[0][2], keys)
    except DecisionError:  # the data key is lost: that costs undo what it could restore, never a run
        before = {}
    session.values.put_many(
        (purpose, run, name, key, _older_first(image, before.get(key))) for purpose, run, name, key, image in images
    )


def _older_first(image: bytes, before: bytes | None) -> bytes:
    return image if before is None else encode_cells({**decode_cells(image), **decode_cells(before)})
