"""What only a tenant can tell is asked of it: whichever way the simulator is set, the answer follows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from changeover.connectors.clock import VirtualClock
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Severity
from changeover.connectors.fxiaoke.connector import FxiaokeConnector
from changeover.connectors.fxiaoke.options import read_options
from changeover.connectors.fxiaoke.probing.own import PREFIX
from changeover.connectors.fxiaoke.probing.questions import QUESTIONS, contradictions
from changeover.connectors.fxiaoke.simulator.settings import Settings as SimulatorSettings
from changeover.connectors.fxiaoke.simulator.simulator import Simulator
from changeover.connectors.port import OUR_KEY, Settings
from changeover.connectors.questions import UNTRIED, Answer
from changeover.runs.catalogue import LANGUAGES, Catalogue

from .fxiaoke_kit import APP, OUR_FIELD, START, InProcess, Strike, connected
from .fxiaoke_tenant import CREATE, Tenant, at, envelope

BY_NAME = {each.name: each for each in QUESTIONS}
TRIAL = {
    "api_name": "trial__c",
    "label": "试用",
    "fields": {
        "must__c": {"type": "text", "label": "必填", "is_required": True},
        "note__c": {"type": "text", "label": "说明", "max_length": 20},
        "kind__c": {"type": "select_one", "label": "类型", "options": [{"value": "a", "label": "甲"}]},
        "sum__c": {"type": "currency", "label": "金额", "decimal_places": 2},
        "sales_stage": {"type": "select_one", "label": "阶段"},
    },
}


LINE = {
    "api_name": "line__c",
    "label": "明细",
    "fields": {"of__c": {"type": "master_detail", "label": "试用", "target_api_name": "trial__c"}},
}


class Asked:
    """A tenant whose object has a field of every kind, with a hundred and one records of its own."""

    def __init__(self, folder: Path, strike: Strike | None = None, **settings: str) -> None:
        (folder / "describe").mkdir(parents=True, exist_ok=True)
        for each in (TRIAL, LINE):
            (folder / "describe" / f"{each['api_name']}.json").write_text(json.dumps(each), "utf-8")
        self.clock = VirtualClock(START)
        told = SimulatorSettings.of({"key_field": OUR_FIELD, "rate_calls": "0", **settings})
        self.simulator = Simulator(self.clock, told, folder)
        self.way = InProcess(self.simulator, self.clock, strike)
        self.connector: FxiaokeConnector = connected(
            self.way, self.clock, objects=["trial__c", "AccountObj", "line__c"], duplicate_rules=True
        )

    def ask(self, name: str, object_name: str | None = "trial__c") -> Answer:
        question = BY_NAME[name]
        told = self.connector.probe(question, object_name if question.writes else None)
        assert told.word in (*question.words, UNTRIED)
        return told

    def row(self, **cells: str) -> None:
        row = {"_id": "a" * 24, "name": "x", "life_status": "normal", **cells}
        shape = self.simulator.tenant.shapes["trial__c"]
        self.simulator.tenant.store.insert("trial__c", {**self.simulator.tenant.system_values(shape, "a" * 24), **row})
        self.clock.sleep(60)

    def close(self) -> None:
        self.simulator.close()


Told = dict[str, tuple[str, int | None]]
PLAIN: Told = {
    "limit": ("refused", 32000),
    "offset": ("refused", 32000),
    "total": ("when_asked", None),
    "trace_id": ("ignored", None),
    "preset_on_custom": ("accepted", None),
    "custom_on_preset": ("refused", 32000),
    "unknown_user": ("refused", 20012),
    "clock": ("measured", 0),
    "function": ("none", 32000),
    "details_described": ("untold", None),
    "bin": (UNTRIED, None),
    "lag": ("measured", 0),
    "no_owner": ("acting_user", None),
    "left_creator": ("refused", 20012),
    "same_key": ("recognised", 32000),
    "bin_key": ("held", None),
    "duplicate": ("accepted", None),
    "required": ("recognised", 32000),
    "too_long": ("recognised", 32000),
    "no_option": ("recognised", 32000),
    "decimals": ("refused", 32000),
    "empty_text": ("null", None),
    "clears": ("null", None),
    "update": ("patch", None),
    "locked": ("refused", 32000),
    "stage": ("accepted", None),
}
"""Of a tenant as the simulator is by itself."""
FLIPPED: dict[str, tuple[str, tuple[str, int | None]]] = {
    "limit_over_100": ("cut", ("cut", 100)),
    "odd_offset": ("accepted", ("accepted", None)),
    "total": ("always", ("always", None)),
    "third_trace_id": ("required", ("required", 10006)),
    "preset_on_custom_path": ("refused", ("refused", 32000)),
    "custom_on_preset_path": ("accepted", ("accepted", None)),
    "unknown_user": ("30027", ("refused", 30027)),
    "bulk_function": ("on", ("there", None)),
    "describe_details_key": ("detailDescribes", ("told", None)),
    "disabled_creator": ("accepted", ("accepted", None)),
    "index_lag": ("7.5", ("measured", 8)),
    "no_owner": ("none", ("nobody", None)),
    "invalid_holds_unique": ("no", ("free", None)),
    "duplicate_rules": ("trial__c.name", ("refused", 32000)),
    "more_decimals": ("rounded", ("rounded", None)),
    "empty_text": ("text", ("text", None)),
    "null_in_update": ("ignored", ("empty", None)),
    "locked_update": ("accepted", ("accepted", None)),
    "stage_by_update": ("refused", ("refused", 32000)),
}
"""Setting of the simulator -> its other value, and the answer that then becomes another one."""
ASKED_OF = {
    "limit_over_100": "limit",
    "odd_offset": "offset",
    "third_trace_id": "trace_id",
    "preset_on_custom_path": "preset_on_custom",
    "custom_on_preset_path": "custom_on_preset",
    "bulk_function": "function",
    "describe_details_key": "details_described",
    "disabled_creator": "left_creator",
    "index_lag": "lag",
    "invalid_holds_unique": "bin_key",
    "duplicate_rules": "duplicate",
    "more_decimals": "decimals",
    "null_in_update": "clears",
    "locked_update": "locked",
    "stage_by_update": "stage",
}
"""Where the question is not called as the setting is."""


def test_an_answer_follows_each_setting_that_is_flipped(tmp_path: Path) -> None:
    """And nothing is left behind."""
    plain, flipped = Asked(tmp_path / "plain"), Asked(tmp_path / "flipped", **{k: v for k, (v, _) in FLIPPED.items()})
    changed = {ASKED_OF.get(setting, setting): told for setting, (_, told) in FLIPPED.items()}
    for tenant, wanted in ((plain, PLAIN), (flipped, PLAIN | changed)):
        tenant.row()
        told = {each.name: tenant.ask(each.name) for each in QUESTIONS}
        assert told == {name: Answer(*each) for name, each in wanted.items()}
        assert (tenant.connector.tidy("trial__c"), tenant.simulator.count("trial__c")) == ((), 1)
        tenant.close()
    assert {name for name in PLAIN if PLAIN[name] != changed.get(name, PLAIN[name])} == set(changed)


def test_other_ways_in_which_a_tenant_may_answer(tmp_path: Path) -> None:
    odd = Asked(
        tmp_path / "odd",
        limit_over_100="accepted",
        invalid_rows="shown",
        no_owner="refused",
        validation_code="7",
    )
    odd.row(life_status="invalid")
    assert odd.ask("limit") == Answer("accepted")
    assert odd.ask("bin") == Answer("shown"), "there is one in the bin"
    assert odd.ask("no_owner") == Answer("refused", 7)
    assert odd.ask("lag") == Answer("measured", 0), "our own are our user's"
    odd.close()
    rows = Asked(
        tmp_path / "rows", duplicate_rules="AccountObj.name", duplicate_answer="error_with_rows", update="overwrite"
    )
    assert rows.ask("total") == Answer(UNTRIED), "nothing has records"
    assert rows.ask("update", "AccountObj") == Answer("overwrite")
    assert rows.ask("duplicate", "AccountObj") == Answer("refused_with_rows", 32000)
    assert rows.ask("decimals", "AccountObj") == Answer(UNTRIED), "it has no number"
    assert rows.connector.probe(BY_NAME["bin"], "AccountObj") == Answer("hidden"), "a record of our own was looked for"
    assert rows.connector.tidy("AccountObj") == ()
    rows.close()


def test_what_a_process_that_ended_has_left_is_taken_away_and_what_stays_is_named(tmp_path: Path) -> None:
    killed = Asked(tmp_path)
    killed.ask("same_key")
    killed.ask("locked")
    assert [str(row[OUR_FIELD]).startswith(PREFIX) for row in killed.simulator.rows("trial__c")] == [True, True]
    after = connected(killed.way, killed.clock, objects=["trial__c"])
    killed.way.strike = at("/cgi/crm/custom/v2/data/delete", envelope(7, "x"))
    [left] = after.tidy("trial__c")
    assert [row["_id"] for row in killed.simulator.rows("trial__c")] == [left], "the other one is gone"
    assert (after.tidy("trial__c"), killed.simulator.count("trial__c")) == ((), 0), "asked once more"
    killed.close()


def test_a_refusal_in_words_that_nobody_knows(tmp_path: Path) -> None:
    told = Asked(tmp_path, at("/cgi/crm/custom/v2/data/create", envelope(201100, "参数有误")))
    assert told.ask("required") == Answer("unrecognised", 201100)
    told.close()
    keyless = Asked(tmp_path, key_field="")
    with pytest.raises(InputError) as stopped:
        keyless.ask("required")
    assert (stopped.value.code, keyless.simulator.count("trial__c")) == ("fxiaoke.our_key", 0)
    keyless.close()


def test_an_answer_changes_what_the_connector_does() -> None:
    kept = Tenant({"empty_text": "text"}, empty_text="kept")
    kept.accounts(1, remark="")
    kept.accounts(2)
    found = kept.connector.find("AccountObj", (OUR_KEY,), [("k1",), ("k2",)], ["remark"])
    assert (found.frame["remark"][0], found.frame["remark"].isna().tolist()) == ("", [False, True])
    described = kept.connector.describe().objects["AccountObj"]
    assert [described.field(name).empty_text for name in ("remark", "owner")] == [True, False]  # type: ignore[union-attr]
    wiped = Tenant(updates="overwrite").connector.lacking("AccountObj")
    assert [(each.code, each.severity) for each in wiped] == [("fxiaoke.overwrites", Severity.BLOCKS)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_and_answer_has_its_text(language: str) -> None:
    catalogue = Catalogue(language)
    codes = [code for each in QUESTIONS for code in (each.code, *(f"{each.code}_{word}" for word in each.words))]
    assert [code for code in codes if not catalogue.knows(code)] == []


def test_settings_follow_from_answers_and_the_project_outranks_them() -> None:
    answers = {
        "lag": Answer("measured", 9),
        "clears": Answer("empty"),
        "empty_text": Answer("text"),
        "update": Answer("overwrite"),
        "trace_id": Answer("required", 10006),
        "limit": Answer("cut", 100),
        "asked_no_more": Answer("yes"),
    }
    plain = Settings("fx", "fxiaoke", {**APP}, answers=answers)
    told = read_options(plain)
    assert (told.read_back_lag, told.empty, told.empty_text, told.updates) == (18.0, "empty", "kept", "overwrite")
    assert contradictions(plain) == ()
    own = {**APP, "read_back_lag": 8, "empty": "null", "updates": "patch", "trace_ids": False}
    against = Settings("fx", "fxiaoke", own, answers=answers)
    told = read_options(against)
    assert (told.read_back_lag, told.empty, told.empty_text, told.updates) == (8.0, "null", "kept", "patch")
    found = [(each.params["option"], each.params["said"], each.params["answered"]) for each in contradictions(against)]
    assert found == [
        ("read_back_lag", "8", "9"),
        ("empty", "null", "empty"),
        ("updates", "patch", "overwrite"),
        ("trace_ids", "false", "true"),
    ]
    enough = Settings("fx", "fxiaoke", {**APP, "read_back_lag": 9}, answers={"lag": Answer("measured", 1)})
    assert (contradictions(enough), read_options(enough).read_back_lag) == ((), 9.0)
    short = Settings("fx", "fxiaoke", {**APP}, answers={"lag": Answer("measured", 1)})
    assert read_options(short).read_back_lag == 5.0, "once measured is no bound"


def test_what_a_number_alone_means_is_known_from_then_on() -> None:
    numbers = {"required": 7, "too_long": 8, "no_option": 8, "same_key": 9}
    answers = {name: Answer("unrecognised", number) for name, number in numbers.items()}
    told = read_options(Settings("fx", "fxiaoke", {**APP}, answers={**answers, "locked": Answer("refused", 9)}))
    assert told.refusals == {"7": "required", "9": "duplicate"}, "8 means two things"
    tenant = Tenant(strike=at(CREATE, envelope(7, "参数有误"), envelope(8, "参数有误")), refusals=told.refusals)
    assert [each.code for each in tenant.accounts(1, 2)] == ["target.required", "target.refused"]
