"""Load mapped chunks of one mapping: sort, resolve, adopt, create, update, read back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import numpy as np
import pyarrow as pa

from ...connectors.finding import Finding, Severity
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk
from ...runs.ledger import records, runlog
from ...runs.ledger.operations import Settled
from ...runs.ledger.records import Parked, RecordRow
from ...validators.judge import Judge
from ..filing.filing import Filing, of_changed, of_new
from ..fingerprint import Marks
from ..noted import finding_of
from ..proving.prove import first_alone
from ..sending.answer import Planned, Sends
from ..sending.send import Sender
from ..session import Session
from ..settling.readback import Written, read_back
from .adopt import Matches, find_matches, keep_adopted
from .carriage import NO_DETAILS, Aboard, Carriage
from .classify import Sorted, classify
from .create import plan_creates
from .images import keep_images
from .loaded import Loaded
from .look import Look, shares
from .references import Resolved, cells_to_send, come_later, resolve
from .tally import RejectStorm, StormWatch, chosen
from .update import plan_updates
from .wins import unsay


class ObjectLoad:
    """Loads chunks of one mapping in one run.

    judge: says it of a record whose parent will not come. cut: reference fields that may be left empty at creation ->
    the mappings whose records come later, in a true cycle. insist: somebody asked for these records, so that what the
    target refused before is sent again, and what our own rules reject again, which costs nothing, is no storm. details:
    what is created inside these records.
    """

    def __init__(
        self,
        session: Session,
        mapping: CompiledMapping,
        run_id: int,
        storm: StormWatch,
        judge: Judge,
        cut: Mapping[str, Collection[str]] = MappingProxyType({}),
        insist: bool = False,
        details: Carriage = NO_DETAILS,
    ) -> None:
        self.session = session
        self.mapping = mapping
        self.run = run_id
        self.storm = storm
        self.judge = judge
        self.cut = cut
        self.insist = insist
        self.details = details
        self.filing = Filing(session, mapping, run_id)
        self._finding = partial(finding_of, mapping)
        self.names = [each.name for each in mapping.target_fields]
        self.fieldset = records.fieldset(session.ledger, mapping.target.name, mapping.name, mapping.digest, self.names)
        self._same = [name for name, makers in mapping.references.items() if mapping.name in makers]

    def load(
        self,
        mapped: MappedChunk,
        findings: Sequence[Finding],
        *,
        wait: bool = True,
        break_at: Mapping[int, Collection[str]] | None = None,
    ) -> Loaded:
        """Load one chunk. findings: what the validators said of it. wait: rows whose parent is of the same object and
        not there yet are deferred rather than held. break_at: row -> references to leave empty there (a cycle being
        cut)."""
        mapped, files = self.filing.fit(mapped)
        findings = [*findings, *files.findings]
        rows = classify(self.session, self.mapping, self.fieldset, mapped, findings, self.insist)
        result = Loaded([""] * len(mapped))
        self._settle_quiet(rows, result, findings)
        if result.stopped is not None:
            return result
        resolved = resolve(self.session, self.mapping, mapped, [*rows.new, *rows.changed])
        empty = self._hold_back(rows, resolved, result, wait, break_at or {})
        for row in mapped.waiting:  # its text is to be filled, and nothing is empty
            empty.setdefault(row, set())
        matches = Matches()
        for some in shares(self.session, [row for row in rows.new if not result.buckets[row]]):
            while some and result.stopped is None:
                some = self._adopt(rows, resolved, matches, some, empty, result)
        new = [row for row in rows.new if not result.buckets[row] and result.stopped is None]
        self._bring(rows, resolved, matches, new, empty, result)
        changed = [row for row in rows.changed if not result.buckets[row] and result.stopped is None]
        for some in self.filing.shares(rows, changed, of_changed(rows), result):
            for left in shares(self.session, some):
                while left and result.stopped is None:
                    left = self._update(rows, resolved, left, empty, result)
        self.filing.count(result)
        result.fill_later(empty)
        return result

    def _settle_quiet(self, rows: Sorted, result: Loaded, findings: Sequence[Finding]) -> None:
        """Rows that need nothing from the target."""
        mapped = rows.mapped
        for row in rows.rejected:
            result.buckets[row] = "rejected"
        for row, name in rows.refused.items():
            known = rows.known[row]
            result.buckets[row] = "conflicted" if known and known.state == "conflicted" else "rejected"
            code, params, key = known.code or "" if known else "", {"field": name or ""}, mapped.source_keys[row]
            result.findings.append(self._finding(code, Severity.BLOCKS, key, name, params))
            if known and known.mapping != self.mapping.name:  # who asks for it asks by its mapping
                result.parked.append(Parked(known.our_key, key, known.state, code))
        for row in rows.unchanged:
            known = rows.known[row]
            result.buckets[row] = self._counted_as(known)
            result.adopted += int(known is not None and known.adopted == self.run)
        self._forget_parked(rows)
        blocking = {each.key: each.code for each in reversed(findings) if each.severity is Severity.BLOCKS}
        for row in rows.rejected:
            key = mapped.source_keys[row]
            result.parked.append(Parked(mapped.our_keys[row], key, "rejected", blocking[key]))
        self.storm.saw(len(mapped))
        if not self.insist:
            self.storm.rejected((each.code, each.field or "") for each in findings if each.severity is Severity.BLOCKS)
        self._look_out(result)

    def _look_out(self, result: Loaded) -> None:
        try:
            self.storm.check()
        except RejectStorm as storm:
            result.stopped = storm

    def _forget_parked(self, rows: Sorted) -> None:
        """A newer version that was parked is over where the source says again what lies in the target."""
        over = [known for row in rows.unchanged if (known := rows.known[row]) is not None and known.code is not None]
        if over:
            with self.session.ledger.transaction():
                records.rebase(
                    self.session.ledger,
                    self.mapping.target.name,
                    [(each.fieldset or 0, each.sent or b"", each.back or b"", self.run, each.our_key) for each in over],
                )

    def _hold_back(
        self, rows: Sorted, resolved: Resolved, result: Loaded, wait: bool, break_at: Mapping[int, Collection[str]]
    ) -> dict[int, set[str]]:
        """Hold or defer the rows whose parents are not there; of those that go ahead without one, tell which references
        stay empty."""
        empty: dict[int, set[str]] = {}
        orphans: dict[str, Marks] = defaultdict(lambda: np.zeros(len(rows.known), dtype=bool))
        anything = np.zeros(len(rows.known), dtype=bool)
        for mask in resolved.missing.values():
            anything |= mask
        later = come_later(self.mapping, rows.mapped, self.cut)
        for row in chosen(anything):
            missing = {name for name, mask in resolved.missing.items() if mask[row]}
            may_be_cut = missing & (set(break_at.get(row, ())) | self._cut_before(rows, row))
            may_be_cut |= {name for name in missing & later.keys() if later[name][row]}
            hard = missing - may_be_cut
            if not hard:
                empty[row] = may_be_cut
            elif wait and hard <= set(self._same):
                result.deferred.append(row)
                self._hold(rows.mapped, row, resolved, sorted(hard), result)
            else:
                orphans[self._hold(rows.mapped, row, resolved, sorted(hard), result)][row] = True
        for name, mask in orphans.items():
            result.findings += self.judge.missing_parents(rows.mapped, name, pa.array(mask))
        return empty

    def _cut_before(self, rows: Sorted, row: int) -> set[str]:
        """References that were left empty when this record was created, by this process or by one that ended since."""
        known = rows.known[row]
        if known is None or known.state != "pending":
            return set()
        return {name for name in self.mapping.references if not rows.sent[row, self.names.index(name)]}

    def _hold(self, mapped: MappedChunk, row: int, resolved: Resolved, fields: Sequence[str], result: Loaded) -> str:
        """Park one row for the first of its missing parents; the reference field that names it."""
        name = fields[0]
        parent = resolved.missed(row, name)
        result.buckets[row] = "held"
        result.parked.append(Parked(mapped.our_keys[row], mapped.source_keys[row], "held", "reference.missing", parent))
        return name

    def _adopt(
        self,
        rows: Sorted,
        resolved: Resolved,
        matches: Matches,
        new: Sequence[int],
        empty: Mapping[int, set[str]],
        result: Loaded,
    ) -> list[int]:
        """Find which of these are in the target already; where it does not compare in the write they are adopted at
        once. Returns the rows that were not come to and have to be looked for again."""
        if not self.mapping.match:
            return []
        found = find_matches(self.session, self.mapping, rows.mapped, resolved, new, matches.claimed)
        look = Look(self.session)
        for row, count in found.ambiguous.items():
            self._hold_match(rows.mapped, row, "match.ambiguous", {"count": count}, result)
        for row, holder in found.taken.items():
            self._hold_match(rows.mapped, row, "match.taken", {"holder": holder}, result)
        for row in new:
            matches.adopted.pop(row, None)
        matches.adopted |= found.adopted
        matches.claimed |= found.claimed
        if self.session.target.capabilities.compare_and_set:
            return []
        self._bring(rows, resolved, matches, list(found.adopted), empty, result, look)
        return [row for row in found.adopted if not result.buckets[row]] if look.over else []

    def _hold_match(
        self, mapped: MappedChunk, row: int, code: str, params: Mapping[str, str | int], result: Loaded
    ) -> None:
        result.buckets[row], key = "held", mapped.source_keys[row]
        result.parked.append(Parked(mapped.our_keys[row], key, "held", code))
        result.findings.append(self._finding(code, Severity.HOLDS, key, None, params))

    def _bring(
        self,
        rows: Sorted,
        resolved: Resolved,
        matches: Matches,
        new: Sequence[int],
        empty: Mapping[int, set[str]],
        result: Loaded,
        look: Look | None = None,
    ) -> None:
        """Adopt these rows or create them. look: by which they are adopted."""
        for share, aboard in self.details.shares(rows.mapped, new, matches.adopted, result):
            for some in self.filing.shares(rows, share, of_new(rows, matches), result):
                self._create(rows, resolved, matches, some, empty, aboard, result, look)
            if result.stopped is not None:
                break

    def _create(
        self,
        rows: Sorted,
        resolved: Resolved,
        matches: Matches,
        new: Sequence[int],
        empty: Mapping[int, set[str]],
        aboard: Aboard,
        result: Loaded,
        look: Look | None,
    ) -> None:
        if not new:
            return
        cells = cells_to_send(self.mapping, rows.mapped, resolved, new)
        self.filing.put_into(cells, new)
        row_of = {rows.mapped.our_keys[row]: place for place, row in enumerate(new)}
        plan = plan_creates(self.mapping, self.run, rows, matches, new, cells, empty, aboard)
        keep_images(self.session, self.run, plan.images)
        ended = self._send(plan.planned, rows.mapped, row_of, new, result, look)
        result.adopted += sum(
            1 for each in ended if each.state == "acked" and new[row_of[each.our_key]] in matches.adopted
        )
        created = [row not in matches.adopted for row in new]
        self._read_back(rows.mapped, new, row_of, ended, plan.sent, plan.written, plan.before, created, result)

    def _update(
        self, rows: Sorted, resolved: Resolved, changed: Sequence[int], empty: Mapping[int, set[str]], result: Loaded
    ) -> list[int]:
        """Returns the rows that were not come to and have to be looked at again."""
        cells = cells_to_send(self.mapping, rows.mapped, resolved, changed)
        self.filing.put_into(cells, changed)
        plan = plan_updates(self.session, self.mapping, self.run, rows, changed, cells, resolved, empty)
        look = Look(self.session)
        mapped = rows.mapped
        for row, (code, name) in plan.conflicts.items():
            result.buckets[row], key = "conflicted", mapped.source_keys[row]
            result.parked.append(Parked(mapped.our_keys[row], key, "conflicted", code))
            result.findings.append(self._finding(code, Severity.HOLDS, key, name, {"field": name or ""}))
        with self.session.ledger.transaction():
            records.rebase(
                self.session.ledger,
                self.mapping.target.name,
                [
                    (self.fieldset, sent, back, self.run, mapped.our_keys[row])
                    for row, (sent, back) in plan.settled.items()
                ],
            )
            records.stay(
                self.session.ledger,
                self.mapping.target.name,
                [(self.fieldset, sent, back, mapped.our_keys[row]) for row, (sent, back) in plan.stays.items()],
            )
            runlog.add_findings(self.session.ledger, self.run, plan.decided)
            whole = [mapped.our_keys[row] for row in plan.settled if row not in empty]
            records.fulfil(self.session.ledger, self.mapping.target.name, whole)
        for row in plan.settled:
            result.buckets[row] = "pending" if row in empty else self._counted_as(rows.known[row])
        if not plan.planned:
            return []
        keep_images(self.session, self.run, plan.images)
        writing = plan.rows
        row_of = {mapped.our_keys[row]: place for place, row in enumerate(writing)}
        ended = self._send(plan.planned, mapped, row_of, writing, result, look)
        unsay(self.session, self.run, mapped, plan.decided, ended)
        digests = (np.array(plan.sent), np.array(plan.written), np.array(plan.before))
        self._read_back(mapped, writing, row_of, ended, *digests, [False] * len(writing), result)
        return [row for row in writing if not result.buckets[row]] if look.over else []

    def _counted_as(self, known: RecordRow | None) -> str:
        """What this run has made of a record that needs nothing more now: a chunk may be read again after a crash."""
        if known is None or known.run != self.run or known.bucket not in ("created", "updated", "pending"):
            return "unchanged"
        return "created" if known.bucket == "pending" else known.bucket

    def _send(
        self,
        planned: Sequence[Planned],
        mapped: MappedChunk,
        row_of: Mapping[str, int],
        rows: Sequence[int],
        result: Loaded,
        look: Look | None = None,
    ) -> list[Settled]:
        """Send a batch at a time, or all of them where several may be under way; a reject storm stops it after any
        call, and before any a look that is over."""

        def storms(ended: Sequence[Settled]) -> bool:
            undone = [each for each in ended if each.state in ("rejected", "held")]
            self.storm.rejected((each.code or "", each.field or "") for each in undone)
            self._look_out(result)
            return result.stopped is not None or (look is not None and look.over)

        team = self.session.team
        sender: Sends = Sender(self.session, self.run, storms) if team is None else team.sender(storms)
        alone = team is None and self.session.at_once(self.mapping.target.name) == 1
        size = self.session.project.spec.limits.batch if alone else max(1, len(planned))
        names = (self.mapping.name, self.mapping.target.name, self.mapping.source.name)
        send = partial(sender.send, *names, self.fieldset)
        kept, left, sender.batches = keep_adopted(self.session, self.run, names, self.fieldset, planned)
        first = first_alone(self.session, self.mapping, self.run, send, left, lambda: result.stopped is not None)
        ended, result.stopped = kept + first.ended, result.stopped or first.stop
        for start in range(0, len(first.rest), size):
            if result.stopped is not None:
                break
            ended += send(first.rest[start : start + size])
        buckets = {each.change.our_key: each.intent.bucket for each in planned}
        for each in ended:
            row = rows[row_of[each.our_key]]
            if each.state == "acked":
                result.buckets[row] = buckets[each.our_key]
                continue
            result.buckets[row] = {"rejected": "rejected", "held": "held"}.get(each.state, "conflicted")
            if each.state == "held":
                result.parked.append(Parked(each.our_key, mapped.source_keys[row], "held", each.code or ""))
            severity = Severity.BLOCKS if each.state == "rejected" else Severity.HOLDS
            params = {"field": each.field or ""}
            result.findings.append(
                self._finding(each.code or "", severity, mapped.source_keys[row], each.field, params)
            )
        self._batches = sender.batches
        self.details.landed(sender.details, result)
        return ended

    def _read_back(
        self,
        mapped: MappedChunk,
        rows: Sequence[int],
        row_of: Mapping[str, int],
        ended: Sequence[Settled],
        sent: np.ndarray,
        written: np.ndarray,
        before: np.ndarray,
        created: Sequence[bool],
        result: Loaded,
    ) -> None:
        acked = [each for each in ended if each.state == "acked"]
        places = [row_of[each.our_key] for each in acked]
        done = Written(
            our_keys=[each.our_key for each in acked],
            source_keys=[mapped.source_keys[rows[place]] for place in places],
            target_keys=[each.target_key or "" for each in acked],
            batches=self._batches,
            sent=sent[places],
            written=written[places],
            before=before[places],
            as_sent=np.array([created[place] for place in places], dtype=bool) & written[places].all(axis=1),
        )
        result.findings += read_back(self.session, self.mapping, done, self.run)
