"""Which records a changed set of mappings would change: the old one is moved to nowhere, then the new one over it.

Both go the way of a run, so that what waits for a parent, leaves the scope, is adopted or is taken by another record is
what it would be; only the last step is missing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ...connectors.finding import Finding
from ...connectors.port import Connector
from ...mappings.compile import CompiledMapping
from ...mappings.order import cut_references, load_order
from ...runs.ledger import records, runlog
from ...runs.ledger.runlog import Run
from ...runs.ledger.store import Ledger
from ...runs.ledger.written import writes_of
from ..loading.pipeline import Moved, Pipeline, SourceReader
from ..loading.watch import FILTERED
from ..session import SPILLS, Session, rehearse
from ..sources.assembled import elsewhere
from .nowhere import Nowhere

CREATED, ADOPTED, UPDATED, LEFT = "created", "adopted", "updated", FILTERED
_KINDS = {"create": CREATED, "adopt": ADOPTED, "update": UPDATED}
Mappings = Mapping[str, CompiledMapping]


@dataclass
class Changes:
    """keys: mapping -> what becomes of records -> their source keys: `created`, `adopted`, `updated`, `filtered` (moved
    by the old mapping and left out by the new one, in the target for ever), and in the same sense `rejected`, `held`
    and `conflicted`. fields: mapping -> target field -> records updated in it. samples: mapping -> field -> some of
    their keys. moved: what each of the two moves came to, the old one first."""

    keys: dict[str, dict[str, list[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    fields: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    samples: dict[str, dict[str, list[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    findings: tuple[Finding, ...] = ()
    moved: list[Moved] = field(default_factory=list)


@dataclass(frozen=True)
class Side:
    """A set of mappings, and the source with what they put together and fold."""

    mappings: Mappings
    source: Connector


def changes(session: Session, old: Side, new: Side, shown: int) -> Changes:
    """shown: keys to keep as samples of each field."""
    result = Changes()
    with rehearse(session, session.target, known=False) as dry:
        dry.target = Nowhere(session.target, session.target_schema, dry.ledger)
        for side in (old, new):
            dry.mappings, dry.source = dict(side.mappings), elsewhere(side.source, dry.stage.folder.with_name(SPILLS))
            run, stayed = _begun(dry), _Stayed(dry.ledger)
            pipeline = Pipeline(dry, run, SourceReader(dry), cut_references(side.mappings), stayed.see)
            result.moved.append(pipeline.move(load_order(side.mappings)))
        result.findings = tuple(runlog.findings_of(dry.ledger, run.id))
        written = _written(dry, run.id, result, shown)
        for (mapping, key), state in stayed.states.items():
            if (mapping, key) not in written:  # else it was released later in the same run
                result.keys[mapping][state].append(key)
    return result


def _begun(session: Session) -> Run:
    return runlog.begin(session.ledger, "plan", session.clock.now())


def _written(session: Session, run_id: int, result: Changes, shown: int) -> Collection[tuple[str, str]]:
    kinds: dict[tuple[str, str], str] = {}
    names: dict[int, Sequence[str]] = {}
    for each in writes_of(session.ledger, run_id):
        place = each.mapping, each.source_key
        first = kinds.setdefault(place, each.kind)
        if first != "update":
            continue
        if each.fieldset not in names:
            names[each.fieldset] = records.fieldset_of(session.ledger, each.fieldset).fields
        for name, marked in zip(names[each.fieldset], each.marks, strict=True):
            if marked:
                result.fields[each.mapping][name] += 1
                if len(result.samples[each.mapping][name]) < shown:
                    result.samples[each.mapping][name].append(each.source_key)
    for (mapping, key), kind in kinds.items():
        result.keys[mapping][_KINDS[kind]].append(key)
    return kinds.keys()


@dataclass
class _Stayed:
    """Which records that are there already stay as they are, because they are left out or parked. states: (mapping,
    source key) -> why."""

    ledger: Ledger
    states: dict[tuple[str, str], str] = field(default_factory=dict)

    def see(self, mapping: CompiledMapping, states: Mapping[str, str]) -> None:
        known = records.lookup(self.ledger, mapping.target.name, list(states)) if states else {}
        for our_key, record in known.items():
            if record.target_key is not None:
                self.states[mapping.name, record.source_key or ""] = states[our_key]
