"""Explain: one sentence first, whatever key it is asked by, and whatever became of the record."""

from __future__ import annotations

from pathlib import Path

import pytest
from changeover.connectors.errors import InputError
from changeover.runs.report.model import Text

from .company import Company, Told, make_company


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    made = make_company(tmp_path_factory.mktemp("explain") / "move")
    made.new("insert into customer (id, name, tax_no) values (70, 'theirs', 'TAXADOPTED')")
    made.customer("甲01", khmc="甲公司")
    made.customer("ADOPTED")
    made.customer("FILTERED", zt="test")
    made.customer("REJECTED", je="none")
    made.customer("HELD", sjkh="REJECTED")
    made.customer("ORPHAN", sjkh="NOBODY")
    made.customer("CONFLICT")
    made.order(1, "HELD")
    made.order(71, "甲01")
    assert made.run().code == 1
    made.old("update t_customer set khmc = 'new' where khbh in ('CONFLICT', '甲01')")
    made.new("update customer set name = 'edited' where tax_no = 'TAXCONFLICT'")
    made.old("update t_customer set rq = '2024-99-99' where khbh = '甲01'")
    made.run()
    made.customer("UNDONE")
    assert made.run("t_customer:UNDONE").document["run"] == 3
    made.undo(3, execute=True)
    made.customer("LATE")
    return made


def sentence(told: Told) -> str:
    return str(told.document["verdict"]["text"])  # type: ignore[index]


def target_key(company: Company, tax_no: str) -> int:
    return int(str(company.new("select id from customer where tax_no = ?", (tax_no,))[0][0]))


@pytest.mark.parametrize(
    ("key", "code", "words"),
    [
        ("ADOPTED", "explain.adopted", ("t_customer:ADOPTED", "customer:70", "adopted", "run 1")),
        ("FILTERED", "explain.filtered", ("left out by `where`",)),
        ("REJECTED", "explain.waits", ("not in the target", "revenue: not a number", "Mend the source cell")),
        ("HELD", "explain.waits", ("not in the target", "parent_id refers to legacy:t_customer:REJECTED")),
        (
            "ORPHAN",
            "explain.waits",
            ("parent_id refers to legacy:t_customer:NOBODY", "neither in the target nor in the"),
        ),
        ("t_order:1", "explain.waits", ("customer_id refers to legacy:t_customer:HELD",)),
        ("CONFLICT", "explain.waits_in_target", ("newer version was not written", "name was edited in the target")),
        ("甲01", "explain.waits_in_target", ("newer version was not written", "opened_on: not a date")),
        ("LATE", "explain.not_run", ("t_customer:LATE has not been moved yet",)),
        # our key of what the ledger does not know: what a held record waits for
        ("legacy:t_customer:FILTERED", "explain.filtered", ("t_customer:FILTERED is left out",)),
        ("UNDONE", "explain.gone", ("brought into the target by run 3, and run 4 took it back",)),
    ],
)
def test_one_sentence_says_it(company: Company, key: str, code: str, words: tuple[str, ...]) -> None:
    told = company.explain(key)
    assert (told.verdict, told.code) == (code, 0)
    assert [each for each in words if each not in sentence(told)] == []
    assert "{" not in sentence(told)
    assert "\n" not in sentence(told)


def test_old_new_and_our_key_name_the_same_record(company: Company) -> None:
    number = target_key(company, "TAX甲01")
    ours = "legacy:t_customer:甲01"
    asked = [company.explain(key) for key in ("甲01", "t_customer:甲01", f"customer:{number}", ours)]
    assert {each.document["our_key"] for each in asked} == {ours}
    assert {each.document["target_key"] for each in asked} == {str(number)}
    assert {sentence(each) for each in asked} == {sentence(asked[0])}


def test_a_key_of_several_records_is_not_guessed(company: Company) -> None:
    assert company.new("select count(*) from customer where id = 71") == [(1,)]  # and there is an old order 71
    with pytest.raises(InputError) as several:
        company.explain("71")
    assert (several.value.code, several.value.exit_code) == ("explain.several", 2)
    assert "t_order:71" in str(several.value.params["names"])
    assert company.explain("customer:71").document["target_key"] == "71"
    assert company.explain("t_order:71").document["our_key"] == "legacy:t_order:71"
    with pytest.raises(InputError) as nothing:
        company.explain("t_customer:NOBODY")
    assert (nothing.value.code, nothing.value.exit_code) == ("explain.unknown", 2)


def test_field_by_field_and_masked(company: Company) -> None:
    rows = {str(row[0]): row for row in company.explain("CONFLICT").table("table.fields")}
    assert rows["revenue"][1:6:2] == ("je", "cast", ":12")
    assert rows["owner_id"][3] == "people"
    assert rows["name"][3] == "trim > cast"
    assert "new" not in str(rows["name"][2:])
    shown = {str(row[0]): row for row in company.explain("CONFLICT", show_values=True).table("table.fields")}
    assert (shown["name"][2], shown["name"][4], shown["revenue"][4]) == ("new", "new", "1000.5")
    history = company.explain("CONFLICT").table("table.operations")
    assert [(each[0], each[1], each[2]) for each in history] == [(1, "change.create", "state.verified")]
    noticed = company.explain("REJECTED").table("table.findings")
    assert [(each[0], each[1], each[3]) for each in noticed] == [("severity.blocks", "revenue", ":12")]


def test_it_is_good_only_where_nobody_has_to_do_anything(company: Company) -> None:
    good = {"ADOPTED", "FILTERED", "t_order:71"}
    asked = (*good, "REJECTED", "HELD", "ORPHAN", "CONFLICT", "LATE", "UNDONE")
    assert {key for key in asked if company.explain(key).report.good} == good


def test_every_command_to_type_next_works(company: Company) -> None:
    again = "changeover run --rejected --code {} --execute"
    assert company.explain("HELD").report.next_steps == ("changeover explain legacy:t_customer:REJECTED",)
    assert company.explain("legacy:t_customer:REJECTED").report.next_steps == (again.format("type.not_a_number"),)
    assert company.explain("CONFLICT").report.next_steps == (again.format("conflict.edited"),)
    for key in ("ORPHAN", "LATE"):
        assert company.explain(key).report.next_steps == ("changeover run --execute",)
    for key in ("ADOPTED", "FILTERED"):
        assert company.explain(key).report.next_steps == ()


def test_a_source_record_of_two_mappings_is_told_by_the_object_of_the_target(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    (company.folder / "mappings" / "visit.yaml").write_text(
        "mapping: visit\nfrom: t_customer\nto: visit\nfields: {note: bz}\n", encoding="utf-8"
    )
    company.customer("A")
    for _ in ("before the run", "after it"):
        with pytest.raises(InputError) as several:
            company.explain("A")
        named = str(several.value.params["names"]).split(", ")
        assert sorted(named) == ["customer:A", "visit:A"]
        told = [dict(company.explain(name).report.facts)["fact.mapping"] for name in sorted(named)]
        assert told == ["customer (mappings/customer.yaml)", "visit (mappings/visit.yaml)"]
        company.run()


def test_what_the_target_itself_said_is_kept_and_shown_only_when_asked_for(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.new(
        "create trigger no_ada before insert on customer when new.name = 'Ada' "
        "begin select raise(abort, 'Ada is not wanted here'); end"
    )
    company.customer("A", khmc="Ada")
    assert company.run().code == 1
    said = dict(company.explain("A").report.facts)["fact.target_said"]
    assert isinstance(said, Text)
    assert said.code == "explain.words_kept"
    assert dict(company.explain("A", show_values=True).report.facts)["fact.target_said"] == "Ada is not wanted here"
