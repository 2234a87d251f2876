"""A move out of files: duplicate and empty keys are told apart, a changed file is read again from its start."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.secrets import Secrets
from changeover.migrate import run
from changeover.migrate.loading import pipeline
from changeover.migrate.project import Project, load_project
from changeover.runs.report.model import Report

from .company import Company, make_company

MAPPING = """
mapping: customer
from: kunden
to: customer
fields: {name: name, tax_no: steuer}
"""
HEAD = "id,name,steuer\n"


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    """The small company, with a CSV file in the place of its old database."""
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "home"))
    company = make_company(tmp_path / "move")
    (company.folder / "old").mkdir()
    text = (company.folder / "changeover.yaml").read_text(encoding="utf-8")
    before, _, rest = text.partition("    source:\n")
    source = "    source: {connector: files, name: legacy, path: old, keys: {kunden: [id]}}\n"
    rest = rest[rest.index("    target:") : rest.index("people:")]
    limits = "limits: {chunk: 2, batch: 2}\n"
    (company.folder / "changeover.yaml").write_text(before + source + rest + limits, encoding="utf-8")
    for path in (company.folder / "mappings").iterdir():
        path.unlink()
    (company.folder / "mappings" / "customer.yaml").write_text(MAPPING, encoding="utf-8")
    return company


def write(company: Company, *rows: str) -> None:
    (company.folder / "old" / "kunden.csv").write_text(HEAD + "".join(row + "\n" for row in rows), encoding="utf-8")


def move(company: Company) -> tuple[Project, Report]:
    project = load_project(company.folder)
    return project, run.run(project, run.Order(), Secrets(), SystemClock(), lambda _: None)


def counts(report: Report) -> dict[str, int]:
    [each] = report.counts
    assert each.balanced
    return {"read": each.read, **{name: number for name, number in each.buckets.items() if number}}


def test_the_first_record_of_a_key_keeps_it(company: Company) -> None:
    """Duplicates in one chunk and over chunks, and a record without a key."""
    write(company, "007,Anna,1", "007,Berta,2", "8,Carl,3", ",Nobody,4", "8,Doris,5")
    _, report = move(company)
    assert counts(report) == {"read": 5, "created": 2, "rejected": 3}
    assert company.new("select name from customer order by name") == [("Anna",), ("Carl",)]
    assert {cause.text.code: (cause.count, cause.keys) for cause in report.causes} == {
        "key.duplicate": (2, ("007", "8")),
        "key.empty": (1, ("",)),
    }
    _, again = move(company)
    assert counts(again) == {"read": 5, "unchanged": 2, "rejected": 3}


def test_rows_that_move_within_the_file_are_no_duplicates(company: Company) -> None:
    write(company, "1,Anna,1", "2,Berta,2", "3,Carl,3")
    move(company)
    write(company, "0,Zora,9", "1,Anna,1", "2,Berta,2", "3,Carl,3")
    _, report = move(company)
    assert counts(report) == {"read": 4, "created": 1, "unchanged": 3}


def test_a_file_that_changed_after_a_crash_is_read_from_its_start(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(company, "1,Anna,1", "2,Berta,2", "3,Carl,3", "4,Doris,4")

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(pipeline.Pipeline, "_release", killed)
        with pytest.raises(Killed):
            move(company)
    write(company, "0,Zora,9", "1,Anna,1", "2,Berta,2", "3,Carl,3", "4,Doris,4")
    _, report = move(company)
    assert counts(report) == {"read": 5, "created": 5}
    assert company.new("select count(*) from customer") == [(5,)]


def test_what_waits_is_found_again_by_its_key(company: Company) -> None:
    """As text: `007` is not `7`. A second record of the same key is told apart from the first as in a whole run."""
    write(company, "007,,1", "7,Berta,2", "8,,3", "9,Doris,4")
    move(company)
    write(company, "9,Doris changed,4", "007,Anna,1", "7,Berta changed,2", "8,Carl,3", "8,Emil,5")
    project = load_project(company.folder)
    report = run.run(project, run.Order(rejected=True), Secrets(), SystemClock(), lambda _: None)
    assert counts(report) == {"read": 3, "created": 2, "rejected": 1}
    assert {row[0] for row in company.new("select name from customer")} == {"Anna", "Berta", "Carl", "Doris"}
    assert [cause.keys for cause in report.causes if cause.text.code == "key.duplicate"] == [("8",)]
