"""All records of an object, by pages of REST or by jobs of Bulk.

The first page by REST says how many records there are, and costs nothing that is not read; where they are many, the
rest is read by jobs. A job reads a range of ids in their order. The org could cut the whole into ranges by itself
(PK chunking), and then tells the rows in no order; here each range begins behind the last id of the one before, so
that a read goes on behind an id even where its job is gone. That the rows do come in order is looked at, not believed.

A job stays where it is when a read breaks off, since the cursor names it: the next one goes on in the middle of its
results. It is taken away once they are read to the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, replace

from ...chunk import Chunk
from ...errors import StaleCursorError, UnavailableError
from ...pace import Action, Need, Pace
from ..gateway import API, Document, Gateway
from ..options import Options
from ..org_object import ID, OrgObject
from ..query import Query
from ..soql import columns, quoted, select
from .jobs import DONE, FAILED, JobGoneError, NotTakenError, QueryJobs
from .page import END, Page
from .place import Place, place_of

TRIES = 2
"""Jobs that are made of one range where the first one fails."""
POLLS = 2
"""So often a job is looked at until it is through, for a forecast."""
NEVER = frozenset(
    {"AcceptedEventRelation", "AccountFeed", "Attachment", "CaseStatus", "CaseTeamMember", "CaseTeamRole"}
    | {"CaseTeamTemplate", "CaseTeamTemplateMember", "CaseTeamTemplateRecord", "ContractStatus"}
    | {"DeclinedEventRelation", "EventWhoRelation", "FieldSecurityClassification", "KnowledgeArticle"}
    | {"KnowledgeArticleVersion", "KnowledgeArticleViewStat", "KnowledgeArticleVoteStat", "OrderStatus"}
    | {"PartnerRole", "RecentlyViewed", "SolutionStatus", "TaskPriority", "TaskStatus", "TaskWhoRelation"}
    | {"UndecidedEventRelation", "UserRecordAccess", "WorkOrderLineItemStatus", "WorkOrderStatus"}
)
"""Objects of which is known that Bulk does not take them; others are asked for once."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    there: OrgObject
    fields: Sequence[str]
    size: int
    asked: str


