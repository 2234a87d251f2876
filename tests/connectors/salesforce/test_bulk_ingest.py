"""Creations by jobs of Bulk 2.0: the same as by calls, each once, and told as it is, whatever befalls the job."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from changeover.connectors.change import Change, ChangeKind, OutcomeState
from changeover.connectors.pace import Action
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults, Simulator

from .callers import Caller, simulator
from .target_kit import KEY_FIELD, emptied
from .test_target_writes import Target, account, changed

ACKED, NOT_SENT, UNKNOWN = OutcomeState.ACKED, OutcomeState.NOT_SENT, OutcomeState.UNKNOWN
NOT_DONE = (NOT_SENT, OutcomeState.EXPIRED)
JOBS = "/services/data/v67.0/jobs/ingest"
JOB = f"{JOBS}/750{'?' * 15}"
"""Where one is closed, looked at and taken away."""
OPTIONS: dict[str, Any] = {"write_by": "jobs", "job_from": 5, "job_rows": 200}
WHOLE = ["POST", "PUT */batches", "PATCH *", "GET *", "GET *", "GET */successfulResults", "DELETE *"]


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    made = simulator(None, key_field=KEY_FIELD)
    yield made
    made.close()


@pytest.fixture
def there(shared: Simulator) -> Simulator:
    emptied(shared)
    return shared


def jobs(org: Target) -> list[str]:
    """Calls that are about jobs."""
    told = [(str(each.method), str(each.path_url).partition("?")[0]) for each in org.way.sent]
    cut = [(method, path.removeprefix(JOBS).split("/")) for method, path in told if path.startswith(JOBS)]
    return [
        " ".join([method, "/".join("*" if each.startswith("750") else each for each in path[1:])]).strip()
        for method, path in cut
    ]


def accounts(number: int) -> list[Change]:
    return [account(each) for each in range(number)]


def contents(there: Simulator, name: str = "Account") -> dict[str, dict[str, Any]]:
    """By our key; two records with the same fail."""
    rows = there.rows(name)
    told = {str(row[KEY_FIELD]): row for row in rows}
    assert len(told) == len(rows)
    return told


def left(there: Simulator) -> list[object]:
    return list(Caller(there).call("GET", "jobs/ingest")[1]["records"])


def test_a_job_makes_what_calls_make(there: Simulator) -> None:
    def rich(number: int) -> Change:
        cells: dict[str, Any] = {
            "AnnualRevenue": Decimal("12345678901234.50") if number % 2 else None,
            "NumberOfEmployees": number,
            "Description": f'say "{number}",\r\nor; not\n' if number % 3 else None,
            "Key_Account__c": number % 2 == 0,
            "Rating": None,
        }
        return account(number, **cells)

    changes = [rich(number) for number in range(12)]
    by_jobs, by_calls = Target(there, **OPTIONS), Target(there)
    told = by_jobs.write(*changes)
    made = contents(there)
    assert {key: each.target_key for key, each in told.items()} == {key: row["Id"] for key, row in made.items()}
    assert {each.state for each in told.values()} == {ACKED}
    assert jobs(by_jobs) == WHOLE
    assert sum(
        need.calls_for(12) for need in by_jobs.connector.capabilities.allowance.needs_of("Account", Action.WRITE)
    ) == len(WHOLE)
    there.org.store.sql.execute('DELETE FROM "Account"')
    there.org.live.clear()
    by_calls.write(*changes)
    own = {"Id", "CreatedDate", "LastModifiedDate", "SystemModstamp"}
    assert [{name: cell for name, cell in row.items() if name not in own} for row in made.values()] == [
        {name: cell for name, cell in row.items() if name not in own} for row in contents(there).values()
    ]
    assert left(there) == []


def test_what_is_emptied_gets_no_default(there: Simulator) -> None:
    name, org = "Checkup_Statement__c", Target(there, **OPTIONS)
    plain: dict[str, Any] = {"Account__c": org.made(), "Period__c": "2026-03"}
    rows = [Change(ChangeKind.CREATE, f"s:{at}", None, plain | ({"Status__c": None} if at else {})) for at in range(5)]
    told = org.write(*rows, name=name)
    assert {each.state for each in told.values()} == {ACKED}, told
    assert [row["Status__c"] for row in contents(there, name).values()] == ["Draft", None, None, None, None]


def test_what_is_refused_is_told_as_calls_tell_it(there: Simulator) -> None:
    Target(there).made(3)
    bad = [account(7, Phone="1" * 41), account(8, ParentId="001000000000000AAA"), account(9, Name=None)]
    changes = [*accounts(6), *bad, account(10, Tax_Number__c="T1"), account(11, Tax_Number__c="T1")]
    told = Target(there, **OPTIONS).write(*changes)
    again = Target(there).write(*[each for each in changes if told[each.our_key].state is not ACKED])
    assert told["old:acc:3"].state is OutcomeState.EXISTS
    assert [each.our_key for each in told.values() if each.state is OutcomeState.REJECTED][:3] == [
        "old:acc:7",
        "old:acc:8",
        "old:acc:9",
    ]
    for key, each in again.items():
        assert (told[key].state, told[key].code, told[key].field) == (each.state, each.code, each.field)
    assert contents(there).keys() == {key for key, each in told.items() if each.target_key}


@pytest.mark.parametrize(
    ("path", "kind", "after"),
    [
        (JOBS, FaultKind.LOST, False),
        (JOBS, FaultKind.LOST, True),
        (JOBS, FaultKind.UNAVAILABLE, False),
        (JOBS, FaultKind.EXPIRED, False),
        (f"{JOBS}/*/batches", FaultKind.LOST, True),
        (f"{JOBS}/*/batches", FaultKind.HTML, False),
        (JOB, FaultKind.LOST, True),
        (JOB, FaultKind.UNAVAILABLE, True),
        (JOB, FaultKind.LOST, False),
        (f"{JOBS}/*/successfulResults", FaultKind.LOST, False),
        (f"{JOBS}/*/successfulResults", FaultKind.HTML, False),
    ],
)
@pytest.mark.parametrize("calls", [{1}, set(range(1, 9))], ids=["once", "for long"])
def test_a_silence_is_told_as_it_is_and_nothing_is_made_twice(
    path: str, kind: FaultKind, after: bool, calls: set[int], there: Simulator
) -> None:
    there.faults = Faults([Fault(path, kind, frozenset(calls), after=after)])
    changes = accounts(9)
    told = Target(there, **OPTIONS).write(*changes)
    made = contents(there)
    for key, each in told.items():
        assert each.state in (ACKED, *NOT_DONE, UNKNOWN), each
        assert (each.target_key in [row["Id"] for row in made.values()]) is (each.state is ACKED)
        assert not (each.state in NOT_DONE and key in made)
    there.faults = Faults([])
    again = Target(there, **OPTIONS).write(*[each for each in changes if told[each.our_key].state is not ACKED])
    assert {each.state for each in again.values()} <= {ACKED, OutcomeState.EXISTS}
    assert contents(there).keys() == {each.our_key for each in changes}


def test_a_job_that_never_came_to_be_closed_is_taken_away(there: Simulator) -> None:
    before = left(there)
    there.faults = Faults([Fault(JOB, FaultKind.LOST, frozenset({1}))])
    told = Target(there, **OPTIONS).write(*accounts(6))
    assert {each.state for each in told.values()} == {UNKNOWN}
    assert (left(there), contents(there)) == (before, {})


def test_a_job_that_fails_half_way_tells_which_are_not_done(there: Simulator) -> None:
    before = left(there)
    there.faults = Faults([Fault(f"{JOBS}/*", FaultKind.FAILED, frozenset({2}))])
    told = Target(there, **OPTIONS).write(*accounts(8))
    states = [each.state for each in told.values()]
    assert (states.count(ACKED), states.count(NOT_SENT)) == (4, 4)
    assert contents(there).keys() == {key for key, each in told.items() if each.state is ACKED}
    assert left(there) == before


def test_what_goes_by_calls_all_the_same(there: Simulator) -> None:
    def by_jobs(*changes: Change, name: str = "Account", **options: Any) -> list[str]:
        org = Target(there, **{**OPTIONS, **options})
        told = org.write(*changes, name=name)
        assert {each.state for each in told.values()} == {ACKED}
        return jobs(org)

    assert by_jobs(*accounts(4)) == [], "few"
    keys = [str(row["Id"]) for row in there.rows("Account")]
    assert by_jobs(*[changed(key, number, Phone="1") for number, key in enumerate(keys)], job_from=1) == []
    assert by_jobs(*[account(20 + each, Description="#N/A") for each in range(6)]) == [], "it would be empty"
    assert {row["Description"] for row in there.rows("Account")} == {None, "#N/A"}
    assert by_jobs(*[account(30 + each) for each in range(6)], assignment=True) == []
    assert by_jobs(*[account(40 + each) for each in range(6)]) == WHOLE
    assert by_jobs(*[account(1000 + each) for each in range(200)], job_from=200) == WHOLE


def test_what_a_duplicate_rule_stops_is_saved_by_calls_or_refused() -> None:
    org = simulator(None, key_field=KEY_FIELD, duplicate_rules="Account.Name")
    Target(org).made(1)
    twins = [account(1, Name="客户1"), *[account(number) for number in range(2, 9)]]
    twins = [Change(ChangeKind.CREATE, f"other:{each.our_key}", None, each.values) for each in twins]
    refused = Target(org, **OPTIONS, duplicates="refuse").write(*twins)
    assert [each.code for each in refused.values() if each.state is not ACKED] == ["target.duplicate"]
    saved = Target(org, **OPTIONS).write(*twins)
    assert saved["other:old:acc:1"].state is ACKED
    assert len(contents(org)) == 1 + 8
    org.close()
