"""Every rule against the cells of its case file: `cases/NAME.yaml`.

A case: `field` (a Field without its name), `passes` and `fails` (together one column), where a cell is its text or a
mapping with `cell` and what is known of its row (`misfit`, `blocked`, `orphan`); `applies: false` where the rule has
nothing to say of such a field; `arguments` of a declared rule; `seen` values held already.
"""

from __future__ import annotations

import datetime as dt
import pkgutil
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from changeover.connectors.cell import arrow_type
from changeover.connectors.schema import Field, FieldType
from changeover.mappings.mapped import Misfit
from changeover.validators import rules as package
from changeover.validators.rule import Cells, Failure, Stage, rules

CASES = Path(__file__).parent / "cases"
NAMES = sorted(each.name for each in pkgutil.iter_modules(package.__path__))
READ = {
    FieldType.INTEGER: int,
    FieldType.DECIMAL: Decimal,
    FieldType.FLOAT: float,
    FieldType.DATE: dt.date.fromisoformat,
    FieldType.INSTANT: dt.datetime.fromisoformat,
    FieldType.LOCAL_TIME: dt.datetime.fromisoformat,
    FieldType.BINARY: str.encode,
}


def cases(name: str) -> list[dict]:
    return yaml.safe_load((CASES / f"{name}.yaml").read_text(encoding="utf-8"))


def field_of(case: dict) -> Field:
    told = dict(case["field"])
    return Field(name="it", type=FieldType(told.pop("type")), **{key: _tuple(value) for key, value in told.items()})


def _tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def column_of(case: dict, field: Field) -> pa.Array:
    read = READ.get(field.type, str)
    kind = pa.decimal128(38, case["stored_scale"]) if "stored_scale" in case else arrow_type(field)
    texts = [row.get("cell") for row in rows_of(case)]
    return pa.array([None if text is None else read(text) for text in texts], kind)


def rows_of(case: dict) -> list[dict]:
    listed = case.get("passes", []) + case.get("fails", [])
    return [row if isinstance(row, dict) else {"cell": row} for row in listed]


ALL = [(name, number) for name in NAMES if (CASES / f"{name}.yaml").exists() for number in range(len(cases(name)))]


@pytest.mark.parametrize(("name", "number"), ALL)
def test_cells(name, number, seen):
    case = cases(name)[number]
    rule = import_module(f"{package.__name__}.{name}")
    field = field_of(case)
    assert rule.applies(field) is case.get("applies", True)
    if not rule.applies(field):
        return
    rows = rows_of(case)
    for text, our_key in case.get("seen", {}).items():
        seen.claim("customer", "it", [text], [our_key])
    cells = Cells(
        column_of(case, field),
        field,
        misfits=[
            Misfit(row, "it", told["misfit"], told.get("source", "?"))
            for row, told in enumerate(rows)
            if told.get("misfit")
        ],
        arguments=rule.Arguments.model_validate(case["arguments"]) if "arguments" in case else None,
        object="customer",
        our_keys=[f"row:{row}" for row in range(len(rows))],
        blocked=frozenset(row for row, told in enumerate(rows) if told.get("blocked")),
        seen=seen,
        orphans=pa.array([bool(told.get("orphan")) for told in rows]),
    )
    first = len(case.get("passes", []))
    wanted = [
        Failure(row, told["code"], told.get("params", {}), told.get("source"))
        for row, told in enumerate(case.get("fails", []), start=first)
    ]
    assert sorted(rule.failing(cells), key=lambda failure: failure.row) == wanted


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_has_a_docstring_and_cases_of_both_kinds(name):
    rule = import_module(f"{package.__name__}.{name}")
    assert (rule.__doc__ or "").strip()
    assert (CASES / f"{name}.yaml").is_file(), f"{name} has no case file"
    listed = cases(name)
    assert any(case.get("passes") for case in listed), f"{name} has no passing cell"
    assert any(case.get("fails") for case in listed), f"{name} has no failing cell"


def test_every_case_file_has_its_rule():
    assert sorted(each.stem for each in CASES.glob("*.yaml")) == NAMES


def test_every_rule_is_found_in_exactly_one_stage():
    found = [rule.__name__.rpartition(".")[2] for stage in Stage for rule in rules(stage)]
    assert sorted(found) == NAMES
