"""One trial again, as a failing test names it: `python -m tests.migrate.trial levels lost_after@2 death@17`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .laws import prepared
from .points import MOVES, Trial


def main(words: list[str]) -> int:
    trial = Trial.read(words)
    with tempfile.TemporaryDirectory() as folder:
        move = prepared(Path(folder), *MOVES[trial.move])
        with move.world.in_process():
            broken = move.trial(*trial.faults, deaths=trial.deaths)
    print("\n".join(f"{law}: {why}" for law, why in broken.items()) or "no law is broken")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
