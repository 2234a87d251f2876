"""A ledger that was cut off, or in which a bit was flipped, while a run was in the middle: it is noticed before
anything is sent, or it does no harm."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from changeover.connectors.errors import ChangeoverError
from changeover.connectors.memory import MemoryConnector

from .firms import LEVELS
from .laws import Move, broken_laws, first, prepared
from .moving import Ended, Moment

FLIPS = int(os.environ.get("CHANGEOVER_TEST_FLIPS", "100"))
"""On each page, under `make torture`."""
SEED = int(os.environ.get("CHANGEOVER_TEST_SEED", "20240229"))
SHARE = 0.6
"""How far the run was."""
PAGE = 4096
LEDGER = Path("mock") / "ledger.db"


@pytest.fixture(scope="module")
def move(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    made = prepared(tmp_path_factory.mktemp("levels"), LEVELS, MemoryConnector, first)
    with made.world.in_process():
        yield made


@pytest.fixture(scope="module")
def killed(move: Move) -> Moment:
    """What a kill in the middle left, its last commits in the -wal."""
    move.world.back_to(move.start)
    sends = move.world.moments(lambda effect: effect == "answer")
    return sends[round(len(sends) * SHARE)]


@pytest.fixture(scope="module")
def folded(killed: Moment, tmp_path_factory: pytest.TempPathFactory) -> Moment:
    """The same with everything in the ledger's own file."""
    files = tmp_path_factory.mktemp("folded") / "runs"
    shutil.copytree(killed.files, files)
    with closing(sqlite3.connect(files / LEDGER)) as ledger:
        ledger.execute("pragma wal_checkpoint(truncate)")
    return replace(killed, files=files)


Damage = Callable[[Path], None]
"""Of the folder `runs`."""


@pytest.fixture
def judge(move: Move, tmp_path: Path) -> Callable[[Moment, Damage], str]:
    """`noticed` with its code, `harmless`, or what it led to."""
    numbers = count()

    def judged(moment: Moment, damage: Damage) -> str:
        files = tmp_path / str(next(numbers))
        shutil.copytree(moment.files, files)
        damage(files)
        world = move.world
        world.back_to(replace(moment, files=files))
        shutil.rmtree(files)
        before = len(world.record.arrived)
        try:
            report = world.run()
        except ChangeoverError as error:
            sent = len(world.record.arrived) - before
            return f"noticed: {error.code}, {error.exit_code}" if not sent else f"{sent} sent, then {error.code}"
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        broken = broken_laws(world, Ended(report, None, 1), move.wanted)
        if broken.keys() - TOLD:
            return f"wrong: {sorted(broken)}"
        return "as from a backup" if broken else "harmless"

    return judged


GOOD = {"harmless", *(f"noticed: {code}, 1" for code in ("ledger.damaged", "ledger.history_broken"))}
"""What damage may come to."""
HEAD = (47, 4), (18, 5)
"""In the file's head: a format that no SQLite has, and one that none writes."""
TOLD = {"counts told", "named state", "findings told"}
"""What may be told otherwise by a run that goes on from an earlier state of the ledger, as after a backup was put back:
what it finds in the target by our key is not new."""


def flip(place: int, bit: int) -> Damage:
    def damage(runs: Path) -> None:
        body = bytearray((runs / LEDGER).read_bytes())
        body[place] ^= 1 << bit
        (runs / LEDGER).write_bytes(body)

    return damage


def cut(length: int, name: str = "ledger.db") -> Damage:
    return lambda runs: os.truncate(runs / LEDGER.with_name(name), length)


def flips(body: bytes, some: random.Random, each: int) -> Iterator[tuple[int, int]]:
    """(byte, bit): on every page so many, at least half of them where something is written."""
    for start in range(0, len(body), PAGE):
        used = [place for place in range(start, start + PAGE) if body[place]]
        for number in range(each):
            place = some.choice(used) if used and number % 2 == 0 else some.randrange(start, start + PAGE)
            yield place, some.randrange(8)


@pytest.mark.parametrize("each", [2, pytest.param(FLIPS, marks=pytest.mark.torture)])
def test_a_flipped_bit_is_noticed_or_does_no_harm(
    each: int,
    folded: Moment,
    judge: Callable[[Moment, Damage], str],
    record_property: Callable[[str, object], None],
) -> None:
    body = (folded.files / LEDGER).read_bytes()
    places = [*HEAD, *flips(body, random.Random(SEED), each)]
    told = {(place, bit): judge(folded, flip(place, bit)) for place, bit in places}
    record_property("told", f"{len(places)} flipped bits: {dict(Counter(told.values()))}")
    assert {place: why for place, why in told.items() if why not in GOOD} == {}


def test_a_ledger_that_was_cut_off_is_noticed_or_does_no_harm(
    killed: Moment,
    folded: Moment,
    judge: Callable[[Moment, Damage], str],
    record_property: Callable[[str, object], None],
) -> None:
    """At the ends of pages and between them, with what the -wal holds and without; and the -wal itself."""
    some = random.Random(SEED)
    size, wal = ((killed.files / LEDGER.with_name(name)).stat().st_size for name in ("ledger.db", "ledger.db-wal"))
    whole = (folded.files / LEDGER).stat().st_size
    ends = [page * PAGE for page in some.sample(range(whole // PAGE), 8)]
    cuts = [(folded, cut(length + more)) for length in ends for more in (0, some.randrange(1, PAGE))]
    cuts += [(killed, cut(some.randrange(size + 1))) for _ in range(4)]
    cuts += [(killed, cut(some.randrange(wal), "ledger.db-wal")) for _ in range(12)]
    told = Counter(judge(moment, damage) for moment, damage in cuts)
    record_property("told", f"{len(cuts)} cuts: {dict(told)}")
    assert told.keys() <= GOOD | {"as from a backup"}


@pytest.mark.parametrize("flips", [15, pytest.param(FLIPS * 10, marks=pytest.mark.torture)])
def test_a_bit_flipped_in_the_wal_is_noticed_or_does_no_harm(
    flips: int, killed: Moment, judge: Callable[[Moment, Damage], str], record_property: Callable[[str, object], None]
) -> None:
    """SQLite takes the -wal for one that ends there: what came after is asked for at the target, by our key."""
    some, wal = random.Random(SEED), LEDGER.with_name("ledger.db-wal")
    size = (killed.files / wal).stat().st_size

    def damage(place: int, bit: int) -> Damage:
        def flipped(runs: Path) -> None:
            body = bytearray((runs / wal).read_bytes())
            body[place] ^= 1 << bit
            (runs / wal).write_bytes(body)

        return flipped

    told = Counter(judge(killed, damage(some.randrange(size), some.randrange(8))) for _ in range(flips))
    record_property("told", f"{flips} flipped bits in the -wal: {dict(told)}")
    assert told.keys() <= GOOD | {"as from a backup"}
