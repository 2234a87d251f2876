"""Who belongs to whom in the old CRM before dirt is planted: row numbers from 0, -1 for nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .chance import Chance, Flags, Rows
from .sizes import Sizes

CYCLE: Final = (3, 4)
"""Two accounts, each the other's parent."""

BELOW_CYCLE: Final = 5
"""An account whose parent is one of them."""

RESERVED: Final = (0, *CYCLE, BELOW_CYCLE)
"""Accounts that take no other part."""


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """One array an entry, one number a row. A test account has neither a parent nor children of any kind."""

    account_parent: Rows
    account_is_test: Flags
    contact_account: Rows
    opportunity_account: Rows
    opportunity_contact: Rows
    contract_account: Rows
    contract_opportunity: Rows
    activity_account: Rows
    activity_opportunity: Rows
    activity_contact: Rows
    activity_is_system: Flags
    statement_contract: Rows
    statement_account: Rows

    def parents(self, mapping: str) -> dict[str, tuple[str, Rows]]:
        """The mapping's reference fields in the old CRM: each with the mapping and the rows it points to."""
        match mapping:
            case "account":
                return {"sjkh": ("account", self.account_parent)}
            case "contact":
                return {"khbh": ("account", self.contact_account)}
            case "opportunity":
                return {"khbh": ("account", self.opportunity_account), "lxrid": ("contact", self.opportunity_contact)}
            case "contract":
                return {
                    "khbh": ("account", self.contract_account),
                    "sjbh": ("opportunity", self.contract_opportunity),
                }
            case "activity":
                return {
                    "khbh": ("account", self.activity_account),
                    "sjbh": ("opportunity", self.activity_opportunity),
                    "lxrid": ("contact", self.activity_contact),
                }
            case _:
                return {
                    "htbh": ("contract", self.statement_contract),
                    "khbh": ("account", self.statement_account),
                }


def make_links(sizes: Sizes, chance: Chance) -> Links:
    parent, is_test = _account_tree(sizes.account, chance)
    live = np.flatnonzero(~is_test)
    contact_account = _pick(chance, "contact account", sizes.contact, live)

    opportunity_account = _pick(chance, "opportunity account", sizes.opportunity, live)
    opportunity_contact = _contact_of(chance, "opportunity contact", opportunity_account, contact_account, percent=70)

    earlier = _up_to(
        chance, "contract opportunity", np.arange(1, sizes.contract + 1) / sizes.contract, sizes.opportunity
    )
    contract_opportunity = _sometimes(chance, "contract opportunity", earlier, percent=70)
    contract_account = _account_through(
        contract_opportunity, opportunity_account, _pick(chance, "contract account", sizes.contract, live)
    )
    opportunity = _pick(chance, "activity opportunity", sizes.activity, np.arange(sizes.opportunity))
    activity_opportunity = _sometimes(chance, "activity opportunity", opportunity, percent=60)
    activity_account = _account_through(
        activity_opportunity, opportunity_account, _pick(chance, "activity account", sizes.activity, live)
    )
    share = (2 + 4 * np.arange(sizes.statement) / sizes.statement) / 6  # statements begin two years after contracts
    statement_contract = _up_to(chance, "statement contract", share, sizes.contract)
    return Links(
        account_parent=parent,
        account_is_test=is_test,
        contact_account=contact_account,
        opportunity_account=opportunity_account,
        opportunity_contact=opportunity_contact,
        contract_account=contract_account,
        contract_opportunity=contract_opportunity,
        activity_account=activity_account,
        activity_opportunity=activity_opportunity,
        activity_contact=_contact_of(chance, "activity contact", activity_account, contact_account, percent=60),
        activity_is_system=chance.below("activity is system", np.arange(sizes.activity), 100) < 2,
        statement_contract=statement_contract,
        statement_account=contract_account[statement_contract],
    )


def _account_tree(count: int, chance: Chance) -> tuple[Rows, Flags]:
    """A tree four levels deep. The first row has no parent, and the second's lies behind it."""
    rows = np.arange(count)
    level = np.digitize(chance.below("account level", rows, 100), [40, 80, 95])
    level[:6] = [0, 1, 0, 0, 0, 0]
    level[[-1, -2, -3]] = [0, 1, 2]
    is_test = (level == 0) & (chance.below("account is test", rows, 1000) < 7)
    is_test[[*RESERVED, -1]] = False
    is_test[2] = True
    parent = np.full(count, -1, dtype=np.int64)
    for depth in (1, 2, 3):
        above = np.flatnonzero((level == depth - 1) & ~is_test)
        here = np.flatnonzero(level == depth)
        parent[here] = above[chance.below("account parent", here, len(above))]
    parent[1] = count - 1
    first, second = CYCLE
    parent[[first, second, BELOW_CYCLE]] = [second, first, first]
    return parent, is_test


def _pick(chance: Chance, name: str, count: int, among: Rows) -> Rows:
    return among[chance.below(name, np.arange(count), len(among))]


def _up_to(chance: Chance, name: str, share: NDArray[np.float64], count: int) -> Rows:
    """For each row one of the first records of `count`, up to that share of them: no later ones."""
    limit = np.maximum((share * count).astype(np.int64), 1)
    return chance.below(name, np.arange(len(share)), 1 << 40) % limit


def _sometimes(chance: Chance, name: str, rows: Rows, percent: int) -> Rows:
    is_set = chance.below(f"{name} is set", np.arange(len(rows)), 100) < percent
    return np.where(is_set, rows, -1)


def _account_through(opportunity: Rows, opportunity_account: Rows, otherwise: Rows) -> Rows:
    return np.where(opportunity >= 0, opportunity_account[opportunity], otherwise)


def _contact_of(chance: Chance, name: str, account: Rows, contact_account: Rows, percent: int) -> Rows:
    """One of the account's own contacts for `percent` of the rows whose account has any."""
    by_account = np.argsort(contact_account, kind="stable")
    ordered = contact_account[by_account]
    first = np.searchsorted(ordered, account, side="left")
    many = np.searchsorted(ordered, account, side="right") - first
    rows = np.arange(len(account))
    is_set = (many > 0) & (chance.below(f"{name} is set", rows, 100) < percent)
    offset = chance.below(name, rows, 1 << 30) % np.maximum(many, 1)
    return np.where(is_set, by_account[np.where(is_set, first + offset, 0)], -1)
