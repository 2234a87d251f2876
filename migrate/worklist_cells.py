"""The source cell that each line of a worklist is about: what it holds, and a mark by which it is known again."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ..connectors.port import KEY
from ..connectors.stored import text_of
from ..mappings.compile import CompiledMapping
from ..mappings.corrections import comparable
from .corrections import uncorrected
from .fingerprint import arrow_column
from .session import Session
from .waiting import Reason


@dataclass(frozen=True, slots=True)
class SourceCell:
    """object, key, field: of the source. text: what it holds, None for nothing. mark: a keyed digest of that and of its
    place, so that a workbook can say what was seen without showing it."""

    object: str
    key: str
    field: str
    text: str | None
    mark: str


def source_field(mapping: CompiledMapping, target_field: str | None) -> str | None:
    """The one source field that fills a target field; None where there is none, or several."""
    rule = next((rule for rule in mapping.rules if rule.field.name == target_field), None)
    return rule.sources[0] if rule is not None and len(rule.sources) == 1 else None


def cells_at_fault(session: Session, reasons: Sequence[Reason]) -> dict[tuple[str, str], SourceCell]:
    """(target object, our key) -> the source cell that the reason names, where it is one cell that is there. What was
    corrected before does not count: corrections are made of what the source holds."""
    wanted: dict[tuple[str, str], dict[str, list[Reason]]] = defaultdict(lambda: defaultdict(list))
    for each in reasons:
        mapping = session.mappings.get(each.record.mapping)
        name = source_field(mapping, each.finding.field) if mapping is not None else None
        if mapping is None or name is None or each.record.source_key is None:
            continue
        described = session.source_schema.object(mapping.source.name)
        if described is not None and described.field(name) is not None:  # else it is made of others
            wanted[mapping.source.name, name][each.record.source_key].append(each)
    found: dict[tuple[str, str], SourceCell] = {}
    for (object_name, name), by_key in wanted.items():
        for cell in read_cells(session, object_name, name, list(by_key)):
            for each in by_key.get(cell.key, ()):
                found[each.record.object, each.record.our_key] = cell
    return found


def read_cells(session: Session, object_name: str, name: str, keys: Sequence[str]) -> list[SourceCell]:
    """This field of the records of these keys, as the source has it."""
    source = uncorrected(session.source)
    described = session.source_schema.objects[object_name].field(name)
    size = source.capabilities.find_size
    cells: list[SourceCell] = []
    for start in range(0, len(keys), size):
        chunk = source.find(object_name, (KEY,), [(key,) for key in keys[start : start + size]], (name,))
        column = arrow_column(chunk.frame, name)
        texts = text_of(column).to_pylist()
        same = (
            texts
            if described is None
            else comparable(column, described, session.project.environment.zone_of(object_name)).to_pylist()
        )
        for key, text, compared in zip(chunk.keys, texts, same, strict=True):
            place = "\0".join((object_name, key, name, compared or ""))
            mark = hashlib.blake2b(place.encode(), key=session.keys.digest, digest_size=8).hexdigest()
            cells.append(SourceCell(object_name, key, name, text, mark))
    return cells
