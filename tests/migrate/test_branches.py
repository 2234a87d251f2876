"""One record becomes several: moved, changed on both sides, moved again, reconciled to zero, undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from .branching import asked, held, make_branching, put_together_first
from .company import Company, Told, copied
from .test_worklist_import import filled

EVERYTHING = {"party": 3, "solution_request": 3, "medical_request": 2, "reply": 2, "medical_reply": 2}
NOTHING = dict.fromkeys(EVERYTHING, 0)
FOLLOWUP = """  followup:
    to: solution_request
    where: {answer: {present: true}}
    fields:
      client_id: {from: client, reference: client.company}
      title: title
      state: status
      reply_id: {from: answer, reference: reply.general}
"""


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return make_branching(tmp_path / "move")


@pytest.fixture(scope="module")
def moved_once(tmp_path_factory: pytest.TempPathFactory) -> Company:
    made = make_branching(tmp_path_factory.mktemp("moved") / "move")
    told = made.run()
    assert told.code == 0, told.document
    return made


@pytest.fixture
def moved(moved_once: Company, tmp_path: Path) -> Company:
    return copied(moved_once, tmp_path / "desk")


def told_of(told: Told, code: str) -> list[tuple[str | None, int, int | None]]:
    """(mapping, count, line) of every cause of that code."""
    return sorted((each.mapping, each.count, each.line) for each in told.report.causes if each.text.code == code)


def test_check_names_each_branch_its_file_and_its_line(company: Company) -> None:
    told = company.check()
    rows = [(row[0], row[1], row[5]) for row in told.table("table.mappings")]
    assert rows == [
        ("client.company", "t_client > party", None),
        ("client.person", "t_client > party", "client.company"),
        ("request.solution", "t_request > solution_request", "client.company"),
        ("reply.general", "t_reply > reply", "request.solution"),
        ("request.medical", "t_request > medical_request", "request.solution"),
        ("reply.medical", "t_reply > medical_reply", "request.medical"),
    ]
    company.rewrite("mappings/reply.yaml", ("medical_id: {from: request", "medical_id: {from: reqest"))
    said = company.say("check")
    assert said.code == 2
    assert "mappings/reply.yaml:16 (reply.medical): " in said.err


def test_the_project_lists_files_with_all_their_branches(company: Company) -> None:
    company.rewrite(
        "changeover.yaml",
        ("limits:", "mappings: [request, client]\nobjects: {t_reply: {leave: read by nobody}}\nlimits:"),
    )
    told = company.check()
    assert told.document["mappings_checked"] == [
        "client.company",
        "request.solution",
        "request.medical",
        "client.person",
    ]
    assert told_of(told, "mapping.not_listed") == [("reply", 1, None)]


def test_every_branch_is_moved_and_counted_by_itself(company: Company) -> None:
    told = company.run()
    assert told.code == 0
    assert held(company) == EVERYTHING
    assert told.counts("request.solution") == {"read": 5, "created": 3, "filtered": 2}
    assert told.counts("request.medical") == {"read": 5, "created": 2, "filtered": 3}
    assert told.counts("client.person") == {"read": 2, "created": 1, "filtered": 1}
    assert asked(company, "select p.name, c.name from party p left join party c on p.company_id = c.id") == sorted(
        [("安康", None), ("百草", None), ("王芳", "安康")], key=str
    )
    assert asked(
        company, "select said, questions from medical_reply r join medical_request m on medical_id = m.id"
    ) == [
        ("b", "dose?"),
        ("c", "why?"),
    ]
    keys = {row[0] for row in company.ledger("select our_key from record where source_key = 'R1'")}
    assert keys == {"legacy:t_request:R1#solution", "legacy:t_request:R1#medical"}


def test_what_no_branch_takes_is_told_with_its_number(company: Company) -> None:
    """R4 is lost, so that neither branch takes it; R5 is a test, and meant to stay behind."""
    for told in (company.check(), company.run(), company.reconcile()):
        assert told_of(told, "branches.untaken") == [("request", 1, 6)]


def test_changed_on_both_sides_moved_again_reconciled_to_zero_and_undone(moved: Company) -> None:
    moved.old("update t_request set questions = 'how?', title = 'uno' where num = 'R1'")
    moved.old("update t_client set contact = '李娜', city = '鞍山' where code = 'C1'")
    moved.old("insert into t_request values ('R6', 'C2', 'six', 'new?', 'new', null)")
    moved.new("update medical_request set state = 'done' where questions = 'why?'")
    moved.new("update reply set said = 'edited' where said = 'd'")
    told = moved.run()
    assert told.counts("request.solution") == {"read": 6, "created": 1, "updated": 1, "unchanged": 2, "filtered": 2}
    assert told.counts("request.medical") == {"read": 6, "created": 1, "updated": 1, "unchanged": 1, "filtered": 3}
    assert (told.counts("client.company")["updated"], told.counts("client.person")["updated"]) == (1, 1)
    differing = {row[1:3] for row in moved.reconcile().table("table.differing_records")}
    assert differing == {("request.medical", "R3"), ("reply.general", "4")}
    moved.new("update medical_request set state = 'new' where questions = 'why?'")
    moved.new("update reply set said = 'd' where said = 'edited'")
    assert (moved.reconcile().code, moved.reconcile().document["differences"]) == (0, 0)
    assert moved.undo(2, execute=True).code == 0
    assert asked(
        moved, "select title, questions from medical_request m join solution_request s on request_id = s.id"
    ) == [
        ("one", "dose?"),
        ("three", "why?"),
    ]
    assert [row[0] for row in asked(moved, "select name from party where kind = 'person'")] == ["王芳"]
    assert moved.undo(1, execute=True).code == 0
    assert held(moved) == NOTHING


def test_a_branch_whose_condition_no_longer_holds_is_told_and_deletes_nothing(moved: Company) -> None:
    moved.old("update t_request set questions = null where num = 'R1'")
    moved.old("update t_client set contact = '' where code = 'C1'")
    moved.old("update t_request set test = 'yes' where num = 'R3'")
    for told in (moved.plan(), moved.run()):
        assert told_of(told, "where.left_out") == [
            ("client.person", 1, 16),
            ("request.medical", 1, 5),
            ("request.medical", 1, 19),
            ("request.solution", 1, 5),
        ]
        assert told.counts("request.medical") == {"read": 5, "filtered": 5}
    assert held(moved) == EVERYTHING
    told = moved.reconcile()
    assert told_of(told, "where.left_out") == [
        ("client.person", 1, 16),
        ("request.medical", 1, 5),
        ("request.medical", 1, 19),
        ("request.solution", 1, 5),
    ]
    assert (told.code, told.document["differences"]) == (1, 4)
    explained = moved.explain("t_request:R1#medical")
    assert (explained.verdict, explained.report.good) == ("explain.left_out", False)
    moved.old("update t_request set questions = 'dose?' where num = 'R1'")
    assert told_of(moved.run(), "where.left_out") == [
        ("client.person", 1, 16),
        ("request.medical", 1, 5),
        ("request.solution", 1, 5),
    ]


def test_branches_of_one_object_around_another_are_undone_whole(company: Company) -> None:
    """A reply needs its request, and another branch of requests needs the reply: records without a circle."""
    company.new("alter table solution_request add column reply_id integer references reply (id)")
    company.old("alter table t_request add column answer integer")
    company.old("update t_request set answer = 1 where num = 'R2'")
    company.rewrite("mappings/request.yaml", ("  medical:\n", FOLLOWUP + "  medical:\n"))
    assert company.run().code == 0
    assert held(company) == {**EVERYTHING, "solution_request": 4}
    told = company.undo(1, execute=True)
    assert (told.code, held(company)) == (0, NOTHING)


def test_left_out_without_branches_is_told_too(moved: Company) -> None:
    file = moved.folder / "mappings" / "reply.yaml"
    plain = "mapping: reply\nfrom: t_reply\nto: reply\nwhere:\n  said: {not_equals: b}\n  kind: {equals: general}\n"
    rules = "fields: {said: said, request_id: {from: request, reference: request.solution}}\n"
    file.write_text(plain + rules, encoding="utf-8")
    told = moved.run()
    assert (told.counts("reply"), told_of(told, "where.left_out")) == ({"read": 4, "created": 2, "filtered": 2}, [])
    moved.rewrite("mappings/reply.yaml", ("not_equals: b", "not_equals: d"))
    told = moved.run()
    assert told_of(told, "where.left_out") == [("reply", 1, 5)]
    assert told.counts("reply") == {"read": 4, "unchanged": 1, "filtered": 3}


def test_explain_names_both_branches(moved: Company) -> None:
    said = moved.say("explain", "t_request:R1")
    assert said.code == 2
    assert "solution_request:R1, medical_request:R1" in said.err
    medical = moved.explain("t_request:R1#medical")
    assert medical.verdict == "explain.live"
    assert [row[:2] for row in medical.table("table.other_branches")] == [("request.solution", "solution_request")]
    assert moved.explain("medical_request:R1").document["our_key"] == "legacy:t_request:R1#medical"
    assert moved.explain("legacy:t_request:R1#solution").document["our_key"] == "legacy:t_request:R1#solution"
    alone = moved.explain("t_request:R2")
    assert alone.document["our_key"] == "legacy:t_request:R2#solution"
    assert alone.table("table.other_branches") == [("request.medical", "medical_request", None, "bucket.filtered")]
    assert moved.explain("t_request:R2#medical").verdict == "explain.filtered"
    nowhere = moved.explain("t_request:R4")
    assert nowhere.verdict == "explain.filtered"
    assert nowhere.table("table.other_branches") == [("request.medical", "medical_request", None, "bucket.filtered")]


def test_explain_tells_two_branches_of_one_object_apart(moved: Company) -> None:
    said = moved.say("explain", "t_client:C1")
    assert said.code == 2
    assert "t_client:C1#company, t_client:C1#person" in said.err
    assert moved.explain("t_client:C1#person").verdict == "explain.live"


def test_one_record_with_its_parents_and_its_children(company: Company) -> None:
    told = company.run("t_reply:2")
    assert told.code == 0
    assert held(company) == {"party": 2, "solution_request": 1, "medical_request": 1, "reply": 0, "medical_reply": 1}
    links = [row[0] for row in told.table("table.links")]
    assert links == ["client.company", "client.person", "request.solution", "request.medical", "reply.medical"]
    company.run("t_client:C2", children=True)
    assert held(company) == {"party": 3, "solution_request": 2, "medical_request": 2, "reply": 0, "medical_reply": 2}


def test_each_branch_waits_for_its_own_cause(company: Company) -> None:
    company.old("update t_request set title = null, questions = ? where num = 'R1'", ("q" * 41,))
    company.old("update t_request set questions = ? where num = 'R3'", ("w" * 41,))
    told = company.run()
    assert told.code == 1
    assert told.counts("request.solution") == {"read": 5, "created": 2, "rejected": 1, "filtered": 2}
    assert told.counts("request.medical")["rejected"] == 2
    assert told.counts("reply.general") == {"read": 4, "created": 1, "held": 1, "filtered": 2}
    waits = {(row[0], row[1]) for row in company.ledger("select our_key, code from record where code is not null")}
    assert ("legacy:t_request:R1#solution", "required.missing") in waits
    assert ("legacy:t_request:R1#medical", "length.too_long") in waits
    company.old("update t_request set title = 'one', questions = 'dose?' where num = 'R1'")
    again = company.run(rejected=True, code="required.missing")
    assert again.counts("request.solution") == {"read": 1, "created": 1}
    assert again.counts("reply.general") == {"read": 1, "created": 1}
    assert held(company)["medical_request"] == 0
    company.old("update t_request set questions = 'why?' where num = 'R3'")
    assert company.run(rejected=True).code == 0
    assert held(company) == EVERYTHING


def test_samples_of_two_branches_are_kept_apart(company: Company) -> None:
    """Both branches of one object reject the same field of the same record, for another value each."""
    company.old("update t_client set name = ?, contact = ? where code = 'C1'", ("甲" * 21, "Z" * 25))
    told = company.run()
    samples = {each.mapping: each.samples for each in told.report.causes if each.text.code == "length.too_long"}
    assert {name: kept[0][0] for name, kept in samples.items()} == {"client.company": "甲", "client.person": "Z"}


def test_a_parent_that_its_branch_leaves_out_is_outside(company: Company) -> None:
    """Reply 5 is medical, but R2 has no medical request: what becomes of it is the field's `outside`."""
    company.old("insert into t_reply values (5, 'R2', 'medical', 'e')")
    assert company.run().counts("reply.medical") == {"read": 5, "created": 2, "held": 1, "filtered": 2}
    company.rewrite("mappings/reply.yaml", ("reference: request.medical", "reference: request.medical, outside: skip"))
    told = company.run()
    assert told.counts("reply.medical") == {"read": 5, "unchanged": 2, "filtered": 3}
    assert told_of(told, "where.left_out") == []
    why = [each.text.params["why"] for each in told.report.causes if each.text.code == "reference.skipped"]
    assert why == ["@outside.left_out"]
    company.old("update t_request set questions = 'now?' where num = 'R2'")
    assert company.run().counts("reply.medical") == {"read": 5, "created": 1, "unchanged": 2, "filtered": 2}


