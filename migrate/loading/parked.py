"""Records that wait for somebody, tried again: read anew from the source by their keys, and nothing besides."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import takewhile

from ...connectors.chunk import Chunk
from ...connectors.errors import InputError
from ...connectors.finding import Finding, Severity
from ...connectors.port import KEY, Connector
from ...mappings.compile import CompiledMapping
from ...mappings.people import Owner
from ...mappings.stub import makes_stubs
from ...runs.catalogue import Catalogue
from ...runs.ledger import records, runlog
from ...runs.ledger.records import Waiting
from ...runs.ledger.runlog import Run
from ..session import Session

UNFINISHED = (*runlog.UNFINISHED, "stopped")


class ParkedReader:
    """Reads the records that the ledger knows as waiting, all of them or those of one cause or owner, and level by
    level what is released by them. Raises InputError as `chosen_parked`."""

    resumes = False
    insists = True

    def __init__(self, session: Session, code: str | None, owner: str | None, order: Sequence[str]) -> None:
        self._session = session
        self._asked: dict[str, list[str]] = defaultdict(list)
        self._taken: dict[str, set[str]] = defaultdict(set)
        self._absent: dict[str, list[Finding]] = defaultdict(list)
        waiting = [
            each for each in records.waiting(session.ledger) if not makes_stubs(each.mapping)
        ]  # children ask anew
        self._held: dict[str, list[Waiting]] = defaultdict(list)
        for each in waiting:
            if each.waits_for is not None:
                self._held[each.mapping].append(each)
        chosen = chosen_parked(session, waiting, code, owner)
        self.asked: int | None = len(chosen)
        homeless: Counter[str] = Counter()
        for each in chosen:
            if each.mapping in session.mappings and each.source_key is not None:
                self._asked[each.mapping].append(each.source_key)
                self._taken[each.mapping].add(each.our_key)
            else:
                homeless[each.mapping] += 1
        for name, count in homeless.items():
            told: dict[str, str | int] = {"name": name, "count": count}
            self._absent[order[0]].append(Finding("parked.no_mapping", Severity.HOLDS, told, mapping=name))

    def read(self, mapping: CompiledMapping, after: str | None) -> Iterator[Chunk]:
        yield from self._find(mapping, self._asked[mapping.name])

    def total(self, mapping: CompiledMapping) -> int | None:
        return len(self._asked[mapping.name])

    def released(self, mapping: CompiledMapping, run: Run) -> Iterator[Chunk]:
        """What was held for a parent that this run has brought over, and is not read yet. An earlier run that was to do
        the same and did not come to its end counts as this one."""
        session, taken = self._session, self._taken[mapping.name]
        held = [each for each in self._held[mapping.name] if each.our_key not in taken and each.source_key is not None]
        if not held:
            return
        parents = sorted({each.waits_for or "" for each in held})
        objects = {session.mappings[name].target.name for names in mapping.references.values() for name in names}
        runs = _same_runs(session, run)
        there = {key for name in objects for key in records.brought(session.ledger, name, parents, runs)}
        fresh = [each for each in held if each.waits_for in there]
        taken |= {each.our_key for each in fresh}
        yield from self._find(mapping, [each.source_key or "" for each in fresh])

    def takes(self, mapping: CompiledMapping, source_key: str) -> bool:
        return False  # what it releases it has to see first

    def absent(self, mapping: CompiledMapping) -> list[Finding]:
        return self._absent[mapping.name]

    def _find(self, mapping: CompiledMapping, keys: Sequence[str]) -> Iterator[Chunk]:
        for wanted, chunk in find_pieces(self._session.source, mapping, keys, mapping.source_fields):
            there = set(chunk.keys)
            self._absent[mapping.name] += [
                Finding(
                    "parked.source_gone",
                    Severity.HOLDS,
                    object=mapping.source.name,
                    key=key,
                    mapping=mapping.name,
                    file=mapping.file,
                )
                for key in wanted
                if key not in there
            ]
            yield chunk


def chosen_parked(session: Session, waiting: Sequence[Waiting], code: str | None, owner: str | None) -> list[Waiting]:
    """Of these, all or only what waits for this cause, only of this owner. Raises InputError `parked.no_code` for a
    code that there is not, `owner.no_people` where the project knows no people, and what `People.owner` raises."""
    chosen = [each for each in waiting if code in (None, each.code)]
    if code is not None and not chosen and not Catalogue("en").knows(code):
        known = ", ".join(sorted({each.code for each in waiting}))
        raise InputError("parked.no_code", wanted=code, known=known or "-")
    if owner is None:
        return chosen
    if session.people is None or not any(each.owner_fields for each in session.mappings.values()):
        raise InputError("owner.no_people")
    who: Owner = session.people.owner(owner)
    owners = owners_of(session, chosen)
    return [each for each in chosen if who.owns(owners.get((each.object, each.our_key)))]


def owners_of(session: Session, waiting: Sequence[Waiting]) -> dict[tuple[str, str], str]:
    """(target object, our key) -> the owner as the source names them, of those records that have one."""
    by_mapping: dict[str, dict[str, Waiting]] = defaultdict(dict)
    for each in waiting:
        by_mapping[each.mapping][each.source_key or ""] = each
    found: dict[tuple[str, str], str] = {}
    for name, parked in by_mapping.items():
        mapping = session.mappings.get(name)
        if mapping is None or not mapping.owner_fields:
            continue
        for _, chunk in find_pieces(session.source, mapping, list(parked), mapping.owner_fields):
            for key, who in zip(chunk.keys, mapping.owners(chunk), strict=True):
                if who is not None and key in parked:
                    found[parked[key].object, parked[key].our_key] = who
    return found


def find_pieces(
    source: Connector, mapping: CompiledMapping, keys: Sequence[str], fields: Sequence[str]
) -> Iterator[tuple[Sequence[str], Chunk]]:
    """The records of these keys, as many at a time as the source takes: the keys asked for, and what there is."""
    size = source.capabilities.find_size
    for start in range(0, len(keys), size):
        wanted = keys[start : start + size]
        yield wanted, source.find(mapping.source.name, (KEY,), [(key,) for key in wanted], fields)


def _same_runs(session: Session, run: Run) -> list[int]:
    """This run and the ones just before it that were asked the same and did not come to their end."""
    before = [each for each in runlog.history(session.ledger) if each.id < run.id]
    asked = ("run", run.selection)
    same = takewhile(lambda each: (each.verb, each.selection) == asked and each.state in UNFINISHED, before)
    return [run.id, *(each.id for each in same)]
