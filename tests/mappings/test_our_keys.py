"""Our key tells records apart, whatever their objects and keys are called."""

from __future__ import annotations

from changeover.mappings.mapped import make_our_key
from hypothesis import example, given
from hypothesis import strategies as st

NAMES = st.text("a.:%25#3A|", min_size=1, max_size=6)
PLACES = st.one_of(
    st.tuples(st.just("crm"), NAMES),  # the only source
    st.tuples(st.just(""), NAMES.map("crm.{}".format)),  # one of several
    st.tuples(st.just(""), st.sampled_from(["assembly.a", "assembly.b"])),
)
RECORDS = st.tuples(PLACES, NAMES)


@given(RECORDS, RECORDS, st.booleans())
@example((("crm", "a"), "2:1"), (("crm", "a:2"), "1"), False)
@example((("crm", "a:"), "1"), (("crm", "a%3A"), "1"), False)
@example((("", "crm.a"), "2:1"), (("", "crm.a:2"), "1"), False)
@example((("", "crm.a"), "1"), (("crm", "a"), "1"), False)
def test_two_records_have_two_keys(
    one: tuple[tuple[str, str], str], other: tuple[tuple[str, str], str], branched: bool
) -> None:
    """But for a source that is the only one here and one of several there. Mappings of one pair have all branches, or
    none."""
    branches = ("person", "company") if branched else ("",)
    keys = [make_our_key(*place, key, branch) for place, key in (one, other) for branch in branches]
    same = named(*one) == named(*other)
    assert len(set(keys)) == len(branches) * (1 if same else 2)


def named(place: tuple[str, str], key: str) -> tuple[str, str, str]:
    system, name = place
    own, _, rest = name.partition(".")
    return (system, name, key) if system else (own, rest, key)


@given(st.text("a.2_ #|客-", min_size=1), st.text("a.:%25#|"))
def test_a_plain_name_stands_as_it_is(name: str, key: str) -> None:
    assert make_our_key("crm", name, key) == make_our_key("", f"crm.{name}", key) == f"crm:{name}:{key}"
    assert make_our_key("crm", name, key, "person") == f"crm:{name}:{key}#person"
