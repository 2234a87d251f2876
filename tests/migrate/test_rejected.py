"""Tried again: what waits is read anew by its key, and what it kept back goes along."""

from __future__ import annotations

from pathlib import Path

from .company import Company, make_company


def test_smoke(tmp_path: Path) -> None:
    company = make_company(tmp_path / "move")
    company.customer("BAD", khmc=None)
    company.customer("CHILD", sjkh="BAD")
    company.order(1, "BAD")
    company.order(2, "CHILD")
    company.customer("GOOD", zt="x")
    company.run()
    print(company.say("status").out)
    company.old("update t_customer set khmc = 'mended' where khbh = 'BAD'")
    print(company.say("worklist").out)
    print(company.say("run", "--rejected", "--code", "required.missing").out)
    done = company.say("run", "--rejected", "--code", "required.missing", "--execute")
    print(done.out, done.err)
    print(company.say("run", "--rejected", "--execute").out)

