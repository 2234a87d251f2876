"""No cell's value and no secret gets out: not to the console, not into a report, not into the ledger. A canary sits in
every field, good and bad; the encrypted store is the one place that may hold it, and it does not show there."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.runs.keys import load_or_create_keys
from changeover.runs.values import ValueStore

from .company import Company, Said, ask, make_company, make_company_on_postgres

CANARY = "KanarienvogelXQ"
NUMBER = "31415926"
PASSWORD = "hunter2-s3cret"  # noqa: S105
CLEAN = {"khmc": f"{CANARY} name", "sh": f"{CANARY}-T1", "je": f"{NUMBER}.53", "bz": f"{CANARY} remark"}
BAD: tuple[dict[str, object], ...] = (
    {"je": f"{CANARY} is no number"},
    {"rq": f"{CANARY}-02-30"},
    {"khmc": CANARY * 9},
    {"sh": CLEAN["sh"]},
    {"ywy": f"{CANARY} left"},
)


def tell_tale(text: str) -> list[str]:
    return [bird for bird in (CANARY, NUMBER, PASSWORD, "hunter2") if bird in text]


def files_of(company: Company) -> dict[str, bytes]:
    """Everything the project wrote, write-ahead logs too, by name."""
    return {str(path): path.read_bytes() for path in (company.folder / "runs").rglob("*") if path.is_file()}


def make_caged(folder: Path) -> Company:
    company = make_company(folder)
    company.customer("A", **CLEAN)
    for number, cells in enumerate(BAD):
        company.customer(f"B{number}", **{**CLEAN, "sh": f"{CANARY}-{number}", **cells})
    company.order(1, "A", zt=f"{CANARY} stage")
    company.order(2, "A", xgsj=f"{CANARY} o'clock")
    company.order(3, "A")
    company.old("update t_order set khbh = 'Z' where id = 3")
    return company


def test_no_value_gets_out(tmp_path: Path) -> None:
    company = make_caged(tmp_path / "move")
    wide = {"COLUMNS": "500"}  # or a line's end might hide it
    told: list[Said] = [
        company.say("plan", env=wide),
        company.say("run", "--execute", "--lang", "zh", env=wide),
    ]
    company.old(f"update t_customer set khmc = '{CANARY} newer'")
    company.new(f"update customer set name = '{CANARY} edited'")
    told += [
        company.say("run", "--execute", "--json"),
        company.say("reconcile", env=wide),
        company.say("explain", "t_customer:B0", env=wide),
    ]
    assert [each.code for each in told] == [1, 1, 1, 1, 0]
    assert [bird for each in told for bird in tell_tale(each.out + each.err)] == []
    assert CANARY in company.say("explain", "t_customer:B0", "--show-values", "--json").out  # it was there to be shown
    written = files_of(company)
    assert len([name for name in written if "/reports/" in name]) == 12  # four verbs, JSON and a page in two languages
    assert [name for name, body in written.items() if tell_tale(body.decode("latin-1"))] == []
    names = (name.rpartition("/")[2] for name in written)
    assert {"ledger.db", "values.db"} <= set(names)


def test_what_a_server_says_of_a_record_is_kept_sealed(tmp_path: Path, postgres_url: str) -> None:
    """PostgreSQL's own words name the value that is there already."""
    company = make_company_on_postgres(tmp_path / "move", postgres_url)
    ask(postgres_url, f"insert into customer (name, tax_no) values ('theirs', '{CANARY}')")
    company.customer("A", sh=CANARY)
    said = company.say("run", "--execute", "--json")
    assert [each["code"] for each in said.document["findings"]] == ["target.duplicate"]  # type: ignore[attr-defined]
    assert tell_tale(said.out + said.err) == []
    assert [name for name, body in files_of(company).items() if tell_tale(body.decode("latin-1"))] == []
    with company.at_home():
        keys = load_or_create_keys("small-move-mock")
        store = ValueStore(company.folder / "runs" / "mock" / "values.db", keys.data)
        kept = store.get("reject", "1", "customer", "legacy:t_customer:A")
        store.close()
    assert CANARY in (kept or b"").decode()


@pytest.mark.parametrize(
    "url", ["postgresql://{user}:${{PW}}@127.0.0.1:1/crm", "${{WHOLE}}", "mysql://u:${{PW}}@[bad/x"]
)
def test_no_secret_gets_out(tmp_path: Path, url: str) -> None:
    company = make_company(tmp_path / "move")
    company.rewrite("changeover.yaml", ("sqlite:///crm.db", url.format(user="u")))
    whole = f"postgresql://u:{PASSWORD}@127.0.0.1:1/crm"
    said = company.say("check", "--json", env={"PW": PASSWORD, "WHOLE": whole})
    assert said.code in (2, 3)
    assert said.document["exit_code"] == said.code
    assert tell_tale(said.out + said.err) == []
    assert "Traceback" not in said.err


def test_a_secret_in_the_project_file_is_refused_unsaid(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.rewrite("changeover.yaml", ("sqlite:///crm.db", f"postgresql://u:{PASSWORD}@127.0.0.1/crm"))
    said = company.say("check")
    assert said.code == 2
    assert "changeover.yaml" in said.err
    assert tell_tale(said.out + said.err) == []
