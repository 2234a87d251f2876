"""Addresses of old records in texts become those of the new ones, as far as these are in the target.

What a text becomes follows from the source's cell and the crosswalk alone, so every run, `reconcile` and `explain` come
to the same. An address of a record that is still to come stays as it is for now and its own record is pending: the run
looks once more when everything else is loaded, and else a later one does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd
import pyarrow as pa

from ...connectors.finding import Finding, Severity
from ...mappings.compile import CompiledMapping
from ...mappings.linking.compiled import CompiledLinks, Link
from ...mappings.mapped import MappedChunk, branch_suffix, make_our_key
from ...runs.ledger import records
from ...runs.report.model import Table, Text
from ..addresses import new_address
from ..fingerprint import arrow_column
from ..session import Session
from .outside import NAMED, leaving
from .rehearsal import UNBORN
from .stub_records import without_stubs
from .tally import Tally, parts_of

REWRITTEN, TO_COME, NO_FORM, NO_KIND, NO_ADDRESS = "rewritten", "to_come", "no_form", "no_kind", "no_address"
"""What becomes of an address besides `outside.LEFT_OUT` and `outside.ABSENT`, where its record is one that will not
come: it is rewritten; its record is still to come; it leads to the old system and has none of the forms; its key begins
like that of none of the kinds; its record is there and has no address that the target tells."""

_TALLIED = "linked"


@dataclass(frozen=True, slots=True)
class Seen:
    """An address in a text. text: it itself. becomes: None where it stays. what: see above."""

    field: str
    link: Link
    text: str
    becomes: str | None
    what: str


@dataclass
class Rewritten:
    """A chunk whose texts are rewritten as far as they can be now. seen: every address, in the order of fields, rows
    and places."""

    mapped: MappedChunk
    seen: list[Seen] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def counted(self, buckets: Sequence[str]) -> Counter[tuple[str, str]]:
        """(field, what became of it) -> addresses. buckets: what became of the rows; those that were not come to, or
        were rejected, do not count."""
        return Counter((each.field, each.what) for each in self.seen if buckets[each.link.row] not in ("", "rejected"))


def rewritten(session: Session, mapping: CompiledMapping, mapped: MappedChunk) -> Rewritten:
    """The chunk with `waiting` set to the rows that name records which are still to come."""
    result = Rewritten(replace(mapped, waiting=frozenset()))
    if mapping.links is None or not len(mapped):
        return result
    columns = {name: arrow_column(mapped.frame, name) for name in mapping.linked}
    found = [(name, link) for name, column in columns.items() for link in mapping.links.find(column)]
    if not found:
        return result
    told = _told(session, [link for _, link in found])
    frame = mapped.frame.copy(deep=False)
    for name, column in columns.items():
        mine = [
            Seen(name, link, column[link.row].as_py()[link.start : link.end], *told[link])
            for field_name, link in found
            if field_name == name
        ]
        result.seen += mine
        texts = _texts(mapping.links, column, mine)
        frame[name] = pd.Series(pd.arrays.ArrowExtensionArray(texts), copy=False)
        result.findings += _findings(mapping, mapped, name, mine)
    waiting = frozenset(each.link.row for each in result.seen if each.what == TO_COME)
    result.mapped = replace(mapped, frame=frame, waiting=waiting)
    return result


def _texts(links: CompiledLinks, column: pa.StringArray, seen: Sequence[Seen]) -> pa.StringArray:
    return links.replaced(column, [each.link for each in seen], [each.becomes for each in seen])


def _told(session: Session, links: Sequence[Link]) -> dict[Link, tuple[str | None, str]]:
    """What each becomes, and why."""
    keys: dict[str, set[str]] = defaultdict(set)
    for link in links:
        if link.maker is not None and link.our_key is not None:
            keys[link.maker].add(link.our_key)
    new: dict[tuple[str | None, str | None], str] = {}
    gone: dict[tuple[str | None, str | None], str] = {}
    for maker, wanted in keys.items():
        made = session.mappings[maker]
        there = without_stubs(session, made, records.target_keys(session.ledger, made.target.name, sorted(wanted)))
        for our_key, key in there.items():
            address = new_address(session, made.target.name, _born(made, our_key, key))
            if address is None:
                gone[maker, our_key] = NO_ADDRESS
            else:
                new[maker, our_key] = address
        gone |= {(maker, our_key): why for our_key, why in leaving(session, made, wanted - there.keys()).items()}
    told: dict[Link, tuple[str | None, str]] = {}
    for link in links:
        place = (link.maker, link.our_key)
        if link.maker is None:
            told[link] = (None, NO_FORM if link.form is None else NO_KIND)
        else:
            told[link] = (new[place], REWRITTEN) if place in new else (None, gone.get(place, TO_COME))
    return told


def _born(mapping: CompiledMapping, our_key: str, key: str) -> str:
    """The target's key. Of a record that a dry run has just made there is none yet; the old one is about as long."""
    if not key.startswith(UNBORN):
        return key
    before, behind = make_our_key(mapping.system, mapping.source.name, ""), branch_suffix(mapping.branch)
    return our_key.removeprefix(before).removesuffix(behind)