class Reading:
    """needs: what reading costs, by object, as in an Allowance; it learns which objects are large."""

    def __init__(
        self,
        gateway: Gateway,
        query: Query,
        options: Options,
        pace: Pace,
        needs: MutableMapping[str, MutableMapping[Action, tuple[Need, ...]]],
    ) -> None:
        self._query, self._options, self._pace, self._needs = query, options, pace, needs
        self._jobs = QueryJobs(gateway)
        self._never = set(NEVER)

    def counted(self, there: OrgObject, number: int) -> None:
        """So many records it has."""
        self._needs.pop(there.name, None)
        if number and self._by_jobs(there.name):
            self._needs[there.name] = {Action.READ: (Need(API, records=number, calls=self._calls(number)),)}

    def _calls(self, left: int) -> int:
        """What reading so many records costs where nothing goes wrong."""
        options, calls = self._options, 0
        while True:
            if options.read_by == "size":
                if left <= options.bulk_from:
                    return calls + max(1, -(-left // options.page))
                calls, left = calls + 1, left - options.page
            some = min(left, options.bulk_range)
            calls += 1 + POLLS + max(1, -(-some // options.bulk_page)) + 1
            left -= some
            if some < options.bulk_range:
                return calls

    def chunks(self, there: OrgObject, fields: Sequence[str], after: str | None, size: int) -> Iterator[Chunk]:
        """As the port's `read`."""
        place = place_of(there.name, after)
        wanted = _Wanted(there, fields, size, self._asked(there, fields))
        if place.job:
            left = yield from self._resumed(wanted, place)
            if left is None:
                return
            place = left
        while True:
            if self._by_jobs(there.name) and self._options.read_by == "bulk":
                behind = place.last
            else:
                most = self._options.bulk_from if self._by_jobs(there.name) else None
                behind = yield from self._query.chunks(there, fields, place.last, size, most=most)
                if behind is None:
                    return
            place = Place(behind)
            try:
                left = yield from self._results(wanted, self._made(wanted, behind))
            except NotTakenError:  # before anything of the job was handed out
                self._never.add(there.name)
                continue
            if left is None:
                return
            place = left

    def _by_jobs(self, name: str) -> bool:
        return self._options.read_by != "rest" and name not in self._never

    def _asked(self, there: OrgObject, fields: Sequence[str]) -> str:
        """What a job of this read is asked for, wherever it begins."""
        options = self._options
        told = [options.version, str(options.bulk_range), self._soql(there, fields, None)]
        told.append(str(self._query.everything(there)))
        return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]

    def _soql(self, there: OrgObject, fields: Sequence[str], behind: str | None) -> str:
        after = f"{ID} > {quoted(behind)}" if behind is not None else ""
        asked = select(fields, there.name, self._query.listed(there), after)
        return f"{asked} LIMIT {self._options.bulk_range}"

    # A job

    def _made(self, wanted: _Wanted, behind: str | None) -> Place:
        """Once its results are there. Raises NotTakenError where REST has to do, UnavailableError
        `salesforce.job_failed` where only Bulk is wanted."""
        there, reason = wanted.there, ""
        soql = self._soql(there, wanted.fields, behind)
        for _ in range(TRIES):
            job = self._jobs.make(soql, self._query.everything(there))
            reason, records = self._awaited(job)
            if not reason:
                return Place(behind, job, wanted.asked, of=records)
            self._jobs.remove(job)
        raise self._failed(there, reason)

    def _failed(self, there: OrgObject, reason: str) -> Exception:
        if self._options.read_by == "bulk":
            return UnavailableError("salesforce.job_failed", object=there.name, reason=reason)
        return NotTakenError()

    def _awaited(self, job: str) -> tuple[str, int | None]:
        """(why it came to nothing; else how many records it has, where the org says)."""
        told: Document = {}
        try:
            while told.get("state") not in (DONE, *FAILED):
                self._pace.rest(self._options.poll)
                told = self._jobs.look(job)
        except JobGoneError:
            return "deleted", None
        except UnavailableError:
            raise
        except BaseException:
            self._jobs.remove(job, under_way=True)
            raise
        if told["state"] == DONE:
            records = told.get("numberRecordsProcessed")
            return "", None if records is None else int(records)
        return str(told.get("errorMessage") or told["state"]).partition(":")[0].strip(), None

    def _resumed(self, wanted: _Wanted, place: Place) -> Generator[Chunk, None, Place | None]:
        """As `_results`, in the middle of them. Raises StaleCursorError where there is no other way on."""
        if place.asked == wanted.asked:
            return (yield from self._results(wanted, place, resumed=True))
        self._jobs.remove(place.job)
        return self._without(wanted, place, resumed=True)

    def _results(self, wanted: _Wanted, place: Place, resumed: bool = False) -> Generator[Chunk, None, Place | None]:
        """Those from that place on. Returns the place behind which there are more records; None where there are
        none. Raises NotTakenError, UnavailableError `salesforce.job_gone`, or as `_made`."""
        names, most = columns(wanted.fields), min(wanted.size, self._options.bulk_page)
        while True:
            try:
                page = self._jobs.page(place.job, place.locator, most, names)
            except JobGoneError:
                return self._without(wanted, place, resumed)
            for rows in _pieces(page, place.skip, wanted.size):
                place = place.behind(page.keys[rows], rows.stop)
                then = self._behind(wanted, place, page) if rows.stop == len(page.keys) else place
                yield page.chunk(wanted.there, wanted.fields, rows, then.cursor)
                resumed = False
            then = self._behind(wanted, place, page)
            if not then.job:
                self._jobs.remove(place.job)
                return None if _whole(place, page) and place.given < self._options.bulk_range else then
            place = then

    def _behind(self, wanted: _Wanted, place: Place, page: Page) -> Place:
        """Where the read is once all of this page is handed out. What should be the end and has too few rows is gone on
        from by the last id; raises UnavailableError `salesforce.job_gone` where that is no place."""
        if page.locator not in (END, "", place.locator):
            return replace(place, locator=page.locator, skip=max(0, place.skip - len(page.keys)))
        if page.locator not in (END, ""):
            raise UnavailableError("salesforce.no_order", object=wanted.there.name)
        if not _whole(place, page) and not (place.ordered and place.given):
            self._jobs.remove(place.job)
            raise UnavailableError("salesforce.job_gone", object=wanted.there.name)
        return Place(place.last)

    def _without(self, wanted: _Wanted, place: Place, resumed: bool) -> Place:
        """Where the read goes on without its job. resumed: nothing was handed out since the cursor."""
        name = wanted.there.name
        if not place.given:
            raise self._failed(wanted.there, "deleted")
        if place.ordered:
            return Place(place.last)
        raise (StaleCursorError if resumed else UnavailableError)("salesforce.job_gone", object=name)


def _whole(place: Place, page: Page) -> bool:
    """Behind a last page: whether the job's rows have all come. An answer may have lost its headers on the way."""
    return page.locator == END if place.of is None else place.given >= place.of


def _pieces(page: Page, skip: int, size: int) -> Iterator[slice]:
    for start in range(skip, len(page.keys), size):
        yield slice(start, min(start + size, len(page.keys)))
