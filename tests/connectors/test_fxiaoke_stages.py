"""The stage of a sale written by an interface of its own, against a tenant that does not take it otherwise."""

from __future__ import annotations

from changeover.connectors.cell import Cell
from changeover.connectors.change import Change, ChangeKind, Outcome, OutcomeState
from changeover.connectors.fxiaoke.transport import NoAnswerError, NotSentError

from .fxiaoke_tenant import Tenant, at, envelope

STAGE = "/cgi/crm/data/changeSalesStage"
DEAL = "NewOpportunityObj"
A, U = OutcomeState.ACKED, OutcomeState.UNKNOWN


def deal(tenant: Tenant, number: int, **cells: Cell) -> Outcome:
    values = {"name": f"商机{number}", "sales_stage": "2", **cells}
    return tenant.write(Change(ChangeKind.CREATE, f"k{number}", values=values), object_name=DEAL)[0]


def there(tenant: Tenant) -> list[tuple[object, object, object]]:
    return [(row["name"], row["sales_stage"], row["owner"]) for row in tenant.simulator.rows(DEAL)]


def by_interface() -> Tenant:
    return Tenant({"stage_by_update": "refused"}, stages="interface")


def test_a_stage_follows_its_record_by_a_call_of_its_own() -> None:
    tenant = by_interface()
    made = deal(tenant, 1)
    deal(tenant, 2, sales_stage=None)
    assert (made.state, there(tenant)) == (A, [("商机1", "2", '["1000"]'), ("商机2", None, '["1000"]')])
    assert "sales_stage" not in str(tenant.way.bodies("/create"))

    def update(**cells: Cell) -> Outcome:
        return tenant.write(Change(ChangeKind.UPDATE, "k1", made.target_key, cells), object_name=DEAL)[0]

    assert update(sales_stage="3").state is A
    assert tenant.way.bodies("/update") == []
    assert update(sales_stage="4", name="改名", owner="1002").state is A
    assert there(tenant)[0] == ("改名", "4", '["1002"]')
    nothing = update(sales_stage=None)
    assert (nothing.state, nothing.field) == (OutcomeState.REJECTED, "sales_stage"), "nobody knows how to take it away"
    plain = Tenant()
    deal(plain, 1)
    assert (there(plain)[0][1], plain.way.bodies(STAGE)) == ("2", [])


def test_a_stage_that_nobody_answered_for_is_asked_for() -> None:
    """The new record's is given again; a known record's may have been changed since."""
    tenant = by_interface()
    tenant.way.strike = at(STAGE, [NoAnswerError("ReadTimeout")], NoAnswerError("ConnectionReset"))
    made = deal(tenant, 1)
    assert (made.state, len(tenant.way.bodies(STAGE)), there(tenant)[0][1]) == (A, 3, "2")

    def update(**cells: Cell) -> Outcome:
        return tenant.write(Change(ChangeKind.UPDATE, "k1", made.target_key, cells), object_name=DEAL)[0]

    tenant.way.strike = at(STAGE, NoAnswerError("ConnectionReset"))
    assert update(sales_stage="3").state is U
    tenant.way.strike = at(STAGE, NotSentError("refused"))
    half = update(sales_stage="3", name="改名")
    assert (half.state, half.code) == (U, "target.half_done"), "the fields are written"


def test_a_stage_that_is_refused_is_not_said_to_be_there() -> None:
    for answer in (envelope(32000, "阶段不存在"), *[NoAnswerError("ReadTimeout")]):
        tenant = by_interface()
        tenant.way.strike = at(STAGE, *[answer] * 3)
        made = deal(tenant, 1)
        assert (made.state, made.code) == (U, "target.half_done")
        assert made.target_key is not None
        assert there(tenant) == [("商机1", None, '["1000"]')]


def test_where_rows_go_many_in_a_call_those_with_a_stage_go_alone() -> None:
    settings = {"stage_by_update": "refused", "bulk_function": "on"}
    tenant = Tenant(settings, stages="interface", bulk="changeover_bulk__c")
    deals = (Change(ChangeKind.CREATE, f"k{one}", values={"name": str(one), "sales_stage": "2"}) for one in range(2))
    outcomes = tenant.write(*deals, Change(ChangeKind.CREATE, "k9", values={"name": "9"}), object_name=DEAL)
    assert {each.state for each in outcomes} == {A}
    assert sorted(map(str, (row[:2] for row in there(tenant)))) == ["('0', '2')", "('1', '2')", "('9', None)"]
    assert len(tenant.way.bodies("/create")) == 2
