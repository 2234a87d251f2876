"""What tests of `run --rejected` share."""

from __future__ import annotations

from .company import Company, Told

PICKLIST = """
create trigger picklist before insert on orders when new.stage = 'won' begin
  select raise(abort, 'bad picklist value'); end;
"""


def names(company: Company) -> set[object]:
    return {row[0] for row in company.new("select name from customer")}


def parked(company: Company) -> dict[object, object]:
    """Source key -> the cause for which the record waits."""
    return dict(company.ledger("select source_key, code from record where code is not null"))  # type: ignore[arg-type]


def sent(company: Company) -> int:
    (row,) = company.ledger("select count(*) from operation")
    return int(str(row[0]))


def mend(company: Company, key: str, **cells: object) -> None:
    sets = ", ".join(f"{name} = ?" for name in cells)
    company.old(f"update t_customer set {sets} where khbh = ?", (*cells.values(), key))


def retried(company: Company, **order: object) -> Told:
    """Planned and then done; both count the same, and the plan writes nothing."""
    before = sent(company), company.new("select count(*) from customer")
    planned = company.plan(rejected=True, **order)
    assert (sent(company), company.new("select count(*) from customer")) == before
    done = company.run(rejected=True, **order)
    for branch in done.report.counts:
        assert planned.counts(branch.mapping) == done.counts(branch.mapping)
    return done


def nothing_waits(company: Company) -> None:
    told = retried(company)
    assert (told.code, told.verdict) == (0, "run.none_parked")
    assert all(each.read == 0 for each in told.report.counts)
