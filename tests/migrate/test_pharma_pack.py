"""The pack `pharma_services`: three databases become one CRM; changed on every side, moved again, taken back."""

from __future__ import annotations

from pathlib import Path

from .company import Told
from .pharma import Pharma, make_pharma

OBJECTS = (
    *("account", "contract", "contract_line", "solution_request", "medical_request", "solution_reply"),
    "medical_reply",
)
EXPECTED = """
select c.contract_no, coalesce(s.discount, c.discount) + 0, c.discount + 0, s.amount, o.form_id is not null,
       o.approved_on
from approval.contract c
left join (select contract_no, discount, amount, max(slip_no) from erp.order_slip where void = 0 group by contract_no) s
  on s.contract_no = c.contract_no
left join oa.approval o on o.contract_no = ' Ｃ' || substr(c.contract_no, 2) || ' '
where c.state = 'valid' order by 1
"""


def held(company: Pharma) -> dict[str, int]:
    """Target object -> records."""
    return {name: int(str(company.new(f"select count(*) from {name}")[0][0])) for name in OBJECTS}


ROWS = "select contract_no, discount, agreed_discount, amount, on_paper, approved_on from contract order by 1"
MOVED = {
    **{"account": 40, "contract": 72, "contract_line": 144, "solution_request": 53, "medical_request": 18},
    **{"solution_reply": 53, "medical_reply": 18},
}
CHANGED = {
    "approval": (
        "update contract set title = '改名', team = 'w4' where contract_no = 'C-001'",
        "update contract set stage = '执行中' where contract_no = 'C-005'",
        "update request set questions = '剂量？', state = '已完成' where request_no = 'R-02'",
        "insert into reply values (900, 'R-02', '医学', '每日一次')",
    ),
    "erp": (
        "update order_slip set amount = 1, discount = 0.33 where contract_no = 'C-002'",
        "insert into order_slip values ('S-004', 'C-004', 0.04, 8000, 0)",
        "insert into customer values ('K41', '新客户', '900000041', '大连', 'w6')",
    ),
    "oa": (
        "update approval set approved_on = '2025-01-01' where form_id = 'F-003'",
        "insert into remark values (901, 'R-01', '2025-01-02', 'w2', '补记')",
    ),
    "crm": (
        "update contract set stage = 'closed' where contract_no = 'C-005'",
        "update account set city = '鞍山' where tax_no = '900000007'",
        "insert into account (name) values ('made by a user')",
    ),
}
AGAIN = {
    "account": {"read": 41, "created": 1, "unchanged": 40},
    "contract": {"read": 80, "updated": 4, "unchanged": 68, "filtered": 8},
    "contract_line": {"read": 144, "unchanged": 144},
    "request.solution": {"read": 60, "updated": 2, "unchanged": 51, "filtered": 7},
    "request.medical": {"read": 60, "created": 1, "unchanged": 18, "filtered": 41},
    "reply.solution": {"read": 72, "unchanged": 53, "filtered": 19},
    "reply.medical": {"read": 72, "created": 1, "unchanged": 18, "filtered": 53},
}


def counts(told: Told) -> dict[str, dict[str, int]]:
    return {name: {each: found for each, found in told.counts(name).items() if each != "adopted"} for name in AGAIN}


def differing(told: Told) -> int:
    """Contracts on whose discount two systems do not agree."""
    return sum(each.count for each in told.report.causes if each.text.code == "assembly.differ")


def test_moved_changed_on_every_side_moved_again_reconciled_and_taken_back(tmp_path: Path) -> None:
    company = make_pharma(tmp_path / "pharma")
    assert company.check().code == 0
    told = company.run()
    assert (told.code, held(company), differing(told)) == (0, MOVED, 8)
    assert company.new(ROWS) == company.of_all(EXPECTED)
    owners = dict(company.new("select tax_no, owner_id from account"))  # type: ignore[arg-type]
    assert [owners[f"90000000{each}"] for each in range(1, 7)] == [2, 3, 4, 1, 1, 1]
    assert company.new("select team from contract where contract_no in ('C-001', 'C-003') order by 1") == [
        (None,),
        ("3",),
    ]
    children = (
        "select count(*) from medical_reply r join medical_request m on m.id = medical_id join solution_request s"
    )
    assert company.new(f"{children} on s.id = solution_id and r.body = '解答' || (0 + substr(number, 3))") == [(18,)]
    told = company.reconcile()
    assert (told.code, told.document["differences"]) == (0, 0)

    for system, changes in CHANGED.items():
        for change in changes:
            company.of(system, change)
    told = company.run()
    assert (told.code, counts(told), differing(told)) == (0, AGAIN, 9)
    assert company.new(ROWS) == company.of_all(EXPECTED)
    assert company.new(
        "select title, stage, team from contract where contract_no in ('C-001', 'C-005') order by contract_no"
    ) == [
        ("改名", "signed", "4"),
        ("合同5", "closed", "1;2"),
    ]
    told = company.reconcile()
    assert [row[1:3] for row in told.table("table.differing_records")] == [("account", "K07")]
    company.of("erp", "update customer set city = '鞍山' where cust_no = 'K07'")
    assert counts(company.run())["account"] == {"read": 41, "unchanged": 41}
    told = company.reconcile()
    assert (told.code, told.document["differences"], told.document["won"]) == (0, 0, 1)

    told = company.undo(2, execute=True)
    assert (told.code, told.document["spared"]) == (0, 0), told.document
    told = company.undo(1, execute=True)
    spared = [(row[0], str(row[1]).rpartition(":")[2]) for row in told.table("table.spared")]
    edited = [("contract", "C-005"), ("account", "K07"), ("account", "K06")]
    assert (told.code, spared) == (1, edited), "users have closed one, and moved another before its source did"
    assert held(company) == dict.fromkeys(OBJECTS, 0) | {"account": 3, "contract": 1}
    assert company.new("select stage from contract") == [("closed",)]
    assert company.new("select name from account where tax_no is null") == [("made by a user",)]
