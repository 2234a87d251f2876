"""The migration project that moves the benchmark's company: every field, every reference, a transform, a value map."""

from __future__ import annotations

from pathlib import Path

import yaml
from company import OBJECTS, STAGES, STATUSES, Column
from target import CRM

ENVIRONMENT = "bench"
CHOICES = {"stage": STAGES, "status": STATUSES}


def write(folder: Path, source: Path, url: str, *, declared: bool, ledger: str | None = None) -> None:
    """A project folder. declared: with Great Expectations on top of what the target's own schema demands. ledger: the
    URL of a server to keep it on."""
    (folder / "mappings").mkdir(parents=True)
    _write(
        folder / "changeover.yaml",
        {
            "project": "bench",
            "default": ENVIRONMENT,
            "environments": {
                ENVIRONMENT: {
                    "source": _connection("legacy", f"sqlite:///{source}"),
                    "target": _connection("crm", url) | {"schema": CRM, "references": _references()},
                    "production": False,
                    **({} if ledger is None else {"ledger": ledger}),
                }
            },
        },
    )
    for name in OBJECTS:
        _write(folder / "mappings" / f"{name}.yaml", _mapping(name, declared))


def _connection(name: str, url: str) -> dict[str, object]:
    return {"connector": "sql", "name": name, "url": url, "zone": "Asia/Shanghai"}


def _references() -> dict[str, dict[str, str]]:
    """What the target's tables do not declare: foreign keys, which the bare copy does without as well."""
    return {
        name: {each.target: each.refers_to for each in columns if each.refers_to}
        for name, columns in OBJECTS.items()
        if any(each.refers_to for each in columns)
    }


def _mapping(name: str, declared: bool) -> dict[str, object]:
    mapping: dict[str, object] = {
        "mapping": name,
        "from": name,
        "to": name,
        "fields": {each.target: _rule(each) for each in OBJECTS[name]},
    }
    if declared:
        mapping["expect"] = [_expectation(each) for each in OBJECTS[name] if each.kind == "money" or each.required]
    return mapping


def _rule(column: Column) -> object:
    if column.refers_to:
        return {"from": column.name, "reference": column.refers_to}
    if column.name in CHOICES:
        return {"from": column.name, "values": {each: each for each in CHOICES[column.name]}, "otherwise": "reject"}
    if column.name == "name":
        return {"from": column.name, "transform": "trim"}
    return column.name


def _expectation(column: Column) -> dict[str, object]:
    if column.kind == "money":
        return {"expect_column_values_to_be_between": {"column": column.target, "min_value": 0}}
    return {"expect_column_values_to_not_be_null": {"column": column.target}}


def _write(path: Path, document: object) -> None:
    path.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
