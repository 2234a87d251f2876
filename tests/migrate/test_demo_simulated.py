"""The demo into a simulator: it ends as planted, and its project then works with the simulator by the words it says."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import InputError
from changeover.connectors.simulators import Wanted, simulator
from changeover.migrate.demo.generate import generate

from .company import Company, Said

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, Said]]:
    """Made where somebody else has the simulator's usual port."""
    here = Company(tmp_path_factory.mktemp("demo"))
    with closing(socket.socket()) as taken:
        with suppress(OSError):  # then it is taken already
            taken.bind(("127.0.0.1", 8750))
            taken.listen()
        yield here, here.say("demo", "d", "--target", "fxiaoke", "--records", "2000", "--seed", "7", "--json")


def test_it_comes_as_planted_and_says_what_it_would_take_in_earnest(demo: tuple[Company, Said]) -> None:
    _, said = demo
    document = said.document
    assert (said.code, document["verdict"]["code"]) == (0, "demo.as_planted"), document["tables"]  # type: ignore[index]
    assert (document["differences"], document["totals_equal"]) == (0, True)
    facts = {each["code"]: each["value"] for each in document["facts"]}  # type: ignore[attr-defined]
    limits = facts["fact.real_limits"]["params"]
    assert (limits["environment"], limits["hours"]) == ("tenant", 0)
    assert 5 <= limits["minutes"] <= 8, "1,850 creates and what proves them, 5 a second by each interface"


def test_the_simulator_answers_again_and_the_project_goes_on_with_it(demo: tuple[Company, Said]) -> None:
    here, said = demo
    start, secret, *commands = map(str, said.document["next"])  # type: ignore[call-overload]
    words = shlex.split(start)
    assert words[:4] == ["changeover", "simulator", "fxiaoke", "--data"]
    wanted = Wanted(int(words[words.index("--port") + 1]), here.folder / words[4])
    assert wanted.port != 8750
    name, value = secret.removeprefix("export ").split("=")
    run = shlex.split(next(each for each in commands if " run " in each))[1:]
    with closing(simulator("fxiaoke").start(wanted, SystemClock())):
        again = here.say(*run, "--json", env={name: value})
        compared = here.say("reconcile", "--project", "d", "--json", env={name: value})
    written = [counts[name] for counts in again.document["mappings"].values() for name in ("created", "updated")]  # type: ignore[attr-defined]
    assert (again.code, sum(written)) == (1, 0), "what was rejected and held waits for somebody"
    assert (compared.code, compared.document["differences"]) == (0, 0)


@pytest.mark.parametrize(("name", "code"), [("nobody", "demo.no_target"), ("..", "demo.no_target")])
def test_a_target_without_a_demo_is_refused_before_anything_is_made(tmp_path: Path, name: str, code: str) -> None:
    with pytest.raises(InputError) as error:
        generate(tmp_path / "d", 2_000, target=name)
    assert (error.value.code, error.value.params["known"], (tmp_path / "d").exists()) == (code, "fxiaoke", False)
