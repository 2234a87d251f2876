"""The pack `pharma_services` with a few hundred invented records in its three old systems."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from .company import Company, _query

PACK = Path(__file__).parents[2] / "mappings" / "pharma_services"
SYSTEMS = {"approval": "approval", "erp": "erp", "oa": "oa", "crm": "target"}
CUSTOMERS, CONTRACTS, REQUESTS = 40, 80, 60
STAGES = ("起草", "已签", "执行中", "关闭")
TEAMS = ("w1;w2", "w3、w5、w3", None, "w6", "w4,w1")

Row = tuple[object, ...]


class Pharma(Company):
    """The project folder. Its databases: approval.db, erp.db, oa.db and crm.db."""

    def of(self, system: str, sql: str) -> list[Row]:
        return _query(self.folder / f"{system}.db", sql)

    def of_all(self, sql: str) -> list[Row]:
        """What the three old systems know together."""
        database = sqlite3.connect(":memory:")
        for name in ("approval", "erp", "oa"):
            database.execute(f"attach ? as {name}", (str(self.folder / f"{name}.db"),))
        rows: list[Row] = database.execute(sql).fetchall()
        database.close()
        return rows


def make_pharma(folder: Path, share: int = 1) -> Pharma:
    """share: 4 for a quarter of the records."""
    shutil.copytree(PACK, folder)
    for name, script in SYSTEMS.items():
        database = sqlite3.connect(folder / f"{name}.db")
        database.executescript((PACK / f"{script}.sql").read_text("utf-8"))
        with database:
            for table, rows in rows_of(share)[name].items():
                database.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)
        database.close()
    return Pharma(folder)


def _number(contract: int) -> str:
    return f"C-{contract:03}"


def rows_of(share: int) -> dict[str, dict[str, list[Row]]]:
    """System -> table -> rows. w5 and w6 left: w6 reported to w5, and w5 to w1."""
    customers = CUSTOMERS // share
    contracts, requests = range(1, CONTRACTS // share + 1), range(1, REQUESTS // share + 1)
    valid = [each for each in contracts if each % 10]
    alive = [each for each in requests if each % 8 != 7]
    above = {2: "w1", 3: "w1", 4: "w2", 5: "w1", 6: "w5"}
    return {
        "approval": {
            "staff": [(f"w{each}", f"w{each}@old.example", above.get(each)) for each in range(1, 7)],
            "contract": [
                (
                    each,
                    _number(each),
                    f"K{each % customers + 1:02}",
                    f"合同{each}",
                    f"0.{each % 7:02}00",
                    STAGES[each % 4],
                    "valid" if each in valid else "draft",
                    TEAMS[each % 5],
                )
                for each in contracts
            ],
            "request": [
                (
                    f"R-{each:02}",
                    f"K{each % customers + 1:02}",
                    f"需求{each}",
                    f"w{each % 7}" if each % 7 else None,
                    f"2024-03-{each % 28 + 1:02}",
                    f"第{each}问？" if each % 3 == 0 else (None, "")[each % 2],
                    ("处理中", "已完成")[each % 2] if each in alive else "作废",
                )
                for each in requests
            ],
            "reply": [(each, f"R-{each:02}", "方案", f"回复{each}") for each in alive]
            + [(each + 100, f"R-{each:02}", "医学", f"解答{each}") for each in alive if each % 3 == 0],
        },
        "erp": {
            "customer": [
                (f"K{each:02}", f"客户（{each}）有限公司", f"9{each:08}", "沈阳", f"w{each % 6 + 1}")
                for each in range(1, customers + 1)
            ],
            "order_slip": [
                (f"S-{each:03}", _number(each), f"0.{each % 7 + 5 * (each % 5 == 0):02}", each * 1000, 0)
                for each in contracts
                if each % 4
            ]
            + [(f"V-{each:03}", _number(each), "0.99", 1, 1) for each in contracts if each % 9 == 0]
            + [(f"T-{each:03}", _number(each), f"0.{each % 7:02}", each * 500, 0) for each in (11, 22)]
            + [(f"U-{each}", f"C-9{each}", "0.5", 1, 0) for each in range(10, 13)],
            "slip_line": [
                (each * 10 + part, _number(each), ("医学写作", "患者教育")[part], each * 500)
                for each in valid
                for part in range(2)
            ],
        },
        "oa": {
            "approval": [
                (f"F-{each:03}", f" Ｃ-{each:03} ", f"2024-02-{each % 28 + 1:02}", f"备注{each}")
                for each in contracts
                if each % 3 == 0
            ]
            + [("F-900", None, None, "无合同号")],
            "remark": [
                (each * 10 + part, f"R-{each:02}", f"2024-04-{9 - part:02}", f"w{part + 1}", f"记录{part}")
                for each in alive
                for part in range(each % 3)
            ],
            "seal_log": [(1, "F-003", "2024-02-05")],
        },
        "crm": {
            "users": [*((each, f"w{each}@old.example", 1) for each in range(1, 5)), (5, "w5@old.example", 0)],
        },
    }
