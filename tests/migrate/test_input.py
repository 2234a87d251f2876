"""Wrong input: one clear error, what to do next, the right exit code, and a ledger from which the next run goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Outcome
from changeover.connectors.errors import ChangeoverError
from changeover.connectors.sql.connector import SqlConnector
from changeover.migrate import session
from changeover.migrate.project import load_project
from changeover.runs.catalogue import LANGUAGES, Catalogue
from changeover.runs.ledger.store import hold

from .company import Company, make_company


def refusal(act: Callable[[], object]) -> tuple[str, int, str]:
    """(code, exit code, text) of what stops it. Both languages have the text, with every hole filled."""
    with pytest.raises(ChangeoverError) as stopped:
        act()
    error = stopped.value
    for language in LANGUAGES:
        catalogue = Catalogue(language)
        told = [error.code, *(each.code for each in error.findings)]
        assert [code for code in told if not catalogue.knows(code)] == []
        assert "{" not in catalogue.error(error).replace("${", "").replace("{{", "")
    return error.code, error.exit_code, Catalogue("en").error(error)


def goes_on(company: Company) -> bool:
    """After the input was mended everything comes, and once."""
    done = company.run()
    again = company.run()
    return done.code == again.code == 0 and again.counts("customer") == {
        "read": done.counts("customer")["read"],
        "unchanged": done.counts("customer")["read"],
    }


def test_no_project(tmp_path: Path) -> None:
    code, exit_code, text = refusal(lambda: load_project(tmp_path))
    assert (code, exit_code) == ("project.missing", 2)
    assert "changeover init DIR" in text
    company = make_company(tmp_path / "move")
    assert refusal(lambda: load_project(company.folder, "production"))[:2] == ("project.no_environment", 2)


def test_broken_yaml_is_told_all_at_once_with_file_and_line(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    sound = (company.folder / "mappings" / "customer.yaml").read_text(encoding="utf-8")
    broken = sound.replace("  tax_no: sh\n", "  tax_no: sh\n  tax_no: sh\n").replace("constant: legacy", "constant: NO")
    (company.folder / "mappings" / "customer.yaml").write_text(broken, encoding="utf-8")
    code, exit_code, text = refusal(company.run)
    assert (code, exit_code) == ("mapping.invalid", 2)
    assert "mappings/customer.yaml:12" in text
    assert "stands already in line 11" in text
    assert "mappings/customer.yaml:16" in text
    assert "some read NO as yes or no" in text
    assert "changeover check" in text
    unknown = sound.replace("constant: legacy", "constnt: legacy").replace("where:", "were:")
    (company.folder / "mappings" / "customer.yaml").write_text(unknown, encoding="utf-8")
    code, exit_code, text = refusal(company.run)
    assert (code, exit_code) == ("mapping.invalid", 2)
    assert text.count("mappings/customer.yaml:") == 2
    assert "Nearest: where" in text
    assert "Nearest: constant" in text
    (company.folder / "mappings" / "customer.yaml").write_text(sound, encoding="utf-8")
    assert goes_on(company)


def test_unknown_fields_are_told_all_at_once_with_the_nearest_word(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    wrong = (
        ("{from: khmc,", "{from: khmcc,"),
        ("  revenue: je", "  revenu: je"),
        ("from: t_customer", "from: t_custmer"),
    )
    company.rewrite("mappings/customer.yaml", *wrong[:2])
    company.rewrite("mappings/order.yaml", ("from: t_order", "from: t_ordr"))
    code, exit_code, text = refusal(company.check)
    assert (code, exit_code) == ("mapping.problems", 2)
    assert refusal(company.run) == (code, exit_code, text)
    for told in ("mappings/customer.yaml:9", "Nearest: khmc", "mappings/customer.yaml:12", "Nearest: revenue"):
        assert told in text
    assert "Nearest: t_order" in text
    company.rewrite("mappings/customer.yaml", *((there, here) for here, there in wrong[:2]))
    company.rewrite("mappings/order.yaml", ("from: t_ordr", "from: t_order"))
    assert goes_on(company)


def test_a_source_that_is_not_there(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    company.rewrite("changeover.yaml", ("legacy.db", "elsewhere.db"))
    code, exit_code, text = refusal(company.run)
    assert (code, exit_code) == ("sql.no_file", 2)
    assert "elsewhere.db" in text
    assert not (company.folder / "elsewhere.db").exists()
    company.rewrite("changeover.yaml", ("elsewhere.db", "legacy.db"))
    assert goes_on(company)


CSV_SOURCE = """
    source: {connector: files, name: legacy, path: export, objects: {t_customer: {file: customers.csv, key: [khbh]}}}
