"""What goes wrong on the way, and when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.fxiaoke.simulator import NoAnswerError
from changeover.connectors.fxiaoke.simulator.faults import read_faults

from .callers import QUIET, Caller, simulator

CREATE = "/cgi/crm/v2/data/create"


def struck(tmp_path: Path, *faults: str, seed: int = 0) -> Caller:
    file = tmp_path / "faults.yaml"
    file.write_text(f"seed: {seed}\nfaults:\n" + "".join(f"  - {each}\n" for each in faults), encoding="utf-8")
    return Caller(simulator(faults=read_faults(file), rate_calls=0))


def make(caller: Caller, name: str) -> tuple[int, Any]:
    """(status, document or page); (0, None) where the connection broke."""
    told = {"object_data": {"dataObjectApiName": "AccountObj", "name": name}}
    body = json.dumps({**caller.body, **QUIET, "data": told}).encode()
    try:
        status, headers, answer = caller.simulator.answer("POST", CREATE, {}, body)
    except NoAnswerError:
        return 0, None
    return status, json.loads(answer)["errorCode"] if "json" in headers["Content-Type"] else answer


@pytest.mark.parametrize(
    ("fault", "when", "answer", "made"),
    [
        ("lost", "before", (0, None), 0),
        ("lost", "after", (0, None), 1),
        ("gateway", "before", 502, 0),
        ("gateway", "after", 502, 1),
        ("redirect", "before", 302, 0),
        ("busy", "before", (200, -1), 0),
        ("busy", "after", (200, -1), 1),
        ("burst", "before", (200, 30004), 0),
        ("token", "before", (200, 20016), 0),
    ],
)
def test_the_second_call_of_a_path_is_struck_and_no_other(
    tmp_path: Path, fault: str, when: str, answer: Any, made: int
) -> None:
    caller = struck(tmp_path, f"{{path: {CREATE}, calls: 2, fault: {fault}, when: {when}}}")
    assert make(caller, "甲") == (200, 0)
    status, told = make(caller, "乙")
    assert (status, told) == answer if isinstance(answer, tuple) else (status == answer and b"<html>" in told)
    assert caller.simulator.count("AccountObj") == 1 + made
    if fault == "token":
        caller.sign_in()
    assert make(caller, "丙") == (200, 0)


def test_a_call_may_be_carried_out_long_after_its_caller_has_gone(tmp_path: Path) -> None:
    caller = struck(tmp_path, f"{{path: {CREATE}, calls: [1], fault: late, seconds: 30}}")
    assert make(caller, "甲") == (0, None)
    caller.clock.sleep(29)
    assert caller.find("AccountObj") == []
    caller.clock.sleep(1)
    assert [each["name"] for each in caller.find("AccountObj")] == ["甲"]
    assert caller.simulator.count("AccountObj") == 1


def test_a_slow_answer_takes_its_time(tmp_path: Path) -> None:
    caller = struck(tmp_path, "{path: '/cgi/crm/*', every: 2, fault: slow, seconds: 40}")
    times = []
    for name in "甲乙丙":
        before = caller.clock.monotonic()
        assert make(caller, name) == (200, 0)
        times.append(caller.clock.monotonic() - before)
    assert times == [0, 40, 0]


def test_the_same_seed_strikes_the_same_calls(tmp_path: Path) -> None:
    def run(seed: int) -> list[int]:
        caller = struck(tmp_path, f"{{path: {CREATE}, share: 0.3, fault: lost, when: after}}", seed=seed)
        statuses = [make(caller, str(number))[0] for number in range(40)]
        assert caller.simulator.count("AccountObj") == 40
        assert caller.simulator.faults.struck == statuses.count(0)
        return statuses

    first = run(1)
    assert run(1) == first != run(2)
    assert 3 < first.count(0) < 25


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("faults: 7", "simulator.file"),
        ("{", "simulator.file"),
        ("seed: x\nfaults: []", "simulator.file"),
        ("faults: [{path: /x, fault: nothing, calls: 1}]", "simulator.fault"),
        ("faults: [{path: /x, fault: lost}]", "simulator.fault"),
        ("faults: [{path: /x, fault: lost, calls: 1, when: never}]", "simulator.fault"),
        ("faults: [{fault: lost, calls: 1}]", "simulator.fault"),
        ("faults: [7]", "simulator.fault"),
    ],
)
def test_a_file_of_faults_that_makes_no_sense_is_refused(tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_faults(file)
    assert error.value.code == code
    with pytest.raises(InputError):
        read_faults(tmp_path / "none.yaml")
