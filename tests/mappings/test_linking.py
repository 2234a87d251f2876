"""Addresses of old records in texts: which are found, whose they are, and what stands in their place."""

from __future__ import annotations

import pyarrow as pa
import pytest
from changeover.connectors.schema import Field, FieldType
from changeover.mappings.linking.compiled import CompiledLinks, compile_links
from changeover.mappings.linking.language import Links, OldAddress, RecordUrl
from changeover.mappings.rule import ParentKeys
from pydantic import TypeAdapter, ValidationError

HOME = "https://old.example.com"


def keys(name: str) -> ParentKeys:
    return ParentKeys("legacy", name, name, (Field("id", FieldType.TEXT),))


@pytest.fixture(scope="module")
def links() -> CompiledLinks:
    forms = (
        OldAddress(address=f"{HOME}/{{key}}", reference={"prefix": {"001": "account", "0018": "branch"}}),
        OldAddress(address=f"{HOME}/order?a=1&id={{key}}*", reference="order"),
        OldAddress(address=f"{HOME}/order/{{key}}/view.html", reference="order"),
        OldAddress(address="/visit/{key}", reference="visit"),
    )
    return compile_links(Links(forms), keys)


def test_each_address_is_found_as_a_whole_and_replaced_alone(links: CompiledLinks) -> None:
    """text, what becomes of it where each address becomes `<key of ours>`."""
    told = {
        # a key that is the beginning of another, the same twice, either scheme, punctuation behind, no space between
        f"{HOME}/0012,{HOME}/00123; http://OLD.Example.com/00123. 见{HOME}/0012，好": "<account:0012>,<account:00123>; "
        "<account:00123>. 见<account:0012>，好",
        f"({HOME}/0018-7) {HOME}/001%E5%AE%A2/": "(<branch:0018-7>) <account:001客>",
        f'<a href="{HOME}/order?a=1&amp;id=7&amp;tab=2">{HOME}/order?a=1&id=7</a>': '<a href="&lt;order:7&gt;">'
        "<order:7></a>",
        f"{HOME}/order/7/view.html&nbsp;{HOME}/order/8/view.htm": f"<order:7>&nbsp;{HOME}/order/8/view.htm",
        '<a href="/visit/5">x</a> https://other.example.com/visit/5': '<a href="&lt;visit:5&gt;">x</a> '
        "https://other.example.com/visit/5",
        # none of the forms, or of no kind: as it was
        f"{HOME}/0012/edit {HOME}/0012?x=1 {HOME}/999 {HOME} x{HOME}/0012": f"{HOME}/0012/edit {HOME}/0012?x=1 "
        f"{HOME}/999 {HOME} x{HOME}/0012",
        "nothing": "nothing",
    }
    column = pa.array([*told, None])
    found = links.find(column)
    new = [None if each.our_key is None else f"<{each.our_key.removeprefix('legacy:')}>" for each in found]
    assert links.replaced(column, found, new).to_pylist() == [*told.values(), None]


def test_what_stays_is_told_apart(links: CompiledLinks) -> None:
    """An address of no form, an address of no kind; the home page is no record's address."""
    found = links.find(pa.array([f"{HOME}/0012/edit {HOME}/999 {HOME}/ {HOME}"]))
    assert [(each.form is None, each.maker) for each in found] == [(True, None), (False, None)]


@pytest.mark.parametrize(
    ("address", "reference"),
    [
        ("https://old.example.com/", "account"),
        ("https://old.example.com/{key}/{key}", "account"),
        ("https://{key}.example.com/", "account"),
        ("old.example.com/{key}", "account"),
        ("https://old.example.com/*/{key}", "account"),
        ("https://old.example.com/ {key}", "account"),
        ("{key}", "account"),
        ("https://old.example.com/{key}", {"by": "kind", "of": {"A": "account"}}),
    ],
)
def test_what_no_address_can_be_is_refused(address: str, reference: object) -> None:
    with pytest.raises(ValidationError, match="_form"):
        OldAddress(address=address, reference=reference)  # type: ignore[arg-type]


def test_a_new_address_has_a_place_for_the_key() -> None:
    form: TypeAdapter[object] = TypeAdapter(RecordUrl)
    assert form.validate_python({"account": "https://crm/a?{key}"}) == {"account": "https://crm/a?{key}"}
    for wrong in ("https://crm/{object}", "https://crm/{key}/{id}", {"account": "https://crm/a"}):
        with pytest.raises(ValidationError, match="record_url_form"):
            form.validate_python(wrong)


def test_a_new_address_holds_any_key() -> None:
    assert Links(new="https://crm/{object}/{key}").address("a b", "x/1") == "https://crm/a%20b/x%2F1"
    assert Links(new={"account": "https://crm/a?{key}"}).address("account", "1") == "https://crm/a?1"
    assert Links(new={"account": "https://crm/a?{key}"}).address("order", "1") is None