def _findings(mapping: CompiledMapping, mapped: MappedChunk, name: str, seen: Sequence[Seen]) -> Iterator[Finding]:
    """Of each cause for which addresses stay, the first few records by key, and the number of the others. What is still
    to come is told when it has not come."""
    file, line = mapping.rule_lines[name]
    rows: dict[str, list[int]] = defaultdict(list)
    for each in seen:
        if each.what not in (REWRITTEN, TO_COME) and each.link.row not in rows[each.what]:
            rows[each.what].append(each.link.row)
    for what, told in rows.items():
        finding = Finding(
            f"linking.names_{what}",
            Severity.WARNS,
            {},
            object=mapping.source.name,
            mapping=mapping.name,
            field=name,
            file=file,
            line=line,
        )
        yield from (replace(finding, key=mapped.source_keys[row]) for row in told[:NAMED])
        if (rest := len(told) - NAMED) > 0:
            yield replace(finding, params={"count": rest})


def tally_links(tally: Tally, counts: Mapping[tuple[str, str], int]) -> None:
    """Count them with the run's progress, so that they survive a crash as its other counts do."""
    for (name, what), number in counts.items():
        tally.add("\t".join((_TALLIED, name, what)), number)


def tally_filled(tally: Tally, counts: Mapping[tuple[str, str], int]) -> None:
    """counts: of addresses that were looked at for the second time. Those that are rewritten now were to come."""
    for (name, what), number in counts.items():
        if what == REWRITTEN:
            before = "\t".join((_TALLIED, name, TO_COME))
            tally.move(before, "\t".join((_TALLIED, name, REWRITTEN)), min(number, tally.counts[before]))


def tallied_links(counts: Mapping[str, int]) -> Counter[tuple[str, str]]:
    """What these have counted."""
    return Counter({(name, what): number for (name, what), number in parts_of(counts, _TALLIED)})


def links_table(counts: Mapping[str, Mapping[tuple[str, str], int]]) -> tuple[Table, ...]:
    """counts: by mapping. Addresses by field and what became of them; no table where there are none."""
    rows = tuple(
        (name, field_name, Text(f"linking.{what}"), number)
        for name, found in counts.items()
        for (field_name, what), number in sorted(found.items())
        if number
    )
    columns = ("column.mapping", "column.field", "column.address", "column.number")
    return (Table(Text("table.old_addresses"), columns, rows),) if rows else ()


def links_told(counts: Mapping[str, Mapping[tuple[str, str], int]]) -> list[dict[str, str | int]]:
    """The same for the JSON document."""
    return [
        {"mapping": name, "field": field_name, "address": what, "count": number}
        for name, found in counts.items()
        for (field_name, what), number in sorted(found.items())
        if number
    ]


def addresses_table(texts: Rewritten, shown: Callable[[str, str], str]) -> tuple[Table, ...]:
    """Each address in the texts of a record, whose it is and what it becomes; no table where there are none. shown: of
    a field and a cell, as much of the latter as may be seen."""
    rows = tuple(
        (each.field, shown(each.field, each.text), each.link.our_key, Text(f"linking.{each.what}"), each.becomes)
        for each in texts.seen
    )
    columns = ("column.field", "column.old", "column.record", "column.address", "column.new")
    return (Table(Text("table.old_addresses"), columns, rows),) if rows else ()
