"""The strict reader says the same with libyaml as without: values, lines, refusals and their places."""

from __future__ import annotations

import random
from collections.abc import Mapping
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final

import changeover.mappings
import pytest
import yaml
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Finding
from changeover.mappings.yaml import parsers, strict_yaml
from changeover.mappings.yaml.document import YamlPath
from hypothesis import example, given, settings
from hypothesis import strategies as st

PACKS: Final = sorted(
    path
    for path in Path(changeover.mappings.__file__).parent.rglob("*.yaml")
    if path.parent.name == "mappings" or path.name == "changeover.yaml"
)
NAMES: Final = frozenset({"where", "life", "fields", "values", "drop", "examples", "objects", "classes"})
PIECES: Final = [
    *(" ", "\n", "\n  ", "\n- ", "\n\n", "\r", "\r\n", "\t", "\x85", "\u2028", "\ufeff", "\xa0", "\u3000", "\x00"),
    *("k: ", "客户: ", "12: ", ": ", ":", "? ", "?", "a?", "- ", "- a\n", "- - - ", "k" * 1025, "token: x", "no", "~"),
    *("[", "]", "{", "}", ", ", ",", "[a, b]", "{c: d, e: [f]}\n", "[" * 31, "# 备注\n", " #", "<<", "&x ", "*x"),
    *("|\n  ", ">-\n  ", "|+\n", "|2\n", "|#", '"', "'", '"a\\nb"', '"\\x41"', '"\\ud800"', '"\\U00110000"', '"\\\n "'),
    *("'it''s'", "\\'", "客户", "a b", "\U0001f600", "012", "12:30", "---", "\n---\n", "\n...\n", "%YAML 1.1\n"),
    *("! ", "!!str ", "%X\n"),
]
LETTERS: Final = "\t\n\r :-?#,[]{}'\"|>&*!%@`~.\\a0客\x85\u2028\ufeff"

Told = tuple[dict[str, object], Mapping[YamlPath, int]] | tuple[Finding, ...]


def told(text: str) -> Told:
    """Values and lines, or what is refused."""
    try:
        document = strict_yaml.parse_yaml(text, "file.yaml", own_names=NAMES)
    except InputError as error:
        return error.findings
    return document.data, document.lines


def told_without_libyaml(text: str) -> Told:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsers, "LIBYAML", None)
        return told(text)


def read_by_libyaml(text: str) -> bool:
    try:
        return list(parsers.quick_events(text)) != []
    except parsers.ApartError:
        return False


def disturbed(file: Path, seed: int) -> str:
    """A few lines of a shipped file, with up to four letters taken out, put in or changed."""
    chance = random.Random(seed)
    lines = file.read_text("utf-8").splitlines(keepends=True)
    first = chance.randrange(len(lines))
    letters = list("".join(lines[first : first + 8]))
    for _ in range(chance.randrange(5)):
        place = chance.randrange(len(letters))
        letters[place] = chance.choice(("", letters[place] + chance.choice(LETTERS), chance.choice(LETTERS)))
    return "".join(letters)


TEXTS: Final = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.builds(
    disturbed, st.sampled_from(PACKS), st.integers(0, 2**32)
)


@given(text=TEXTS)
@settings(deadline=None, max_examples=300)
@example(text="k: |#\n")  # each of these libyaml reads otherwise, or refuses with other words
@example(text="k: [a?]")
@example(text="{a? }")
@example(text="k: a\t")
@example(text="k:\ta")
@example(text="k: a\n\ufeffb: c")
@example(text="\ufeff\ufeffk: a")
@example(text="# 备注\n\ufeffk: a")
@example(text='k: "\\ud800"')
@example(text="k: \ud800")
@example(text="k: !")
@example(text="%X\n---\nk: a")
@example(text="k:\n- a\n-\n")
@example(text="k: 客户\n客: [深, 深: \n")
@example(text="k: a: b")
@example(text="a: no\n客户: {c: 1, c: 2}\nd: *x\na: 3\n")
def test_both_say_the_same(text: str) -> None:
    assert told(text) == told_without_libyaml(text)


def places(node: yaml.Node | None) -> object:
    """What is at which places of the text: of blocks where they begin, of all else where it ends too."""
    match node:
        case yaml.ScalarNode(value=value, style=style):
            ends = node.end_mark.index if style not in ("|", ">") else None
            return (value, node.start_mark.index, node.start_mark.column, ends) if value or style else None
        case yaml.CollectionNode():
            inner = [places(part) for each in node.value for part in (each if isinstance(each, tuple) else (each,))]
            ends = node.end_mark.index if node.flow_style else None
            return type(node), node.flow_style, node.start_mark.index, node.start_mark.column, ends, inner
        case _:
            return None


@given(text=TEXTS)
@settings(deadline=None, max_examples=150)
@example(text="# 备注\n\ufeffk: a")
@example(text="客户:\r\n  - {深: 'a\\n', b: [ ]}\r\n  -\r\n  - |\r\n    a\r\n\r\n  - b\r\n    c\r\n")
def test_both_mark_the_same_places_in_what_is_taken(text: str) -> None:
    if isinstance(told(text)[0], dict):
        found = places(parsers.composed(text))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parsers, "LIBYAML", None)
            assert places(parsers.composed(text)) == found


@pytest.mark.skipif(parsers.LIBYAML is None, reason="PyYAML was built without libyaml")
@pytest.mark.parametrize("file", PACKS, ids=lambda file: f"{file.parent.parent.name}/{file.name}")
def test_shipped_files_are_read_by_libyaml_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = file.read_text("utf-8")
    expected = told_without_libyaml(text)
    monkeypatch.setattr(strict_yaml, "events", None)
    assert told(text) == expected


@pytest.mark.skipif(parsers.LIBYAML is None, reason="PyYAML was built without libyaml")
@pytest.mark.parametrize(
    "text",
    ["k: 'a?'\n# so?\n", "k: |  # note\n  a\n", "k: '|'  # note\n", "客户: {深: [1, true, ~]}\r\n", "k: a\x85b: c\n"],
)
def test_what_only_looks_like_a_difference_is_read_by_libyaml(text: str) -> None:
    assert read_by_libyaml(text)


@pytest.mark.parametrize(
    ("place", "what"), [("yaml.__with_libyaml__", False), ("yaml._yaml.get_version", lambda: (0, 2, 4))]
)
def test_a_build_without_libyaml_or_with_an_old_one_does(
    place: str, what: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("yaml._yaml")
    monkeypatch.setattr(place, what)
    spec = spec_from_file_location("parsers_of_that_build", parsers.__file__)
    assert spec is not None
    assert spec.loader is not None
    built = module_from_spec(spec)
    spec.loader.exec_module(built)
    with pytest.raises(built.ApartError):
        list(built.quick_events("k: a"))
    assert [event.value for event in built.events("k: a") if isinstance(event, yaml.ScalarEvent)] == ["k", "a"]
