"""What must hold however a small move was disturbed: the laws of laws.py, for a hundred thousand ends."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from changeover.connectors.change import ChangeKind, OutcomeState
from changeover.connectors.errors import ChangeoverError
from changeover.runs.ledger import events
from changeover.runs.ledger.store import Ledger

from .small_move import SmallMove
from .small_process import InMemory, Process
from .small_target import MAY_EDIT

Key = tuple[str, str]
DONE = ("acked", "verified", "diverged")


@dataclass(frozen=True)
class End:
    """target: (object, our key) -> cells, references as our keys. foreign: records that are not ours. twice: our keys
    that two records have. ledger: (object, our key) -> what the ledger says of a record, but for its digests.
    findings: what was noticed."""

    target: dict[Key, tuple[object, ...]]
    foreign: list[tuple[object, ...]]
    twice: list[str]
    ledger: dict[Key, tuple[object, ...]]
    findings: Counter[tuple[object, ...]]


def end_of(world: SmallMove) -> End:
    world.clock.sleep(24 * 3600)
    world.line.finish_late(world.clock.now())
    rows = world.ask("select object, our_key, target_key, state, mapping, code, adopted > 0, bucket from record")
    owners = {key: each.our_key for key, each in world.target._tables["account"].records.items()}
    target: dict[Key, tuple[object, ...]] = {}
    foreign, twice = [], []
    for name, table in world.target._tables.items():
        for record in table.records.values():
            _, *cells = record.values.values()
            if name == "contact":
                cells[1] = owners.get(str(cells[1]))
            if record.our_key is None:
                foreign.append((name, *cells))
            elif (name, record.our_key) in target:
                twice.append(record.our_key)
            else:
                target[name, record.our_key] = tuple(cells)
    findings = Counter(world.ask("select object, key, field, code from finding"))
    ledger = {(name, key): (target_key is not None, *rest) for name, key, target_key, *rest in rows}
    return End(target, foreign, twice, ledger, findings)


def broken_laws(world: SmallMove, ended: bool, wanted: End, thorough: bool = False) -> dict[str, str]:
    """The laws that this end breaks, each with what broke it. wanted: of the same move undisturbed. thorough: every
    link of the chain of events, not only its end."""
    found = end_of(world)
    creates = Counter(
        change.our_key
        for change, outcome in world.record.arrived
        if change.kind is ChangeKind.CREATE and outcome.state is OutcomeState.ACKED
    )
    aside = {("account", MAY_EDIT[0])} if world.edited else set()
    judged: dict[str, object] = {
        "it ends": not ended,
        "nothing unforeseen": world.crashes,
        "nothing lost": sorted(wanted.target.keys() - found.target.keys()),
        "nothing doubled": [
            *found.twice,
            *(key for key, number in creates.items() if number > 1),
            *_more(found, wanted),
        ],
        "right values": _differences(found.target, wanted.target, aside),
        "done is done": _wrongly_done(world, found),
        "one to one": world.ask(
            "select object, target_key from record where target_key is not null group by 1, 2 having count(*) > 1"
        ),
        "no operation open": world.ask(
            "select our_key, state from operation where state in ('planned', 'intent', 'unknown')"
        ),
        "read back": world.ask(
            "select our_key from operation where state = 'acked' and kind not in ('delete', 'release') "
            "union all select our_key from record where target_key is not null and back is null"
        ),
        "named state": _differences(found.ledger, wanted.ledger, aside),
        "findings told": []
        if world.edited
        else list((found.findings - wanted.findings) + (wanted.findings - found.findings)),
        "intent first": world.record.unwritten,
        "settled stays settled": [*world.record.again, *_unsettled(world)],
        "edits stay": _overwritten(found, wanted) if world.edited else [],
        "history whole": _history(world) if thorough else _end_of_history(world),
    }
    return {law: str(why) for law, why in judged.items() if why}


def _more(found: End, wanted: End) -> list[object]:
    return (
        [] if found.foreign == wanted.foreign else list((Counter(found.foreign) - Counter(wanted.foreign)).elements())
    )


def _differences(
    here: dict[Key, tuple[object, ...]], there: dict[Key, tuple[object, ...]], aside: set[Key]
) -> list[str]:
    if here == there:
        return []
    keys = sorted({*here, *there} - aside)
    return [f"{key}: {here.get(key)}, not {there.get(key)}" for key in keys if here.get(key) != there.get(key)]


def _wrongly_done(world: SmallMove, found: End) -> list[str]:
    """The ledger has it in the target and it is not there, or under another key; or the other way round."""
    believed = {
        (name, our_key): key
        for name, our_key, key in world.ask(
            "select object, our_key, target_key from record where target_key is not null"
        )
    }
    there = {
        (name, record.our_key): key
        for name, table in world.target._tables.items()
        for key, record in table.records.items()
        if record.our_key is not None
    }
    if believed == there or found.twice:
        return []
    return sorted(
        f"{key}: {believed.get(key)}, not {there.get(key)}"
        for key in {*believed, *there}
        if believed.get(key) != there.get(key)
    )


def _unsettled(world: SmallMove) -> list[object]:
    """Records whose last operation ended otherwise than the record says; keys with a creation that was done twice."""
    return world.ask(
        "select r.our_key, o.state from record r join operation o on (o.batch, o.our_key) = (r.batch, r.our_key) "
        "where case r.state when 'rejected' then o.state <> 'rejected' when 'conflicted' then o.state <> 'conflict' "
        "else o.state not in ('acked', 'verified', 'diverged') end "
        "union all select our_key, kind from operation where state in ('acked', 'verified', 'diverged') "
        "group by object, our_key, kind having count(*) > 1"
    )


def _overwritten(found: End, wanted: End) -> list[str]:
    """Of the record that a user edited: the edit stays, the rest of our change is there or not as a whole, and the
    ledger knows which."""
    our_key, _, mine = MAY_EDIT
    key = ("account", our_key)
    name, city, _ = found.target.get(key, (None, None, None))
    state = found.ledger.get(key, (None, None))[1]
    if city != mine:
        return [f"{our_key}: {city}, not {mine}"]
    if name == wanted.target[key][0]:
        return [] if state in ("live", "conflicted") else [f"{our_key}: {state}"]
    return [] if state == "conflicted" else [f"{our_key}: {state} and not changed"]


def _end_of_history(world: SmallMove) -> list[object]:
    return world.ask(
        "select count(*), max(id) from event having count(*) <> max(id) or not exists (select 1 from meta "
        "where name = 'chain' and value = (select lower(hex(chain)) from event order by id desc limit 1))"
    )


def _history(world: SmallMove) -> str:
    ledger = Ledger(InMemory(world.connection, Process(world)))  # type: ignore[arg-type] - see SmallMove.in_process
    try:
        events.check_chain(ledger)
    except ChangeoverError as error:
        return error.code
    return ""
