"""The small company moving into a CRM over HTTP."""

from __future__ import annotations

from pathlib import Path

from changeover.connectors.memory import MemoryConnector
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.connectors.testing.http_crm.server import SECRET, USER, HttpCrm

from .company import Company, make_company


def _text(name: str, length: int, *, required: bool = False, unique: bool = False) -> Field:
    return Field(name, FieldType.TEXT, required=required, unique=unique, length=length)


def _reference(name: str, to: str, *, required: bool = False) -> Field:
    return Field(name, FieldType.REFERENCE, references=(to,), required=required)


_ID = Field("id", FieldType.INTEGER)
_MONEY = {"precision": 18, "scale": 2}
TARGET = Schema(
    {
        "users": ObjectSchema("users", ("id",), (_ID, _text("mail", 80), _text("phone", 20))),
        "customer": ObjectSchema(
            "customer",
            ("id",),
            (
                _ID,
                _text("name", 40, required=True),
                _reference("parent_id", "customer"),
                _text("tax_no", 20, unique=True),
                Field("revenue", FieldType.DECIMAL, **_MONEY),
                Field("opened_on", FieldType.DATE),
                _reference("owner_id", "users"),
                _text("kind", 10),
                _text("remark", 200),
            ),
        ),
        "orders": ObjectSchema(
            "orders",
            ("id",),
            (
                _ID,
                _reference("customer_id", "customer", required=True),
                Field("amount", FieldType.DECIMAL, **_MONEY),
                Field("stage", FieldType.CHOICE, choices=("open", "won")),
                Field("changed_at", FieldType.LOCAL_TIME),
            ),
        ),
    }
)
"""What `company.TARGET` is in SQL."""
USERS = [
    {"id": 1, "mail": "wang.fang@old.example", "phone": "13800000001"},
    {"id": 2, "mail": "li.na@new.example", "phone": "13900000000"},
]
AUDIT = "      audit: {customer: {modified_at: modified_at, modified_by: modified_by}}\n      acting_user: changeover\n"


def empty_crm() -> MemoryConnector:
    return MemoryConnector(TARGET, name="crm", rows={"users": USERS})


def make_company_on_http(folder: Path, *, chunk: int = 20_000, batch: int = 1_000, limits: str = "") -> Company:
    """limits: more of them, as `, name: value`. Where the CRM is: `point_at`."""
    company = make_company(folder, chunk=chunk, batch=batch)
    company.crm.unlink()
    company.rewrite(
        "changeover.yaml",
        ("connector: sql\n      name: crm", "connector: http_crm\n      name: crm"),
        ('url: "sqlite:///crm.db"', f'url: "nowhere"\n      user: {USER}\n      secret: "${{CRM_SECRET}}"'),
        (AUDIT, ""),
        (f"batch: {batch}}}", f"batch: {batch}{limits}}}"),
    )
    return company


def point_at(company: Company, crm: HttpCrm) -> None:
    company.rewrite("changeover.yaml", ('url: "nowhere"', f'url: "{crm.url}"'))


ENVIRONMENT = {"CRM_SECRET": SECRET}
