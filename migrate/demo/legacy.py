"""The old CRM: writes `legacy.db` as people had typed it over the years, planted dirt and all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np

from . import words
from .cells import as_dates, as_money, as_times, chosen
from .chance import Rows
from .companies import tax_number, wide_group_name
from .dirt import Kind
from .people import write_staff
from .sizes import MAPPINGS, SOURCE_OBJECT
from .statements import Amounts, make_amounts
from .words import CITIES, full_width
from .world import World

Columns: TypeAlias = dict[str, Sequence[object]]

_BLOCK: Final = 20_000
_START: Final = np.datetime64("2019-01-01")
_LEVELS: Final = {level: (level, level, level, level, full_width(level), level.lower()) for level in "ABCD"}
_GENDERS: Final = ("男", "女", "男", "女", "M", "F", "1", "2", None)


def write_legacy(legacy: sqlite3.Connection, world: World, schema: str) -> Amounts:
    """Fill an empty database; answers with the statements' amounts."""
    legacy.executescript(schema)
    write_staff(legacy, world.people)
    amounts = make_amounts(world.sizes.statement, world.chance)
    makers: dict[str, Callable[[World, Rows], Columns]] = {
        "account": _customers,
        "contact": _contacts,
        "opportunity": _opportunities,
        "contract": _contracts,
        "activity": _activities,
        "statement": lambda world, rows: _statements(world, rows, amounts),
    }
    for mapping in MAPPINGS:
        for rows in _blocks(world.sizes.of(mapping)):
            insert_columns(legacy, SOURCE_OBJECT[mapping], makers[mapping](world, rows))
    return amounts


def insert_columns(database: sqlite3.Connection, table: str, columns: Columns) -> None:
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 names are this module's own
    database.executemany(statement, zip(*columns.values(), strict=True))


def _blocks(count: int) -> Iterator[Rows]:
    for first in range(0, count, _BLOCK):
        yield np.arange(first, min(first + _BLOCK, count))


def _customers(world: World, rows: Rows) -> Columns:
    chance, firms = world.chance, world.companies(rows)
    spelling = chance.below("account spelling", rows, 10).tolist()
    names: list[object] = [name + "　" if way == 9 else name for name, way in zip(firms.names, spelling, strict=True)]
    taxes: list[object] = list(firms.tax_numbers)
    employees: list[object] = list(firms.employees)
    parents: list[object] = list(world.sizes.keys("account", world.links.account_parent[rows]))
    _repeat_originals(world, rows, names, taxes)
    is_test = world.links.account_is_test[rows].tolist()
    for at, row in enumerate(rows.tolist()):
        if is_test[at]:
            names[at] = f"测试客户{row + 1:03d}"
    world.soil(employees, rows, world.dirt.rows("account", "zgrs", Kind.TEXT_IN_NUMBER), _one_of(words.TEXT_COUNTS))
    world.soil(parents, rows, world.dirt.rows("account", "sjkh", Kind.MISSING_PARENT), _deleted(world, "account"))
    created = chance.below("account created", rows, 5 * 365 * 86_400)
    return {
        "khbh": world.sizes.keys("account", rows),
        "khmc": names,
        "nsrsbh": taxes,
        "sjkh": parents,
        "khlx": [
            words.KINDS[kind][way % len(words.KINDS[kind])] for kind, way in zip(firms.kinds, spelling, strict=True)
        ],
        "khjb": [_LEVELS[level][way % 6] for level, way in zip(firms.levels, spelling, strict=True)],
        "ssqy": [_city(city, way) for city, way in zip(firms.city, spelling, strict=True)],
        "yzbm": firms.postal_codes,
        "bmbh": firms.departments,
        "zgrs": employees,
        "lxdh": [full_width(phone) if way == 4 else phone for phone, way in zip(firms.phones, spelling, strict=True)],
        "dz": firms.addresses,
        "jdrq": firms.opened,
        "sfvip": ["是" if is_key else "否" for is_key in firms.is_key],
        "sfcs": [int(each) for each in is_test],
        "ywy": world.people.codes(world.owners("account", rows)),
        "bz": chosen((*words.REMARKS, "", "", None, None), chance.below("account remark", rows, 11)),
        "tbbz": chance.below("account sync flag", rows, 3).tolist(),
        "cjsj": as_times(_START, created),
        "xgsj": as_times(_START, created + chance.below("account modified", rows, 86_400 * 90)),
    }


