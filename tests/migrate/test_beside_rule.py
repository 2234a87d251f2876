"""Which objects may be under way together, when each begins, and what their lanes share."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.pace import Interface
from changeover.connectors.port import OurKeyPlace
from changeover.mappings.compile import compile_mappings, load_mapping_files
from changeover.mappings.linking.language import Links, OldAddress
from changeover.migrate.loading.beside import apart_of, ready
from changeover.migrate.pace.predict import Action, Part, predict
from changeover.migrate.sending import send
from changeover.migrate.sending.answer import Planned
from changeover.migrate.session import Interruption, Session

from .firms import MAPPINGS, SOURCE, TARGET, Mastered
from .held import Held
from .lanes import ALLOWANCE, AT_ONCE
from .sending import Open, sending
from .test_calls import START

PLAIN = {name: text.replace("  chief_id: {from: chief, reference: contact}\n", "") for name, text in MAPPINGS.items()}
STUB = "stub: {name: id, city: city}\n"


def session_of(folder: Path, mappings: Mapping[str, str], links: Links | None = None, **able: object) -> Session:
    folder.mkdir(exist_ok=True)
    for name, text in mappings.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    given = {} if links is None else {"links": links}
    kind = cast("type[MemoryConnector]", able.pop("kind", MemoryConnector))
    target = kind(TARGET)
    schema = target.describe()
    compiled, _ = compile_mappings(load_mapping_files(folder), SOURCE, schema, "old", **given)  # type: ignore[arg-type]
    target.capabilities = replace(
        target.capabilities,
        **{"at_once": AT_ONCE, "allowance": ALLOWANCE} | able,  # type: ignore[arg-type]
    )
    told = SimpleNamespace(mappings=compiled, target=target, source=MemoryConnector(SOURCE))
    return cast(Session, told)


def pairs(session: Session) -> set[str]:
    """Of these mappings, which may be under way together."""
    apart, names = apart_of(session), sorted(session.mappings)
    found = {f"{one} {other}" for one in names for other in names if apart(one, other)}
    assert all(" ".join(reversed(each.split())) in found for each in found), "it holds for both"
    return {each for each in found if each.split() == sorted(each.split())}


def test_neither_refers_to_the_other_and_they_go_through_different_interfaces(tmp_path: Path) -> None:
    assert pairs(session_of(tmp_path / "plain", PLAIN)) == {"contact deal"}
    assert pairs(session_of(tmp_path / "circle", MAPPINGS)) == set(), "a deal's account refers to its chief"
    own = {**PLAIN, "deal": PLAIN["deal"].replace("account_id: {from: firm, reference: account}\n  ", "")}
    assert pairs(session_of(tmp_path / "own", own)) == {"account deal", "contact deal"}


def test_who_writes_to_the_same_object_goes_one_after_the_other(tmp_path: Path) -> None:
    twice = {**PLAIN, "again": PLAIN["deal"].replace("mapping: deal", "mapping: again")}
    assert pairs(session_of(tmp_path / "twice", twice)) == {"again contact", "contact deal"}
    stubs = {
        name: text.replace("reference: account}", "reference: account, outside: stub}") for name, text in PLAIN.items()
    }
    stubs["account"] = PLAIN["account"] + STUB
    assert session_of(tmp_path / "stubs", stubs).mappings["account"].stub is not None
    assert pairs(session_of(tmp_path / "stubs", stubs)) == set(), "either may make a stub of the same account"


def test_what_goes_inside_its_master_counts_as_written_in_its_turn(tmp_path: Path) -> None:
    """Deals of a kind of their own go inside the accounts, whose turn is beside nobody's who writes deals."""
    other = PLAIN["deal"].replace("mapping: deal", "mapping: other")
    other = other.replace("  account_id: {from: firm, reference: account}\n", "")
    plain = session_of(tmp_path / "plain", {**PLAIN, "other": other})
    assert "account other" in pairs(plain)
    assert "account other" not in pairs(session_of(tmp_path / "inside", {**PLAIN, "other": other}, kind=Mastered))


def test_addresses_in_texts_refer_too(tmp_path: Path) -> None:
    linked = {**PLAIN, "deal": PLAIN["deal"].replace("title: title", "title: {from: title, rewrite_links: true}")}
    links = Links((OldAddress(address="https://old.example.com/{key}", reference="contact"),))
    assert pairs(session_of(tmp_path / "linked", linked, links)) == set()