def test_one_branch_adopts_what_the_other_leaves_alone(company: Company) -> None:
    company.new("insert into party (id, kind, name) values (70, 'company', '安康')")
    told = company.run()
    assert told.counts("client.company")["adopted"] == 1
    assert asked(company, "select company_id from party where kind = 'person'") == [(70,)]
    assert company.undo(1, execute=True).code == 0
    assert asked(company, "select id, name, city from party") == [(70, "安康", None)]


def test_totals_count_a_record_that_one_branch_brought(company: Company) -> None:
    """Two branches of one object, of which each record takes one, and a third that rejects all it takes."""
    (company.folder / "mappings" / "reply.yaml").unlink()
    (company.folder / "mappings" / "request.yaml").unlink()
    company.rewrite(
        "mappings/client.yaml",
        ("      contact: {present: true}\n", "      code: {equals: C1}\n"),
        ("  company:\n    to: party\n", "  company:\n    to: party\n    where: {code: {equals: C2}}\n"),
        ("      company_id: {from: code, reference: client.company}\n", ""),
        (
            "      name: contact\n",
            "      name: contact\n  broken:\n    to: party\n    fields: {kind: {constant: toolongaword}, name: name}\n",
        ),
    )
    company.old("update t_client set name = name || ?", ("x" * 30,))
    company.rewrite(
        "mappings/client.yaml",
        ("      name: name\n", "      name: {from: name, transform: {cut: {length: 5}}}\n"),
        ("kind: {constant: toolongaword}", "kind: {constant: broken}"),
    )
    (company.folder / "totals.yaml").write_text(
        "totals:\n  - {name: clients, source: {object: t_client}, target: {object: party}}\n", encoding="utf-8"
    )
    told = company.run()
    assert told.counts("client.broken") == {"read": 2, "rejected": 2}
    assert held(company)["party"] == 2
    assert told.document["totals_equal"] is True