def _repeat_originals(world: World, rows: Rows, names: list[object], taxes: list[object]) -> None:
    """Turn the planted duplicates into their originals, typed in wide characters; half of the tax numbers too."""
    repeated = world.dirt.rows("account", "nsrsbh", Kind.DUPLICATE_NAME)
    original = dict(zip(repeated.tolist(), world.dirt.originals.tolist(), strict=True))
    world.soil(names, rows, repeated, lambda row: wide_group_name(original[row]))
    world.soil(
        taxes,
        rows,
        repeated,
        lambda row: full_width(tax_number(original[row])) if row % 2 else tax_number(original[row]),
    )


def _contacts(world: World, rows: Rows) -> Columns:
    chance = world.chance
    customers: list[object] = list(world.sizes.keys("account", world.links.contact_account[rows]))
    world.soil(customers, rows, world.dirt.rows("contact", "khbh", Kind.MISSING_PARENT), _deleted(world, "account"))
    birthdays: list[object] = [
        day if known else None
        for day, known in zip(
            as_dates(np.datetime64("1960-01-01"), chance.below("contact birthday", rows, 14_000)),
            (chance.below("contact birthday known", rows, 10) > 2).tolist(),
            strict=True,
        )
    ]
    world.soil(birthdays, rows, world.dirt.rows("contact", "csrq", Kind.IMPOSSIBLE_DATE), _impossible(1985))
    surnames = chosen([surname for surname, _ in words.SURNAMES], chance.below("contact surname", rows, 32))
    given = chosen(words.GIVEN, chance.below("contact given", rows, len(words.GIVEN)))
    created = chance.below("contact created", rows, 5 * 365 * 86_400)
    ways = chance.below("contact spelling", rows, 10).tolist()
    return {
        "lxrid": [int(key or 0) for key in world.sizes.keys("contact", rows)],
        "khbh": customers,
        "xm": [first + second for first, second in zip(surnames, given, strict=True)],
        "xb": chosen(_GENDERS, chance.below("contact gender", rows, len(_GENDERS))),
        "zw": chosen(words.TITLES, chance.below("contact title", rows, len(words.TITLES))),
        "sj": [
            full_width(f"198{row:08d}") if way == 4 else f"198{row:08d}"
            for row, way in zip(rows.tolist(), ways, strict=True)
        ],
        "yx": [f"lxr{row + 1}@kehu.example" if way < 8 else None for row, way in zip(rows.tolist(), ways, strict=True)],
        "csrq": birthdays,
        "sfzlxr": ["是" if way < 3 else "否" for way in ways],
        "cjsj": as_times(_START, created),
        "xgsj": as_times(_START, created + chance.below("contact modified", rows, 86_400 * 90)),
    }


