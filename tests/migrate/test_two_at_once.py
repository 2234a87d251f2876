"""Two runs at once, in one folder and from two hosts over one ledger: the second is refused while the first is in the
middle, and the first does not feel it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa

from ..servers import fresh_database
from .company import Company, make_company
from .kill_at import At, Launcher
from .test_interrupt import Paused
from .test_server_ledger import OnServer, on_server

CUSTOMERS, BATCH = 40, 10
RUN = ("run", "--execute", "--json")
HALF_WAY = At("target", "after", 2, "pause")


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = make_company(tmp_path / "here" / "move", chunk=20, batch=BATCH)
    for number in range(CUSTOMERS):
        made.customer(f"C{number}")
    return made


def ends_as_if_alone(first: Paused, company: Company) -> None:
    assert first.go_on()[0] == 0
    assert company.new("select count(*), count(distinct tax_no) from customer") == [(CUSTOMERS, CUSTOMERS)]
    assert company.ledger("select state, count(*) from operation where kind <> 'prove' group by 1") == [
        ("verified", CUSTOMERS)
    ]
    assert company.ledger("select count(*) from run") == [(1,)]
    told = company.run()
    assert (told.code, told.counts("customer")) == (0, {"read": CUSTOMERS, "unchanged": CUSTOMERS})


def test_a_second_run_in_the_folder_is_refused_and_the_first_is_unharmed(company: Company, launcher: Launcher) -> None:
    first = Paused(launcher, company, RUN, HALF_WAY)
    said = [company.say(*words) for words in (RUN, ("plan",), ("undo", "1", "--execute"))]
    ends_as_if_alone(first, company)
    assert [(each.code, "Wait for it" in each.out + each.err) for each in said] == [(4, True)] * 3


def test_a_second_run_from_another_host_is_refused_and_the_first_is_unharmed(
    company: Company, launcher: Launcher, postgres: sa.URL
) -> None:
    with fresh_database(postgres) as text:
        url = sa.make_url(text).set(drivername="postgresql").render_as_string(hide_password=False).replace(":@", "@")
        here = on_server(company, url)
        here.plan()  # makes the keys that both have
        there = here.folder.parent.with_name("there")
        shutil.copytree(here.folder.parent, there)
        other = OnServer(there / "move")
        first = Paused(launcher, here, RUN, HALF_WAY)
        said = [other.say(*words) for words in (RUN, ("plan",))]
        ends_as_if_alone(first, here)
        assert [(each.code, "Wait for it" in each.out + each.err) for each in said] == [(4, True)] * 2
        assert other.new("select count(*) from customer") == [(0,)]
