"""Files go into an org together with the records that have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pytest
from changeover.connectors.cell import Cell
from changeover.connectors.change import Batch, Change, ChangeKind, Outcome, OutcomeState
from changeover.connectors.chunk import Chunk
from changeover.connectors.clock import VirtualClock
from changeover.connectors.forwarding import Forwarding
from changeover.connectors.held_file import Body, FileError, HeldFile, Uploaded, cell_of, files_in
from changeover.connectors.port import OUR_KEY, Connector
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults, Simulator
from changeover.connectors.salesforce.with_files import MOST
from changeover.connectors.testing.file_laws import FileLaws
from changeover.connectors.testing.sample import Row

from .callers import simulator
from .target_kit import KEY_FIELD
from .test_connector_reads import cells
from .test_target_writes import Target

NAMES = {"id": "Name", "files": "Files"}


class Papers(Forwarding):
    """Accounts called papers."""

    def count(self, object_name: str) -> int:
        return self.inner.count("Account")

    def find(
        self, object_name: str, by: Sequence[str], values: Sequence[tuple[Cell, ...]], fields: Sequence[str]
    ) -> Chunk:
        chunk = self.inner.find("Account", by, values, [NAMES[each] for each in fields])
        return Chunk(chunk.object, chunk.frame.rename(columns={"Files": "files"}), chunk.keys, "", chunk.our_keys)

    def write(self, batch: Batch) -> list[Outcome]:
        return self.inner.write(Batch("Account", tuple(map(renamed, batch.changes))))

    def upload(self, object_name: str, field: str, file: HeldFile, body: Body) -> Uploaded:
        return self.inner.upload("Account", "Files", file, body)  # type: ignore[attr-defined,no-any-return]


def renamed(each: Change) -> Change:
    values = {NAMES[name]: cell for name, cell in each.values.items()}
    return Change(each.kind, each.our_key, each.target_key, values)


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    made = simulator(None, key_field=KEY_FIELD)
    yield made
    made.close()


@pytest.fixture
def org(shared: Simulator) -> Iterator[Target]:
    for name in ("Account", "ContentVersion", "ContentDocument", "ContentDocumentLink"):
        shared.org.store.sql.execute(f'DELETE FROM "{name}"')
    shared.org.live.clear()
    yield Target(shared)
    shared.faults = Faults([])


class TestSalesforceFiles(FileLaws):
    @pytest.fixture
    def connector(self, org: Target) -> Connector:
        clock = org.simulator.org.clock
        assert isinstance(clock, VirtualClock)
        self.clock = clock
        return Papers(org.connector)

    def seed(self, connector: Connector, object_name: str, rows: Iterable[Row]) -> None:
        """No law of files asks for it."""


def given(org: Target, name: str, body: bytes = b"abc") -> HeldFile:
    file = HeldFile("there", name, len(body))
    told = org.connector.upload("Account", "Files", file, lambda: iter([body]))
    return HeldFile(told.id, name, len(body))


def with_files(number: int, *files: HeldFile, key: str | None = None, **more: Cell) -> Change:
    kind = ChangeKind.CREATE if key is None else ChangeKind.UPDATE
    values: dict[str, Cell] = {**({"Name": f"客户{number}"} if key is None else {}), **more, "Files": cell_of(files)}
    return Change(kind, f"old:acc:{number}", key, values)


def held(org: Target, number: int) -> list[str]:
    chunk = org.connector.find("Account", (OUR_KEY,), [(f"old:acc:{number}",)], ["Files"])
    return [file.name for cell in cells(chunk)["Files"] for file in files_in(cell)]  # type: ignore[arg-type]


def graphs(org: Target) -> int:
    return org.paths().count("/composite/graph")


def test_a_record_and_its_files_are_one_act(org: Target) -> None:
    """A batch of records with files is a call for many; one that is refused leaves no link, and the others are done;
    one that has none goes as all do."""
    files = [given(org, f"{number}.txt") for number in range(3)]
    told = org.write(
        with_files(1, files[0], files[1]), with_files(2, files[2], Name=None), with_files(3, files[2]), with_files(4)
    )
    done = {key for key, each in told.items() if each.state is OutcomeState.ACKED}
    assert done == {"old:acc:1", "old:acc:3", "old:acc:4"}
    assert (told["old:acc:2"].code, told["old:acc:2"].field) == ("target.required", "Name")
    assert (held(org, 1), held(org, 3), held(org, 4)) == (["0.txt", "1.txt"], ["2.txt"], [])
    assert graphs(org) == 1
    again = org.write(with_files(1, files[2]), with_files(5, files[0]))
    assert {key: each.state for key, each in again.items()} == {
        "old:acc:1": OutcomeState.EXISTS,
        "old:acc:5": OutcomeState.ACKED,
    }
    assert held(org, 1) == ["0.txt", "1.txt"], "what exists takes none"
    org.simulator.org.store.sql.execute('UPDATE "ContentDocument" SET "IsDeleted" = 1')
    org.simulator.org.live.clear()
    binned = org.one(with_files(6, files[0]))
    assert (binned.state, binned.code) == (OutcomeState.REJECTED, "target.reference")
    assert org.connector.find("Account", (OUR_KEY,), [("old:acc:6",)], []).keys == []


def test_an_update_of_files_alone_touches_nothing_else(org: Target) -> None:
    one, two = given(org, "one.txt"), given(org, "two.txt")
    key = str(org.one(with_files(1, one)).target_key)
    before = org.row(key)
    org.clock.sleep(60)
    assert org.one(with_files(1, two, key=key)).state is OutcomeState.ACKED
    assert (held(org, 1), org.row(key)) == (["two.txt"], before)
    calls = graphs(org)
    assert org.one(with_files(1, two, key=key)).state is OutcomeState.ACKED
    assert graphs(org) == calls, "it has them"
    assert org.one(with_files(1, key=key, Phone="1")).state is OutcomeState.ACKED
    assert (held(org, 1), org.row(key)["Phone"]) == ([], "1")
    org.one(Change(ChangeKind.DELETE, "old:acc:1", key))
    gone = org.one(with_files(1, two, key=key))
    assert (gone.state, gone.code) == (OutcomeState.REJECTED, "target.gone")


@pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.UNAVAILABLE, FaultKind.HTML])
def test_what_nobody_answered_for_is_unknown_and_whole(org: Target, kind: FaultKind) -> None:
    file = given(org, "a.txt")
    org.simulator.faults = Faults([Fault("*/composite/graph", kind, frozenset({1}), after=True)])
    assert org.one(with_files(1, file)).state is OutcomeState.UNKNOWN
    assert held(org, 1) == ["a.txt"]
    assert org.one(with_files(1, file)).state is OutcomeState.EXISTS


def test_an_upload_that_nobody_answered_for_is_made_again_and_one_that_is_refused_is_told(org: Target) -> None:
    upload = "*/sobjects/ContentVersion"
    org.simulator.faults = Faults([Fault(upload, FaultKind.LOST, frozenset({1}), after=True)])
    given(org, "a.txt")
    assert org.simulator.faults.struck == 1
    with pytest.raises(FileError) as raised:
        given(org, "x" * 300)
    assert raised.value.code == "file.refused"


def test_so_many_records_with_files_go_in_a_call(org: Target) -> None:
    file = given(org, "a.txt")
    told = org.connector.write(Batch("Account", tuple(with_files(number, file) for number in range(MOST + 1))))
    assert {each.state for each in told} == {OutcomeState.ACKED}
    assert graphs(org) == 2