def _opportunities(world: World, rows: Rows) -> Columns:
    chance, dirt = world.chance, world.dirt
    created = _in_order(world, "opportunity", rows)
    stages: list[object] = list(_spelled(world, "opportunity stage", rows, words.STAGES))
    amounts: list[object] = list(as_money(chance.within("opportunity amount", rows, 300_000, 90_000_000)))
    expected: list[object] = list(
        as_dates(_START, created // 86_400 + chance.within("opportunity days", rows, 10, 200))
    )
    world.soil(stages, rows, dirt.rows("opportunity", "jd", Kind.UNKNOWN_STAGE), _one_of(words.UNKNOWN_STAGES))
    world.soil(amounts, rows, dirt.rows("opportunity", "yjje", Kind.TEXT_IN_NUMBER), _one_of(words.TEXT_AMOUNTS))
    world.soil(expected, rows, dirt.rows("opportunity", "yjqyrq", Kind.IMPOSSIBLE_DATE), _impossible(2023))
    services = chosen(words.SERVICES, chance.below("opportunity service", rows, len(words.SERVICES)))
    contacts = world.sizes.keys("contact", world.links.opportunity_contact[rows])
    return {
        "sjbh": world.sizes.keys("opportunity", rows),
        "khbh": world.sizes.keys("account", world.links.opportunity_account[rows]),
        "lxrid": [None if key is None else int(key) for key in contacts],
        "sjmc": [f"{service}项目-{row + 1}" for service, row in zip(services, rows.tolist(), strict=True)],
        "jd": stages,
        "yjje": amounts,
        "yjqyrq": expected,
        "tjrs": chance.within("opportunity people", rows, 5, 3000).tolist(),
        "ly": _spelled(world, "opportunity source", rows, {**words.SOURCES, "other": (None, "不记得了")}),
        "ywy": world.people.codes(world.owners("opportunity", rows)),
        "cjsj": as_times(_START, created),
        "xgsj": as_times(_START, created + chance.below("opportunity modified", rows, 86_400 * 90)),
    }


def _contracts(world: World, rows: Rows) -> Columns:
    chance, dirt = world.chance, world.dirt
    created = _in_order(world, "contract", rows)
    amounts: list[object] = list(as_money(chance.within("contract amount", rows, 500_000, 120_000_000)))
    signed: list[object] = list(as_dates(_START, created // 86_400))
    world.soil(amounts, rows, dirt.rows("contract", "htje", Kind.TEXT_IN_NUMBER), _one_of(words.TEXT_AMOUNTS))
    world.soil(signed, rows, dirt.rows("contract", "qdrq", Kind.IMPOSSIBLE_DATE), _impossible(2023))
    services = chosen(words.SERVICES, chance.below("contract service", rows, len(words.SERVICES)))
    states = tuple(words.CONTRACT_STATES.values())
    return {
        "htbh": world.sizes.keys("contract", rows),
        "khbh": world.sizes.keys("account", world.links.contract_account[rows]),
        "sjbh": world.sizes.keys("opportunity", world.links.contract_opportunity[rows]),
        "htmc": [f"{service}服务合同（第{row + 1}号）" for service, row in zip(services, rows.tolist(), strict=True)],
        "htje": amounts,
        "qdrq": signed,
        "ksrq": as_dates(_START, created // 86_400 + 15),
        "jsrq": as_dates(_START, created // 86_400 + 380),
        "zt": chosen(states, chance.below("contract state", rows, len(states))),
        "fkfs": chosen(words.PAYMENT_TERMS, chance.below("contract terms", rows, len(words.PAYMENT_TERMS))),
        "zdxq": chance.below("contract renews", rows, 2).tolist(),
        "ywy": world.people.codes(world.owners("contract", rows)),
        "cjsj": as_times(_START, created),
        "xgsj": as_times(_START, created + chance.below("contract modified", rows, 86_400 * 90)),
    }


def _activities(world: World, rows: Rows) -> Columns:
    chance = world.chance
    happened = chance.below("activity happened", rows, 5 * 365 * 86_400)
    opportunities: list[object] = list(world.sizes.keys("opportunity", world.links.activity_opportunity[rows]))
    lost = world.dirt.rows("activity", "sjbh", Kind.MISSING_PARENT)
    world.soil(opportunities, rows, lost, _deleted(world, "opportunity"))
    kinds = _spelled(world, "activity kind", rows, words.ACTIVITY_KINDS)
    is_system = world.links.activity_is_system[rows].tolist()
    services = chosen(words.SERVICES, chance.below("activity service", rows, len(words.SERVICES)))
    contacts = world.sizes.keys("contact", world.links.activity_contact[rows])
    entered = happened - 8 * 3600 + chance.within("activity entered", rows, 60, 7200)
    return {
        "hdid": (rows + 1).tolist(),
        "khbh": world.sizes.keys("account", world.links.activity_account[rows]),
        "sjbh": opportunities,
        "lxrid": [None if key is None else int(key) for key in contacts],
        "lx": [words.SYSTEM_ACTIVITY if flag else kind for kind, flag in zip(kinds, is_system, strict=True)],
        "zt": [f"{service}跟进" for service in services],
        "nr": chosen((*words.ACTIVITY_TEXTS, "", None), chance.below("activity text", rows, 8)),
        "hdsj": as_times(_START, happened),
        "sc": chance.within("activity minutes", rows, 1, 180).tolist(),
        "gjr": world.people.codes(world.owners("activity", rows)),
        "lrsj": as_times(_START, entered),
    }


def _statements(world: World, rows: Rows, amounts: Amounts) -> Columns:
    chance = world.chance
    contracts: list[object] = list(world.sizes.keys("contract", world.links.statement_contract[rows]))
    world.soil(contracts, rows, world.dirt.rows("statement", "htbh", Kind.MISSING_PARENT), _deleted(world, "contract"))
    due, received, written_off = amounts.due[rows], amounts.received[rows], amounts.written_off[rows]
    state = np.where(amounts.is_settled[rows], 0, np.where(received > 0, 1, 2))
    years = [world.sizes.year("statement", row) for row in rows.tolist()]
    months = chance.within("statement month", rows, 1, 12).tolist()
    days = chance.within("statement day", rows, 1, 28).tolist()
    invoiced = [f"{year}-{month:02d}-{day:02d}" for year, month, day in zip(years, months, days, strict=True)]
    return {
        "dzdh": world.sizes.keys("statement", rows),
        "htbh": contracts,
        "khbh": world.sizes.keys("account", world.links.statement_account[rows]),
        "nd": [str(year) for year in years],
        "yf": [f"{month:02d}" for month in months],
        "ysje": as_money(due),
        "ssje": as_money(received),
        "hxje": as_money(written_off),
        "zt": chosen(tuple(words.STATEMENT_STATES.values()), state),
        "kprq": invoiced,
        "bz": chosen((None, None, "", "已与财务核对", "客户要求合并开票"), chance.below("statement remark", rows, 5)),
        "cjsj": [f"{day} 18:{minute:02d}:00" for day, minute in zip(invoiced, days, strict=True)],
    }


def _spelled(world: World, name: str, rows: Rows, choices: Mapping[str, Sequence[str | None]]) -> list[str | None]:
    """For each row one of all the ways to write one of the choices."""
    ways = [way for several in choices.values() for way in several]
    return chosen(ways, world.chance.below(name, rows, len(ways)))


def _in_order(world: World, mapping: str, rows: Rows) -> Rows:
    """Seconds from the start, as the documents' numbers go up."""
    return rows * (6 * 365 * 86_400) // world.sizes.of(mapping) + world.chance.below(
        f"{mapping} delay", rows, 5 * 86_400
    )


def _city(city: int, way: int) -> str:
    """Seven in ten as most people write it, the last way once in ten."""
    spelled = CITIES[city].spelled
    return spelled[0 if way < 7 else -1 if way == 9 else 1]


def _deleted(world: World, mapping: str) -> Callable[[int], object]:
    """Keys behind the last one: of records that somebody deleted by hand."""
    return lambda row: world.sizes.key(mapping, world.sizes.of(mapping) + row)


def _impossible(year: int) -> Callable[[int], object]:
    return lambda row: f"{year}-{words.IMPOSSIBLE_DAYS[row % len(words.IMPOSSIBLE_DAYS)]}"


def _one_of(texts: Sequence[str]) -> Callable[[int], object]:
    return lambda row: texts[row % len(texts)]
