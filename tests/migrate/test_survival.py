"""What survives of who made and changed a record, and when, told for each mapping before anything moves."""

from __future__ import annotations

from pathlib import Path

from .company import make_company

AUDIT = """audit:
        t_customer: {created_at: cjsj, created_by: cjr, modified_at: gx, modified_by: gxr}
        t_order: {modified_at: xgsj}
      references: {t_customer"""


def test_each_mapping_tells_what_survives(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    assert company.check().table("table.survival") == [], "no source says anything of that kind"
    for column in ("cjsj timestamp", "cjr text", "gx timestamp", "gxr text"):
        company.old(f"alter table t_customer add column {column}")
    for column in ("created_at timestamp", "was_changed timestamp", "made_by text as (kind)"):
        company.new(f"alter table customer add column {column}")
    company.rewrite(
        "changeover.yaml",
        ("references: {t_customer", AUDIT),
        ("modified_by: modified_by}", "modified_by: modified_by, created_at: created_at, created_by: made_by}"),
    )
    company.rewrite("mappings/customer.yaml", ("fields:\n", "fields:\n  created_at: cjsj\n  was_changed: gx\n"))
    for told in (company.check(), company.plan()):
        assert told.table("table.survival") == [
            ("customer", "survival.written", "survival.lost_ours", "survival.kept", "survival.lost_settable"),
            ("order", None, None, "survival.kept", None),
        ]
        customer = told.document["survival"]["customer"]  # type: ignore[index]
        assert customer["modified_at"] == {"source": "gx", "fate": "kept", "field": "was_changed", "settable": False}
    company.rewrite("changeover.yaml", ("audit: {customer", "audit: {orders: {modified_at: changed_at}, customer"))
    company.rewrite("mappings/customer.yaml", ("  created_at: cjsj", "  created_at: {from: cjsj, write: never}"))
    company.rewrite("mappings/order.yaml", ("  changed_at: xgsj", "  changed_at: {from: xgsj, write: only_create}"))
    assert company.check().table("table.survival") == [
        ("customer", "survival.lost_settable", "survival.lost_ours", "survival.kept", "survival.lost_settable"),
        ("order", None, None, "survival.written", None),
    ]
    company.rewrite("changeover.yaml", ("created_by: cjr", "created_by: nobody"))
    said = company.say("check")
    assert (said.code, "nobody" in said.err) == (2, True)
