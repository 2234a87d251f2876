"""`check --probe` by the real command, of a simulator behind a socket: what it asks and keeps, and what follows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from changeover.cli import app
from changeover.connectors.clock import SystemClock
from changeover.connectors.fxiaoke import gateway
from changeover.connectors.fxiaoke.simulator import Fault, FaultKind, Faults, Server, Simulator
from changeover.connectors.fxiaoke.simulator import Settings as SimulatorSettings
from typer.testing import CliRunner

PROJECT = """
project: asking
default: trial
environments:
  trial:
    source: {connector: memory, name: old, file: old.json}
    target:
      {FX}
  another:
    source: {connector: memory, name: old, file: old.json}
    target: {connector: memory, name: new, file: old.json}
  back:
    source:
      - {connector: memory, name: old, file: old.json}
      - {FX}
    target: {connector: memory, name: new, file: old.json}
"""
FX = """{connector: fxiaoke, name: fx, host: "URL", app_id: FSAID_simulator, app_secret: "${FX_SECRET}",
       permanent_code: "${FX_CODE}", sign_in: bearer, user: "1000", objects: [AccountObj], timeout: 20}"""
OLD = {"objects": {"firm": {"key": ["id"], "fields": [{"name": "id", "type": "text"}]}}, "rows": {"firm": []}}
MAPPING = "mapping: firm\nfrom: firm\nto: AccountObj\nfields:\n  name: id\n"
DELETE, UPDATE = "/cgi/crm/v2/data/delete", "/cgi/crm/v2/data/update"
WRITES = ("/create", "/update", "/invalid", "/delete", "/lock")


class Asking:
    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server, self.simulator = folder, server, server.simulator
        (folder / "mappings").mkdir()
        (folder / "changeover.yaml").write_text(PROJECT.replace("{FX}", FX.replace("URL", server.url)), "utf-8")
        (folder / "old.json").write_text(json.dumps(OLD), "utf-8")
        (folder / "mappings" / "firm.yaml").write_text(MAPPING, "utf-8")
        self.code = 0

    def say(self, *words: str) -> str:
        said = CliRunner().invoke(app, ["check", *words, "--project", str(self.folder)])
        self.code = said.exit_code
        return said.output

    def told(self, *words: str) -> dict[str, object]:
        said = CliRunner().invoke(app, ["check", *words, "--json", "--project", str(self.folder)])
        self.code = said.exit_code
        told: dict[str, object] = json.loads(said.stdout)
        return told

    @property
    def kept(self) -> Path:
        return self.folder / "schemas" / "answers-trial.yaml"

    def rewrite(self, file: str, old: str, new: str) -> None:
        text = (self.folder / file).read_text("utf-8")
        assert old in text
        (self.folder / file).write_text(text.replace(old, new), "utf-8")


@pytest.fixture
def asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    monkeypatch.setenv("CHANGEOVER_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FX_SECRET", "secret")
    monkeypatch.setenv("FX_CODE", "code")
    monkeypatch.setattr(gateway, "PAUSE", 0.0)
    (tmp_path / "move").mkdir()
    settings = SimulatorSettings.of({"key_field": "legacy_key__c", "token_calls": "0", "null_in_update": "ignored"})
    faults = Faults(
        [Fault(DELETE, FaultKind.GATEWAY, frozenset({1}), after=True), Fault(UPDATE, FaultKind.LOST, frozenset({1}))]
    )
    server = Server(Simulator(SystemClock(), settings, None, faults))
    yield Asking(tmp_path / "move", server)
    server.close()


def test_what_only_the_tenant_can_tell_is_asked_and_kept(asking: Asking) -> None:
    told = asking.told("--probe")
    assert (asking.code, told["left"], asking.simulator.count("AccountObj")) == (0, [], 0)
    assert [call for call in asking.simulator.calls if call.endswith(WRITES)] == [], "without --execute it only reads"
    assert set(told["answers"]["fx"]) >= {"limit", "clock"}  # type: ignore[index]
    first = asking.kept.read_text("utf-8")
    assert ('      limit: {asked: "' in first, "clears" in first) == (True, False)

    said = asking.say("--probe", "--execute", "--object", "AccountObj")
    assert (asking.code, "no answer to /cgi/crm/v2/data/update" in said) == (3, True), "an answer was lost"
    assert asking.simulator.count("AccountObj") == 0, "what was made is taken away all the same"
    assert "same_key" in asking.kept.read_text("utf-8"), "what was answered until then holds"

    said = asking.say("--probe", "--execute", "--object", "AccountObj", "--lang", "zh")
    assert (asking.code, "空文本，而不是 null" in said) == (0, True)
    kept = asking.kept.read_text("utf-8")
    assert ('clears: {asked: "' in kept, "answer: empty}" in kept, "limit:" in kept) == (True, True, True)
    assert asking.simulator.count("AccountObj") == 0

    assert "nobody has proven that our user sees every record of AccountObj" in " ".join(asking.say().split())
    asking.rewrite("changeover.yaml", "timeout: 20", 'timeout: 20, empty: "null"')
    against, *_ = asking.told()["findings"]  # type: ignore[misc]
    assert "says empty: null, and the tenant's answer to check --probe was empty" in against["text"]  # type: ignore[index]
    asking.rewrite("schemas/answers-trial.yaml", "system: fxiaoke FSCID_", "system: fxiaoke FSCID_B")
    said = asking.say()
    assert (asking.code, "keeps answers of another system" in said) == (2, True)
    assert (asking.told("--probe")["verdict"]["params"]["answered"], asking.code) == (7, 0), (
        "those of another are forgotten"
    )  # type: ignore[index]
    asking.say()
    assert asking.code == 0


def test_an_order_that_makes_no_sense_is_refused(asking: Asking) -> None:
    def refused(told: str, *words: str) -> None:
        said = " ".join(asking.say(*words).split())
        assert (asking.code, told in said) == (2, True), said

    refused("go with --probe. Type: changeover check --project", "--execute")
    refused("Say in which object of the target: changeover check", "--probe", "--execute")
    refused("has no object AcountObj. Nearest: AccountObj", "--probe", "--execute", "--object", "AcountObj")
    asking.rewrite("changeover.yaml", "  trial:", "  trial:\n    production: true")
    refused("--confirm", "--probe", "--execute", "--object", "AccountObj")
    assert asking.simulator.count("AccountObj") == 0
    assert "NOTHING TO ASK" in asking.say("--probe", "--env", "another")


def test_what_cannot_be_taken_away_is_named(asking: Asking) -> None:
    asking.simulator.faults = Faults([Fault(DELETE, FaultKind.GATEWAY, every=1)])
    told = asking.told("--probe", "--execute", "--object", "AccountObj")
    left = {str(row["_id"]) for row in asking.simulator.rows("AccountObj")}
    assert (asking.code, set(told["left"]), told["verdict"]["code"]) == (1, left, "probe.left_behind")  # type: ignore[index, call-overload]
    assert left


def test_a_source_is_asked_as_well_and_only_ever_read(asking: Asking) -> None:
    asking.rewrite("mappings/firm.yaml", "from: firm\nto: AccountObj", "from: fx.AccountObj\nto: firm")
    asking.rewrite("mappings/firm.yaml", "  name: id\n", "  id: name\n")
    asking.rewrite("changeover.yaml", "timeout: 20", 'timeout: 20, empty: "null"')
    told = asking.told("--probe", "--execute", "--object", "firm", "--env", "back")
    assert (asking.code, set(told["answers"])) == (0, {"fx"})  # type: ignore[call-overload]
    assert [call for call in asking.simulator.calls if call.endswith(WRITES)] == []
    kept = asking.folder / "schemas" / "answers-back.yaml"
    kept.write_text(kept.read_text("utf-8") + '      clears: {asked: "2024-02-29", answer: empty}\n', "utf-8")
    said = {each["code"]: each["params"] for each in asking.told("--env", "back")["findings"]}  # type: ignore[attr-defined]
    assert said["fxiaoke.sight_unproven"]["objects"] == "AccountObj"
    assert said["fxiaoke.answered_otherwise"]["said"] == "null", "whatever mappings lay over the source"
