"""What stays behind is told: by which condition, and by year where a date says when it was."""

from __future__ import annotations

from pathlib import Path

from .company import Company, Told, make_company


def company(folder: Path) -> Company:
    """Orders of four years, one of no date, one of another state."""
    made = make_company(folder / "project")
    made.customer("C1")
    for number, changed in enumerate(("2019-12-31 23:59:59", "2020-01-01 00:00:00", "2020-06-30 12:00:00", None), 1):
        made.order(number, "C1", xgsj=changed)
    made.order(5, "C1", xgsj="2024-01-01 00:00:00")
    made.order(6, "C1", xgsj="2024-01-01 00:00:00", zt="作废")
    return made


def left(told: Told) -> dict[tuple[object, ...], object]:
    """(mapping, what, name, year) -> records."""
    found = [table for table in told.report.tables if table.title.code == "table.left_out"]
    return {
        (name, cause.code, cause.params["name"], year): number  # type: ignore[union-attr]
        for table in found
        for name, cause, year, number in table.rows
    }


def test_a_cut_off_tells_what_stays_behind_by_year(tmp_path: Path) -> None:
    made = company(tmp_path)
    where = 'where:\n  zt: {not_equals: "作废"}\n  xgsj: {at_least: "2021-01-01"}\nfields:\n'
    made.rewrite("mappings/order.yaml", ("fields:\n", where))
    planned = made.plan()
    assert left(planned) == {
        ("order", "left_out.where", "xgsj", "2019"): 1,
        ("order", "left_out.where", "xgsj", "2020"): 2,
        ("order", "left_out.where", "xgsj", "-"): 1,
        ("order", "left_out.where", "zt", "2024"): 1,
    }
    assert planned.counts("order") == {"read": 6, "created": 1, "filtered": 5}
    moved = made.run()
    assert left(moved) == left(planned)
    assert {"mapping": "order", "by": "where", "name": "xgsj", "year": "2020", "count": 2} in moved.document["left_out"]  # type: ignore[operator]


def test_another_field_may_be_declared(tmp_path: Path) -> None:
    """A text that holds dates in several spellings."""
    made = company(tmp_path)
    for key, date in (("C2", "2018-02-28"), ("C3", "20170101"), ("C4", "spring"), ("C5", " 2018/03/01")):
        made.customer(key, zt="test", rq=date)
    made.rewrite("mappings/customer.yaml", ("match: [tax_no]\n", "match: [tax_no]\nby_year: rq\n"))
    assert left(made.plan()) == {
        ("customer", "left_out.where", "zt", "2018"): 2,
        ("customer", "left_out.where", "zt", "2017"): 1,
        ("customer", "left_out.where", "zt", "-"): 1,
    }


def test_by_which_condition_of_several(tmp_path: Path) -> None:
    made = company(tmp_path)
    where = 'where:\n  id: {not_equals: 1}\n  any:\n    - zt: {equals: "赢单"}\n    - je: {more_than: 1000}\nfields:\n'
    made.rewrite("mappings/order.yaml", ("fields:\n", where))
    told = made.plan()
    assert left(told) == {
        ("order", "left_out.where", "id", None): 1,
        ("order", "left_out.where", "zt, je", None): 1,
    }
    assert sum(left(told).values()) == told.counts("order")["filtered"]  # type: ignore[arg-type]


def test_years_are_no_reason_to_move_anything_again(tmp_path: Path) -> None:
    made = company(tmp_path)
    made.run()
    before = made.plan().report.extra["plan"]
    made.rewrite("mappings/order.yaml", ("fields:\n", "by_year: xgsj\nfields:\n"))
    assert made.run(plan=str(before)).counts("order")["unchanged"] == 5


def test_a_field_that_is_not_there_is_named(tmp_path: Path) -> None:
    made = company(tmp_path)
    made.rewrite("mappings/order.yaml", ("fields:\n", "by_year: xgjs\nfields:\n"))
    said = made.say("check", "--no-data", "--json")
    assert (said.code, [each["code"] for each in said.document["findings"]]) == (2, ["mapping.no_source_field"])  # type: ignore[attr-defined]