"""


def make_csv_company(folder: Path, text: str, encoding: str = "utf-8") -> Company:
    company = make_company(folder, chunk=2)
    lines = (company.folder / "changeover.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    start, end = lines.index("    source:\n"), lines.index("    target:\n")
    people = next(place for place, line in enumerate(lines) if line.startswith("people:"))
    limits = next(place for place, line in enumerate(lines) if line.startswith("limits:"))
    kept = [*lines[:start], CSV_SOURCE, *lines[end:people], *lines[limits:]]
    (company.folder / "changeover.yaml").write_text("".join(kept), encoding="utf-8")
    (company.folder / "mappings" / "order.yaml").unlink()
    (company.folder / "mappings" / "customer.yaml").write_text(
        "mapping: customer\nfrom: t_customer\nto: customer\nfields: {name: khmc, tax_no: sh}\n", encoding="utf-8"
    )
    (company.folder / "export").mkdir()
    (company.folder / "export" / "customers.csv").write_bytes(text.encode(encoding))
    return company


ROWS = "khbh,khmc,sh\n" + "".join(f"0{n},客户{n},00{n}\n" for n in range(7))


def test_files_that_are_missing_wrong_or_in_another_encoding(tmp_path: Path) -> None:
    company = make_csv_company(tmp_path / "move", ROWS)
    file = company.folder / "export" / "customers.csv"
    file.rename(file.with_suffix(".old"))
    code, exit_code, text = refusal(company.run)
    assert (code, exit_code) == ("files.no_file", 2)
    assert "customers.csv" in text
    file.write_text(ROWS.replace("khmc", "kehu", 1), encoding="utf-8")
    code, exit_code, text = refusal(company.run)
    assert (code, exit_code) == ("mapping.problems", 2)
    assert "khmc" in text
    file.write_text(ROWS, encoding="gb18030")
    code, exit_code, text = refusal(company.run)
    assert (code, exit_code) == ("files.wrong_encoding", 2)
    assert "line 2" in text
    assert "gb18030" in text
    file.write_text(ROWS, encoding="utf-8")
    assert goes_on(company)
    assert company.new("select name, tax_no from customer order by 1 limit 1") == [("客户0", "000")]


def test_a_broken_line_of_a_file_is_named(tmp_path: Path) -> None:
    company = make_csv_company(tmp_path / "move", ROWS + '07,"open,007\n')
    code, exit_code, text = refusal(company.run)
    assert (code, exit_code) == ("files.ragged_row", 2)
    assert "line 9" in text
    assert company.ledger("select state from run") == [("failed",)]
    (company.folder / "export" / "customers.csv").write_text(ROWS + "07,shut,007\n", encoding="utf-8")
    assert goes_on(company)
    assert company.new("select count(*), count(distinct tax_no) from customer") == [(8, 8)]


def test_another_target_is_refused(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    for number in range(6):
        company.customer(f"C{number}")
    company.run()
    shutil.copy(make_company(tmp_path / "other").crm, company.folder / "other.db")
    company.rewrite("changeover.yaml", ("crm.db", "other.db"))
    code, exit_code, text = refusal(company.run)
    assert (code, exit_code) == ("org.another", 1)
    assert "other.db" in text
    assert "--env" in text
    company.rewrite("changeover.yaml", ("other.db", "crm.db"))
    company.new("delete from customer")  # the same database, as a refreshed test tenant has it
    code, exit_code, text = refusal(company.run)
    assert (code, exit_code) == ("org.keys_gone", 1)
    assert "--env" in text
    assert company.new("select count(*) from customer") == [(0,)]
    assert company.ledger("select count(*) from run") == [(1,)]


def test_a_plan_holds_only_while_nothing_changed(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    plan = str(company.plan().document["plan"])
    changes: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        (
            "  - the target: the schema of customer",
            lambda: company.new("alter table customer add column extra text"),
            lambda: company.new("alter table customer drop column extra"),
        ),
        (
            "  - the source: the schema of t_order",
            lambda: company.old("alter table t_order add column extra text"),
            lambda: company.old("alter table t_order drop column extra"),
        ),
        (
            "  - the mapping customer",
            lambda: company.rewrite("mappings/customer.yaml", ("  revenue: je\n", "")),
            lambda: company.rewrite("mappings/customer.yaml", ("  tax_no: sh\n", "  tax_no: sh\n  revenue: je\n")),
        ),
    ]
    for named, change, back in changes:
        change()
        code, exit_code, text = refusal(lambda: company.run(plan=plan))
        assert (code, exit_code) == ("plan.outdated", 2)
        assert text.splitlines()[1:] == [named]
        back()
    code, _, text = refusal(lambda: company.run("t_customer:A", plan=plan))
    assert (code, text.splitlines()[1:]) == (
        "plan.outdated",
        ["  - the choice of records (--keys, --sample, --children)"],
    )
    assert refusal(lambda: company.run(plan="nosuch"))[:2] == ("plan.missing", 2)
    assert company.new("select count(*) from customer") == [(0,)]
    assert company.run(plan=plan).counts("customer") == {"read": 1, "created": 1}


def test_production_wants_a_plan_and_the_orgs_name_and_the_plan_serves_till_the_run_is_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = make_company(tmp_path / "move")
    company.rewrite("changeover.yaml", ("production: false", "production: true"))
    for number in range(4):
        company.customer(f"C{number}")
    code, exit_code, text = refusal(company.run)
    assert (code, exit_code) == ("run.production_needs_plan", 2)
    assert "changeover plan" in text
    plan = Path(str(company.plan().document["plan"])).stem.removeprefix("plan-")
    for confirm in (None, "CRM.DB"):
        code, exit_code, text = refusal(lambda confirm=confirm: company.run(plan=plan, confirm=confirm))  # type: ignore[misc]
        assert (code, exit_code) == ("run.production_needs_name", 2)
        assert "--confirm 'crm.db'" in text
    assert company.new("select count(*) from customer") == [(0,)]
    with cut_off(monkeypatch):
        company.run(plan=plan, confirm="crm.db")
    company.rewrite("mappings/customer.yaml", ("constant: legacy", "constant: moved"))
    assert refusal(lambda: company.run(plan=plan, confirm="crm.db"))[:2] == ("plan.outdated", 2)
    plan = Path(str(company.plan().document["plan"])).stem.removeprefix("plan-")
    assert company.run(plan=plan, confirm="crm.db").code == 0
    assert company.new("select kind, count(*) from customer group by 1") == [("moved", 4)]


def test_production_wants_the_orgs_name_before_a_run_is_taken_back(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("C1")
    company.run()
    company.rewrite("changeover.yaml", ("production: false", "production: true"))
    assert company.undo(1).document["deleted"] == 1
    for confirm in (None, "CRM.DB"):
        code, exit_code, text = refusal(lambda confirm=confirm: company.undo(1, execute=True, confirm=confirm))  # type: ignore[misc]
        assert (code, exit_code) == ("run.production_needs_name", 2)
        assert "--confirm 'crm.db'" in text
    assert company.new("select count(*) from customer") == [(1,)]
    assert company.undo(1, execute=True, confirm="crm.db").code == 0
    assert company.new("select count(*) from customer") == [(0,)]


@contextmanager
def cut_off(monkeypatch: pytest.MonkeyPatch, least: int = 1) -> Iterator[None]:
    """The process ends when its first batch of at least so many changes has been written and nothing is known of it
    yet."""
    written = SqlConnector.write

    def write_and_die(connector: SqlConnector, batch: Batch) -> list[Outcome]:
        outcomes = written(connector, batch)
        if len(batch.changes) < least:
            return outcomes
        raise RuntimeError("as if the process had been killed")

    with monkeypatch.context() as patch, suppress(RuntimeError):
        patch.setattr(SqlConnector, "write", write_and_die)
        yield
        pytest.fail("nothing was written")


def test_a_run_that_was_cut_off_can_be_planned_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    company = make_company(tmp_path / "move")
    company.customer("A")
    with cut_off(monkeypatch):
        company.run()
    company.customer("B")
    planned = company.plan()
    assert (planned.code, planned.counts("customer")) == (0, {"read": 2, "unchanged": 1, "created": 1})
    assert ("fact.recovered", 1) in planned.report.facts
    assert "fact.recovered" not in dict(company.plan().report.facts)
    assert company.new("select count(*) from customer") == [(1,)]


def test_a_second_run_is_kept_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it calls anybody: the calls are those of the first one."""
    company = make_company(tmp_path / "move")
    company.customer("A")
    with hold(company.folder / "runs" / "mock"), monkeypatch.context() as patch:
        patch.setattr(session, "connect", lambda *_given: pytest.fail("it called"))
        for verb in (company.run, company.plan, company.reconcile, lambda: company.undo(1)):
            code, exit_code, text = refusal(verb)
            assert (code, exit_code) == ("run.busy", 4)
            assert "Wait for it" in text
        patch.undo()
        assert company.check().code == 0
    assert goes_on(company)