def test_the_command_line_tells_by_branch(company: Company) -> None:
    said = company.say("run", "--execute", "--json")
    assert said.code == 0, said.err
    assert said.counts("reply.medical") == {"read": 4, "created": 2, "filtered": 2}
    rows = company.say("crosswalk", "t_request").out.splitlines()
    assert rows[1] == "t_request,R1,medical_request,legacy:t_request:R1#medical,1,live,"
    assert len(rows) == 6
    status = company.say("status").out
    assert "request.solution" in status


def test_one_cell_at_fault_in_two_branches_is_mended_by_one_worklist(company: Company) -> None:
    company.old("update t_client set city = ? where code = 'C1'", ("长" * 21,))
    assert company.run().counts("client.person") == {"read": 2, "rejected": 1, "filtered": 1}
    mended = {"new value": "沈阳", "who": "Zhou Min", "why": "called"}
    said = filled(company, {"C1": mended})
    assert said.code == 0, said.out
    again = company.run(rejected=True)
    assert (again.code, held(company)) == (0, EVERYTHING)


def test_what_is_put_together_becomes_several(company: Company) -> None:
    put_together_first(company)
    told = company.run()
    assert told.counts("both.one") == told.counts("both.two") == {"read": 5, "created": 3, "filtered": 2}
    joined = asked(company, "select m.title, said from remark r join merged m on r.merged_id = m.id")
    assert joined == [("one", "a"), ("three", "c"), ("two", "d")]
    company.old("update t_reply set said = 'changed' where id = 3")
    again = company.run()
    assert (again.counts("both.one").get("updated"), again.counts("both.two").get("updated")) == (None, 1)
    assert company.reconcile().code == 0
    assert company.undo(2, execute=True).code == company.undo(1, execute=True).code == 0
    assert asked(company, "select id from merged union all select id from remark") == []
