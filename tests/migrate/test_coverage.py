"""Nothing forgotten: `check` names each source object with records, and each source field with data, of which nobody
has said what becomes of it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import InputError
from changeover.connectors.secrets import Secrets
from changeover.migrate.check import check
from changeover.migrate.project import load_project
from changeover.migrate.session import Tick

from .company import Company, Said, make_company

OBJECTS = "people:\n"


def company(folder: Path, objects: str = "") -> Company:
    """Besides what moves, the old system has a log with records, and a table without any."""
    made = make_company(folder / "project")
    made.old("create table t_log (id integer primary key, what text)")
    made.old("insert into t_log (what) values ('in'), ('out')")
    made.old("create table t_void (id integer primary key, what text)")
    made.rewrite("changeover.yaml", (OBJECTS, objects + OBJECTS))
    made.customer("C1")
    made.customer("C2")
    return made


def problems(said: Said) -> list[tuple[object, ...]]:
    assert said.code == 2, said.out
    found = [each for each in said.document["findings"] if each.get("severity") in (None, "blocks")]  # type: ignore[attr-defined]
    return [(each["code"], each["object"], each["file"], each["line"]) for each in found]


def test_an_object_with_records_is_named_with_their_number(tmp_path: Path) -> None:
    said = company(tmp_path).say("check", "--json")
    assert problems(said) == [("objects.undecided", "t_log", "changeover.yaml", 1)]
    assert "t_log has 2 records" in said.document["findings"][0]["text"]  # type: ignore[index]


@pytest.mark.parametrize("entry", ["t_log", '"t_l*"', '"*"'])
def test_it_may_be_left_or_archived_for_a_reason(tmp_path: Path, entry: str) -> None:
    made = company(tmp_path, f"objects:\n  {entry}: {{archive: kept for the auditors, who: Li Na}}\n")
    told = made.check()
    assert told.code == 0
    staying = {row[0]: row[1:] for row in told.table("table.staying")}
    assert staying["t_log"] == ("objects.archive", 2, "kept for the auditors", "Li Na")
    assert "t_customer" not in staying
    objects = told.document["objects"]
    assert (objects["t_log"]["fate"], objects["t_customer"]["fate"]) == ("archive", "move")  # type: ignore[index]


def test_the_very_name_outranks_a_pattern(tmp_path: Path) -> None:
    made = company(tmp_path, 'objects:\n  "t_*": {archive: in the archive}\n  t_log: {leave: technical}\n')
    assert ("t_log", "objects.leave", 2, "technical", None) in made.check().table("table.staying")


def test_entries_that_speak_of_nothing_or_of_what_moves_are_wrong(tmp_path: Path) -> None:
    objects = "objects:\n  t_log: {leave: technical}\n  t_lgo: {leave: technical}\n  t_order: {leave: old}\n"
    said = company(tmp_path, objects).say("check", "--json")
    line = 1 + next(
        n
        for n, text in enumerate((tmp_path / "project" / "changeover.yaml").read_text().splitlines(), 1)
        if text == "objects:"
    )
    assert problems(said) == [
        ("objects.unknown", "t_lgo", "changeover.yaml", line + 1),
        ("objects.moved_too", "t_order", "changeover.yaml", line + 2),
    ]


@pytest.mark.parametrize("entry", ["{}", '{leave: ""}', '{leave: "why", archive: "why not"}', "{who: Li Na}"])
def test_an_entry_without_one_reason_is_refused(tmp_path: Path, entry: str) -> None:
    said = company(tmp_path, f"objects:\n  t_log: {entry}\n").say("check", "--json")
    assert [code for code, *_ in problems(said)] == ["project.object_form"]


def test_a_field_that_holds_data_is_mapped_or_dropped(tmp_path: Path) -> None:
    made = company(tmp_path, "objects:\n  t_log: {leave: technical}\n")
    made.old("alter table t_customer add column fax text")
    made.old("alter table t_customer add column telex text")
    made.old("update t_customer set telex = ''")
    told = made.check()
    assert (told.code, told.causes()) == (0, {("mapping.empty_left_over", "t_customer"): []})

    made.old("update t_customer set fax = '024-1' where khbh = 'C2'")
    made.customer("C3", khmc=None)
    said = made.say("check", "--json")
    assert problems(said) == [
        ("mapping.data_left_over", "t_customer", "mappings/customer.yaml", 8),
        ("required.missing", "t_customer", "mappings/customer.yaml", 9),
    ], "with what the records are like, for both were seen at once"
    assert said.document["verdict"]["code"] == "check.forgotten"  # type: ignore[index]
    assert "holds data in 1 of 3 records" in said.out
    assert said.document["next"] == ["changeover check"]
    made.old("delete from t_customer where khbh = 'C3'")

    mapping = tmp_path / "project" / "mappings" / "customer.yaml"
    for reason in ("nobody has a fax", "{reason: nobody has a fax, who: Li Na}"):
        made.rewrite("mappings/customer.yaml", ("fields:\n", f"drop:\n  fax: {reason}\nfields:\n"))
        assert made.check().code == 0
        mapping.write_text(mapping.read_text("utf-8").replace(f"drop:\n  fax: {reason}\n", ""), "utf-8")


def test_each_object_is_read_once(tmp_path: Path) -> None:
    """And where the records cannot be mapped, for what is forgotten alone."""
    made = company(tmp_path, "objects:\n  t_log: {leave: technical}\n")
    made.old("alter table t_customer add column fax text")
    for wrong in (False, True):
        if wrong:
            made.old("update t_customer set fax = '024-1'")
            made.rewrite("mappings/customer.yaml", ("revenue: je", "revenu: je"))
        ticks: list[Tick] = []
        with made.at_home(), pytest.raises(InputError) if wrong else nullcontext() as refused:
            check(load_project(made.folder), Secrets(), SystemClock(), tick=ticks.append)
        if refused is not None:
            assert {each.code for each in refused.value.findings} >= {
                "mapping.data_left_over",
                "mapping.no_target_field",
            }
        assert {each.activity for each in ticks} == {"check"}
        begun = [(each.activity, each.mapping) for each in ticks if each.done == 0]
        assert begun == [("check", "t_customer")] if wrong else [("check", "t_customer"), ("check", "t_order")]


def test_a_field_may_be_mapped_by_another_mapping_of_its_object(tmp_path: Path) -> None:
    made = company(tmp_path, "objects:\n  t_log: {leave: technical}\n")
    made.old("alter table t_customer add column fax text")
    made.old("update t_customer set fax = '024-1'")
    visit = "mapping: visit\nfrom: t_customer\nto: visit\nfields: {note: fax}\n"
    (tmp_path / "project" / "mappings" / "visit.yaml").write_text(visit, "utf-8")
    assert made.check().code == 0


def test_wrong_mappings_and_what_is_forgotten_are_told_together(tmp_path: Path) -> None:
    made = company(tmp_path)
    made.rewrite("mappings/customer.yaml", ("revenue: je", "revenu: je"))
    assert {code for code, *_ in problems(made.say("check", "--json"))} == {
        "mapping.no_target_field",
        "objects.undecided",
    }


def test_the_source_is_not_read_where_nobody_wants_it(tmp_path: Path) -> None:
    made = company(tmp_path)
    made.old("alter table t_customer add column fax text")
    made.old("update t_customer set fax = '024-1'")
    said = made.say("check", "--no-data", "--json")
    assert said.code == 0
    told = {each["code"]: each["severity"] for each in said.document["findings"]}  # type: ignore[attr-defined]
    assert {"objects.not_counted": "warns", "mapping.left_over": "warns"}.items() <= told.items()
