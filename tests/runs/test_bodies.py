"""Bodies of files on their way: they come back as they were put, or not at all, and leave nothing behind."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from changeover.connectors.errors import UnavailableError
from changeover.runs.bodies import BodyLostError, BodyStore

KEY, OTHER = b"k" * 32, b"o" * 32
PIECES = [b"first ", b"", b"\0\xff" * 40_000, b"last"]
WHOLE = b"".join(PIECES)


@pytest.fixture
def store(tmp_path: Path) -> BodyStore:
    return BodyStore(tmp_path / "bodies", KEY)


def body(store: BodyStore, name: str = "a") -> bytes:
    return b"".join(store.pieces(name))


@contextmanager
def limited(what: int, number: int) -> Iterator[None]:
    """This process has no more of this."""
    before = resource.getrlimit(what)
    resource.setrlimit(what, (number, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(what, before)


def test_a_body_comes_back_and_what_is_known_of_it_stays_apart(store: BodyStore) -> None:
    assert (store.names(), store.notes(), store.has("a"), store.noted("a")) == (frozenset(), frozenset(), False, None)
    store.tidy()
    assert not store.folder.exists(), "nothing was to be kept"
    assert store.put("a", PIECES).size == len(WHOLE)
    store.put("empty", [])
    store.note("a", "lost")
    store.note("b", "known")
    assert (body(store), body(store, "empty")) == (WHOLE, b"")
    assert (store.names(), store.notes()) == ({"a", "b", "empty"}, {"a", "b"})
    store.forget("a")
    store.forget("a")
    assert (store.noted("a"), store.noted("b"), store.has("a")) == (None, "known", True)
    store.drop("a")
    store.drop("a")
    assert store.names() == {"b", "empty"}
    with pytest.raises(BodyLostError):
        body(store)
    assert {each.stat().st_mode & 0o777 for each in store.folder.iterdir()} == {0o600}
    (store.folder / ".a.0123456789ab.draft").write_bytes(b"of a process that was killed")
    store.tidy()
    assert {each.name for each in store.folder.iterdir()} == {"b.note", "empty.body"}


def test_a_torn_or_changed_body_is_never_taken_for_whole(store: BodyStore) -> None:
    store.put("a", [b"one", b"two"])
    store.put("b", [b"two", b"one"])
    path, other = (store.folder / f"{name}.body" for name in "ab")
    kept = path.read_bytes()
    spoilt = [kept[:length] for length in range(len(kept))]
    spoilt += [kept[:place] + bytes([kept[place] ^ 1]) + kept[place + 1 :] for place in range(len(kept))]
    spoilt += [kept + b"\0", kept * 2, other.read_bytes()]
    given = []
    for wrong in spoilt:
        path.write_bytes(wrong)
        with suppress(BodyLostError):
            given.append(body(store))
    assert given == [b"onetwo"] * 4, "where a byte says that the end is longer than it is"
    path.write_bytes(kept)
    assert body(store) == b"onetwo"
    with pytest.raises(BodyLostError):
        body(BodyStore(store.folder, OTHER))


def test_a_body_that_the_disk_has_no_room_for_leaves_nothing(store: BodyStore) -> None:
    for number in (0, 10, 100, 50_000, 80_000):
        with limited(resource.RLIMIT_FSIZE, number), pytest.raises(UnavailableError, match=r"file\.write_refused"):
            store.put("a", PIECES)
        assert (list(store.folder.iterdir()), store.has("a")) == ([], False), number
    store.put("a", PIECES)
    assert body(store) == WHOLE


def test_a_body_that_breaks_off_leaves_nothing(store: BodyStore) -> None:
    def breaks(way: Callable[[], object]) -> Iterator[bytes]:
        yield b"first"
        way()
        raise UnavailableError("source.unreachable")

    with pytest.raises(UnavailableError, match=r"source\.unreachable"):
        store.put("a", breaks(lambda: None))
    assert list(store.folder.iterdir()) == []

    def in_its_place() -> None:
        [draft] = store.folder.iterdir()
        draft.unlink()
        draft.mkdir()

    with pytest.raises(UnavailableError, match=r"file\.write_refused"):
        store.put("a", breaks(in_its_place))


def test_what_the_machine_refuses_is_said(store: BodyStore) -> None:
    store.put("a", PIECES)
    for what in (lambda: store.put("b", PIECES), lambda: body(store)):
        with limited(resource.RLIMIT_NOFILE, 0), pytest.raises(UnavailableError, match=r"reason=Too many open files"):
            what()
    (store.folder / "c.body").mkdir()
    (store.folder / "c.note").mkdir()
    refused: list[tuple[str, Callable[[], object]]] = [
        ("file.write_refused", lambda: store.put("c", PIECES)),
        ("file.write_refused", lambda: store.note("c", "lost")),
        ("file.write_refused", lambda: store.drop("c")),
        ("file.write_refused", lambda: store.forget("c")),
        ("file.read_refused", lambda: body(store, "c")),
        ("file.read_refused", lambda: store.noted("c")),
    ]
    for code, what in refused:
        with pytest.raises(UnavailableError) as told:
            what()
        assert (told.value.code, str(told.value.params["path"]).startswith(f"{store.folder}/c.")) == (code, True)
