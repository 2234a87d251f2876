"""What has changed in an org, what was deleted from it, and what became part of another record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.changes import Gone, began
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import InputError
from changeover.connectors.port import AuditFields, Connector
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults, NoAnswerError, Simulator
from changeover.connectors.testing.change_laws import ChangeLaws
from changeover.connectors.testing.sample import SAMPLE, Row, sample_row

from .callers import Caller, simulator
from .org_kit import InProcess, Keyed, connected, org_folder
from .test_connector_reads import Org

SAMPLES = "*/sobjects/sample__c"
(KEY,) = SAMPLE.key


class Changing(Keyed):
    def audit_fields(self, object_name: str) -> Any:
        return AuditFields(modified_at="happened")

    def changed(
        self,
        object_name: str,
        fields: Sequence[str],
        since: dt.datetime,
        *,
        after: str | None = None,
        size: int = 20_000,
    ) -> Iterator[Chunk]:
        named = [f"{each}__c" for each in fields]
        for chunk in self.inner.changed(f"{object_name}__c", named, since, after=after, size=size):  # type: ignore[attr-defined]
            yield self._chunk(object_name, fields, chunk)

    def edit(self, number: int, note: str) -> None:
        row_id = self._there["sample", str(sample_row(number)[KEY])]
        Caller(self._simulator).call("PATCH", f"sobjects/sample__c/{row_id}", {"note__c": note})

    def create(self) -> None:
        """By a call that is held up."""
        with pytest.raises(NoAnswerError):
            Caller(self._simulator).create("sample__c", id__c="late", name__c="x")

    def learn(self) -> None:
        """The key of the only one."""
        (row,) = self._simulator.rows("sample__c")
        self._here[str(row["Id"])] = str(sample_row(1)[KEY])


class TestChanges(ChangeLaws):
    """Writes of others, and one whose transaction is open for five minutes."""

    @pytest.fixture
    def connector(self, tmp_path: Path) -> Iterator[Connector]:
        there = simulator(org_folder(tmp_path), Faults([Fault(SAMPLES, FaultKind.LATE, frozenset({1}), seconds=300)]))
        self.clock = there.org.clock
        yield Changing(connected(InProcess(there), self.clock, objects=["sample__c"]), there)  # type: ignore[arg-type]
        there.close()

    def seed(self, connector: Connector, object_name: str, rows: Iterable[Row]) -> None:
        assert isinstance(connector, Changing)
        connector.put(object_name, rows)

    def touch(self, connector: Connector, number: int, at: dt.datetime, note: str = "") -> None:
        assert isinstance(connector, Changing)
        self.clock.sleep((at - connector.now()).total_seconds())
        if note:
            connector.edit(number, note)
        else:
            connector.put("sample", [sample_row(number)])

    def late(self, connector: Connector) -> None:
        assert isinstance(connector, Changing)
        connector.create()
        self.clock.sleep(1)

    def seen_now(self, connector: Connector) -> None:
        assert isinstance(connector, Changing)
        self.clock.sleep(300)
        connector.learn()


@pytest.fixture(scope="module")
def there() -> Iterator[Simulator]:
    there = simulator()
    yield there
    there.close()


def gone(org: Org, name: str, since: dt.datetime) -> dict[str, Gone]:
    told = list(org.connector.deleted(name, since))
    assert len({each.key for each in told}) == len(told)
    return {each.key: each for each in told}


def test_what_was_deleted_comes_with_what_it_became_part_of(there: Simulator) -> None:
    org, caller = Org(there), Caller(there)
    stays, merged, deleted, back, purged = org.accounts(5)
    org.clock.sleep(90)
    before = org.connector.now()
    assert gone(org, "Account", before) == {}
    there.merge(stays, merged)
    for each in (deleted, back, purged):
        caller.call("DELETE", f"sobjects/Account/{each}")
    there.undelete(back)
    there.org.store.note_gone("Account", [back], there.org.stamp())  # a log may forget to strike it out
    there.org.store.remove("Account", purged)
    org.clock.sleep(20)
    now = org.connector.now()
    told = gone(org, "Account", before)
    assert {key: each.into for key, each in told.items()} == {merged: stays, deleted: None, purged: None}
    assert all(each.at == before for each in told.values())
    assert gone(org, "Account", now) == {}
    changed = [key for chunk in org.connector.changed("Account", ["Name"], before) for key in chunk.keys]
    assert changed == sorted([stays, back]), "what came back has changed, and so has who took another in"


def test_objects_without_a_log_are_read_by_their_times_and_their_bin(there: Simulator) -> None:
    org, caller = Org(there), Caller(there)
    account = caller.create("Account", Name="甲")
    before = org.connector.now()
    caller.call("PATCH", f"sobjects/Account/{account}", {"Name": "乙"})
    shown = org.connector.changed("AccountHistory", ["Field"], before)
    assert [len(chunk) for chunk in shown] == [1]
    assert list(org.connector.changed("AccountHistory", [], before + dt.timedelta(seconds=1))) == []
    (key,) = [each["Id"] for each in there.rows("AccountHistory") if each["AccountId"] == account]
    there.org.store.change("AccountHistory", key, {"IsDeleted": 1})
    assert gone(org, "AccountHistory", before) == {key: Gone(key, before)}
    assert org.connector.covered("AccountHistory") == org.connector.now()
    with pytest.raises(InputError) as raised:
        list(org.connector.deleted("ObjectPermissions", before))
    assert raised.value.code == "changes.no_deletes"


def test_deletes_of_long_ago_are_not_passed_over() -> None:
    org = Org(simulator())
    (key,) = org.accounts(1)
    start = org.connector.now()
    Caller(org.simulator).call("DELETE", f"sobjects/Account/{key}")
    org.clock.sleep(14.9 * 86_400)
    assert list(gone(org, "Account", start)) == [key]
    org.clock.sleep(0.2 * 86_400)
    for name in ("Account", "AccountHistory"):
        with pytest.raises(InputError) as raised:
            list(org.connector.deleted(name, start))
        assert raised.value.code == "changes.too_long_ago"
        assert raised.value.params["earliest"] > start.isoformat()
    org.simulator.close()


def test_nobody_goes_on_past_a_transaction_that_is_open() -> None:
    org = Org(simulator(faults=Faults([Fault("*/sobjects/Account", FaultKind.LATE, frozenset({1}), seconds=7200)])))
    caller = Caller(org.simulator)
    with pytest.raises(NoAnswerError):
        caller.create("Account", Name="甲")
    opened = org.connector.now()
    org.clock.sleep(3600)
    asks_from = began(org.connector, "Account")
    assert asks_from == opened
    assert began(org.connector, "Contact") == opened, "the org does not say whose it is"
    assert [*org.connector.changed("Account", [], asks_from)] == []
    org.clock.sleep(3601)
    assert [len(each) for each in org.connector.changed("Account", [], asks_from)] == [1]
    assert began(org.connector, "Account") == org.connector.now() - org.connector.capabilities.overlap
    org.simulator.close()
