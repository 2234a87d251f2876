"""A small move into Fxiaoke's simulator over a real socket, on which the connection breaks at creates that were done
all the same, at once or later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from changeover.connectors.clock import SystemClock
from changeover.connectors.fxiaoke.simulator import Fault, FaultKind, Faults, Server, Simulator
from changeover.connectors.fxiaoke.simulator import Settings as SimulatorSettings

from ..connectors.fxiaoke_kit import OUR_FIELD, SECRETS
from .company import Company, make_company

PROJECT = """
project: small-move
default: mock
environments:
  mock:
    source: {{connector: sql, name: legacy, url: "sqlite:///legacy.db", zone: Asia/Shanghai}}
    target:
      connector: fxiaoke
      name: fx
      zone: Asia/Shanghai
      host: {host}
      sign_in: bearer
      app_id: FSAID_simulator
      app_secret: "${{FX_SECRET}}"
      permanent_code: "${{FX_CODE}}"
      user: "1000"
      objects: [AccountObj, ContactObj]
      timeout: 1
      server_maximum: "0.4"
      read_back_lag: 0
      ordeals: []
      calls: 1000
      packs: 1
limits: {{deadline: 1, cool_down: 0}}
objects: {{t_staff: {{leave: nobody moves}}}}
"""
ACCOUNT = """
mapping: customer
from: t_customer
to: AccountObj
fields: {name: khmc}
"""
CONTACT = """
mapping: order
from: t_order
to: ContactObj
fields: {name: id, account_id: {from: khbh, reference: customer}}
"""
CREATE = "/cgi/crm/v2/data/create"
ACCOUNTS, CONTACTS = 3, 1


@contextmanager
def served(folder: Path, fault: Fault) -> Iterator[tuple[Company, Simulator]]:
    told = SimulatorSettings.of({"key_field": OUR_FIELD, "rate_calls": "1000", "token_calls": "0"})
    simulator = Simulator(SystemClock(), told, None, Faults([fault]))
    server = Server(simulator)
    company = make_company(folder)
    (folder / "changeover.yaml").write_text(PROJECT.format(host=server.url), "utf-8")
    for name, text in {"customer": ACCOUNT, "order": CONTACT}.items():
        (folder / "mappings" / f"{name}.yaml").write_text(text, "utf-8")
    for number in range(ACCOUNTS):
        company.customer(str(number))
    for number in range(CONTACTS):
        company.order(number, str(number))
    try:
        yield company, simulator
    finally:
        server.close()


def until_it_ends(company: Company, most: int = 6) -> int:
    """How many runs it took."""
    for number in range(1, most + 1):
        said = company.say("run", "--execute", env=SECRETS)
        if said.code == 0:
            return number
        assert said.code == 3, said.out + said.err
    raise AssertionError("it does not end")


ODD, EVEN = frozenset(range(1, 20, 2)), frozenset(range(2, 20, 2))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(CREATE, FaultKind.LOST, ODD, after=True),
        Fault(CREATE, FaultKind.LOST, EVEN, after=True),
        Fault(CREATE, FaultKind.LATE, ODD, seconds=0.2),
    ],
    ids=["done, the odd calls", "done, the even calls", "done later"],
)
def test_what_was_created_without_an_answer_is_there_once(tmp_path: Path, fault: Fault) -> None:
    """Every call in one of two moves, those of the first records' proofs too."""
    with served(tmp_path / "move", fault) as (company, simulator):
        runs = until_it_ends(company)
        made = {name: [row[OUR_FIELD] for row in simulator.rows(name)] for name in ("AccountObj", "ContactObj")}
        assert {name: (len(keys), len(set(keys))) for name, keys in made.items()} == {
            "AccountObj": (ACCOUNTS, ACCOUNTS),
            "ContactObj": (CONTACTS, CONTACTS),
        }
        assert simulator.faults.struck >= 3
        open_ones = "select count(*) from operation where state in ('planned', 'intent', 'unknown')"
        assert company.ledger(open_ones) == [(0,)], runs
        assert company.say("reconcile", env=SECRETS).code == 0
