"""A changed rule changes its own characters of the file and no other."""

from __future__ import annotations

import copy
from pathlib import Path

import changeover
import pytest
from changeover.mappings.yaml.document import YamlPath
from changeover.mappings.yaml.plain_yaml import flow
from changeover.mappings.yaml.rewriting import NotRewrittenError, rewritten
from changeover.mappings.yaml.strict_yaml import parse_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = frozenset(("where", "fields", "values", "drop"))
FILE = """\
# the customers
mapping: account
from: cust      # source
to: account

fields:   # target: source
  name: {from: cname, transform: company_name}   # full width
  city:
    # as the post calls them
    from: city
    values:
      沈阳: 沈阳市   # north
      "大连": 大连市
    otherwise: keep
  phone: tel

  # who answers for it
  owner_id: {from: owner, people: true}
drop:
  title: 'not needed'  # said the business
"""


def data(text: str) -> dict[str, object]:
    return parse_yaml(text, "account.yaml", own_names=NAMES).data


def expected(text: str, changes: dict[YamlPath, object]) -> dict[str, object]:
    whole = copy.deepcopy(data(text))
    for path, value in changes.items():
        place = whole
        for step in path[:-1]:
            inner = place.get(str(step)) or {}
            place[str(step)] = inner
            place = inner  # type: ignore[assignment]
        place[str(path[-1])] = value
    return whole


def lines_changed(before: str, after: str) -> tuple[list[str], list[str]]:
    left, right = before.splitlines(), after.splitlines()
    return [line for line in left if line not in right], [line for line in right if line not in left]


def test_a_short_rule_changes_on_its_line_and_keeps_its_comment() -> None:
    new = rewritten(FILE, {("fields", "name"): "cname2"})
    assert lines_changed(FILE, new) == (
        ["  name: {from: cname, transform: company_name}   # full width"],
        ["  name: cname2   # full width"],
    )


def test_a_long_rule_changes_key_by_key_and_keeps_its_comments() -> None:
    rule = {"from": "city", "values": {"沈阳": "沈阳市", "大连": "旅大市"}, "otherwise": "reject", "write": "always"}
    new = rewritten(FILE, {("fields", "city"): rule})
    assert lines_changed(FILE, new) == (
        ['      "大连": 大连市', "    otherwise: keep"],
        ['      "大连": 旅大市', "    otherwise: reject", "    write: always"],
    )


def test_a_key_taken_out_of_a_long_rule_takes_its_lines_and_no_other() -> None:
    new = rewritten(FILE, {("fields", "city"): {"from": "city"}})
    gone, come = lines_changed(FILE, new)
    assert come == []
    assert [line.strip() for line in gone] == ["values:", "沈阳: 沈阳市   # north", '"大连": 大连市', "otherwise: keep"]


def test_a_long_rule_may_become_a_short_one() -> None:
    new = rewritten(FILE, {("fields", "city"): "city"})
    assert data(new)["fields"]["city"] == "city"  # type: ignore[index]
    assert "  phone: tel\n\n  # who answers for it\n" in new


def test_a_new_rule_comes_last_and_a_new_reason_too() -> None:
    new = rewritten(FILE, {("fields", "num"): {"from": "num", "transform": "trim"}, ("drop", "memo"): "old: notes"})
    assert "  owner_id: {from: owner, people: true}\n  num: {from: num, transform: trim}\ndrop:\n" in new
    assert new.endswith('# said the business\n  memo: "old: notes"\n')


@pytest.mark.parametrize("drop", ["", "drop: {}\n", "drop:\n", "drop:   # none\n"])
@pytest.mark.parametrize("end", ["\n", ""])
def test_where_there_is_no_drop_yet_it_is_made(drop: str, end: str) -> None:
    text = FILE.partition("drop:")[0] + drop
    text = text.rstrip("\n") + end
    new = rewritten(text, {("drop", "memo"): "no use"})
    assert data(new) == expected(text, {("drop", "memo"): "no use"})
    assert new.startswith(
        text.rstrip("\n").removesuffix("drop: {}").removesuffix("drop:   # none").removesuffix("drop:")
    )


def test_other_line_ends_stay() -> None:
    text = FILE.replace("\n", "\r\n")
    new = rewritten(text, {("fields", "phone"): "mobile", ("fields", "no"): "no", ("drop", "title"): "x"})
    assert "\n" not in new.replace("\r\n", "")
    assert data(new) == expected(text, {("fields", "phone"): "mobile", ("fields", "no"): "no", ("drop", "title"): "x"})


def test_blocks_lists_and_folded_texts_are_replaced_whole() -> None:
    text = (
        "fields:\n  a:\n    from: x\n    transform:\n    - trim   # spaces\n    - lower\n  b: z   # b\n"
        "drop:\n  t: >\n    long\n    text\n  u: v\n"
    )
    changes: dict[YamlPath, object] = {
        ("fields", "a"): {"from": "x", "transform": ["trim", {"pad": {"width": 3}}]},
        ("drop", "t"): "short",
    }
    new = rewritten(text, changes)
    assert data(new) == expected(text, changes)
    assert "  b: z   # b\n" in new
    assert new.endswith("  u: v\n")


def test_a_place_in_a_list_is_refused() -> None:
    with pytest.raises(NotRewrittenError):
        rewritten("expect:\n- a\n", {("expect", "a"): 1})


RULES = st.recursive(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=6) | st.integers(-999, 999) | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["from", "values", "otherwise", "a b", "=1", "#"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["name", "city", "phone", "owner_id", "neu", "a: b"]), RULES, max_size=4))
@settings(max_examples=25, deadline=None)
def test_any_rules_come_out_as_they_went_in_and_comments_of_others_stay(rules: dict[str, object]) -> None:
    changes: dict[YamlPath, object] = {("fields", name): rule for name, rule in rules.items()}
    new = rewritten(FILE, changes)
    assert data(new) == expected(FILE, changes), flow(rules)
    for comment in ("# the customers", "# source", "# who answers for it", "# said the business"):
        assert comment in new


@pytest.mark.parametrize("path", sorted(Path(changeover.__file__).parent.glob("m*/**/mappings/*.yaml")), ids=str)
def test_in_every_shipped_mapping_any_rule_can_be_changed_alone(path: Path) -> None:
    text = path.read_text("utf-8")
    for name in list(data(text)["fields"])[:3]:  # type: ignore[call-overload]
        changes: dict[YamlPath, object] = {("fields", name): {"constant": "changed"}}
        new = rewritten(text, changes)
        assert data(new) == expected(text, changes)
        comments = [line.partition(" #")[2] for line in text.splitlines() if " #" in line]
        assert len(comments) - sum(comment in new for comment in comments) <= 1
