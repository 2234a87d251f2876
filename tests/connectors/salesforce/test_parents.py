"""Fields of a record's parents, read with it."""

from __future__ import annotations

import pandas as pd
import pytest
from changeover.connectors.chunk import Chunk
from changeover.connectors.errors import InputError
from changeover.connectors.schema import FieldType

from .callers import Caller, simulator
from .org_kit import InProcess, connected

TYPE, OWNER, ABOUT = "RecordType.DeveloperName", "Owner.IsActive", "What.Type"


def cells(chunk: Chunk, name: str) -> list[object]:
    return [None if pd.isna(each) else each for each in chunk.frame[name]]


def test_they_are_read_and_found_with_the_record_and_are_never_written() -> None:
    caller = Caller(simulator())
    (kind,) = caller.find("SELECT Id FROM RecordType WHERE DeveloperName = 'Clinic_Partner'")
    plain = caller.create("Account", Name="甲")
    partner = caller.create("Account", Name="乙", RecordTypeId=kind["Id"])
    task = caller.create("Task", Subject="回访", WhatId=partner)
    other = caller.create("Task", Subject="回访")
    parents = {"Account": [TYPE, OWNER], "Task": [ABOUT]}
    org = connected(InProcess(caller.simulator), caller.clock, parents=parents, objects=["Account", "Task"])
    (chunk,) = org.read("Account", ["Name", TYPE, OWNER])
    assert cells(chunk, TYPE) == [None, "Clinic_Partner"]
    assert cells(chunk, OWNER) == [True, True]
    found = org.find("Account", ["Name"], [("乙",)], [TYPE])
    assert (found.keys, cells(found, TYPE)) == ([partner], ["Clinic_Partner"])
    (chunk,) = org.read("Task", [ABOUT])
    assert dict(zip(chunk.keys, cells(chunk, ABOUT), strict=True)) == {task: "Account", other: None}
    assert plain in org.read("Account", []).__next__().keys
    described = org.describe().objects["Account"]
    told = [described.field(TYPE), described.field(OWNER)]
    assert [each and (each.type, each.writable, each.required) for each in told] == [
        (FieldType.TEXT, False, False),
        (FieldType.BOOLEAN, False, False),
    ]


@pytest.mark.parametrize("name", ["RecordTyp.DeveloperName", "RecordType.Nothing", "What.Phone"])
def test_one_that_is_not_there_is_named_with_what_is_nearest(name: str) -> None:
    caller = Caller(simulator())
    org = connected(InProcess(caller.simulator), caller.clock, parents={"Task": [name]})
    with pytest.raises(InputError) as error:
        list(org.read("Task", []))
    assert (error.value.code, error.value.params["field"]) == ("salesforce.no_field", name)
