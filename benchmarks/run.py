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
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import company
import project
import target
from measure import Measure, measure, median
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
HEAVY = "import changeover.cli, pandas, pyarrow.compute, sqlalchemy, psycopg"
RATIOS = ("x bare", "less start-up", "CPU less start-up")
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

    def changeover(self, what: str, folder: Path, *, exit_code: int = 0) -> dict[str, Any]:
        """Measure a run of the project; what it said."""
        command = ("-m", "changeover", "run", "--project", str(folder), "--execute", "--json")
        done = self.python(what, *command, exit_code=exit_code)
        return dict(json.loads(done.stdout)) if done.stdout.strip() else {"mappings": {}, "findings": []}

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
    check_said(bench, bench.changeover("full load", folder, exit_code=exit_code))
    bench.check(
        "content (missing, too many)", not target.differences(dsn, bench.spoilt), target.differences(dsn, bench.spoilt)
    )
    bench.check("types drifted", target.shape(dsn) == shape, target.shape(dsn))
    written = target.rows_written(dsn)
    target.settle(dsn)
    counts = bench.changeover("again", folder, exit_code=exit_code)["mappings"]
    bench.check("again wrote rows", target.rows_written(dsn) == written, target.rows_written(dsn) - written)
    for name, line in counts.items():
        bench.check(f"again, {name}", not any(line[each] for each in WRITTEN), line)
    shutil.rmtree(folder)


def check_said(bench: Bench, said: dict[str, Any]) -> None:
    """Every record counted where it belongs, and every spoilt one under the field that was spoilt."""
    for name, columns in company.OBJECTS.items():
        line = said["mappings"].get(name, {})
        rejected, held = bench.spoilt.rejected[name], bench.spoilt.held[name]
        expected = {
            "created": line.get("read", 0) - len(rejected) - len(held),
            "rejected": len(rejected),
            "held": len(held),
        }
        told = {bucket: line.get(bucket) for bucket in expected}
        bench.check(f"{name}, counts", told == expected, f"{told}, not {expected}")
        targets = {each.name: each.target for each in columns}
        causes = Counter(targets[column] for column in rejected.values())
        named = Counter[str]()
        for finding in said["findings"]:
            if finding["mapping"] == name and finding["field"] in causes:
                named[finding["field"]] += finding["count"]
        bench.check(f"{name}, causes", named == causes, f"{dict(named)}, not {dict(causes)}")


def show(bench: Bench, records: int) -> None:
    console = Console()
    table = Table(title=f"{records:,} records, SQLite to PostgreSQL")
    for column in ("", "wall s", "min-max", "CPU s", "server CPU s", "peak MB", "records/s", *RATIOS):
        table.add_column(column, justify="right" if column else "left")
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
            *([f"{records / wall:,.0f}", *ratios(bench, measures)] if moved else []),
        )
    console.print(table)
    console.print(f"links set and leading somewhere: {target.links(bench.server.dsn):,}")
    for each in bench.wrong:
        console.print(f"WRONG {each}", markup=False)
    if not bench.wrong:
        console.print("content equal, cell by cell; types kept; the second run wrote nothing")


def ratios(bench: Bench, measures: Sequence[Measure]) -> list[str]:
    """How often the bare copy would fit in: in wall time, then in wall time and in CPU with the start-up taken off."""
    told = []
    for of, without_start in ((wall_of, False), (wall_of, True), (cpu_of, True)):
        start = median(bench.measures["run of no records"], of) if without_start else 0.0
        spent = median(measures, of) - (0.0 if measures is bench.measures["bare copy"] else start)
        told.append(f"{spent / median(bench.measures['bare copy'], of):.1f}")
    return told


def wall_of(each: Measure) -> float:
    return each.wall


def cpu_of(each: Measure) -> float:
    return each.cpu


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
