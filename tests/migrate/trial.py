"""One trial again, as a failing test names it: `python -m tests.migrate.trial levels lost_after@2 death@17`, or
`python -m tests.migrate.trial twofold lost_after@1 taken@17`, a small move."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .laws import prepared
from .points import MOVES, Trial
from .small_target import KINDS
from .small_trials import SmallTrial, Trials


def broken_by(words: list[str], folder: Path) -> dict[str, str]:
    if words[0] in KINDS:
        trials = Trials(folder, words[0])
        with trials.world.in_process():
            return trials.broken(SmallTrial.read(words))
    trial = Trial.read(words)
    move = prepared(folder, *MOVES[trial.move])
    with move.world.in_process():
        return move.trial(*trial.faults, deaths=trial.deaths)


def main(words: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        broken = broken_by(words, Path(folder))
    print("\n".join(f"{law}: {why}" for law, why in broken.items()) or "no law is broken")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
