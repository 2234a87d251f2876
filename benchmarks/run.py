"""SQLite to PostgreSQL through `changeover run --execute`, against the bare copy of the same rows in the same session.

    make bench                              103,000 records: full load, then the same command again
    make bench BENCH="--scale 10"           1,030,000 records
    make bench BENCH="--bad 0.01"           one row in a hundred spoilt
    make bench BENCH="--declared --runs 3"  with declared Great Expectations; medians of three

Exits 1 where the content that arrived is not what should have arrived.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import company
import project
import target
from measure import Measure, measure, median
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
HEAVY = "import changeover.cli, pandas, pyarrow.compute, sqlalchemy, psycopg"
WRITTEN = ("created", "updated", "deleted", "merged")


@dataclass
class Bench:
    """One session. legacy: the database to be moved. clean: the same without what was spoilt, for the bare copy.
    measures: what was done -> each time it was done."""

    server: target.Server
    folder: Path
    legacy: Path
    clean: Path
    spoilt: company.Spoilt
    declared: bool
    measures: dict[str, list[Measure]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def python(self, what: str, *arguments: str, exit_code: int = 0) -> Measure:
        """Measure `python ARGUMENTS`. Whatever else than `exit_code` it ends with is wrong."""
        told = {**os.environ, "CHANGEOVER_CONFIG_HOME": str(self.folder / "keys"), "PYTHONIOENCODING": "utf-8"}
        done = measure([sys.executable, *arguments], self.server.process, told, self.folder)
        self.measures.setdefault(what, []).append(done)
        if done.exit_code != exit_code:
            self.wrong.append(f"{what}: exit code {done.exit_code}, not {exit_code}\n{done.stderr[-2000:]}")
        return done

    def changeover(self, what: str, folder: Path, *, exit_code: int = 0) -> dict[str, dict[str, int]]:
        """Measure a run of the project; the counts of each mapping."""
        command = ("-m", "changeover", "run", "--project", str(folder), "--execute", "--json")
        done = self.python(what, *command, exit_code=exit_code)
        return dict(json.loads(done.stdout)["mappings"]) if done.stdout.strip() else {}

    def new_project(self, legacy: Path) -> Path:
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix="project-"))
        target.create(self.server.dsn, target.CRM)
        project.write(folder, legacy, self.server.url, declared=self.declared)
        return folder

    def check(self, what: str, holds: object, told: object) -> None:
        if not holds:
            self.wrong.append(f"{what}: {told}")


def start_up(bench: Bench) -> None:
    """What is spent before and beside the first record."""
    bench.python("changeover --help", "-m", "changeover", "--help")
    bench.python("imports alone", "-c", HEAVY + (", great_expectations" if bench.declared else ""))
    empty = bench.folder / "empty.db"
    if not empty.exists():
        company.write_sqlite(empty, 0, 0, 0)
    bench.changeover("run of no records", bench.new_project(empty))


def full_load(bench: Bench) -> None:
    """Bare copy, full load, the same command again; and whether all that should be there is there."""
    dsn = bench.server.dsn
    target.create(dsn, target.BARE)
    target.settle(dsn)
    bench.python("bare copy", str(HERE / "bare_copy.py"), str(bench.clean), dsn, target.BARE)
    folder = bench.new_project(bench.legacy)
    shape = target.shape(dsn)
    target.settle(dsn)
    exit_code = int(any(bench.spoilt.absent(name) for name in company.OBJECTS))
    counts = bench.changeover("full load", folder, exit_code=exit_code)
    check_counts(bench, counts)
    bench.check(
        "content (missing, too many)", not target.differences(dsn, bench.spoilt), target.differences(dsn, bench.spoilt)
    )
    bench.check("types drifted", target.shape(dsn) == shape, target.shape(dsn))
    written = target.rows_written(dsn)
    target.settle(dsn)
    counts = bench.changeover("again", folder, exit_code=exit_code)
    bench.check("again wrote rows", target.rows_written(dsn) == written, target.rows_written(dsn) - written)
    for name, line in counts.items():
        bench.check(f"again, {name}", not any(line[each] for each in WRITTEN), line)
    shutil.rmtree(folder)


def check_counts(bench: Bench, counts: dict[str, dict[str, int]]) -> None:
    for name in company.OBJECTS:
        line = counts.get(name, {})
        rejected, held = len(bench.spoilt.rejected[name]), len(bench.spoilt.held[name])
        told = (line.get("rejected"), line.get("held"))
        bench.check(f"{name}: (rejected, held)", told == (rejected, held), f"{told}, not {(rejected, held)}")
        created = line.get("read", 0) - rejected - held
        bench.check(f"{name}: created", line.get("created") == created, f"{line.get('created')}, not {created}")


def show(bench: Bench, records: int) -> None:
    console = Console()
    table = Table(title=f"{records:,} records, SQLite to PostgreSQL")
    for column in (
        "",
        "wall s",
        "min-max",
        "CPU s",
        "server CPU s",
        "peak MB",
        "records/s",
        "x bare",
        "x bare less start-up",
    ):
        table.add_column(column, justify="left" if not column else "right")
    bare = median(bench.measures["bare copy"], lambda each: each.wall)
    start = median(bench.measures["run of no records"], lambda each: each.wall)
    for what, measures in bench.measures.items():
        wall = median(measures, lambda each: each.wall)
        moved = what in {"bare copy", "full load", "again"}
        table.add_row(
            what,
            f"{wall:.2f}",
            f"{min(each.wall for each in measures):.2f}-{max(each.wall for each in measures):.2f}",
            f"{median(measures, lambda each: each.cpu):.2f}",
            f"{median(measures, lambda each: each.server_cpu):.2f}",
            f"{max(each.peak for each in measures):.0f}",
            f"{records / wall:,.0f}" if moved else "",
            f"{wall / bare:.1f}" if moved else "",
            f"{(wall - start) / bare:.1f}" if what in {"full load", "again"} else "",
        )
    console.print(table)
    console.print(f"links set and leading somewhere: {target.links(bench.server.dsn):,}")
    for each in bench.wrong:
        console.print(f"WRONG {each}", markup=False)
    if not bench.wrong:
        console.print("content equal, cell by cell; types kept; the second run wrote nothing")


def main(arguments: Sequence[str] | None = None) -> int:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--scale", type=int, default=1, help="times 103,000 records")
    told.add_argument("--runs", type=int, default=1, help="how often; the table shows medians")
    told.add_argument("--bad", type=float, default=0, help="share of rows to spoil")
    told.add_argument("--declared", action="store_true", help="declare Great Expectations in the mappings")
    told.add_argument("--seed", type=int, default=7)
    asked = told.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="changeover-bench-"))
    try:
        legacy = folder / "legacy.db"
        spoilt = company.write_sqlite(legacy, asked.scale, asked.seed, asked.bad)
        clean = legacy
        if asked.bad:
            clean = folder / "clean.db"
            company.write_sqlite(clean, asked.scale, asked.seed, 0)
        with target.server() as server:
            bench = Bench(server, folder, legacy, clean, spoilt, asked.declared)
            for _ in range(asked.runs):
                start_up(bench)
                full_load(bench)
            show(bench, sum(company.SIZES.values()) * asked.scale)
            return int(bool(bench.wrong))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
