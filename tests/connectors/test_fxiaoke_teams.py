"""The team of a record in Fxiaoke: a text field for each role, written by calls of its own."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.change import Change, ChangeKind, Outcome, OutcomeState
from changeover.connectors.errors import InputError, UnavailableError
from changeover.connectors.fxiaoke.transport import NoAnswerError, NotSentError
from changeover.connectors.port import OUR_KEY

from .fxiaoke_tenant import Tenant, account, at

ADD, DELETE = "/cgi/crm/team/add", "/cgi/crm/team/delete"
TEAMS = {"AccountObj": {"team": {"role": "normal", "permission": "write"}, "joint": {"role": "joint"}}}
A, R, U = OutcomeState.ACKED, OutcomeState.REJECTED, OutcomeState.UNKNOWN


def members(tenant: Tenant, place: int = 0) -> list[tuple[str, str, str]]:
    """(employee, role, permission)."""
    told = json.loads(str(tenant.simulator.rows("AccountObj")[place]["relevant_team"]))
    return [
        (one, each["teamMemberRole"], each["teamMemberPermissionType"])
        for each in told
        for one in each["teamMemberEmployee"]
    ]


def update(tenant: Tenant, made: Outcome, **cells: Cell) -> Outcome:
    return tenant.write(Change(ChangeKind.UPDATE, made.our_key, made.target_key, cells))[0]


def test_a_team_is_read_and_written_as_a_text_for_each_role() -> None:
    tenant = Tenant(teams=TEAMS)
    fields = tenant.connector.describe().objects["AccountObj"]
    assert [(each.name, each.writable, each.parts) for each in fields.fields if each.parts] == [
        ("team", True, ";"),
        ("joint", True, ";"),
    ]
    [made] = tenant.accounts(1, owner="1001", team="1003;1002;1001", joint="1004")
    assert made.state is A
    assert members(tenant) == [("1001", "1", "2"), ("1002", "4", "2"), ("1003", "4", "2"), ("1004", "2", "1")]

    def seen() -> tuple[object, ...]:
        chunk = tenant.connector.find("AccountObj", (OUR_KEY,), [("k1",)], ["team", "joint"])
        return tuple(None if pd.isna(chunk.frame[name][0]) else chunk.frame[name][0] for name in ("team", "joint"))

    assert seen() == ("1002;1003", "1004")
    assert update(tenant, made, team="1005;1002", tel="1").state is A
    assert seen() == ("1002;1005", "1004"), "who is no longer in it has left"
    assert update(tenant, made, team="1004", joint=None).state is A
    assert seen() == ("1004", None), "in another role"
    calls = len(tenant.way.sent)
    assert update(tenant, made, team="1004").state is A
    assert [path for path, _ in tenant.way.sent[calls:]] == ["/cgi/crm/v2/data/get"], "nothing was to be done"
    assert update(tenant, made, team=None, owner="1002").state is A
    assert members(tenant) == [("1002", "1", "2")]


def test_a_team_that_nobody_answered_for_is_asked_for() -> None:
    tenant = Tenant(teams=TEAMS, strike=at(ADD, [NoAnswerError("ReadTimeout")], NoAnswerError("ConnectionReset")))
    [made] = tenant.accounts(1, team="1002")
    assert (made.state, members(tenant)[1:]) == (A, [("1002", "4", "2")])
    tenant.way.strike = at(ADD, NoAnswerError("ConnectionReset"))
    assert update(tenant, made, team="1003").state is U
    tenant.way.strike = at(ADD, NotSentError("refused"), NotSentError("refused"))
    half = update(tenant, made, team="1003;1004", tel="1")
    assert (half.state, half.code) == (U, "target.half_done")
    with pytest.raises(UnavailableError):
        update(tenant, made, team="1003")
    tenant.way.strike = None
    nobody = update(tenant, made, team="9999")
    assert (nobody.state, nobody.code) == (R, "target.reference")
    gone = update(tenant, Outcome("k9", A, "f" * 24), team="1003")
    assert (gone.state, gone.code) == (R, "target.gone")


def test_a_row_with_a_team_goes_alone_and_no_option_means_no_field() -> None:
    tenant = Tenant({"bulk_function": "on"}, teams=TEAMS, bulk="changeover_bulk__c")
    assert {each.state for each in tenant.write(account(1, team="1002"), account(2))} == {A}
    assert len(tenant.way.bodies("/create")) == 1
    with pytest.raises(InputError):
        Tenant().accounts(1, team="1002")
