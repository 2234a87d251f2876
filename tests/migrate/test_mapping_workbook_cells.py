"""Any rule and any words come out of a spreadsheet's cell as they went in."""

from __future__ import annotations

import io

import openpyxl
import pytest
from changeover.mappings.yaml.plain_yaml import flow
from changeover.migrate.mapping.wording import in_words
from changeover.migrate.mapping.workbook_rows import Mark, cell_of, digest, mark_of, read_mark, value_of
from changeover.runs.catalogue import LANGUAGES, Catalogue, Language
from changeover.runs.masking import cell_of_lines, without_quote
from changeover.runs.report.spreadsheet import Sheet, workbook
from hypothesis import given, settings
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=8) | st.sampled_from(
    ["=1+1", "@a", "-1", "+1", "_x000D_", "_x0041_", "a\nb", " a ", "'", "01", "1e5", "true", "🙂", "\ufeff", "#N/A"]
)
RULES = st.recursive(
    TEXTS | st.integers(-999, 999) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


def through_a_spreadsheet(cells: list[str]) -> list[str]:
    """Written by us, read and saved by another program, read again."""
    body = workbook([Sheet("s", ("c",), [(cell,) for cell in cells], lines=True)], "t")
    book = openpyxl.load_workbook(io.BytesIO(body))
    saved = io.BytesIO()
    book.save(saved)
    page = openpyxl.load_workbook(saved).active
    assert page is not None
    assert [cell.data_type for row in page.iter_rows() for cell in row if cell.data_type == "f"] == [], "a formula"
    found = [row[0] for row in page.iter_rows(min_row=2, max_row=1 + len(cells), values_only=True)]
    return ["" if cell is None else str(cell) for cell in found]


# a rule is no number; below zero it would be a cell that is kept from passing for a formula
@given(st.lists(RULES.filter(lambda rule: not (isinstance(rule, int) and rule < 0)), min_size=1, max_size=8))
@settings(max_examples=10, deadline=None)
def test_any_rule_survives_a_spreadsheet(rules: list[object]) -> None:
    cells = [cell_of("fields", rule) for rule in rules]
    back = through_a_spreadsheet(cells)
    assert [digest(cell) for cell in back] == [digest(cell_of_lines(cell)) for cell in cells]
    assert [flow(value_of("fields", cell, None, "x")) for cell in back] == [flow(rule) for rule in rules]


@given(st.lists(TEXTS, min_size=1, max_size=8))
@settings(max_examples=10, deadline=None)
def test_any_words_count_as_unchanged_after_a_spreadsheet(words: list[str]) -> None:
    shown = [cell_of_lines(each) for each in words]
    assert [digest(cell) for cell in through_a_spreadsheet(shown)] == [digest(cell) for cell in shown]


@pytest.mark.parametrize("text", ["=1+1", "@who", "-", "＝1"])
def test_what_would_pass_for_a_formula_is_no_formula_and_comes_back_as_it_was_meant(text: str) -> None:
    assert cell_of_lines(text) == f"'{text}"
    assert without_quote(cell_of_lines(text)) == text
    assert without_quote("'quoted'") == "'quoted'"


def test_a_rule_may_be_written_on_several_lines() -> None:
    assert value_of("fields", "from: stg\nvalues: {a: b}\notherwise: reject", None, "x") == {
        "from": "stg",
        "values": {"a": "b"},
        "otherwise": "reject",
    }


def test_a_mark_is_known_again_and_nothing_else_is_taken_for_one() -> None:
    mark = mark_of("account", "fields", "客户", {"rule": "x"})
    assert read_mark(mark.text()) == mark
    assert [read_mark(text) for text in ("", "x", "[]", "[1, 2, 3, 4]", "{}", "null")] == [None] * 6
    assert isinstance(mark, Mark)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_of_a_rule_is_said_in_words_or_as_it_is_written(language: Language) -> None:
    rule = {
        "from": ["a", "b"],
        "transform": ["trim", {"join": {"separator": "-"}}],
        "values": {"x": "y"},
        "otherwise": {"default": "z"},
        "reference": "parents",
        "people": True,
        "default": "d0",
        "write": "only_create",
        "outside": "stub",
        "zone": "Asia/Shanghai",
    }
    told = in_words(rule, Catalogue(language))
    wanted = ["a, b", "join: {separator", "default: z", "parents", "d0", "only_create", "stub", "zone: Asia/Shanghai"]
    assert [each for each in wanted if each not in told] == []
    assert "{" not in in_words("plain", Catalogue(language))
    kinds = in_words({"from": "a", "reference": {"by": "kind", "of": {"Firm": "account"}}}, Catalogue(language))
    assert "{by: kind, of: {Firm: account}}" in kinds
    assert in_words({"constant": "c1"}, Catalogue(language)).endswith("c1")
