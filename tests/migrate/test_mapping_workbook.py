"""The workbook of a workshop, there and back: nothing is lost, nothing changes by itself, and nothing is written while
one line is wrong."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from changeover.cli import app
from changeover.migrate.mapping.decisions import Said, decisions_text
from openpyxl.worksheet.worksheet import Worksheet
from typer.testing import CliRunner, Result

PROJECT = """
project: firms
default: mock
environments:
  mock:
    source: {connector: sql, name: legacy, zone: Asia/Shanghai, url: "sqlite:///legacy.db"}
    target: {connector: sql, name: crm, zone: Asia/Shanghai, url: "sqlite:///crm.db"}
"""
MAPPING = """\
# customers
mapping: account   # as the new CRM calls them
from: cust
to: account

fields:
  name: cname          # the firm
  stage:
    # as agreed
    from: stg
    values: {won: Won, lost: Lost}
    otherwise: reject
  phone: {from: tel, transform: trim}

drop:
  memo: nobody reads it
"""
LEGACY = """
create table cust (id integer primary key, cname text, stg text, tel text, memo text, extra text);
insert into cust values (1, '沈阳安康', 'won', '13900001111', 'x', '=1+1'), (2, '大连海华', 'lost', null, null, 'old');
"""
CRM = "create table account (id integer primary key, name text not null, stage text, phone text, city text);"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "home"))
    folder = tmp_path / "firms"
    (folder / "mappings").mkdir(parents=True)
    (folder / "changeover.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / "mappings" / "account.yaml").write_text(MAPPING, encoding="utf-8")
    for name, script in (("legacy.db", LEGACY), ("crm.db", CRM)):
        with sqlite3.connect(folder / name) as database:
            database.executescript(script)
        database.close()
    return folder


def run(project: Path, *words: str, lang: str = "en") -> Result:
    return CliRunner().invoke(
        app, ["mapping", "workbook", *words, "--project", str(project), "--lang", lang], env={"COLUMNS": "200"}
    )


def exported(project: Path, lang: str = "en") -> Path:
    file = project / "workshop.xlsx"
    file.unlink(missing_ok=True)
    said = run(project, "export", str(file), lang=lang)
    assert said.exit_code == 0, said.output
    return file


def edit(file: Path, change: Callable[[openpyxl.Workbook], None]) -> None:
    book = openpyxl.load_workbook(file)
    change(book)
    book.save(file)


def write(page: Worksheet, about: str, head: str, value: str, within: str = "target field") -> None:
    """Fill in a cell of the line about that field."""
    heads = [cell.value for cell in page[1]]
    for row in page.iter_rows(min_row=2):
        if row[heads.index(within)].value == about:
            row[heads.index(head)].value = value
            return
    raise AssertionError(f"no line about {about}")


def files(project: Path) -> dict[str, bytes]:
    found = [*(project / "mappings").iterdir(), project / "decisions.yaml"]
    return {path.name: path.read_bytes() for path in found if path.is_file()}


def test_it_says_what_the_business_needs_to_know_and_masks_what_it_shows(project: Path) -> None:
    book = openpyxl.load_workbook(exported(project))
    assert book.sheetnames == ["account", "open questions", "left over"]
    lines = {row[5]: row for row in book["account"].iter_rows(min_row=2, values_only=True)}
    assert list(lines) == ["name", "stage", "phone", "city"], "in the file's order, then what has no rule"
    assert lines["phone"][1:5] == ("tel", "text", "50.0%", "1##########")
    assert lines["stage"][8:10] == (
        "from stg; 2 values translated, others: reject",
        "{from: stg, values: {won: Won, lost: Lost}, otherwise: reject}",
    )
    left = [row[:7] for row in book["left over"].iter_rows(min_row=2, values_only=True)]
    assert [(row[2], row[6]) for row in left] == [("memo", "nobody reads it"), ("extra", None)]
    text = "".join(str(cell) for page in book for row in page.iter_rows(values_only=True) for cell in row)
    assert [cell for cell in ("沈阳安康", "13900001111", "=1+1") if cell in text] == []
    assert book["account"].column_dimensions["O"].hidden


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_untouched_workbook_changes_no_byte(project: Path, lang: str) -> None:
    (project / "decisions.yaml").write_text(
        decisions_text(
            {
                ("account", "fields", "name"): Said(decision="=1+1\n- so be it", owner="李", question="@who?"),
                ("account", "drop", "extra"): Said(signature="_x0041_ ok\t "),
            }
        ),
        encoding="utf-8",
    )
    before = files(project)
    file = exported(project, lang)
    edit(file, lambda book: None)  # another program has saved it
    said = run(project, "import", str(file), lang="en")
    assert (said.exit_code, "Nothing was changed" in said.output) == (0, True), said.output
    assert files(project) == before


def test_a_changed_rule_comes_back_into_its_own_line(project: Path) -> None:
    file = exported(project)
    rule = "{from: stg, values: {won: Won, lost: Lost, open: Open}, otherwise: {default: Open}}"

    def change(book: openpyxl.Workbook) -> None:
        write(book["account"], "name", "rule (YAML)", "{from: cname, transform: company_name}")
        write(book["account"], "stage", "rule (YAML)", rule)
        write(book["account"], "city", "rule (YAML)", '{constant: "-"}')
        write(book["left over"], "extra", "reason", "a duplicate: see memo", within="source field")

    edit(file, change)
    said = run(project, "import", str(file))
    assert said.exit_code == 0, said.output
    assert (project / "mappings" / "account.yaml").read_text("utf-8") == MAPPING.replace(
        "name: cname          #", "name: {from: cname, transform: company_name}          #"
    ).replace(
        "values: {won: Won, lost: Lost}\n    otherwise: reject",
        "values: {won: Won, lost: Lost, open: Open}\n    otherwise: {default: Open}",
    ).replace("transform: trim}\n", 'transform: trim}\n  city: {constant: "-"}\n') + (
        '  extra: "a duplicate: see memo"\n'
    )
    again = run(project, "import", str(file))
    assert "Nothing was changed" in again.output, "what is there already is no change"


def test_what_people_say_is_kept_beside_the_mappings_and_comes_out_again(project: Path) -> None:
    file = exported(project)

    def change(book: openpyxl.Workbook) -> None:
        write(book["account"], "stage", "open question", "What of open deals?\nAsk sales.")
        write(book["account"], "stage", "who decides", "Li")
        write(book["left over"], "extra", "decision", "drop", within="source field")

    edit(file, change)
    assert run(project, "import", str(file)).exit_code == 0
    assert (project / "decisions.yaml").read_text("utf-8").splitlines()[1:] == [
        "mappings:",
        "  account:",
        "    drop:",
        "      extra: {decision: drop}",
        "    fields:",
        '      stage: {owner: Li, question: "What of open deals?\\nAsk sales."}',
    ]
    assert (project / "mappings" / "account.yaml").read_text("utf-8") == MAPPING
    book = openpyxl.load_workbook(exported(project, "zh"))
    (question,) = book["未决问题"].iter_rows(min_row=2, values_only=True)
    assert question[:3] == ("account", "规则", "stage")
    assert question[5] == "What of open deals?\nAsk sales."
    file = project / "workshop.xlsx"
    edit(file, lambda book: write(book["未决问题"], "stage", "决定", "won", within="字段"))
    assert run(project, "import", str(file)).exit_code == 0
    assert "decision: won" in (project / "decisions.yaml").read_text("utf-8"), "a question may be answered on its sheet"


def test_lines_may_be_sorted_and_filtered_away(project: Path) -> None:
    file = exported(project)

    def change(book: openpyxl.Workbook) -> None:
        page = book["account"]
        write(page, "phone", "rule (YAML)", "tel")
        rows = [[cell.value for cell in row] for row in page.iter_rows(min_row=2)]
        page.delete_rows(2, len(rows))
        for row in reversed(rows[1:]):
            page.append(row)

    edit(file, change)
    assert run(project, "import", str(file)).exit_code == 0
    told = (project / "mappings" / "account.yaml").read_text("utf-8")
    assert told == MAPPING.replace("{from: tel, transform: trim}", "tel")


def test_while_one_line_is_wrong_nothing_is_written_and_each_is_named(project: Path) -> None:
    file = exported(project)
    before = files(project)

    def change(book: openpyxl.Workbook) -> None:
        write(book["account"], "phone", "rule (YAML)", "tel2")
        write(book["account"], "name", "rule (YAML)", "{from: cname, transform: [trim")
        write(book["account"], "stage", "rule (YAML)", "")
        book["account"].append([None] * 10 + ["somebody's own line"])

    edit(file, change)
    said = run(project, "import", str(file), "--json")
    told = json.loads(said.stdout)
    assert (said.exit_code, files(project)) == (2, before)
    assert {(each["code"], each["line"]) for each in told["findings"]} == {
        ("workbook.not_a_rule", 2),
        ("workbook.emptied", 3),
        ("workbook.unknown_line", 6),
    }


def test_a_rule_that_the_language_does_not_know_is_refused_before_the_file_is_touched(project: Path) -> None:
    file = exported(project)
    edit(file, lambda book: write(book["account"], "phone", "rule (YAML)", "{from: tel, transfrom: trim}"))
    before = files(project)
    said = run(project, "import", str(file))
    assert (said.exit_code, files(project)) == (2, before)
    assert "transform" in said.output, "the nearest right word"


def test_what_was_changed_on_both_sides_is_nobodys_to_choose(project: Path) -> None:
    file = exported(project)
    edit(file, lambda book: write(book["account"], "phone", "rule (YAML)", "tel"))
    path = project / "mappings" / "account.yaml"
    path.write_text(MAPPING.replace("transform: trim", "transform: lower"), encoding="utf-8")
    before = files(project)
    said = run(project, "import", str(file))
    assert (said.exit_code, files(project)) == (2, before)
    assert "mappings/account.yaml:13" in said.output


def test_a_cell_changed_in_two_places_must_be_alike(project: Path) -> None:
    (project / "decisions.yaml").write_text(
        decisions_text({("account", "fields", "name"): Said(question="which?")}), encoding="utf-8"
    )
    file = exported(project)

    def change(book: openpyxl.Workbook) -> None:
        write(book["account"], "name", "decision", "one")
        write(book["open questions"], "name", "decision", "another", within="field")

    edit(file, change)
    said = run(project, "import", str(file))
    assert said.exit_code == 2
    assert "open questions:2" in said.output or "account:2" in said.output


def test_no_file_is_written_over_and_another_workbook_is_refused(project: Path) -> None:
    file = exported(project)
    kept = file.read_bytes()
    assert (run(project, "export", str(file)).exit_code, file.read_bytes()) == (2, kept)
    other = project / "other.xlsx"
    openpyxl.Workbook().save(other)
    assert run(project, "import", str(other)).exit_code == 2
    assert run(project, "import", str(project / "none.xlsx")).exit_code == 2
    assert run(project, "export", str(project / "a.xls")).exit_code == 2


def test_a_password_in_what_people_say_is_not_kept(project: Path) -> None:
    file = exported(project)
    said_so = "ask postgresql://me:hunter2@db/x"
    edit(file, lambda book: write(book["account"], "name", "decision", said_so))
    said = run(project, "import", str(file))
    assert said.exit_code == 2
    assert not (project / "decisions.yaml").exists()
    assert "hunter2" not in said.output


BRANCHED = """\
mapping: request
from: cust
fields:
  name: cname
