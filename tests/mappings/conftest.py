"""A small legacy system and a small target, and mapping files written for a test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import changeover
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Finding
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.mappings.compile import CompiledMapping, compile_mappings, load_mapping_files

T = FieldType
SHANGHAI = ZoneInfo("Asia/Shanghai")

CUSTOMERS = ObjectSchema(
    "t_customer",
    ("id",),
    (
        Field("id", T.INTEGER, required=True),
        Field("cust_name", T.TEXT, "客户名称", required=True, length=100),
        Field("tel", T.TEXT, "电话"),
        Field("lvl", T.TEXT, "级别"),
        Field("amount", T.TEXT, "金额"),
        Field("parent", T.INTEGER, "上级"),
        Field("owner", T.INTEGER, "业务员"),
        Field("opened", T.TEXT, "开户日期"),
        Field("changed", T.LOCAL_TIME, "修改时间"),
        Field("is_test", T.BOOLEAN, "测试"),
    ),
)
LINES = ObjectSchema(
    "t_line",
    ("order_no", "line_no"),
    (Field("order_no", T.TEXT, required=True), Field("line_no", T.INTEGER, required=True), Field("cust", T.TEXT)),
)
NOTES = ObjectSchema(
    "t_note",
    ("id",),
    (
        Field("id", T.INTEGER, required=True),
        Field("order_no", T.TEXT),
        Field("line_no", T.TEXT),
        Field("body", T.TEXT),
    ),
)
CUSTOMER = ObjectSchema(
    "customer",
    ("cid",),
    (
        Field("cid", T.INTEGER, writable=False),
        Field("name", T.TEXT, "名称", required=True, length=20),
        Field("phone", T.TEXT, "电话", length=20),
        Field("level", T.CHOICE, "等级", choices=("A", "B", "C")),
        Field("amount", T.DECIMAL, "金额", precision=10, scale=2),
        Field("parent_id", T.REFERENCE, "上级客户", references=("customer",)),
        Field("owner_id", T.REFERENCE, "负责人", references=("sys_user",)),
        Field("opened_on", T.DATE, "开户日"),
        Field("changed_at", T.INSTANT, "修改时间"),
        Field("remark", T.TEXT, "备注"),
        Field("staff", T.INTEGER, "人数", minimum="0", maximum="1000"),
        Field("seen_at", T.LOCAL_TIME, "查看时间"),
        Field("entered_by", T.TEXT, "创建人", changeable=False),
    ),
)
LINE = ObjectSchema("line", ("lid",), (Field("lid", T.INTEGER, writable=False), Field("customer_id", T.REFERENCE)))
NOTE = ObjectSchema(
    "note",
    ("nid",),
    (
        Field("nid", T.INTEGER, writable=False),
        Field("line_id", T.REFERENCE, references=("line",)),
        Field("body", T.TEXT),
    ),
)
SOURCE = Schema({each.name: each for each in (CUSTOMERS, LINES, NOTES)})
TARGET = Schema({each.name: each for each in (CUSTOMER, LINE, NOTE)})

LANGUAGES = ("en", "zh")
TEXTS = {
    language: yaml.safe_load(
        (Path(changeover.__file__).parent / "runs" / "texts" / language / "mappings.yaml").read_text("utf-8")
    )
    for language in LANGUAGES
}

HEAD = "mapping: account\nfrom: t_customer\nto: customer\n"


@dataclass
class Project:
    """A folder of mapping files under the two schemas."""

    folder: Path

    def write(self, name: str, text: str) -> Project:
        (self.folder / f"{name}.yaml").write_text(text, "utf-8")
        return self

    def compile(
        self, *, zone: ZoneInfo | None = SHANGHAI, target_zone: ZoneInfo | None = None, people: bool = True
    ) -> tuple[dict[str, CompiledMapping], list[Finding]]:
        try:
            files = load_mapping_files(self.folder)
        except InputError as error:
            all_told(error.findings)
            raise
        compiled, findings = compile_mappings(files, SOURCE, TARGET, "legacy", zone, people, target_zone=target_zone)
        all_told(findings)
        return compiled, findings

    def account(self, fields: str, rest: str = "", **options: ZoneInfo | None) -> CompiledMapping:
        """The compiled mapping with these rules; only warnings are allowed."""
        compiled, findings = self.write("account", f"{HEAD}{rest}fields:\n  name: cust_name\n{fields}").compile(
            **options
        )  # type: ignore[arg-type]
        assert "account" in compiled, findings
        return compiled["account"]


def all_told(findings: Iterable[Finding]) -> None:
    """Every finding has a text in both languages, and fills its holes."""
    for each in findings:
        given = set(each.params) | {name for name in ("object", "field", "mapping") if getattr(each, name) is not None}
        for language in LANGUAGES:
            wanted = {name for _, name, _, _ in Formatter().parse(TEXTS[language][each.code]) if name is not None}
            assert wanted <= given, f"{each.code} ({language}) wants {wanted - given}"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "mappings"
    folder.mkdir()
    return Project(folder)


@pytest.fixture
def customers() -> Callable[..., Chunk]:
    """A chunk of t_customer; every column that is not given is null, `cust_name` has names."""

    def make(**columns: list[object] | pa.Array) -> Chunk:
        count = len(next(iter(columns.values())))
        columns.setdefault("cust_name", [f"客户{row}" for row in range(count)])
        arrays = {
            field.name: pa.array(columns[field.name])
            if field.name in columns and not isinstance(columns[field.name], pa.Array)
            else columns.get(field.name, pa.nulls(count, pa.string()))
            for field in CUSTOMERS.fields
        }
        frame = pa.table(arrays).to_pandas(types_mapper=pd.ArrowDtype)
        return Chunk("t_customer", frame, [str(row + 1) for row in range(count)], cursor="c1")

    return make
