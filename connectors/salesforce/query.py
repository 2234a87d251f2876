"""Questions for records, in the order of their ids, page by page.

Pages behind the first are had by the locator that the org gives, which it keeps for two days. The cursor of a chunk is
the last id in it, so that a read goes on where it was whatever became of the locator; and one that is gone in the
middle is asked for anew behind the last id.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace

from ..cell import Cell, canonical_text, canonical_value
from ..cell import cast as typed
from ..chunk import Chunk
from ..errors import InputError, UnavailableError
from ..port import KEY, OUR_KEY
from .cells import Row, chunk_of, column
from .gateway import Document, Gateway, LocatorGoneError
from .options import Options
from .org_object import ID, OrgField, OrgObject
from .our_key import kept
from .soql import among, counted, literal, quoted, select, split, whole_id

BY_RECORD = {"ContentDocumentLink"}
"""Objects of which the org tells all records only to who may query all files."""


class _TooManyError(Exception):
    """last: the id behind which the others are."""

    def __init__(self, last: str | None) -> None:
        super().__init__()
        self.last = last


class Query:
    def __init__(self, gateway: Gateway, options: Options) -> None:
        self._gateway, self._options = gateway, options

    def chunks(
        self,
        there: OrgObject,
        fields: Sequence[str],
        after: str | None,
        size: int,
        *conditions: str,
        most: int | None = None,
    ) -> Generator[Chunk, None, str | None]:
        """most: ends behind the first page where there are more records. Returns the id behind which it ended so; None
        where all were read."""
        rows: list[Row] = []
        left = None
        try:
            for page in self._pages(there, fields, *conditions, after=after, most=most):
                rows += page
                while len(rows) >= size:
                    yield chunk_of(there, fields, rows[:size], str(rows[size - 1][ID]))
                    rows = rows[size:]
        except _TooManyError as error:
            left = error.last
        if rows:
            yield chunk_of(there, fields, rows, str(rows[-1][ID]))
        return left

    def count(self, there: OrgObject) -> int:
        """By the org's own count, not by what is read."""
        told = self._first(there, counted(there.name, self.listed(there)))
        return int(told["totalSize"])

    def find(
        self, there: OrgObject, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        """Raises InputError `salesforce.not_sought` for a field by which the org does not search."""
        if tuple(by) == (OUR_KEY,):
            return self._by_our_key(there, [str(ours) for (ours,) in values if ours is not None], fields)
        searched = [there.fields[ID if name == KEY else name] for name in by]
        for field in searched:
            if not field.sought:
                raise InputError("salesforce.not_sought", object=there.name, field=field.field.name)
        held = {each: _literals(searched, each) for each in values}
        wanted = {each: told for each, told in held.items() if told is not None}
        if not wanted:
            return chunk_of(there, fields, [], found=True)
        shown = [*fields, *([there.our_key.name] if there.our_key else [])]
        names = [each.field.name for each in searched]
        found: dict[str, Row] = {}
        for some in split(list(dict.fromkeys(told[0] for told in wanted.values()))):
            sought = set(some)
            conditions = [among(names[0], some)]
            for place in range(1, len(names)):
                others = [told[place] for told in wanted.values() if told[0] in sought]
                conditions.append(among(names[place], list(dict.fromkeys(others))))
            for page in self._pages(there, [*names, *shown], *conditions):
                found |= {str(row[ID]): row for row in page}
        rows = _exactly(searched, list(wanted), [found[key] for key in sorted(found)])
        return chunk_of(there, fields, rows, found=True)

    def _by_our_key(self, there: OrgObject, ours: Sequence[str], fields: Sequence[str]) -> Chunk:
        """What lies in the recycle bin is not found: the org does not count it when it keeps our key unique."""
        key = there.our_key
        if key is None:
            return chunk_of(there, fields, [])
        sought = {kept(each) for each in ours}
        found: dict[str, Row] = {}
        for some in split([quoted(each) for each in sorted(sought)]):
            for page in self._pages(there, [key.name, *fields], among(key.name, some), _not_binned(there)):
                found |= {str(row[ID]): row for row in page if row[key.name] in sought}
        return chunk_of(there, fields, [found[each] for each in sorted(found)], found=True)

    def our_keys(self, there: OrgObject) -> Iterator[list[tuple[str, str]]]:
        """Pairs of our key and the record's."""
        key = there.our_key
        if key is None:
            return
        for page in self._pages(there, [key.name], f"{key.name} != null", _not_binned(there)):
            yield [(ours, str(row[ID])) for row in page if (ours := key.of(row)) is not None]

    # Pages

    def everything(self, there: OrgObject) -> bool:
        """What is archived comes only together with what is deleted."""
        deleted = self._options.deleted == "read" and there.binned
        return deleted or (self._options.archived == "read" and there.archived)

    def listed(self, there: OrgObject) -> str:
        if not self.everything(there):
            return ""
        conditions = []
        if self._options.deleted == "left_out" and there.binned:
            conditions.append("IsDeleted = false")
        if self._options.archived == "left_out" and there.archived:
            conditions.append("IsArchived = false")
        return " AND ".join(conditions)

    def _first(self, there: OrgObject, asked: str) -> Document:
        """Raises InputError `salesforce.by_record_only` where the org answers this only record by record."""
        try:
            return self._gateway.query(asked, self.everything(there))
        except InputError as error:
            if there.name not in BY_RECORD or error.params.get("number") != "MALFORMED_QUERY":
                raise
            raise InputError("salesforce.by_record_only", object=there.name) from error

    def _pages(
        self,
        there: OrgObject,
        fields: Sequence[str],
        *conditions: str,
        after: str | None = None,
        most: int | None = None,
    ) -> Iterator[list[Row]]:
        """most: as of `chunks`; where there are more, raises _TooManyError behind the first page. Raises
        UnavailableError `salesforce.no_order` where they do not go on."""
        last = after
        while True:
            behind = f"{ID} > {quoted(last)}" if last is not None else ""
            asked = select(fields, there.name, self.listed(there), *conditions, behind)
            page: Document | None = self._first(there, asked)
            try:
                while page is not None:
                    rows: list[Row] = page["records"]
                    if rows and (last == rows[-1][ID] or rows[0][ID] == last):
                        raise UnavailableError("salesforce.no_order", object=there.name)
                    if rows:
                        yield rows
                        last = str(rows[-1][ID])
                    if most is not None and int(page["totalSize"]) > most and not page["done"]:
                        raise _TooManyError(last)
                    page = None if page["done"] else self._gateway.ask(str(page["nextRecordsUrl"]))
            except LocatorGoneError:
                continue
            return


def _not_binned(there: OrgObject) -> str:
    return "IsDeleted = false" if there.binned else ""


def _literals(searched: Sequence[OrgField], cells: Sequence[Cell]) -> tuple[str, ...] | None:
    """None where no record can hold one of them."""
    told = [literal(field, cell) for field, cell in zip(searched, cells, strict=True)]
    return None if None in told else tuple(str(each) for each in told)


def _exactly(searched: Sequence[OrgField], wanted: Sequence[tuple[Cell, ...]], rows: Sequence[Row]) -> list[Row]:
    """Of what the org takes for equal, which knows neither case nor width, what is."""
    if not rows:
        return []
    sought = {tuple(_canonical(cell, field) for cell, field in zip(each, searched, strict=True)) for each in wanted}
    told = []
    for field in searched:
        as_it_is = replace(field.field, trimmed=False)
        cells, _ = typed(column(field, [row.get(field.field.name) for row in rows]), as_it_is)
        told.append(canonical_text(cells, as_it_is).to_pylist())
    return [row for row, cells in zip(rows, zip(*told, strict=True), strict=True) if tuple(cells) in sought]


def _canonical(cell: Cell, field: OrgField) -> str | None:
    if field.kind in ("id", "reference") and isinstance(cell, str):
        return whole_id(cell)
    return canonical_value(cell, field.field)
