"""Take a run back, field by field, sparing whatever somebody did since. The forecast and the deed are one plan."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...connectors.cell import Cell
from ...connectors.errors import DecisionError
from ...connectors.finding import Finding
from ...mappings.compile import CompiledMapping
from ...runs.ledger import operations, undone
from ...runs.ledger.operations import Settled
from ...runs.ledger.undone import Did
from ..loading.look import shares
from ..session import Session, Tick
from .children import Child, Children, references_to
from .costs import Costs
from .undo_judge import PAGE, Judge, Member, PutBack, Spared
from .undo_write import Writer

Going = dict[str, dict[str, str]]
"""Object -> target key -> our key of what is to be deleted."""


@dataclass
class Undone:
    """What an undo comes to. counts: (object, what) -> records; what: deleted, restored, released, fields. objects: in
    the order of the undo. cost: by object, the calls that follow once all is judged, by interface. differences: what
    was read back otherwise than put back."""

    run: int
    objects: list[str] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    cost: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    differences: list[Finding] = field(default_factory=list)
    _spared: dict[tuple[str, str, str], Spared] = field(default_factory=dict)

    def spare(self, each: Spared) -> None:
        self._spared[each.object, each.our_key, each.code] = each

    @property
    def spared(self) -> list[Spared]:
        return list(self._spared.values())

    def spared_of(self, object_name: str) -> int:
        return len({our_key for name, our_key, _ in self._spared if name == object_name})


class Undo:
    """Undoes one run: `foresee` judges everything and writes nothing, `go` does it, judging each record once more when
    its turn comes. Raises DecisionError `undo.later_runs`."""

    def __init__(self, session: Session, run_id: int) -> None:
        later = operations.later_runs(session.ledger, run_id)
        if later:
            raise DecisionError("undo.later_runs", run=run_id, later=", ".join(str(each) for each in later))
        self._session = session
        self._run = run_id
        self._judge = Judge(session, run_id)
        self._costs = Costs(session)
        self._did: dict[str, dict[str, Did]] = {}
        self._going: Going = {}
        self._releases: dict[str, list[str]] = defaultdict(list)
        self._restores: dict[str, list[str]] = defaultdict(list)
        self._children: dict[str, Children] = {}
        self._gone: set[tuple[str, str]] = set()
        self._foreseen_gone: set[tuple[str, str]] = set()
        self._again: dict[str, list[str]] = defaultdict(list)
        self._waiting: list[tuple[str, list[str]]] = []
        self.undone = Undone(run_id)
        for name in _children_first(session, operations.objects_of(session.ledger, run_id)):
            self._did[name] = undone.did(session.ledger, run_id, name)
            self.undone.objects.append(name)

    def to_read(self) -> int:
        """How many records, and children of records, foreseeing asks the target for at most."""
        asked = 0
        for name, did in self._did.items():
            references = sum(1 for _ in references_to(self._session, name))
            asked += len(did) + references * sum(each.created for each in did.values())
        return asked

    # What it comes to

    def foresee(self) -> Undone:
        """Read what is there and decide what goes, what is put back and what is spared."""
        let_go: set[Child] = set()
        for name, did in self._did.items():
            self._going[name] = {}
            for our_key in undone.untold(self._session.ledger, self._run, name):
                self.undone.spare(Spared(name, our_key, "", "undo.untold"))
            for mapping, members in self._pages(name, list(did)):
                let_go |= self._foresee_page(mapping, members)
        self._children = {name: Children(self._session, name, list(self._going[name]), let_go) for name in self._going}
        self._spare_parents()
        for name, going in self._going.items():
            self.undone.counts[name, "deleted"] = len(going)
            levels = list(self._children[name].levels(going))
            for level in levels:
                for keys in shares(self._session, level, PAGE):
                    self._costs.delete(name, {key: going[key] for key in keys})
            self._foresee_loosening(name, levels)
            self.undone.cost[name] += self._costs.taken()
        return self.undone

    def _pages(self, name: str, our_keys: Sequence[str]) -> Iterator[tuple[CompiledMapping, list[Member]]]:
        done = 0
        for mapping, members in self._judge.pages(name, self._did[name], our_keys):
            self._session.heed()
            yield mapping, members
            done += len(members)
            self._session.tick(Tick("undo", mapping.name, done, len(our_keys)))

    def _foresee_page(self, mapping: CompiledMapping, members: Sequence[Member]) -> set[Child]:
        """Returns the references that will be put back."""
        name, told = mapping.target.name, self.undone
        judged = self._judge.judge(mapping, members)
        for each in judged.spared:
            told.spare(each)
        for member, _ in judged.goes:
            self._going[name][member.target_key] = member.our_key
        backs = [*judged.releases, *judged.restores]
        self._releases[name] += [each.member.our_key for each in judged.releases]
        self._restores[name] += [each.member.our_key for each in judged.restores]
        told.counts[name, "released"] += len(judged.releases)
        told.counts[name, "restored"] += len(judged.restores)
        told.counts[name, "fields"] += sum(len(each.values) for each in backs)
        self._costs.put_back(name, judged)
        told.cost[name] += self._costs.taken()
        return {
            Child(name, each.member.target_key, column)
            for each in backs
            for column in each.values
            if column in mapping.references
        }

    def _spare_parents(self) -> None:
        """Take out of what goes whatever has children that are not ours, or that stay."""
        settled = False
        while not settled:
            settled = True
            for name, children in self._children.items():
                for target_key, count in children.keep(self._going).items():
                    our_key = self._going[name].pop(target_key)
                    self.undone.spare(Spared(name, our_key, target_key, "undo.children", (), count))
                    settled = False

    def _foresee_loosening(self, name: str, levels: Sequence[Sequence[str]]) -> None:
        """A reference that is to be emptied first is written and read back. levels: of the parents, in their order."""
        children = self._children[name]
        for level in levels:
            held: dict[str, dict[str, dict[str, Cell]]] = defaultdict(lambda: defaultdict(dict))
            for each in [child for key in level for child in children.of(key)]:
                if (each.object, each.key) not in self._foreseen_gone and each.key in self._going.get(each.object, {}):
                    held[each.object][each.key][each.field] = None
            for child_object, emptied in held.items():
                self._costs.loosen(child_object, emptied, self._going[child_object])
            self._foreseen_gone |= {(name, key) for key in level}

    # The deed

    def go(self, undo_run: int) -> Undone:
        """What was foreseen: release and put back, then delete, children before parents. What the target refused to
        take back is tried once more when everything else is done, for it may have been in the way."""
        writer = Writer(self._session, undo_run)
        for chosen in (self._releases, self._restores):
            for name, our_keys in chosen.items():
                self._put_back(writer, name, our_keys, last=False)
        self._session.wait(self._session.target.capabilities.read_back_lag.total_seconds())
        for name in self._going:
            for level in self._children[name].levels(self._going[name]):
                for keys in shares(self._session, level, PAGE):
                    self._delete(writer, name, keys, last=False)
        for name, keys in self._waiting:
            self._delete(writer, name, keys, last=True)
        for name, our_keys in self._again.items():
            self._put_back(writer, name, our_keys, last=True)
        return self.undone

    def _put_back(self, writer: Writer, name: str, our_keys: Sequence[str], *, last: bool) -> None:
        for mapping, members in self._pages(name, our_keys):
            judged = self._judge.judge(mapping, members)
            for each in judged.spared:
                self.undone.spare(each)
            ended = writer.release(mapping, judged.releases)
            if ended:
                self._judge.let_go()
            ended |= writer.restore(mapping, judged.restores)
            for back in (*judged.releases, *judged.restores):
                end = ended[back.member.our_key]
                if end.state == "rejected" and not last:
                    self._again[name].append(back.member.our_key)
                elif end.state != "acked":
                    self._conflict(name, back.member, tuple(back.values))

    def _conflict(self, name: str, member: Member, fields: tuple[str, ...] = ()) -> None:
        self.undone.spare(Spared(name, member.our_key, member.target_key, "undo.conflict", fields))

    def _delete(self, writer: Writer, name: str, level: Sequence[str], *, last: bool) -> None:
        """Delete records that had no children but such as go themselves: unless there are others by now. Those that are
        held by records of an object whose turn comes later, as branches of one object may be, wait until the end."""
        waiting: list[str] = []
        keys = [key for key in level if key in self._going[name]]
        children = Children(self._session, name, keys)
        our_keys = [self._going[name][key] for key in keys]
        for mapping, members in self._pages(name, our_keys):
            judged = self._judge.judge(mapping, members)
            for each in judged.spared:
                self._stay(each)
            emptied = self._loosen(writer, name, [member for member, _ in judged.goes], children)
            going: list[tuple[Member, dict[str, Cell]]] = []
            for member, cells in judged.goes:
                held = [each for each in self._holding(name, member, children) if each not in emptied]
                if held and not last and all(each.key in self._going.get(each.object, {}) for each in held):
                    waiting.append(member.target_key)
                    continue
                if held:
                    count = len({(each.object, each.key) for each in held})
                    self._stay(Spared(name, member.our_key, member.target_key, "undo.children", (), count))
                    continue
                own = {each.field: None for each in emptied if (each.object, each.key) == (name, member.target_key)}
                going.append((member, {**cells, **own}))
            ended = writer.delete(mapping, going)
            for member, _ in going:
                self._deleted(name, member, ended[member.our_key])
        if waiting:
            self._waiting.append((name, waiting))

    def _deleted(self, name: str, member: Member, end: Settled) -> None:
        if end.state == "acked":
            self._gone.add((name, member.target_key))
        else:
            self._stay(Spared(name, member.our_key, member.target_key, "undo.conflict"))

    def _stay(self, each: Spared) -> None:
        self.undone.spare(each)
        self._going[each.object].pop(each.target_key, None)

    def _holding(self, name: str, member: Member, children: Children) -> list[Child]:
        """The children of a record but for those that are gone and may still be seen."""
        return [each for each in children.of(member.target_key) if (each.object, each.key) not in self._gone]

    def _loosen(self, writer: Writer, name: str, parents: Sequence[Member], children: Children) -> set[Child]:
        """Empty the references by which records that will go later hold these; returns those that are empty now."""
        wanted: dict[str, dict[str, dict[str, Cell]]] = defaultdict(lambda: defaultdict(dict))
        for parent in parents:
            for each in self._holding(name, parent, children):
                if each.key in self._going.get(each.object, {}):
                    wanted[each.object][self._going[each.object][each.key]][each.field] = parent.target_key
        emptied: set[Child] = set()
        for child_object, holds in wanted.items():
            for mapping, members in self._judge.pages(child_object, self._did[child_object], list(holds)):
                optional = {each.name for each in mapping.target_fields if not each.required}
                backs = [_emptied(each, holds[each.our_key], optional) for each in members]
                ended = writer.loosen(mapping, [each for each in backs if each.values])
                emptied |= {
                    Child(child_object, back.member.target_key, field)
                    for back in backs
                    for field in back.values
                    if ended[back.member.our_key].state == "acked"
                }
        return emptied


def _emptied(member: Member, holds: Mapping[str, Cell], optional: set[str]) -> PutBack:
    now = {name: cell for name, cell in holds.items() if name in optional}
    return PutBack(member, dict.fromkeys(now), now)


def _children_first(session: Session, objects: Sequence[str]) -> list[str]:
    """The mappings' own order turned round; what no mapping knows any more first, to be complained of."""
    place = {mapping.target.name: number for number, mapping in enumerate(session.mappings.values())}
    return sorted(objects, key=lambda name: -place.get(name, len(place)))
