"""Suggestions: what words mean, what is left open, and how good they are on real schemas.

The figures of README.md in `pairs/` are asserted here: precision is what was suggested rightly of all that was
suggested, recall of all that is labelled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema, schema_from_json
from changeover.mappings.language import MappingModel
from changeover.mappings.profiling.profile import FieldProfile, Kind, ObjectProfile
from changeover.mappings.suggesting.choices import choice_pairs
from changeover.mappings.suggesting.draft import Draft, draft_text
from changeover.mappings.suggesting.pairing import Pairing, pairing
from changeover.mappings.suggesting.ruling import Surroundings, mapping_name, rule_for
from changeover.mappings.suggesting.target import likely_targets
from changeover.mappings.suggesting.words import words_of
from changeover.mappings.yaml.strict_yaml import load_model, parse_yaml
from changeover.runs.catalogue import LANGUAGES, Catalogue, Language

T = FieldType
PAIRS = Path(__file__).parent / "pairs"


def an_object(name: str, *fields: Field, key: str = "id") -> ObjectSchema:
    return ObjectSchema(name, (key,), (Field("id", T.INTEGER, writable=False), *fields))


def text(name: str, label: str = "") -> Field:
    return Field(name, T.TEXT, label)


def paired(found: Pairing) -> dict[str, str]:
    return {each.target.name: each.source.name for each in found.pairs}


# Words


@pytest.mark.parametrize(
    ("name", "meanings"),
    [
        ("npe03__Last_Payment_Date__c", ["last", "payment", "moment"]),
        ("firstName", ["given_name"]),
        ("BillingPostalCode", ["billing", "postal_code"]),
        ("khmc", ["account", "name"]),
        ("nsrsbh", ["tax_number"]),
        ("联系人姓名", ["contact", "full_name"]),
        ("是否重点客户", ["key_account"]),
        ("is_active", ["active"]),
        ("id", ["id"]),
    ],
)
def test_a_name_is_told_by_what_its_words_mean(name: str, meanings: list[str]) -> None:
    words = words_of(name)
    assert len(words) == len(meanings)
    assert [each for word, each in zip(words, meanings, strict=True) if each not in word.meanings] == []


# Pairs


def test_names_labels_and_chinese_find_each_other() -> None:
    source = an_object("t_kh", text("khmc"), text("x1", "联系电话"), text("BillingCity"), text("sjhm"))
    target = an_object("customer", text("name"), text("phone"), text("billing_city"), text("remark"))
    assert paired(pairing(source, target)) == {"name": "khmc", "phone": "x1", "billing_city": "BillingCity"}


def test_where_two_are_equally_likely_neither_is_suggested_and_both_are_named() -> None:
    source = an_object("a", text("phone"), text("telephone"))
    found = pairing(source, an_object("b", text("phone")))
    assert (found.pairs, [name for name, _ in found.unsure[0].candidates]) == ((), ["phone", "telephone"])
    assert {each.name for each in found.left} == {"id", "phone", "telephone"}


def test_types_that_never_fit_and_fields_that_cannot_be_written_are_no_pair() -> None:
    source = an_object("a", Field("closed", T.DATE), text("total"))
    target = an_object("b", Field("closed", T.BOOLEAN), Field("total", T.TEXT, writable=False))
    assert paired(pairing(source, target)) == {}


def test_a_field_that_is_never_filled_is_not_suggested() -> None:
    source = an_object("a", text("city"))
    empty = FieldProfile("city", T.TEXT, "", 0, 0, True, 0)
    target = an_object("b", text("city"))
    assert paired(pairing(source, target)) == {"city": "city"}
    assert paired(pairing(source, target, ObjectProfile("a", "", 10, (empty,)))) == {}


def test_a_word_that_only_one_of_them_has_makes_another_field_of_it() -> None:
    source = an_object("a", Field("date_closed", T.DATE, "Closed Date"))
    assert paired(pairing(source, an_object("b", Field("close_date", T.DATE, "Expected Close Date")))) == {}
    assert paired(pairing(source, an_object("b", Field("close_date", T.DATE, "Close Date")))) == {
        "close_date": "date_closed"
    }


def test_lists_without_a_choice_in_common_speak_against_a_pair() -> None:
    source = an_object("deal", Field("type", T.CHOICE, choices=("lead", "opportunity")))
    other = Field("deal_type", T.CHOICE, choices=("New Business", "Renewal"))
    alike = Field("deal_type", T.CHOICE, choices=("Lead", "Opportunity"))
    assert paired(pairing(source, an_object("deal", other))) == {}
    assert paired(pairing(source, an_object("deal", alike))) == {"deal_type": "type"}


def test_references_that_point_to_the_same_are_preferred() -> None:
    elsewhere = Field("customer", T.REFERENCE, references=("log",))
    source = an_object("a", Field("partner", T.REFERENCE, references=("account",)), elsewhere)
    target = an_object("b", Field("account_id", T.REFERENCE, references=("accounts",)))
    assert paired(pairing(source, target)) == {"account_id": "partner"}


@pytest.mark.parametrize(
    ("name", "precision", "recall"), [("suitecrm-espocrm", 1.0, 0.78), ("odoo-bottlecrm", 0.95, 0.79)]
)
def test_on_real_schemas_it_is_nearly_always_right_and_finds_most(
    name: str, precision: float, recall: float, record_property: pytest.RecordProperty
) -> None:
    right = suggested = true = 0
    for source, target, labels in labelled(name):
        found = paired(pairing(source, target))
        right += sum(labels.get(source) == target for target, source in found.items())
        suggested, true = suggested + len(found), true + len(labels)
    record_property("told", f"suggest {name}: {right} right of {suggested} suggested, {true} labelled")
    assert right / suggested >= precision
    assert right / true >= recall


def labelled(name: str) -> Iterator[tuple[ObjectSchema, ObjectSchema, dict[str, str]]]:
    sources, targets = (schema_of(each) for each in name.split("-"))
    for each in json.loads((PAIRS / f"{name}.json").read_text("utf-8")):
        yield sources.objects[each["from"]], targets.objects[each["to"]], each["fields"]


def schema_of(name: str) -> Schema:
    return schema_from_json(json.loads((PAIRS / f"{name}.json").read_text("utf-8")))


@pytest.mark.parametrize("name", ["suitecrm-espocrm", "odoo-bottlecrm"])
def test_labels_name_fields_that_there_are(name: str) -> None:
    for source, target, labels in labelled(name):
        assert set(labels) <= set(source.field_names)
        assert all((field := target.field(each)) and field.writable for each in labels.values())


def test_the_target_is_found_by_name_and_fields_and_doubt_is_told() -> None:
    espo = schema_of("espocrm")
    assert likely_targets(schema_of("suitecrm").objects["opportunities"], espo).names[0] == "Opportunity"
    assert likely_targets(schema_of("suitecrm").objects["opportunities"], espo).sure
    assert not likely_targets(an_object("zz_log", text("payload")), espo).sure


# Rules and files


def test_choices_are_matched_but_for_capitals_widths_and_signs() -> None:
    found = choice_pairs(["closed-won", "Ａ", "Qualificaton", "B2", "?"], ["Closed Won", "A", "Qualification", "B"])
    assert found.pairs == {"closed-won": "Closed Won", "Ａ": "A", "Qualificaton": "Qualification"}
    assert found.open == ("B2", "?")
    assert choice_pairs(["A"], ["A", "B"]).alike


def drafted(source: ObjectSchema, target: ObjectSchema, language: Language, **around: object) -> str:
    found = pairing(source, target)
    given = {"others": {}, "people": None, "cells": {}, "profile": None} | around
    surroundings = Surroundings("made", source.name, target.name, **given)  # type: ignore[arg-type]
    rules = {each.target.name: rule_for(each, surroundings) for each in found.pairs}
    return draft_text(Draft("made", source.name, target.name, found, rules, "x"), Catalogue(language).text)


def model_of(text: str) -> MappingModel:
    return load_model(parse_yaml(text, "made.yaml", own_names=frozenset(("fields", "values"))), MappingModel)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["suitecrm-espocrm", "odoo-bottlecrm"])
def test_every_draft_passes_the_strict_reader(name: str, language: Language) -> None:
    for source, target, _ in labelled(name):
        told = drafted(source, target, language)
        assert set(model_of(told).fields) <= set(target.field_names)
        assert re.findall(r"\{[a-z]+\}", told) == [], "holes in a text"


def test_a_draft_says_value_maps_people_references_and_what_is_open() -> None:
    source = an_object(
        "cust",
        Field("stage", T.TEXT),
        Field("owner", T.REFERENCE, references=("staff",)),
        Field("parent", T.REFERENCE, references=("cust",)),
        Field("state", T.REFERENCE, references=("states",)),
        text("no: 1"),
    )
    target = an_object(
        "account",
        Field("stage", T.CHOICE, choices=("Won", "Lost")),
        Field("owner", T.REFERENCE, references=("users",)),
        Field("parent", T.REFERENCE, references=("account",)),
        text("state"),
        Field("secret", T.TEXT, required=True),
    )
    told = drafted(source, target, "en", people="users", cells={"stage": ("won", "LOST", "maybe")})
    fields = model_of(told).fields
    assert fields["stage"].values == {"won": "Won", "LOST": "Lost"}
    assert fields["stage"].otherwise is not None
    assert fields["stage"].otherwise.kind == "reject"
    assert (fields["owner"].people, fields["parent"].reference) == (True, "made")
    assert "state" not in fields, "the key of a record is no name of a state"
    assert "1 more value to decide: maybe" in told
    assert "secret (required): ?" in told
    assert '#   "no: 1": ?' in told


def test_what_cells_look_like_chooses_the_transform() -> None:
    names = {"amount": (Kind.NUMBER, T.DECIMAL), "closed": (Kind.DATE, T.DATE), "active": (Kind.BOOLEAN, T.BOOLEAN)}
    source = an_object("a", *(text(name) for name in names))
    target = an_object("b", *(Field(name, kind) for name, (_, kind) in names.items()))
    fields = tuple(FieldProfile(name, T.TEXT, "", 9, 9, True, 9, kind) for name, (kind, _) in names.items())
    rules = model_of(drafted(source, target, "en", profile=ObjectProfile("a", "", 9, fields))).fields
    assert {name: rule.transform[0].name for name, rule in rules.items()} == {
        "amount": "number",
        "closed": "date",
        "active": "boolean",
    }


def test_what_the_target_takes_at_creation_only_is_written_once() -> None:
    source = an_object(
        "cust",
        Field("number", T.INTEGER),
        Field("stage", T.TEXT),
        Field("owner", T.REFERENCE, references=("staff",)),
        Field("parent", T.REFERENCE, references=("cust",)),
        Field("state", T.REFERENCE, references=("states",)),
    )
    target = an_object(
        "account",
        Field("number", T.INTEGER, changeable=False),
        Field("stage", T.CHOICE, choices=("Won", "Lost"), changeable=False),
        Field("owner", T.REFERENCE, references=("users",), changeable=False),
        Field("parent", T.REFERENCE, references=("account",), changeable=False),
        Field("state", T.TEXT, changeable=False),
    )
    told = drafted(source, target, "en", people="users", cells={"stage": ("won", "LOST")})
    rules = model_of(told).fields
    assert {name: rule.write for name, rule in rules.items()} == dict.fromkeys(
        ("number", "stage", "owner", "parent"), "only_create"
    )
    assert "  # state: {from: state, write: only_create}" in told


@pytest.mark.parametrize(("name", "wanted"), [("crm.lead", "crm_lead"), ("客户", "to_object"), ("2x", "to_2x")])
def test_a_mapping_is_called_as_a_file_may_be(name: str, wanted: str) -> None:
    assert mapping_name(name) == wanted
