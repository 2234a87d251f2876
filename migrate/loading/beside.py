"""Objects that are under way together: none refers to the other, and what is written to them goes through different
interfaces of the target, each of which has a rate of its own. All others are loaded one after another.

Each object has a lane of its own, a thread in which its mapping is loaded as it always is. The lanes take turns (see
`turns`), so that only their waits, and their calls, overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial

from ...connectors.pace import Action
from ...connectors.port import OurKeyPlace
from ...mappings.compile import CompiledMapping
from ..session import LISTENS, Session
from .details import kinds_of


@dataclass(frozen=True, slots=True)
class _Place:
    """Where one mapping stands. reached: the mappings that it refers to, directly, through others or by addresses in
    its texts. written: the target objects to which its turn may write. interfaces: those with a rate through which
    its records go."""

    reached: frozenset[str]
    written: frozenset[str]
    interfaces: frozenset[str]


Apart = Callable[[str, str], bool]
"""Whether these two mappings may be under way together."""


def apart_of(session: Session) -> Apart:
    """By the session's mappings, and what the target says of its interfaces."""
    places = {name: _place(session, mapping) for name, mapping in session.mappings.items()}
    able = session.target.capabilities
    may = able.at_once > 1 and able.our_key is not OurKeyPlace.NONE

    def apart(one: str, other: str) -> bool:
        here, there = places[one], places[other]
        related = one in there.reached or other in here.reached or here.written & there.written
        paced = here.interfaces and there.interfaces and not here.interfaces & there.interfaces
        return bool(may and paced and not related)

    return apart


def _place(session: Session, mapping: CompiledMapping) -> _Place:
    parents = [session.mappings[name] for name in mapping.parents if name in session.mappings]
    stubs = {each.target.name for each in parents if each.stub is not None}
    details = {child.target.name for child, _, _ in kinds_of(session, mapping)}
    allowance = session.target.capabilities.allowance
    needs = () if mapping.filed else allowance.needs_of(mapping.target.name, Action.WRITE)
    return _Place(
        frozenset(_reached(session.mappings, mapping.name)),
        frozenset({mapping.target.name, *stubs, *details}),
        frozenset(each.interface for each in needs if allowance.of(each.interface).rates),
    )


def _reached(mappings: Mapping[str, CompiledMapping], name: str) -> set[str]:
    found: set[str] = set()
    ahead = [name]
    while ahead:
        mapping = mappings[ahead.pop()]
        linked = (
            [] if mapping.links is None else [keys.mapping for some in mapping.links.makers for keys in some.values()]
        )
        new = {each for each in (*mapping.parents, *linked) if each in mappings} - found
        found |= new
        ahead += new
    return found


def ready(left: Sequence[str], under_way: Collection[str], apart: Apart) -> list[str]:
    """Which of those that are left may begin now, in their order: each that is apart from all that is under way, and
    from all that comes before it."""
    begins: list[str] = []
    for place, name in enumerate(left):
        if all(apart(each, name) for each in (*under_way, *left[:place])):
            begins.append(name)
    return begins


@dataclass
class Lanes:
    """Moves mappings in an order, those together that may be. move: moves one, in the session of its lane; it raises
    what ends the run. What it raises in one lane ends the others, too, as Ctrl-C does: what they have under way is
    settled, and nothing more is sent."""

    session: Session
    move: Callable[[Session, str], None]
    _left: list[str] = field(default_factory=list)
    _under_way: dict[str, Future[None]] = field(default_factory=dict)
    _failed: list[BaseException] = field(default_factory=list)

    def run(self, order: Sequence[str]) -> None:
        """Raises what was raised first."""
        session, self._left = self.session, list(order)
        alone = session.team is not None or session.rehearsal
        apart = _never if alone else apart_of(session)
        most = session.target.capabilities.at_once
        while self._left or self._under_way:
            begins = [] if self._failed else ready(self._left, self._under_way, apart)
            if len(begins) == 1 and not self._under_way:
                self._left.remove(begins[0])
                self.move(session, begins[0])
                continue
            for name in begins[: most - len(self._under_way)]:
                self._left.remove(name)
                self._under_way[name] = session.turns.start(partial(self._lane, name))
            self._wait()
            if self._failed and not self._under_way:
                session.interruption.halted = False
                raise self._failed[0]

    def _wait(self) -> None:
        """Until one of them is over."""
        turns = self.session.turns
        turns.lanes = len(self._under_way)
        try:
            over = turns.first(list(self._under_way.values()), LISTENS)
        except BaseException:  # killed: it is our turn now, and nobody gets another one
            self.session.interruption.halted = True
            raise
        self._under_way = {name: each for name, each in self._under_way.items() if each not in over}
        turns.lanes = max(1, len(self._under_way))

    def _lane(self, name: str) -> None:
        session = self.session
        try:
            lane = replace(session)
            lane.began, lane.breaker.probing = session.began, session.breaker.probing
            self.move(lane, name)
            session.breaker.probing = session.breaker.probing and lane.breaker.probing
        except BaseException as error:
            self._failed.append(error)
            session.interruption.halted = True


def _never(_one: str, _other: str) -> bool:
    return False
