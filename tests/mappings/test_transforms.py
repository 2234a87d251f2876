"""Every transform does what its examples say, and refuses arguments that make no sense."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from changeover.mappings.examples import Argument
from changeover.mappings.transform import Transform, WrongArgumentError, available
from hypothesis import given, settings
from hypothesis import strategies as st

EXAMPLES = [
    pytest.param(transform, *example, id=f"{name}-{number}")
    for name, transform in available().items()
    for number, example in enumerate(transform.examples)
]
CELLS = st.none() | st.sampled_from(["", " ", "+", "１２３（"]) | st.text(max_size=20)


def column(*cells: str | None) -> pa.StringArray:
    return pa.array(cells, pa.string())


@pytest.mark.parametrize(("transform", "arguments", "given", "result"), EXAMPLES)
def test_examples(
    transform: Transform, arguments: dict[str, Argument], given: str | tuple[str | None, ...] | None, result: str | None
) -> None:
    columns = [column(cell) for cell in given] if isinstance(given, tuple) else [column(given)]
    assert transform.bind(arguments, len(columns))(*columns).to_pylist() == [result]


@pytest.mark.parametrize("transform", available().values(), ids=available().keys())
def test_each_is_documented_and_shows_null(transform: Transform) -> None:
    assert transform.summary.rstrip().endswith((".", "`."))
    assert len(transform.examples) >= 2
    assert any(example[1] is None or example[1] == (None, None) for example in transform.examples)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
def test_join_cell_by_cell(pairs: list[tuple[str | None, str | None]]) -> None:
    joined = available()["join"].bind({"separator": "+"})
    left, right = zip(*pairs, strict=True)
    wanted = ["+".join(filter(None, pair)) or None for pair in pairs]
    assert joined(column(*left), column(*right)).to_pylist() == wanted


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("pad", {}, "width"),
        ("pad", {"width": "6"}, "width"),
        ("pad", {"width": 6, "fill": "ab"}, "one character"),
        ("pad", {"width": 6, "side": "middle"}, "side"),
        ("pad", {"width": 6, "fil": "0"}, "fil"),
        ("trim", {"x": 1}, "x"),
        ("cut", {"length": 0}, "at least 1"),
        ("regex_extract", {"pattern": "("}, "missing )"),
        ("regex_extract", {"pattern": "(a)(b)"}, "one group"),
        ("regex_extract", {"pattern": r"(?=a)"}, "invalid perl operator"),
        ("date", {"formats": ["%d/%m"]}, "%Y"),
        ("date", {"formats": ["%Y-%m-%d %H"]}, "%M"),
        ("date", {"formats": []}, "at least one"),
        ("date", {"formats": "%Y"}, "formats"),
        ("boolean", {"yes": ["x"], "no": ["X"]}, "same spelling"),
        ("split_part", {"separator": "/", "part": 0}, "counted from 1"),
        ("replace", {"old": "", "new": "x"}, "empty"),
    ],
)
def test_wrong_arguments_are_named(name: str, arguments: dict[str, Argument], told: str) -> None:
    with pytest.raises(WrongArgumentError, match=re.escape(told)):
        available()[name].bind(arguments)


def test_a_hostile_pattern_takes_no_time() -> None:
    bound = available()["regex_extract"].bind({"pattern": "(?:a+)+$"})
    assert bound(column("a" * 50_000 + "b")).to_pylist() == [None]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("$1,234,567", "1234567"),
        ("1'234.5", "1234.5"),
        ("-￥5", "-5"),
        ("RMB 12", "12"),
        ("￥ -5 元", "-5"),
        ("+-5", "+-5"),
        ("1元5", "1元5"),
        ("1 234,567", "1 234,567"),
        ("12,34,567", "12,34,567"),
        ("1.2.3", "1.2.3"),
        ("", ""),
        ("元", "元"),
    ],
)
def test_numbers_as_people_write_them(text: str, wanted: str) -> None:
    assert available()["number"].bind({})(column(text)).to_pylist() == [wanted]