branches:
  one:
    to: account
    fields:
      stage: {from: stg, values: {csv: stages.csv, key: old, value: new}, otherwise: reject}
  two:
    to: firm
drop:
  memo: {reason: nobody reads it, who: Li}
"""


def test_branches_tables_and_who_says_so_stay_what_they_are(project: Path) -> None:
    (project / "mappings" / "account.yaml").unlink()
    path = project / "mappings" / "request.yaml"
    path.write_text(BRANCHED, encoding="utf-8")
    (project / "stages.csv").write_text("old,new\nwon,Won\n", encoding="utf-8")
    database = sqlite3.connect(project / "crm.db")
    database.execute("create table firm (id integer primary key, name text, phone text)")
    database.commit()
    database.close()
    file = exported(project)
    untouched = files(project)
    assert run(project, "import", str(file)).exit_code == 0
    assert files(project) == untouched

    def change(book: openpyxl.Workbook) -> None:
        write(book["request.two"], "name", "rule (YAML)", "{from: cname, transform: trim}")
        write(book["request.two"], "phone", "rule (YAML)", "tel")
        write(book["left over"], "memo", "reason", "old", within="source field")

    edit(file, change)
    said = run(project, "import", str(file))
    assert said.exit_code == 0, said.output
    assert path.read_text("utf-8") == BRANCHED.replace("name: cname", "name: {from: cname, transform: trim}").replace(
        "    to: firm\n", "    to: firm\n    fields: {phone: tel}\n"
    ).replace("reason: nobody reads it", "reason: old")

    file = exported(project)

    def contradict(book: openpyxl.Workbook) -> None:
        write(book["request.one"], "name", "rule (YAML)", "tel")
        write(book["request.two"], "name", "rule (YAML)", "memo")

    edit(file, contradict)
    assert run(project, "import", str(file)).exit_code == 2
