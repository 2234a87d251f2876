"""What our user cannot see of an org, said by name."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from changeover.connectors.finding import Finding, Severity
from changeover.connectors.salesforce.location import facts_of

from .callers import simulator
from .test_connector_reads import Org

MAPPED = ("Account", "Contact", "Checkup_Statement__c", "User", "ContentVersion")
Told = Mapping[tuple[str, str | None], Finding]


def said(*objects: str, accept: tuple[str, ...] = (), **settings: object) -> Told:
    """By code and object."""
    org = Org(simulator(**settings), accept_unseen=list(accept))
    try:
        _three_accounts(org)
        return {(each.code.removeprefix("salesforce."), each.object): each for each in org.connector.unseen(objects)}
    finally:
        org.simulator.close()


def _three_accounts(org: Org) -> None:
    """One of them is our user's."""
    org.accounts(2)
    org.simulator.org.store.insert(
        "Account",
        {
            "Id": org.simulator.org.new_id(org.simulator.org.shapes["Account"]),
            "OwnerId": org.connector.acting_user(),
            "IsDeleted": 0,
            "Name": "ours",
        },
    )


def test_who_sees_everything_is_told_nothing() -> None:
    assert said(*MAPPED, query_all_files="yes") == {}


def test_records_that_are_not_ours_are_counted_by_the_org_itself() -> None:
    told = said(*MAPPED, view_all_data="no", view_all_records="Contact", query_all_files="yes")
    assert set(told) == {
        ("unseen_of", "Account"),
        ("unseen_of", "Checkup_Statement__c"),
        ("unseen_of", "ContentVersion"),
    }, "all of Contact was given, and users own no users"
    account = told["unseen_of", "Account"]
    assert (account.params["seen"], account.params["estimate"], account.severity) == (1, 3, Severity.HOLDS)


def test_fields_and_objects_that_others_see_are_named() -> None:
    hidden = {"hidden_fields": "Account.Fax,Contact.Title,Lead.Rating", "hidden_objects": "Clinic__c,Note"}
    told = said("Account", "Contact", query_all_files="yes", **hidden)
    assert {code: each.params for code, each in told.items()} == {
        ("unseen_objects", None): {"connection": "sf", "objects": "Clinic__c, Note", "number": 2},
        ("unseen_fields", "Account"): {"connection": "sf", "object": "Account", "fields": "Fax", "number": 1},
        ("unseen_fields", "Contact"): {"connection": "sf", "object": "Contact", "fields": "Title", "number": 1},
    }


def test_what_need_not_be_seen_is_left_out() -> None:
    accept = ("Account", "Contact.T*", "Clinic__c")
    settings = {"view_all_data": "no", "hidden_fields": "Contact.Title,Contact.Fax", "hidden_objects": "Clinic__c"}
    told = said("Account", "Contact", accept=accept, query_all_files="yes", **settings)
    assert set(told) == {("unseen_of", "Contact")}


@pytest.mark.parametrize(
    ("host", "instance", "countries"),
    [
        ("https://muan.my.sfcrmproducts.cn", "CHN8S", ["CHN", "CHN"]),
        ("https://muan.my.salesforce.com", "USA664S", [None, "USA"]),
        ("https://muan.my.sfcrmproducts.cn", "deu62", ["CHN", "DEU"]),
        ("https://sfcrmproducts.cn.example", "CS110", [None, None]),
        ("https://muan.my.salesforce.com", "XYZ1", [None, None]),
        ("https://muan.my.salesforce.com", "", [None]),
    ],
)
def test_where_an_org_lies_is_told_as_it_says(host: str, instance: str, countries: list[str | None]) -> None:
    assert [each.country for each in facts_of(host, instance)] == countries


def test_what_cannot_be_asked_is_said() -> None:
    told = said("Account", view_setup="no", hidden_fields="Account.Fax", query_all_files="yes")
    (only,) = told.values()
    assert (only.code, only.severity) == ("salesforce.sight_unproven", Severity.WARNS)
    assert only.params["asked"] == "ObjectPermissions, FieldPermissions"
