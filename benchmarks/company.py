"""The company that is moved: six objects that refer to one another, by seed, with Chinese names and text."""

from __future__ import annotations

import datetime as dt
import random
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Column:
    """A field: its name before and after the move, its kind, and the object that it refers to."""

    name: str
    target: str
    kind: str = "text"
    refers_to: str | None = None
    required: bool = False


def money(name: str, target: str) -> Column:
    return Column(name, target, "money")


def parent(name: str, target: str, refers_to: str) -> Column:
    return Column(name, target, refers_to=refers_to)


KEY = Column("id", "legacy_id", required=True)
OWNER = Column("owner_id", "owner_user")
TIMES = (Column("created_at", "created_on", "time"), Column("modified_at", "modified_on", "time"))
OBJECTS: dict[str, tuple[Column, ...]] = {
    "account": (
        KEY,
        Column("name", "account_name", required=True),
        parent("parent_id", "parent_legacy_id", "account"),
        Column("industry", "industry_code"),
        Column("city", "billing_city"),
        OWNER,
        money("annual_revenue", "revenue"),
        Column("phone", "tel"),
        *TIMES,
    ),
    "contact": (
        KEY,
        parent("account_id", "account_legacy_id", "account"),
        Column("name", "full_name", required=True),
        Column("title", "job_title"),
        Column("email", "email_addr"),
        Column("mobile", "mobile_phone"),
        *TIMES,
    ),
    "opportunity": (
        KEY,
        parent("account_id", "account_legacy_id", "account"),
        OWNER,
        Column("name", "deal_name", required=True),
        Column("stage", "stage_code"),
        money("amount", "deal_amount"),
        Column("close_date", "expected_close", "date"),
        *TIMES,
    ),
    "activity": (
        KEY,
        parent("account_id", "account_legacy_id", "account"),
        parent("contact_id", "contact_legacy_id", "contact"),
        OWNER,
        Column("subject", "subject_line", required=True),
        Column("kind", "activity_type"),
        Column("note", "body"),
        Column("due_date", "due_on", "date"),
        *TIMES,
    ),
    "contract": (
        KEY,
        parent("account_id", "account_legacy_id", "account"),
        Column("contract_no", "contract_number", required=True),
        money("amount", "contract_amount"),
        Column("status", "status_code"),
        Column("start_date", "starts_on", "date"),
        Column("end_date", "ends_on", "date"),
        *TIMES,
    ),
    "statement": (
        KEY,
        parent("contract_id", "contract_legacy_id", "contract"),
        Column("statement_no", "statement_number", required=True),
        money("amount", "statement_amount"),
        money("tax", "tax_amount"),
        Column("period", "period_code"),
        *TIMES,
    ),
}
"""In the order of their references."""

SIZES = {
    "account": 12_000,
    "contact": 25_000,
    "opportunity": 15_000,
    "activity": 20_000,
    "contract": 13_000,
    "statement": 18_000,
}
PREFIXES = {
    "account": "KH",
    "contact": "LX",
    "opportunity": "SJ",
    "activity": "HD",
    "contract": "HT",
    "statement": "DZ",
}
STAGES = ("初次拜访", "需求调研", "方案评审", "招标", "签约", "丢单")
STATUSES = ("起草", "会签", "履行中", "终止")

_PLACES = (
    "沈阳",
    "昆明",
    "福州",
    "哈尔滨",
    "南昌",
    "贵阳",
    "太原",
    "石家庄",
    "长春",
    "无锡",
    "佛山",
    "烟台",
    "温州",
    "泉州",
    "洛阳",
    "徐州",
)
_TRADES = (
    "健康管理",
    "体检中心",
    "医疗器械",
    "康复护理",
    "检验服务",
    "药品流通",
    "口腔门诊",
    "眼科",
    "养老服务",
    "母婴照护",
)
_FORMS = ("有限公司", "集团有限公司", "（集团）股份有限公司", "有限责任公司", "合伙企业（有限合伙）")
_SYLLABLES = "安宁颐仁济民惠佑和盈嘉煦沐衡岳澜弘康益佳润美诺善源"
_FAMILIES = "欧司诸葛柏水窦章云鲍史唐费廉岑雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄"
_GIVEN = "若澄怀瑾知微景行慕言予墨舒云清和望舒思齐令仪书瑶修远明哲安澜"
_TITLES = ("院长", "设备科科长", "护士长", "采购主任", "信息科工程师", "财务经理", "门诊部主任")
_KINDS = ("上门", "来电", "视频会议", "短信", "学术会")
_REMARKS = (
    "对方希望把付款期延长到九十天，等财务答复。",
    "设备已到货；安装时间约在下月中旬。",
    "科室要求补充培训，名单随后发来。",
    "价格高于上一家，需要重新报价。",
    "联系人外出，改日再约。",
)
_BEGIN = dt.datetime(2018, 3, 1, 8)  # noqa: DTZ001 - a wall clock's reading, as the legacy system keeps it


