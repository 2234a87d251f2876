"""Records looked for by words."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from .callers import Caller, plain, simulator


@pytest.fixture(scope="module")
def caller() -> Caller:
    caller = Caller(simulator())
    firm = caller.create("Account", Name="Acme 100% 健康", Phone="024-1", Industry="Retail")
    caller.create("Account", Name="Acne", Description="Acme")
    caller.create("Contact", FirstName="Ada", LastName="Acme", Email="ada@x.example", AccountId=firm)
    caller.create("Contact", LastName="O'Neil", Email="acme@x.example")
    gone = caller.create("Account", Name="Acme gone")
    caller.call("DELETE", f"sobjects/Account/{gone}")
    return caller


def found(caller: Caller, sosl: str, version: int = 67) -> Any:
    status, told = caller.call("GET", f"/services/data/v{version}.0/search/?q={quote(sosl)}")
    assert status == 200, told
    return plain(told)


@pytest.mark.parametrize(
    ("sosl", "names"),
    [
        ("FIND {acme} IN NAME FIELDS RETURNING Account(Name), Contact(Name)", ["Acme 100% 健康", "Ada Acme"]),
        ("FIND {acme} IN EMAIL FIELDS RETURNING Account(Name), Contact(Name)", ["O'Neil"]),
        ("find {acme ada} in all fields returning Contact(Name ORDER BY Name)", ["Ada Acme"]),
        ("FIND {acme OR ac?e} RETURNING Account(Name ORDER BY Name)", ["Acme 100% 健康", "Acne"]),
        ('FIND {"100\\% 健康"} RETURNING Account(Name)', ["Acme 100% 健康"]),
        ("FIND {康} RETURNING Account(Name)", ["Acme 100% 健康"]),
        (
            "FIND {O\\'Neil} RETURNING Contact(Name WHERE Email LIKE 'acme%' AND (LastName != 'x)')), Account",
            ["O'Neil"],
        ),
        (
            "FIND {acme} RETURNING Contact(Name ORDER BY Name LIMIT 1), Account(Name) LIMIT 2",
            ["Ada Acme", "Acme 100% 健康"],
        ),
        ("FIND {024-1} IN PHONE FIELDS RETURNING Account(Name)", ["Acme 100% 健康"]),
        ("FIND {1_0} RETURNING Account(Name)", []),
    ],
)
def test_words_are_found_where_they_are_looked_for(caller: Caller, sosl: str, names: list[str]) -> None:
    assert [each["Name"] for each in found(caller, sosl)["searchRecords"]] == names


def test_ids_are_told_where_nothing_else_is_wanted_and_older_versions_tell_a_list(caller: Caller) -> None:
    told = found(caller, "FIND {ada}")["searchRecords"]
    assert [[*each] for each in told] == [["Id"]]
    assert found(caller, "FIND {ada}", version=36) == told


def test_what_cannot_be_looked_for_is_said(caller: Caller) -> None:
    wrong = {
        "FIND acme": "MALFORMED_SEARCH",
        "FIND {a}": "MALFORMED_SEARCH",
        "FIND {}": "MALFORMED_SEARCH",
        "FIND {a*} RETURNING Account": "MALFORMED_SEARCH",
        "FIND {acme} RETURNING Account(": "MALFORMED_SEARCH",
        "FIND {acme} RETURNING Account(Nome)": "INVALID_FIELD",
        "FIND {acme} RETURNING Firm(Name)": "INVALID_TYPE",
    }
    told = {each: caller.refused("GET", f"search?q={quote(each)}") for each in wrong}
    assert told == {each: f"400 {code}" for each, code in wrong.items()}
