"""Which trials there are of small moves: every fault of the hostile double at every call, every strike at every effect,
one at a time and then two; and how they are tried.

The second of two strikes anything that the first one leads to, so that what happens while the loader recovers is
disturbed as well.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from changeover.connectors.testing.hostile import Fault, FaultKind, Operation

from .small_laws import End, broken_laws, end_of
from .small_move import SmallMove
from .small_process import COMMIT_FAILS, COMMIT_LOST, DEATH, EDIT, INTERRUPT, TAKEN, Moment, Reached, Strike
from .small_target import DEADLINE, KINDS, Kind

LATEST = "latest"
"""Done as late as DESIGN §6.6 lets a call be: it left at its deadline and took the server's maximum."""
OF_SEVERAL = (FaultKind.HALF_DONE, FaultKind.HALF_ANSWERED, FaultKind.REORDERED, FaultKind.SHORT)
AS_EFFECTS = (FaultKind.DIES_BEFORE, FaultKind.DIES_AFTER)
"""Deaths before the send and before the answer are strikes."""
AT_EFFECTS = {
    "commit": (DEATH, INTERRUPT, EDIT, TAKEN, COMMIT_FAILS, COMMIT_LOST),
    "send": (DEATH, INTERRUPT, EDIT),
    "half": (DEATH, INTERRUPT, EDIT),
    "answer": (DEATH, INTERRUPT, EDIT, TAKEN),
    "put": (DEATH, INTERRUPT, EDIT, TAKEN),
}
"""The ledger is taken from a process before its commit, its value or its answer, not between its intent and its call: a
call that leaves then is late, and what keeps it from leaving is its deadline, not the epoch."""


@dataclass(frozen=True)
class SmallTrial:
    """A kind of target, and what disturbs the small move into it. Written as `twofold lost_after@2 death@17`."""

    kind: str
    faults: tuple[Fault, ...] = ()
    strikes: tuple[Strike, ...] = ()

    def __str__(self) -> str:
        words = [f"{LATEST if each.after else each.kind}@{each.call}" for each in self.faults]
        return " ".join([self.kind, *words, *(f"{each.kind}@{each.at}" for each in self.strikes)])

    @classmethod
    def read(cls, words: Sequence[str]) -> SmallTrial:
        trial = cls(words[0])
        for word in words[1:]:
            name, _, place = word.partition("@")
            if name == LATEST or name in set(FaultKind):
                trial = replace(trial, faults=(*trial.faults, fault(KINDS[trial.kind], name, int(place))))
            else:
                trial = replace(trial, strikes=(*trial.strikes, Strike(int(place), name)))
        return trial

    def and_then(self, more: Fault | Strike) -> SmallTrial:
        if isinstance(more, Fault):
            return replace(self, faults=(*self.faults, more))
        return replace(self, strikes=(*self.strikes, more))


def fault(kind: Kind, name: str, call: int) -> Fault:
    if name == LATEST:
        return Fault(call, FaultKind.LATE, after=dt.timedelta(seconds=DEADLINE + kind.maximum))
    return Fault(call, FaultKind(name))


def strikes_at(kind: Kind, place: Reached) -> Iterator[Fault | Strike]:
    """Everything that can happen there."""
    if place.what not in set(Operation):
        for name in AT_EFFECTS[place.what]:
            yield Strike(place.number, name)
        return
    for each in FaultKind:
        if each.operation != place.what or each in AS_EFFECTS or (each in OF_SEVERAL and place.records < 2):
            continue
        if each is FaultKind.TWICE and place.created and not kind.unique:
            continue  # it doubles a record there: DESIGN §5 calls such a target DEGRADED
        yield Fault(place.number, each)
    if place.what == Operation.WRITE and kind.maximum:
        yield fault(kind, LATEST, place.number)


class Trials:
    """The trials of one kind of target. tried: how many were made and judged."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.name = kind
        self.world = SmallMove(folder / "move", KINDS[kind])
        self.tried = 0
        self._came_to: dict[SmallTrial, list[Reached]] = {}
        self.wanted, self.undisturbed = self._first()

    def _first(self) -> tuple[End, list[Reached]]:
        with self.world.in_process(), self.world.trial(moment=self.world.moments[0]) as ended:
            reached = list(self.world.reached)
            wanted = end_of(self.world)
            assert broken_laws(self.world, ended, wanted) == {}
        return wanted, reached

    def broken(self, trial: SmallTrial, moment: Moment | None = None) -> dict[str, str]:
        """The laws that a trial breaks."""
        alone = len(trial.faults) + len(trial.strikes) < 2
        with self.world.trial(trial.faults, trial.strikes, moment) as ended:
            self.tried += 1
            if alone and moment is None:
                self._came_to[trial] = self.world.reached
            return broken_laws(self.world, ended, self.wanted, alone)

    @cached_property
    def singles(self) -> list[SmallTrial]:
        alone = SmallTrial(self.name)
        return [alone.and_then(each) for place in self.undisturbed for each in strikes_at(self.world.kind, place)]

    @cached_property
    def pairs(self) -> list[SmallTrial]:
        """Each of the singles, and whatever can happen at anything that it comes to afterwards."""
        found = []
        with self.world.in_process():
            for single in self.singles:
                if single not in self._came_to:
                    with self.world.trial(single.faults, single.strikes):
                        self._came_to[single] = self.world.reached
                further = self._after(single, self._came_to[single])
                found += [single.and_then(each) for place in further for each in strikes_at(self.world.kind, place)]
        return found

    @staticmethod
    def _after(single: SmallTrial, reached: Sequence[Reached]) -> Sequence[Reached]:
        places = [(each.kind.operation, each.call) for each in single.faults]
        operations = set(Operation)
        numbers = [each.at for each in single.strikes]
        for index, place in enumerate(reached):
            if (place.what, place.number) in places or (place.what not in operations and place.number in numbers):
                return reached[index + 1 :]
        raise AssertionError(f"{single} was never reached")

    def some(self, number: int, seed: int) -> list[SmallTrial]:
        """As many of the pairs, by chance, as make this number together with the singles."""
        left = number - len(self.singles)
        chosen = random.Random(f"{seed} {self.name}").sample(range(len(self.pairs)), left)
        return [self.pairs[place] for place in sorted(chosen)]

    def judged(self, trials: Iterable[SmallTrial], enough: int = 20) -> dict[str, dict[str, str]]:
        """What fails, by the words that repeat it; after so many no more is tried."""
        failed: dict[str, dict[str, str]] = {}
        with self.world.in_process():
            for trial in trials:
                if told := self.broken(trial):
                    failed[str(trial)] = told
                    if len(failed) == enough:
                        break
        return failed
