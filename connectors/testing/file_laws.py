"""Laws of files: their bodies go in and come out whole, and a record has those that it says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import cast

import pytest

from ..cell import text_of
from ..change import Batch, Change, ChangeKind, Outcome, OutcomeState
from ..held_file import PIECE, FileError, HeldFile, HoldsFiles, TakesFiles, Uploaded, cell_of, files_in
from ..port import OUR_KEY, Connector
from .ground import Ground

EVERY_BYTE = bytes(range(256))
CRLF = b"--boundary\r\nContent-Disposition: form-data\r\n\r\n--boundary--\r\n"


def in_pieces(body: bytes, size: int = 60_000) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def named(name: str, body: bytes) -> HeldFile:
    """The file as a source tells of it."""
    return HeldFile(f"source of {name}", name, len(body), f"sha256:{hashlib.sha256(body).hexdigest()}")


class FileLaws(Ground):
    def takes(self, connector: Connector) -> TakesFiles:
        if not connector.capabilities.takes_files:
            pytest.skip("the system takes no files")
        connector.prepare()
        return cast(TakesFiles, connector)

    def given(self, connector: Connector, name: str, body: bytes) -> tuple[HeldFile, Uploaded]:
        """Upload it; the file as a cell of the target names it."""
        file = named(name, body)
        told = self.takes(connector).upload("paper", "files", file, lambda: in_pieces(body))
        return HeldFile(told.id, name, len(body), file.checksum), told

    def papers(self, connector: Connector, kind: ChangeKind, files: Sequence[HeldFile]) -> Outcome:
        """Create the paper, or write its files."""
        new = kind is ChangeKind.CREATE
        values = {"id": "p1", "files": cell_of(files)} if new else {"files": cell_of(files)}
        key = None if new else connector.find("paper", (OUR_KEY,), [("ours:1",)], []).keys[0]
        [outcome] = connector.write(Batch("paper", (Change(kind, "ours:1", key, values),)))
        self.settle(connector)
        return outcome

    def there(self, connector: Connector) -> tuple[HeldFile, ...]:
        """The files that the paper has; none where it is not there."""
        chunk = connector.find("paper", (OUR_KEY,), [("ours:1",)], ["files"])
        [cell] = text_of(chunk.frame["files"]).to_pylist() or [None]
        return files_in(cell)

    def bodies(self, connector: Connector) -> list[tuple[str, int, bytes]]:
        held = cast(HoldsFiles, connector)
        told = ((each.name, each.size, b"".join(held.body("paper", each))) for each in self.there(connector))
        return sorted(told)

    def test_a_body_comes_back_byte_for_byte(self, connector: Connector) -> None:
        """Whatever is in it and whatever it is called, it is what it was, and the record tells its name and size."""
        sent = [("合同 (盖章).pdf", EVERY_BYTE), ('a "b"; c.txt', CRLF), ("😀", b"\0")]
        files = [self.given(connector, *each)[0] for each in sent]
        assert self.papers(connector, ChangeKind.CREATE, files).state is OutcomeState.ACKED
        if connector.capabilities.holds_files:
            assert self.bodies(connector) == sorted((name, len(body), body) for name, body in sent)
        else:
            told = sorted((each.name, each.size) for each in self.there(connector))
            assert told == sorted((name, len(body)) for name, body in sent)

    def test_a_large_body_comes_in_pieces(self, connector: Connector) -> None:
        """So that nobody has it whole in memory."""
        self.takes(connector)
        if not connector.capabilities.holds_files:
            pytest.skip("the system gives no bodies")
        body = EVERY_BYTE * 10_000
        file, _ = self.given(connector, "large.bin", body)
        self.papers(connector, ChangeKind.CREATE, [file])
        [held] = self.there(connector)
        pieces = list(cast(HoldsFiles, connector).body("paper", held))
        assert b"".join(pieces) == body
        assert max(map(len, pieces)) <= PIECE

    def test_an_upload_twice_is_harmless(self, connector: Connector) -> None:
        """A call whose answer was lost is made again; the record has the file once."""
        self.given(connector, "a.txt", b"abc")
        again, _ = self.given(connector, "a.txt", b"abc")
        assert self.papers(connector, ChangeKind.CREATE, [again]).state is OutcomeState.ACKED
        assert [(each.name, each.size) for each in self.there(connector)] == [("a.txt", 3)]

    def test_a_file_that_nobody_uploaded_is_refused(self, connector: Connector) -> None:
        """The record is refused with it, and is not there without it."""
        self.takes(connector)
        outcome = self.papers(connector, ChangeKind.CREATE, [HeldFile("nowhere", "a.txt", 3)])
        assert outcome.state is OutcomeState.REJECTED
        assert connector.count("paper") == 0

    def test_a_record_changes_its_files(self, connector: Connector) -> None:
        """What an update names is what it has: one that stays by the target's own word, one more, one less, none."""
        one, _ = self.given(connector, "one.txt", b"1")
        two, _ = self.given(connector, "two.txt", b"22")
        self.papers(connector, ChangeKind.CREATE, [one, two])
        kept = next(each for each in self.there(connector) if each.name == "two.txt")
        three, _ = self.given(connector, "three.txt", b"333")
        assert self.papers(connector, ChangeKind.UPDATE, [kept, three]).state is OutcomeState.ACKED
        assert sorted((each.name, each.size) for each in self.there(connector)) == [("three.txt", 3), ("two.txt", 2)]
        assert self.papers(connector, ChangeKind.UPDATE, []).state is OutcomeState.ACKED
        assert self.there(connector) == ()

    def test_an_upload_is_good_as_long_as_it_says(self, connector: Connector) -> None:
        """Until shortly before its time is over a record can use it; what a record uses stays."""
        file, told = self.given(connector, "late.txt", b"late")
        if told.good_until is None:
            pytest.skip("the system forgets no upload")
        self.clock.sleep((told.good_until - connector.now()).total_seconds() - 60)
        assert self.papers(connector, ChangeKind.CREATE, [file]).state is OutcomeState.ACKED
        self.clock.sleep(120)
        [held] = self.there(connector)
        assert held.name == "late.txt"
        if connector.capabilities.holds_files:
            assert b"".join(cast(HoldsFiles, connector).body("paper", held)) == b"late"

    def test_a_body_that_is_gone_is_told(self, connector: Connector) -> None:
        """A file that is not there is a FileError, and no empty body."""
        self.takes(connector)
        if not connector.capabilities.holds_files:
            pytest.skip("the system gives no bodies")
        with pytest.raises(FileError) as told:
            list(cast(HoldsFiles, connector).body("paper", HeldFile("nowhere", "a.txt", 3)))
        assert told.value.code == "file.gone"
