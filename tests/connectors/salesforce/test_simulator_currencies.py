"""An org of several currencies: which one an amount is in, and what amounts of several make together."""

from __future__ import annotations

import pytest
from changeover.connectors.errors import InputError

from .callers import Caller, simulator


def test_amounts_have_currencies_and_are_added_up_in_the_orgs_own() -> None:
    caller = Caller(simulator(currencies="USD=0.125,EUR=0.1"))
    assert caller.find("SELECT IsoCode, ConversionRate, IsCorporate FROM CurrencyType ORDER BY IsoCode") == [
        {"IsoCode": "CNY", "ConversionRate": 1.0, "IsCorporate": True},
        {"IsoCode": "EUR", "ConversionRate": 0.1, "IsCorporate": False},
        {"IsoCode": "USD", "ConversionRate": 0.125, "IsCorporate": False},
    ]
    described = caller.call("GET", "sobjects/Opportunity/describe")[1]["fields"]
    (told,) = [each for each in described if each["name"] == "CurrencyIsoCode"]
    assert (told["restrictedPicklist"], told["defaultedOnCreate"]) == (True, True)
    assert [each["value"] for each in told["picklistValues"]] == ["CNY", "USD", "EUR"]
    names = {each["name"] for each in caller.call("GET", "sobjects/User/describe")[1]["fields"]}
    assert "CurrencyIsoCode" not in names
    account = caller.create("Account", Name="甲", CurrencyIsoCode="EUR")
    deal = {"AccountId": account, "StageName": "Proposal", "CloseDate": "2026-03-31"}
    caller.create("Opportunity", Name="own", Amount=100, **deal)
    caller.create("Opportunity", Name="usd", Amount=12.5, CurrencyIsoCode="USD", **deal)
    refused = caller.refused("POST", "sobjects/Opportunity", {"Name": "x", "CurrencyIsoCode": "GBP", **deal})
    assert refused == "400 INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST CurrencyIsoCode"
    rows = caller.find("SELECT Amount, CurrencyIsoCode, convertCurrency(Amount) own FROM Opportunity ORDER BY Name")
    assert [tuple(each.values()) for each in rows] == [(100.0, "CNY", 100.0), (12.5, "USD", 100.0)]
    assert caller.cells("SELECT SUM(Amount) FROM Opportunity") == [200.0]
    assert caller.cells("SELECT MAX(Opportunity.Account.AnnualRevenue) FROM Opportunity") == [None]
    for amount, currency in ((10, "EUR"), (100, "CNY"), (12.5, "USD")):
        own = {"CurrencyIsoCode": currency, "Period__c": "2026-02"}
        caller.create("Checkup_Statement__c", Account__c=account, Amount__c=amount, **own)
    assert caller.find("SELECT Statements__c, Statements_Total__c FROM Account") == [
        {"Statements__c": 3.0, "Statements_Total__c": 30.0}
    ]


def test_an_org_of_one_currency_has_no_field_for_it_and_a_rate_is_a_number() -> None:
    caller = Caller(simulator())
    assert caller.not_found("SELECT CurrencyIsoCode FROM Account") == "400 INVALID_FIELD"
    assert caller.not_found("SELECT IsoCode FROM CurrencyType") == "400 INVALID_TYPE"
    for wrong in ("USD", "USD=x", "USD=0", "USD=NaN"):
        with pytest.raises(InputError) as error:
            simulator(currencies=wrong)
        assert error.value.params["name"] == "currencies"
