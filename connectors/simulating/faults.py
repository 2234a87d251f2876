"""What goes wrong on the way, by a file: which call of which path, and how. What there is that can go wrong, each
simulator says itself."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml

from ..errors import InputError

Kind = TypeVar("Kind", bound=Enum)


@dataclass(slots=True)
class Fault(Generic[Kind]):
    """calls: which of the calls that the path fits, from 1. every: each n-th. share: at random. after: the call is
    carried out first. rows: which rows of the call, where the kind is about rows: each n-th. met: calls so far."""

    path: str
    kind: Kind
    calls: frozenset[int] = frozenset()
    every: int = 0
    share: float = 0.0
    after: bool = False
    seconds: float = 0.0
    rows: int = 0
    met: int = 0


class Faults(Generic[Kind]):
    """The first fault that strikes a call counts."""

    def __init__(self, faults: list[Fault[Kind]], seed: int = 0) -> None:
        self._faults = faults
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self.struck = 0

    def strike(self, path: str) -> Fault[Kind] | None:
        found = None
        for each in self._faults:
            if fnmatchcase(path, each.path):
                each.met += 1
                hit = each.met in each.calls or (each.every and each.met % each.every == 0)
                hit = hit or (each.share > 0 and self._chance.random() < each.share)
                found = each if hit and found is None else found
        self.struck += found is not None
        return found


KEYS = {"path", "fault", "calls", "every", "share", "when", "seconds", "rows"}


def read_faults(file: Path, kinds: type[Kind]) -> Faults[Kind]:
    """Raises InputError `simulator.file` or `simulator.fault`."""
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError("simulator.file", path=str(file), reason=type(error).__name__) from error
    if not isinstance(told, dict) or not told.keys() <= {"seed", "faults"} or not isinstance(told.get("faults"), list):
        raise InputError("simulator.file", path=str(file), reason="seed, faults")
    seed = told.get("seed", 0)
    if type(seed) is not int:
        raise InputError("simulator.file", path=str(file), reason="seed")
    return Faults([_fault(each, number, file, kinds) for number, each in enumerate(told["faults"], 1)], seed)


def _fault(told: Any, number: int, file: Path, kinds: type[Kind]) -> Fault[Kind]:
    try:
        if not told.keys() <= KEYS or told.get("when", "before") not in ("before", "after"):
            raise ValueError
        calls = told.get("calls", [])
        fault = Fault(
            str(told["path"]),
            kinds(told["fault"]),
            frozenset(int(each) for each in (calls if isinstance(calls, list) else [calls])),
            int(told.get("every", 0)),
            float(told.get("share", 0)),
            told.get("when") == "after",
            float(told.get("seconds", 0)),
            int(told.get("rows", 0)),
        )
    except (AttributeError, KeyError, ValueError, TypeError) as error:
        raise InputError("simulator.fault", path=str(file), number=number) from error
    if not fault.calls and not fault.every and not fault.share:
        raise InputError("simulator.fault", path=str(file), number=number)
    return fault
