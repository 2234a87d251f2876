"""What our user cannot see in a tenant is proven by those who can."""

from __future__ import annotations

from changeover.connectors.finding import Finding

from .fxiaoke_tenant import Tenant

OWN = {"data_scope": "own"}
LOOKED = ["AccountObj", "PersonnelObj"]


def seen(told: tuple[Finding, ...]) -> list[tuple[object, ...]]:
    return [
        (each.code, each.params.get("object") or each.params.get("objects"), each.params.get("count")) for each in told
    ]


def test_a_witness_proves_what_our_user_sees_and_what_it_does_not() -> None:
    wide = Tenant(objects=LOOKED, witnesses=["1002"])
    wide.accounts(1, 2, owner="1002")
    assert wide.connector.unseen(LOOKED) == ()
    narrow = Tenant(OWN, objects=LOOKED, witnesses=["1001", "1002"])
    narrow.accounts(1, 2, owner="1002")
    narrow.accounts(3, 4, 5)
    assert seen(narrow.connector.unseen(LOOKED)) == [
        ("fxiaoke.unseen", "AccountObj", 2),
        ("fxiaoke.unseen_people", "PersonnelObj", 6),
    ]
    [one, _] = narrow.connector.unseen(LOOKED)
    assert one.params["witness"] == "1002", "1001 owns nothing and sees nothing"
    users = {str(headers.get("x-fs-userid")) for headers in narrow.way.headers}
    assert users - {"None"} == {"1000", "1001", "1002"}
    narrow.accounts(6)
    assert narrow.way.headers[-1]["x-fs-userid"] == "1000", "and then it is our user again"


def test_what_is_not_proven_is_said() -> None:
    alone = Tenant(objects=LOOKED)
    alone.accounts(1)
    assert seen(alone.connector.unseen(LOOKED)) == [("fxiaoke.sight_unproven", "AccountObj", None)]
    empty = Tenant(objects=[*LOOKED, "ContactObj"], witnesses=["1002"])
    assert seen(empty.connector.unseen(["AccountObj", "ContactObj"])) == [
        ("fxiaoke.sight_unproven", "AccountObj, ContactObj", None)
    ]
    nobody = Tenant(objects=LOOKED, witnesses=["4711"])
    assert seen(nobody.connector.unseen(["AccountObj"])) == [("fxiaoke.witness_refused", "AccountObj", None)]


def test_either_way_to_sign_in_can_act_as_another() -> None:
    tenant = Tenant(objects=LOOKED)
    me, other = (tenant.simulator.tenant.people.by_id[each].open_id for each in ("1000", "1002"))
    told = Tenant(OWN, objects=LOOKED, sign_in="app_token", user=me, witnesses=[other])
    told.accounts(1, owner=other)
    assert seen(told.connector.unseen(["AccountObj"])) == [("fxiaoke.unseen", "AccountObj", 1)]
