"""Files out of Salesforce into Fxiaoke by the real loader, both simulated in this process, on one clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from changeover.connectors.port import Connector
from changeover.connectors.salesforce.simulator import Fault, FaultKind, Faults, Settings, Simulator
from changeover.connectors.secrets import Secrets
from changeover.migrate.check import check
from changeover.migrate.pace.pacing import Paces
from changeover.migrate.project import Project
from changeover.runs.report.model import Report

from ...migrate.test_fxiaoke_filed import IntoFxiaoke
from .org_kit import InProcess, connected
from .test_whole_files import Filed

MAPPING = """
mapping: contract
from: Account
to: paper
fields:
  id: Name
  files: {from: %s}
"""
BODIES = ("*/VersionData", "*/Body")


class OutOfSalesforce(IntoFxiaoke):
    """Its source is an org. field: the files that move."""

    def __init__(self, folder: Path, field: str, *faults: Fault[FaultKind], **settings: str) -> None:
        super().__init__(folder)
        self.map_files(field)
        told = Settings.of({"query_all_files": "yes", **settings})
        self.org = Simulator(self.clock, told, None, Faults(list(faults)))
        self.filed = Filed(self.org)
        self.source = connected(InProcess(self.org), self.clock, objects=["Account"])  # type: ignore[assignment]

    @contextmanager
    def _connectors(
        self, project: Project, secrets: Secrets, paces: Paces, clock: object
    ) -> Iterator[tuple[Connector, Connector]]:
        pace = paces.sources["source"]
        self.source = connected(InProcess(self.org), self.clock, pace, objects=["Account"])  # type: ignore[assignment]
        with super()._connectors(project, secrets, paces, clock) as both:
            yield both

    def map_files(self, field: str, dropped: Iterable[str] = ()) -> None:
        drop = "drop:\n" + "".join(f"  {each}: nobody needs it\n" for each in dropped) if dropped else ""
        (self.folder / "mappings" / "contract.yaml").write_text(MAPPING % field + drop, "utf-8")

    def checked(self) -> Report:
        with self._in_process() as project:
            return check(project, Secrets(), self.clock)


def test_files_move_whole_and_are_compared_body_by_body(tmp_path: Path) -> None:
    faults = [Fault(path, FaultKind.UNAVAILABLE, frozenset({2})) for path in BODIES]
    faults.append(Fault("*/VersionData", FaultKind.CUT, frozenset({4})))
    world = OutOfSalesforce(tmp_path, "Files", *faults)
    accounts = world.filed.org.accounts(3)
    large = b"\r\n\x00" * 600_000
    version = world.filed.file("合同", large, accounts[0])
    document = world.filed.document_of(version)
    world.filed.caller.create("ContentDocumentLink", ContentDocumentId=document, LinkedEntityId=accounts[1])
    world.filed.file("a", b"a", accounts[0])
    planned = world.plan()
    (told,) = planned.extra["files"]  # type: ignore[misc]
    assert (told["moved"], told["bytes"]) == (3, 2 * len(large) + 1)
    assert world.run().exit_code == 0
    assert world.bodies() == {"客户0": [b"a", large], "客户1": [large], "客户2": []}
    compared = world.reconcile(files=True)
    assert (compared.exit_code, compared.extra["bodies"]) == (0, 3)
    assert world.org.faults.struck == 2
    world.org.close()


def test_the_calls_of_files_are_foretold_on_both_sides(tmp_path: Path) -> None:
    """One that lies under two records is had from the source for each of them."""
    world = OutOfSalesforce(tmp_path, "Files")
    accounts = world.filed.org.accounts(3)
    version = world.filed.file("a", b"a", accounts[0])
    link = {"ContentDocumentId": world.filed.document_of(version), "LinkedEntityId": accounts[1]}
    world.filed.caller.create("ContentDocumentLink", **link)
    world.filed.file("b", b"b", accounts[0])
    planned, report = world.plan(), world.run()
    assert report.exit_code == 0
    assert report.extra["calls"]["made"] == planned.extra["calls"]["predicted"]  # type: ignore[index]
    foretold = planned.extra["source_calls"]["source"]  # type: ignore[index]
    bodies, time = 3, 1
    assert foretold["predicted"]["api"] == foretold["made"]["api"] + bodies + time
    assert report.extra["source_calls"]["source"]["made"] == foretold["predicted"]  # type: ignore[index]
    world.org.close()


def test_a_check_says_where_files_may_be_hidden(tmp_path: Path) -> None:
    world = OutOfSalesforce(tmp_path, "Attachments", query_all_files="no", hidden_fields="Account.Fax")
    account = world.filed.org.accounts(1)[0]
    world.filed.attach("b", b"b", account)
    fields = set(world.source.describe().objects["Account"].field_names) - {"Name"}
    world.map_files("Attachments", fields - {"Attachments"})
    hidden = {each.text.code for each in world.checked().causes}
    assert {"salesforce.unseen_fields"} <= hidden
    assert "salesforce.unseen_files" not in hidden, "none of those move"
    world.map_files("Files", fields - {"Files"})
    report = world.checked()
    assert "salesforce.unseen_files" in {each.text.code for each in report.causes}
    assert (report.exit_code, report.verdict.code, report.verdict.params["count"]) == (1, "check.unseen", 2)
    where = dict(report.facts)["fact.source_location"]
    assert where == "沐安健康管理: ? (host: muan.my.salesforce.com), CHN (InstanceName: CHN8S)"
    world.org.close()