class Maker:
    """Makes the rows of one object, each in the order of its columns; the same ones for the same seed and scale."""

    def __init__(self, name: str, scale: int, seed: int) -> None:
        self.chance = random.Random(f"{seed}:{scale}:{name}")
        self.name = name
        self.sizes = {each: size * scale for each, size in SIZES.items()}
        self._make: Callable[[int], Row] = getattr(self, f"_{name}")

    def rows(self) -> Iterator[Row]:
        for number in range(1, self.sizes[self.name] + 1):
            yield (key(self.name, number), *self._make(number), *self._times())

    def _one_of(self, name: str) -> str:
        return key(name, self.chance.randint(1, self.sizes[name]))

    def _pick(self, *pools: str | tuple[str, ...]) -> str:
        return "".join(self.chance.choice(pool) for pool in pools)

    def _amount(self) -> str:
        return f"{self.chance.lognormvariate(10, 2):.2f}"

    def _day(self) -> str:
        return (_BEGIN.date() + dt.timedelta(days=self.chance.randint(0, 2500))).isoformat()

    def _owner(self) -> str:
        return f"USR{self.chance.randint(1, 200):06d}"

    def _times(self) -> Row:
        made = _BEGIN + dt.timedelta(seconds=self.chance.randint(0, 150_000_000))
        changed = made + dt.timedelta(seconds=self.chance.randint(0, 20_000_000))
        return str(made), str(changed)

    def _account(self, number: int) -> Row:
        above = (
            key("account", self.chance.randint(1, number - 1)) if number > 20 and self.chance.random() < 0.3 else None
        )
        place, trade = self._pick(_PLACES), self._pick(_TRADES)
        name = place + self._pick(_SYLLABLES, _SYLLABLES) + trade + self._pick(_FORMS)
        phone = f"0{self.chance.randint(310, 999)}-{self.chance.randint(2_000_000, 8_999_999)}"
        return name, above, trade, place, self._owner(), self._amount(), phone

    def _contact(self, number: int) -> Row:
        mobile = f"1{self.chance.randint(3_000_000_000, 9_999_999_999)}"
        name = self._pick(_FAMILIES, _GIVEN, _GIVEN)
        return self._one_of("account"), name, self._pick(_TITLES), f"c{number}@kehu{number % 700}.example.cn", mobile

    def _opportunity(self, number: int) -> Row:
        name = f"{self._pick(_PLACES)}{self._pick(_TRADES)}采购{number}"
        return self._one_of("account"), self._owner(), name, self._pick(STAGES), self._amount(), self._day()

    def _activity(self, _number: int) -> Row:
        kind = self._pick(_KINDS)
        subject = f"{kind}·{self._pick(_FAMILIES, _GIVEN)}"
        note = self._pick(_REMARKS, _REMARKS)
        return self._one_of("account"), self._one_of("contact"), self._owner(), subject, kind, note, self._day()

    def _contract(self, number: int) -> Row:
        number_text = f"CG{self.chance.randint(2018, 2024)}{number:08d}"
        return self._one_of("account"), number_text, self._amount(), self._pick(STATUSES), self._day(), self._day()

    def _statement(self, number: int) -> Row:
        amount = self._amount()
        tax = f"{float(amount) * 0.06:.2f}"
        period = f"{self.chance.randint(2018, 2024)}-{self.chance.randint(1, 12):02d}"
        return self._one_of("contract"), f"JS{number:09d}", amount, tax, period


def key(name: str, number: int) -> str:
    return f"{PREFIXES[name]}{number:09d}"


@dataclass(frozen=True)
class Spoilt:
    """What was spoilt on purpose: object -> key -> column, and why the record may not arrive."""

    rejected: dict[str, dict[str, str]]
    held: dict[str, set[str]]

    def absent(self, name: str) -> set[str]:
        return self.held[name] | self.rejected[name].keys()


BAD = {
    "money": "约十二万",
    "date": "2023-02-30",
    "time": "2023-02-30 25:61:00",
    "reference": "ZZZ999999999",
    "required": None,
}


def bad_columns(name: str) -> list[tuple[int, str]]:
    """(column, what is done to it): one column for each sort of dirt that the object has room for."""
    wanted: dict[str, int] = {}
    for position, column in enumerate(OBJECTS[name][1:], 1):
        sort = "reference" if column.refers_to else "required" if column.required else column.kind
        if sort in BAD:
            wanted.setdefault(sort, position)
    if "date" in wanted:
        wanted.pop("time", None)
    return [(position, sort) for sort, position in wanted.items()]


def write_sqlite(path: Path, scale: int, seed: int, bad: float) -> Spoilt:
    """Write the legacy database; with `bad`, that share of each object's rows is spoilt in turn."""
    spoilt = Spoilt({name: {} for name in OBJECTS}, {name: set() for name in OBJECTS})
    types = {"text": "TEXT", "money": "DECIMAL(18,2)", "time": "TIMESTAMP", "date": "DATE"}
    with sqlite3.connect(path) as database:
        database.execute("pragma synchronous = off")
        for name, columns in OBJECTS.items():
            told = ", ".join(f"{each.name} {types[each.kind]}" for each in columns)
            database.execute(f"create table {name} ({told}, primary key (id))")
            marks = ", ".join("?" * len(columns))
            made = _spoil(name, Maker(name, scale, seed).rows(), bad, seed, spoilt)
            database.executemany(f"insert into {name} values ({marks})", made)
    database.close()
    return spoilt


def _spoil(name: str, rows: Iterator[Row], bad: float, seed: int, spoilt: Spoilt) -> Iterator[Row]:
    """The rows, some of them spoilt, noting which may not arrive: the spoilt, and whose parent does not."""
    chance, sorts = random.Random(f"{seed}:bad:{name}"), bad_columns(name)
    parents = [(position, each.refers_to) for position, each in enumerate(OBJECTS[name]) if each.refers_to]
    count = 0
    for row in rows:
        own = str(row[0])
        if bad and chance.random() < bad:
            position, sort = sorts[count % len(sorts)]
            count += 1
            row = (*row[:position], BAD[sort], *row[position + 1 :])
            if sort == "reference":
                spoilt.held[name].add(own)
            else:
                spoilt.rejected[name][own] = OBJECTS[name][position].name
        if own not in spoilt.rejected[name] and any(row[at] in spoilt.absent(of) for at, of in parents if of):
            spoilt.held[name].add(own)
        yield row
