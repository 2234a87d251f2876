"""What is written on one line is what the strict reader reads."""

from __future__ import annotations

import pytest
from changeover.mappings.yaml.plain_yaml import flow, scalar
from changeover.mappings.yaml.strict_yaml import parse_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
PLAIN = st.recursive(
    TEXTS | st.integers(-(10**30), 10**30) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def read(text: str) -> object:
    return parse_yaml(f"value: {text}\n", "x.yaml", own_names=frozenset(("value",))).data["value"]


@given(PLAIN)
@settings(max_examples=100, deadline=None)
def test_any_value_comes_back(value: object) -> None:
    text = flow(value)
    assert "\n" not in text
    assert read(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("no", "Yes", "on", "null", "~", "", " a", "a ", "012", "1_000", "0x1F", "2024-01-31", "12:30", "1.50", "-"),
        *("- a", "a: b", "a #b", "#b", "*a", "&a", "!a", "%a", "@a", "`a", "{a", "[a", "a,b", "'a", '"a', "a\tb"),
        *("a\nb", "=1+1", "\u2028", "\u0085", "\ufeff", "🙂", "true", ".inf", "<<", "?", "y"),
    ],
)
def test_what_yaml_would_take_otherwise_comes_back(text: str) -> None:
    assert read(scalar(text)) == text
    assert read(flow({text: [text]})) == {text: [text]}


@pytest.mark.parametrize("text", ["cname", "Closed Won", "客户名称", "npe01__Paid__c", "a.b/c-d"])
def test_plain_words_need_no_quotes(text: str) -> None:
    assert scalar(text) == text
