"""Records that are put together, when the process dies on the way; and how they lie on the disk meanwhile."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from .contracts import CONTRACT
from .kill_at import At, Launcher
from .three import ThreeSystems, make_three

RUN = ("run", "--execute", "--json")
CONTRACTS = 60


@pytest.fixture
def company(tmp_path: Path) -> ThreeSystems:
    made = make_three(tmp_path / "three", CONTRACT)
    made.rewrite("changeover.yaml", ("chunk: 2, batch: 2", "chunk: 8, batch: 8"))
    for system, table in (("approval", "contract"), ("erp", "order_slip"), ("oa", "approval")):
        made.of(system, f"delete from {table}")
    many = [(number, f"C-{number:03}") for number in range(CONTRACTS)]
    for system, sql in (
        ("approval", "insert into contract values (?, ?, 'K1', 0.1, 'Geheimnis', '2024-01-05', 'valid')"),
        ("erp", "insert into order_slip values (?, ?, 0.1, 900, 0)"),
        ("oa", "insert into approval values (?, ?, '2024-01-06', 'Vertraulich')"),
    ):
        database = sqlite3.connect(made.folder / f"{system}.db")
        with database:
            database.executemany(sql, many)
        database.close()
    return made


def killed(company: ThreeSystems, launcher: Launcher) -> None:
    code, _ = launcher.run(company.folder, *RUN, at=At("target", "after", 9))
    assert code == -9
    assert 0 < company.new("select count(*) from contract")[0][0] < CONTRACTS  # type: ignore[operator]
    assert company.ledger("select count(*) from progress where mapping = 'contract' and cursor is not null") == [(1,)]


def told(said: str) -> Any:
    """The document behind the lines of progress."""
    return json.loads(said[said.index("{\n") :])


def spills(company: ThreeSystems) -> list[Path]:
    return sorted((company.folder / "runs" / "mock" / "assembly").glob("*"))


def test_a_killed_run_goes_on_in_what_it_had_read(company: ThreeSystems, launcher: Launcher) -> None:
    """What was deleted in the meantime is put together all the same: it was there when the run read it."""
    killed(company, launcher)
    company.of("oa", "delete from approval")
    code, said = launcher.run(company.folder, *RUN)
    assert code == 0, said
    counts = told(said)["mappings"]["contract"]
    assert (counts["read"], counts["created"], counts["balanced"]) == (CONTRACTS, CONTRACTS, True)
    assert company.new("select count(*), count(distinct contract_no), min(remark) from contract") == [
        (CONTRACTS, CONTRACTS, "Vertraulich")
    ]
    assert spills(company) == []
    read = company.ledger("select json_extract(params, '$.count') from finding where code = 'assembly.read'")
    assert read == [(CONTRACTS,)] * 3


def test_it_reads_again_where_that_is_gone(company: ThreeSystems, launcher: Launcher) -> None:
    killed(company, launcher)
    for each in spills(company):
        shutil.rmtree(each)
    code, said = launcher.run(company.folder, *RUN)
    assert code == 0, said
    assert told(said)["mappings"]["contract"]["created"] == CONTRACTS
    assert company.new("select count(*), count(distinct contract_no) from contract") == [(CONTRACTS, CONTRACTS)]


def test_it_reads_again_where_that_is_torn(company: ThreeSystems, launcher: Launcher) -> None:
    killed(company, launcher)
    (spill,) = spills(company)
    for part in spill.glob("*.part"):
        part.write_bytes(part.read_bytes()[:-1])
    code, said = launcher.run(company.folder, *RUN)
    assert code == 0, said
    assert company.new("select count(*), count(distinct contract_no) from contract") == [(CONTRACTS, CONTRACTS)]


def test_nothing_of_it_can_be_read_on_the_disk(company: ThreeSystems, launcher: Launcher) -> None:
    killed(company, launcher)
    (spill,) = spills(company)
    assert spill.parent.stat().st_mode & 0o077 == spill.stat().st_mode & 0o077 == 0
    for each in spill.iterdir():
        assert each.stat().st_mode & 0o077 == 0
        assert not any(word in each.read_bytes() for word in (b"Geheimnis", b"Vertraulich", b"C-00", b"title"))


def test_a_dry_run_leaves_what_a_killed_run_has_read(company: ThreeSystems, launcher: Launcher) -> None:
    killed(company, launcher)
    left = spills(company)
    assert company.plan().code == 0
    assert spills(company) == left != []


def test_so_does_a_look_at_other_mappings(company: ThreeSystems, launcher: Launcher) -> None:
    killed(company, launcher)
    left = spills(company)
    shutil.copytree(company.folder / "mappings", company.folder / "old")
    assert company.say("mapping", "diff", "old").code == 0
    assert spills(company) == left != []
