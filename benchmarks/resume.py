"""Kill a large move near its end and type the command again: how long until the first new call, how much memory, and
how large the ledger is.

    .venv/bin/python benchmarks/resume.py                               1,030,000 records, the ledger in a file
    .venv/bin/python benchmarks/resume.py --ledger server               the ledger on the PostgreSQL server
    .venv/bin/python benchmarks/resume.py --scale 1                     103,000 records

Exits 1 where the first new call comes later than 30 s after the command was typed, where the ledger takes 1,000 bytes a
record (on a server 1,150) or more, or where the content that arrived is not what should have arrived.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import company
import project
import psycopg
import target
from measure import Measure, measure

HERE = Path(__file__).parent
LAST = list(company.OBJECTS)[-1]
FIRST_CALL = 30.0
LOOKS = 0.2
"""Seconds after which is looked again how far the run has come."""
BYTES = {"file": 1_000, "server": 1_150}
"""A record may take, by where the ledger is: on a server, what was updated
lies there for a while."""
LEDGERS = "where table_schema like 'changeover\\_%'"


@dataclass(frozen=True)
class Move:
    """A move to be killed. ask: a question to its ledger; the rows."""

    server: target.Server
    folder: Path
    in_file: bool

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "changeover", "run", "--project", str(self.folder), "--execute", "--json"]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "CHANGEOVER_CONFIG_HOME": str(self.folder.parent / "keys"), "PYTHONIOENCODING": "utf-8"}

    @property
    def file(self) -> Path:
        return self.folder / "runs" / project.ENVIRONMENT / "ledger.db"

    def ask(self, question: str) -> list[tuple[object, ...]]:
        if self.in_file:
            with closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as ledger:
                return ledger.execute(question).fetchall()
        with psycopg.connect(self.server.dsn) as server:
            found = server.execute(f"select distinct table_schema from information_schema.tables {LEDGERS}").fetchone()
            assert found is not None
            server.execute(f"set search_path to {found[0]}")
            return server.execute(question.encode()).fetchall()

    def arrived(self) -> int:
        """Records of the last object."""
        with psycopg.connect(self.server.dsn) as server:
            found = server.execute(f"select count(*) from {target.CRM}.{LAST}").fetchone()
            assert found is not None
            return int(found[0])

    def size(self) -> int:
        """Bytes of the ledger, with all that lies beside it."""
        if self.in_file:
            return sum(path.stat().st_size for path in self.file.parent.glob("ledger.db*"))
        with psycopg.connect(self.server.dsn) as server:
            total = "sum(pg_total_relation_size(format('%I.%I', table_schema, table_name)::regclass))"
            found = server.execute(f"select {total} from information_schema.tables {LEDGERS}").fetchone()
            assert found is not None
            return int(found[0])


def kill_when(move: Move, enough: Callable[[], bool]) -> float:
    """Start the command and kill it; the seconds it lived."""
    began = time.monotonic()
    with (move.folder.parent / "killed").open("wb") as out:
        process = subprocess.Popen(move.command, env=move.environment, stdout=out, stderr=out)
        while not enough():
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOKS)
                raise SystemExit("the run came to its end before it was to be killed")
        process.send_signal(signal.SIGKILL)
        process.wait()
    return time.monotonic() - began


def first_call(move: Move, typed: dt.datetime) -> float:
    """Seconds from the command to the intents of its first batch, which leave the machine next."""
    latest = "select min(at) from event where what = 'intended' and epoch = (select epoch from control)"
    at = move.ask(latest)[0][0]
    if at is None:
        raise SystemExit("everything had been sent before the kill: kill it earlier, with a smaller --share")
    return (dt.datetime.fromisoformat(str(at)) - typed).total_seconds()


def resumed(move: Move) -> tuple[float, Measure]:
    typed = dt.datetime.now(dt.UTC)
    done = measure(move.command, move.server.process, move.environment, move.folder.parent)
    return first_call(move, typed), done


def bench(server: target.Server, folder: Path, asked: argparse.Namespace) -> list[str]:
    """What is wrong."""
    legacy = folder / "legacy.db"
    spoilt = company.write_sqlite(legacy, asked.scale, asked.seed, 0)
    move = Move(server, folder / "project", asked.ledger == "file")
    target.create(server.dsn, target.CRM)
    target.create(server.dsn, target.BARE)
    project.write(
        move.folder, legacy, server.url, declared=False, ledger=None if move.in_file else server.dsn.replace(":@", "@")
    )
    records = sum(company.SIZES.values()) * asked.scale
    lived = kill_when(move, lambda: move.arrived() >= asked.share * company.SIZES[LAST] * asked.scale)
    in_flight = move.ask("select count(*) from operation where state = 'intent'")[0][0]
    print(f"killed after {lived:.1f} s, {in_flight} operations open, ledger {move.size() / records:.0f} bytes a record")
    seconds, done = resumed(move)
    size = move.size()
    print(f"{records:,} records; first new call {seconds:.1f} s after the command, resumed in {done.wall:.1f} s")
    print(f"peak memory {done.peak:.0f} MB; ledger {size / 1e6:.0f} MB, {size / records:.0f} bytes a record")
    again = measure(move.command, server.process, move.environment, folder)
    print(f"again {again.wall:.1f} s; ledger {move.size() / records:.0f} bytes a record")
    bare = [sys.executable, str(HERE / "bare_copy.py"), str(legacy), server.dsn, target.BARE]
    subprocess.run(bare, check=True, stdout=subprocess.DEVNULL)
    differences = target.differences(server.dsn, spoilt)
    judged = {
        f"exit codes {done.exit_code}, {again.exit_code}: {done.stderr[-1000:]}": done.exit_code or again.exit_code,
        f"the first new call came after {seconds:.1f} s": seconds > FIRST_CALL,
        f"the ledger takes {move.size() / records:.0f} bytes a record": move.size() >= BYTES[asked.ledger] * records,
        f"content (missing, too many): {differences}": differences,
    }
    if asked.keep:
        shutil.copytree(move.folder, asked.keep)
    return [told for told, wrong in judged.items() if wrong]


def main(arguments: Sequence[str] | None = None) -> int:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--scale", type=int, default=10, help="times 103,000 records")
    told.add_argument("--ledger", choices=("file", "server"), default="file")
    told.add_argument("--share", type=float, default=0.9, help="of the last object, when the run is killed")
    told.add_argument("--seed", type=int, default=7)
    told.add_argument("--keep", type=Path, help="copy the project here")
    asked = told.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="changeover-bench-"))
    try:
        with target.server() as server:
            wrong = bench(server, folder, asked)
        for each in wrong:
            print(f"WRONG {each}")
        return int(bool(wrong))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