def test_where_bodies_of_files_are_on_their_way_nobody_else_is(tmp_path: Path) -> None:
    session = session_of(tmp_path / "plain", PLAIN)
    vars(session.mappings["deal"])["filed"] = {"scan": "reject"}
    assert pairs(session) == set()


@pytest.mark.parametrize(
    "able",
    [
        {"at_once": 1},
        {"our_key": OurKeyPlace.NONE},
        {"allowance": replace(ALLOWANCE, others=Interface(threads=4))},
        {"allowance": replace(ALLOWANCE, objects={})},
    ],
)
def test_all_else_is_one_after_another(tmp_path: Path, able: dict[str, object]) -> None:
    assert pairs(session_of(tmp_path / "plain", PLAIN, **able)) == set()


def test_each_begins_when_all_before_it_that_it_is_not_apart_from_are_over() -> None:
    custom = {"statement", "receivable"}

    def apart(one: str, other: str) -> bool:
        return "account" not in (one, other) and (one in custom) is not (other in custom)

    left = ["account", "contact", "deal", "statement", "receivable"]
    assert ready(left, [], apart) == ["account"]
    assert ready(left[1:], [], apart) == ["contact", "statement"]
    assert ready(["deal", "receivable"], ["contact", "statement"], apart) == []
    assert ready(["deal", "receivable"], ["contact"], apart) == ["receivable"], "a statement's is over"
    assert ready(["deal", "receivable"], ["statement"], apart) == ["deal"]
    assert ready(["receivable", "account", "deal"], [], apart) == ["receivable"], "nobody passes what comes before"


def test_the_forecast_is_of_the_longest_way() -> None:
    parts = [
        Part("account", {Action.WRITE: 10_000}),
        Part("contact", {Action.WRITE: 20_000}, after=[0]),
        Part("deal", {Action.WRITE: 15_000}, after=[0]),
    ]
    told = predict(parts, ALLOWANCE, START)
    assert told.calls == {"most": 30_000, "deals": 15_000}
    assert told.finish is not None
    assert (told.finish - START).total_seconds() == pytest.approx(30, rel=0.05)
    behind = [*parts[:2], replace(parts[2], after=[0, 1])]
    told = predict(behind, ALLOWANCE, START)
    assert told.finish is not None
    assert (told.finish - START).total_seconds() == pytest.approx(45, rel=0.05)


# What lanes share


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:
        yield lambda *faults, **how: stack.enter_context(sending(tmp_path / "move", *faults, **how))


class Elsewhere:
    """A flight of another lane."""

    def __init__(self) -> None:
        self.touched = frozenset({"p1"})
        self.prolonged = 0

    def prolong(self) -> None:
        self.prolonged += 1


def test_what_calls_of_another_lane_touch_goes_last(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """And goes all the same where there is nothing else."""

    def parent(planned: Planned) -> tuple[str, ...]:
        return (f"p{int(planned.change.our_key.partition(':')[2]) // 2 % 2}",)

    monkeypatch.setattr(send, "touches", lambda _mapping: parent)
    rig = opened(size=2, at_once=2, caller=Held())
    rig.session.turns.flights.append(Elsewhere())
    assert len(rig.send(range(12))) == 12
    first = [each.batch.changes[0].our_key for each in rig.writes if each.batch is not None]
    assert first == [f"ours:{number}" for number in (0, 4, 8, 2, 6, 10)]


def test_each_lane_has_its_share_of_the_calls(opened: Open) -> None:
    held = Held()
    rig = opened(size=1, at_once=9, caller=held)
    rig.session.turns.lanes = 2
    rig.send(range(20))
    assert held.most == 4
    rig.session.turns.lanes = 20
    assert rig.session.at_once("sample") == 1


def test_deadlines_of_all_lanes_move_on_by_whoever_waits_and_has_his_turn() -> None:
    interruption, elsewhere = Interruption(), Elsewhere()
    interruption.turns.flights.append(elsewhere)
    interruption.listen()
    assert elsewhere.prolonged == 1
    other = threading.Thread(target=interruption.listen)
    other.start()
    other.join()
    assert elsewhere.prolonged == 1, "who makes a call has no turn, and the ledger is not his"
    with interruption.turns.away():
        interruption.listen()
    assert elsewhere.prolonged == 1
