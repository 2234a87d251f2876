"""The command `simulator`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from changeover.cli import app
from typer.testing import CliRunner


def test_without_a_name_it_lists_what_there_is_and_what_can_be_set() -> None:
    told = json.loads(CliRunner().invoke(app, ["simulator", "--json"]).output)
    assert told["simulators"] == ["fxiaoke", "salesforce"]
    assert told["next"] == ["changeover simulator fxiaoke", "changeover simulator salesforce"]
    rows = {row[0]: row for row in told["tables"][0]["rows"]}
    assert rows["burst_code"][1:3] == ["30004", "30004 | 14001"]
    chinese = json.loads(CliRunner().invoke(app, ["simulator", "--json", "--lang", "zh"]).output)["tables"][0]["rows"]
    assert [(row[0], row[3]) for row in chinese][-1] == ("random_seed", "生成 _id 的随机种子")
    assert (rows["rate_calls"][4]["text"], rows["burst_code"][4]["text"]) == ("told or yours", "a guess")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nothing"], "Installed: fxiaoke, salesforce"),
        (["fxiaoke", "--set", "packs"], "packs is not NAME=VALUE"),
        (["fxiaoke", "--set", "nothing=1"], "There is no setting nothing"),
        (["fxiaoke", "--set", "total=1"], "takes when_asked | always"),
        (["fxiaoke", "--faults", "none.yaml"], "none.yaml cannot be used"),
        (["fxiaoke", "--data", "/dev/null/x"], "cannot be made"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(words: list[str], told: str) -> None:
    said = CliRunner().invoke(app, ["simulator", *words])
    assert said.exit_code == 2
    assert told in said.output


def test_it_answers_until_it_is_stopped_and_its_rows_are_there_the_next_time(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "changeover", "simulator", "fxiaoke", "--port", "0", "--json"]
    counted = []
    for _ in range(2):
        with subprocess.Popen(
            [*command, "--data", tmp_path / "tenant", "--set", "key_field=legacy_key__c"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            told = json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
            with requests.Session() as session:
                session.trust_env = False
                counted.append(_create_and_count(session, told["url"], told["credentials"]))
            process.send_signal(signal.SIGINT)
            _, said = process.communicate()
        assert (process.returncode, said) == (130, "Stopped.\n")
    assert counted == [1, 2]


def _create_and_count(session: requests.Session, url: str, credentials: dict[str, str]) -> int:
    token = session.post(
        f"{url}/cgi/corpAccessToken/get/V2",
        json={key: credentials[key] for key in ("appId", "appSecret", "permanentCode")},
        timeout=30,
    ).json()
    who = {"currentOpenUserId": credentials["currentOpenUserId"]}
    who |= {key: token[key] for key in ("corpAccessToken", "corpId")}
    row = {"dataObjectApiName": "AccountObj", "name": "甲", "legacy_key__c": token["traceId"]}
    made = session.post(f"{url}/cgi/crm/v2/data/create", json={**who, "data": {"object_data": row}}, timeout=30).json()
    assert made["errorCode"] == 0, made
    asked = {"dataObjectApiName": "AccountObj", "find_explicit_total_num": True}
    asked["search_query_info"] = {"limit": 10, "offset": 0}
    found = session.post(f"{url}/cgi/crm/v2/data/query", json={**who, "data": asked}, timeout=30).json()
    return int(found["data"]["total"])
