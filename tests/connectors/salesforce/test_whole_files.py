"""Files of an org as fields of the records that they hang on, and their bodies."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from changeover.connectors.errors import UnavailableError
from changeover.connectors.held_file import PIECE, FileError, HeldFile, files_in
from changeover.connectors.pace import Pace
from changeover.connectors.port import KEY
from changeover.connectors.salesforce.simulator import Simulator
from changeover.connectors.schema import FieldType

from .callers import Caller, simulator
from .org_kit import Answered, InProcess, connected
from .test_connector_reads import Org, cells

LARGE = bytes(range(256)) * (5 * PIECE // 512)


class Filed:
    """An org with files, and who puts them there."""

    def __init__(self, there: Simulator) -> None:
        self.org, self.caller = Org(there), Caller(there)

    def file(self, title: str, body: bytes, parent: str | None = None, **values: Any) -> str:
        told = {"Title": title, "PathOnClient": f"c:\\{title}.pdf", **values}
        told |= {"FirstPublishLocationId": parent} if parent else {}
        return self.caller.create("ContentVersion", VersionData=base64.b64encode(body).decode(), **told)

    def attach(self, name: str, body: bytes, parent: str) -> str:
        return self.caller.create(
            "Attachment", Name=name, ParentId=parent, Body=base64.b64encode(body).decode(), ContentType="text/plain"
        )

    def document_of(self, version: str) -> str:
        return next(str(each["ContentDocumentId"]) for each in self.rows("ContentVersion") if each["Id"] == version)

    def rows(self, name: str) -> list[dict[str, Any]]:
        return self.org.simulator.rows(name)

    def held(self, name: str, field: str) -> dict[str, tuple[HeldFile, ...]]:
        """By key of a record."""
        told = {}
        for chunk in self.org.connector.read(name, [field], size=3):
            told |= dict(zip(chunk.keys, map(files_in, cells(chunk)[field]), strict=True))  # type: ignore[arg-type]
        return told

    def body(self, file: HeldFile) -> bytes:
        return b"".join(self.org.connector.body("Account", file))


@pytest.fixture(scope="module")
def filed() -> Iterator[Filed]:
    there = simulator()
    yield Filed(there)
    there.close()


def md5(body: bytes) -> str:
    return "md5:" + hashlib.md5(body, usedforsecurity=False).hexdigest()


def test_files_hang_on_records_as_fields(filed: Filed) -> None:
    one, two, three = filed.org.accounts(3)
    first = filed.file("报告", b"draft", one)
    document = filed.document_of(first)
    second = filed.file("报告", b"final\r\n", ContentDocumentId=document)
    filed.caller.create("ContentDocumentLink", ContentDocumentId=document, LinkedEntityId=two)
    filed.file("a.PDF", b"a", two)
    gone = filed.file("gone", b"g", two)
    filed.caller.call("DELETE", f"sobjects/ContentDocument/{filed.document_of(gone)}")
    attached = filed.attach("扫描.tif", b"\x00" * 700, one)

    schema = filed.org.connector.describe().objects
    assert {each.name: each.checksum for each in schema["Account"].fields if each.type is FieldType.FILE} == {
        "Files": "md5",
        "Attachments": "",
    }
    assert [each.name for each in schema["Account"].fields if each.type is FieldType.FILE and each.writable] == [
        "Files"
    ]
    carried = {name: each.field(field) for name, field in BODIES.items() if (each := schema[name])}
    assert all(each is not None and each.type is FieldType.FILE for each in carried.values())

    report = HeldFile(f"ContentVersion/{second}/VersionData", "报告.pdf", 7, md5(b"final\r\n"))
    told = filed.held("Account", "Files")
    assert told[one] == (report,), "the newest version alone"
    assert [each.name for each in told[two]] == ["a.PDF", "报告.pdf"]
    assert told[three] == ()
    assert filed.body(report) == b"final\r\n"
    scan = HeldFile(f"Attachment/{attached}/Body", "扫描.tif", 700)
    assert filed.held("Account", "Attachments")[one] == (scan,)
    assert filed.body(scan) == b"\x00" * 700
    found = filed.org.connector.find("Account", (KEY,), [(one,)], ["Attachments", "Name", "Files"])
    assert list(found.frame) == ["Attachments", "Name", "Files"]
    assert files_in(cells(found)["Files"][0]) == (report,)  # type: ignore[arg-type]
    since = filed.org.connector.now()
    (changed,) = filed.org.connector.changed("Account", ["Files"], since)
    assert files_in(cells(changed)["Files"][0]) == (report,)  # type: ignore[arg-type]


BODIES = {"ContentVersion": "VersionData", "Attachment": "Body", "Document": "Body"}


def test_a_record_that_is_a_file_has_its_body_in_a_field(filed: Filed) -> None:
    account = filed.org.accounts(1)[0]
    filed.attach("b.txt", b"bb", account)
    version = filed.file("c", b"ccc", account)
    user = str(filed.org.simulator.sign_in.run_as["Id"])
    body = base64.b64encode(b"d").decode()
    document = filed.caller.create("Document", Name="d", Type="docx", FolderId=user, Body=body)
    told = filed.held("ContentVersion", "VersionData")
    assert told[version] == (HeldFile(f"ContentVersion/{version}/VersionData", "c.pdf", 3, md5(b"ccc")),)
    (held,) = filed.held("Document", "Body")[document]
    assert (held.name, filed.body(held)) == ("d.docx", b"d")
    assert {"b.txt"} <= {each.name for held in filed.held("Attachment", "Body").values() for each in held}
    there = [each["Id"] for each in filed.rows("ContentVersion") if not each["IsDeleted"]]
    assert list(told) == there, "earlier versions too"


def test_who_may_not_see_a_document_misses_it_all_the_same(filed: Filed) -> None:
    """The link is there, what it leads to is not told."""
    account = filed.org.accounts(1)[0]
    document = filed.document_of(filed.file("hidden", b"h", account))
    filed.org.simulator.org.store.remove("ContentDocument", document)
    (held,) = filed.held("Account", "Files")[account]
    assert (held.id, held.name) == ("", document)
    with pytest.raises(FileError) as raised:
        filed.body(held)
    assert raised.value.code == "file.unreadable"


def test_a_body_that_is_gone_is_told_from_one_that_may_not_be_read(filed: Filed) -> None:
    account = filed.org.accounts(1)[0]
    attached = filed.attach("e", b"e", account)
    (held,) = filed.held("Account", "Attachments")[account]
    filed.caller.call("DELETE", f"sobjects/Attachment/{attached}")
    with pytest.raises(FileError) as raised:
        filed.body(held)
    assert raised.value.code == "file.gone"


def cut(times: int) -> Callable[[str, Callable[[], Answered]], Answered]:
    """The first answers with a body break off behind three quarters of it."""
    left = [times]

    def strike(path: str, act: Callable[[], Answered]) -> Answered:
        status, headers, body = act()
        if path.endswith("/VersionData") and left[0]:
            left[0] -= 1
            return status, {**headers, "Content-Length": str(len(body))}, body[: len(body) * 3 // 4]
        return status, headers, body

    return strike


@pytest.mark.parametrize("ranges", ["yes", "no"])
def test_a_body_goes_on_where_the_line_broke(ranges: str) -> None:
    filed = Filed(simulator(ranges=ranges))
    filed.file("large", LARGE, filed.org.accounts(1)[0])
    (held,) = next(iter(filed.held("Account", "Files").values()))
    way = InProcess(filed.org.simulator, cut(2))
    connector = connected(way, filed.org.clock, Pace(filed.org.clock))
    pieces = list(connector.body("Account", held))
    assert b"".join(pieces) == LARGE
    assert max(map(len, pieces)) <= PIECE
    asked = [each.headers.get("Range") for each in way.sent if each.path_url.endswith("/VersionData")]
    second = 2 * PIECE if ranges == "yes" else PIECE
    assert asked == [None, f"bytes={PIECE}-", f"bytes={second}-"]
    never = connected(InProcess(filed.org.simulator, cut(99)), filed.org.clock, Pace(filed.org.clock))
    with pytest.raises(UnavailableError):
        list(never.body("Account", held))
    filed.org.simulator.close()
