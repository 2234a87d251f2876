"""A run that several processes share: `run --workers`, `run --join`. What is refused, what is told, what it comes to.
Where they die: test_workers_killed.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from ..servers import fresh_database
from .company import make_company
from .test_server_ledger import PASSWORD, OnServer, on_server

CUSTOMERS = 60


@pytest.fixture(scope="module")
def url(postgres: sa.URL) -> Iterator[str]:
    with fresh_database(postgres) as text, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEDGER_PASSWORD", PASSWORD)
        made = sa.make_url(text).set(drivername="postgresql", password="LEDGER")  # noqa: S106
        yield made.render_as_string(hide_password=False).replace(":LEDGER@", ":${LEDGER_PASSWORD}@")


@pytest.fixture
def company(url: str, tmp_path: Path) -> OnServer:
    made = on_server(make_company(tmp_path / "move", chunk=40, batch=5), url)
    made.customer("C0", sjkh=None)
    for number in range(1, CUSTOMERS):
        made.customer(f"C{number}", sjkh=f"C{number // 4}")
    return made


def test_two_processes_share_a_run(company: OnServer) -> None:
    told = company.run(workers=2)
    assert (told.code, told.verdict) == (0, "run.done")
    assert told.counts("customer") == {"read": CUSTOMERS, "created": CUSTOMERS}
    assert company.reconcile().code == 0
