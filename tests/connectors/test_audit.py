"""The option `audit`: which fields tell who made and changed a record, and when, of a system that does not say so."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from changeover.connectors.change import Batch, Change, ChangeKind
from changeover.connectors.clock import SystemClock
from changeover.connectors.errors import InputError
from changeover.connectors.memory import MemoryConnector
from changeover.connectors.pace import Pace
from changeover.connectors.port import KEY, AuditFields, Connector, Settings
from changeover.connectors.registry import connect
from changeover.connectors.schema import Field, FieldType, ObjectSchema, Schema
from changeover.connectors.secrets import Secrets

FIELDS = ("id", "made", "maker", "changed", "changer")
ALL = {"created_at": "made", "created_by": "maker", "modified_at": "changed", "modified_by": "changer"}


def opened(folder: Path, connector: str, audit: object) -> Connector:
    (folder / "firm.csv").write_text(",".join(FIELDS) + "\n1,a,b,c,d\n", encoding="utf-8")
    described = ObjectSchema("firm", ("id",), tuple(Field(name, FieldType.TEXT) for name in FIELDS))
    (folder / "old.json").write_text(json.dumps({"objects": Schema({"firm": described}).to_json()}), encoding="utf-8")
    own = {"files": {"keys": {"firm": ["id"]}}, "memory": {"file": "old.json"}}[connector]
    settings = Settings("old", connector, {**own, "audit": audit}, folder=str(folder))
    return connect(settings, Secrets(), Pace(SystemClock()), SystemClock())


@pytest.mark.parametrize("connector", ["files", "memory"])
def test_the_project_names_them(tmp_path: Path, connector: str) -> None:
    assert opened(tmp_path, connector, {"firm": ALL}).audit_fields("firm") == AuditFields(**ALL)
    others = opened(tmp_path, connector, {"*": {"modified_at": "changed", "created_at": "nowhere"}})
    assert others.audit_fields("firm") == AuditFields(modified_at="changed")
    for audit, code in (
        ({"firm": {"modified_at": "nowhere"}}, "audit.no_field"),
        ({"firm": {"modifed_at": "changed"}}, "audit.unknown"),
        ({"firm": "changed"}, "audit.form"),
        (["firm"], "audit.form"),
    ):
        with pytest.raises(InputError, match=code.replace(".", r"\.")):
            opened(tmp_path, connector, audit).audit_fields("firm")


def test_a_system_in_memory_tells_who_made_a_record_unless_it_is_told() -> None:
    kinds = {"made": FieldType.INSTANT, "changed": FieldType.INSTANT}
    fields = tuple(Field(name, kinds.get(name, FieldType.TEXT)) for name in FIELDS)
    schema = Schema({"firm": ObjectSchema("firm", ("id",), fields)})
    target = MemoryConnector(schema, audit={"firm": AuditFields(**ALL)}, acting_user="us")
    long_ago = dt.datetime(2001, 2, 3, tzinfo=dt.UTC)
    given = ({"id": "1"}, {"id": "2", "made": long_ago, "maker": "li"})
    target.write(Batch("firm", tuple(Change(ChangeKind.CREATE, each["id"], None, each) for each in given)))
    target.edit("firm", "1", {}, by="wang")
    found = target.find("firm", (KEY,), [("1",), ("2",)], FIELDS).frame
    assert list(found["maker"]) == ["us", "li"]
    assert list(found["changer"]) == ["wang", "us"]
    made, changed = list(found["made"]), list(found["changed"])
    assert (made[1], made[0] > long_ago, changed[1] > long_ago) == (long_ago, True, True)
