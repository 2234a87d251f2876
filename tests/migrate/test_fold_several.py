"""Children from another system than their parent's, of keys with several parts, and of what is put together."""

from __future__ import annotations

from pathlib import Path

from .contracts import CONTRACT
from .three import FROM_ONE, make_three

NOTES = "select contract_no, remark from contract order by contract_no"


def test_children_may_lie_in_another_system(tmp_path: Path) -> None:
    fold = "fold:\n  signed:\n    {from: oa.approval, by: form_no, order: signed_at, line: '{signed_at} {remark}',"
    text = FROM_ONE.replace("fields:\n", fold + " between: ' / '}\nfields:\n")
    company = make_three(tmp_path / "three", text + "  remark: fold.signed\n")
    company.of("approval", "create table renamed as select * from contract")
    company.of("approval", "drop table contract")
    company.of(
        "approval",
        "create table contract (contract_no text primary key, cust_no text, disc decimal(5, 2), title text, "
        "signed_on text, state text)",
    )
    company.of(
        "approval", "insert into contract select contract_no, cust_no, disc, title, signed_on, state from renamed"
    )
    company.of("oa", "update approval set form_no = trim(form_no)")
    company.of("oa", "insert into approval values ('F8', 'C-1', '2023-12-31', 'first')")
    told = company.run()
    assert told.counts("contract") == {"read": 4, "created": 3, "filtered": 1}
    assert company.new(NOTES) == [
        ("C-1", "2023-12-31 first / 2024-01-06 paper"),
        ("C-2", None),
        ("C-3", "2024-03-03 "),
    ]
    assert company.reconcile().verdict == "reconcile.equal"


def test_what_was_put_together_has_children_too(tmp_path: Path) -> None:
    fold = (
        "fold:\n  slips: {from: erp.order_slip, by: slip_contract, order: amount, line: '{amount}',"
        " drop: {void: no, slip_disc: no}}\n"
    )
    text = CONTRACT.replace("to: contract\n", fold.replace(": no", ": not asked for") + "to: contract\n")
    company = make_three(tmp_path / "three", text.replace("remark: office.remark", "remark: fold.slips"))
    company.rewrite("mappings/contract.yaml", ("drop:\n", "drop:\n  office.remark: not used\n"))
    told = company.run()
    assert told.code == 0, told.document
    assert company.new(NOTES) == [("C-1", "7\n900"), ("C-2", "500"), ("C-3", None)]
    company.of("erp", "delete from order_slip where id = 4")
    assert company.run().counts("contract") == {"read": 4, "updated": 1, "unchanged": 2, "filtered": 1}
