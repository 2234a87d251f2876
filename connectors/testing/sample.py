"""The objects that the laws are tried on, and small ways to ask a connector about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo

from ..cell import Cell, canonical_text, canonical_value, cast
from ..change import CONTAGION, Batch, Change, Outcome, OutcomeState
from ..chunk import Chunk
from ..port import Connector
from ..schema import Field, FieldType, ObjectSchema, Schema

SAMPLE = ObjectSchema(
    "sample",
    key=("id",),
    fields=(
        Field("id", FieldType.TEXT, required=True, length=40),
        Field("name", FieldType.TEXT, required=True, length=200),
        Field("note", FieldType.TEXT),
        Field("code", FieldType.TEXT, unique=True, length=40),
        Field("number", FieldType.INTEGER),
        Field("amount", FieldType.DECIMAL, precision=18, scale=2),
        Field("rate", FieldType.DECIMAL, precision=30, scale=12),
        Field("ratio", FieldType.FLOAT),
        Field("active", FieldType.BOOLEAN),
        Field("born", FieldType.DATE),
        Field("happened", FieldType.INSTANT),
        Field("noted", FieldType.LOCAL_TIME),
        Field("stage", FieldType.CHOICE, choices=("open", "won", "lost")),
        Field("body", FieldType.BINARY),
        Field("parent", FieldType.REFERENCE, references=("sample",)),
    ),
)
"""A field of each type; `parent` points to another sample. A record's key is given by whoever creates it."""

PAIR = ObjectSchema(
    "pair",
    key=("left", "right"),
    fields=(
        Field("left", FieldType.TEXT, required=True, length=40),
        Field("right", FieldType.INTEGER, required=True),
        Field("label", FieldType.TEXT, length=200),
    ),
)
"""An object with a composite key."""

SCHEMA = Schema({"pair": PAIR, "sample": SAMPLE})

LINE = ObjectSchema(
    "line",
    key=("id",),
    fields=(
        Field("id", FieldType.TEXT, required=True, length=40),
        Field("text", FieldType.TEXT, length=200),
        Field("of", FieldType.REFERENCE, required=True, references=("sample",), master=True),
    ),
)
"""Details of a sample: a system whose creates carry details has this object too."""

PAPER = ObjectSchema(
    "paper",
    key=("id",),
    fields=(
        Field("id", FieldType.TEXT, required=True, length=40),
        Field("files", FieldType.FILE),
    ),
)
"""A record with files: a system that takes them has this object too."""

SCHEMA_WITH_LINES = Schema({**SCHEMA.objects, "line": LINE})

Row = Mapping[str, Cell]
Told = dict[str, str | None]


def sample_row(number: int, /, **cells: Cell) -> dict[str, Cell]:
    """A sample called `s0001`, ... with its required fields, and the cells given."""
    return {"id": f"s{number:04}", "name": f"Sample {number}"} | cells


def read_all(
    connector: Connector, object_name: str, fields: Sequence[str], *, after: str | None = None, size: int = 20_000
) -> list[Chunk]:
    return list(connector.read(object_name, fields, after=after, size=size))


def keys_of(chunks: Iterable[Chunk]) -> list[str]:
    return [key for chunk in chunks for key in chunk.keys]


def told(chunks: Iterable[Chunk], described: ObjectSchema, zone: ZoneInfo | None) -> dict[str, Told]:
    """Key -> field -> canonical text of what came. Fails where a cell is not of its field's type."""
    records: dict[str, Told] = {}
    for chunk in chunks:
        columns = {}
        for name in chunk.frame.columns:
            field = described.field(name)
            assert field is not None, f"a column {name!r} that nobody asked for"
            typed, misfits = cast(chunk.frame[name], field, zone)
            assert True not in misfits.to_pylist(), f"{name} came as something that is no {field.type}"
            columns[name] = canonical_text(typed, field).to_pylist()
        for row, key in enumerate(chunk.keys):
            assert key not in records, f"record {key!r} came twice"
            records[key] = {name: texts[row] for name, texts in columns.items()}
    return records


def sent(row: Row, described: ObjectSchema) -> Told:
    """The canonical text of each cell of a row."""
    texts = {}
    for name, value in row.items():
        field = described.field(name)
        assert field is not None
        texts[name] = canonical_value(value, field)
    return texts


def write(connector: Connector, object_name: str, *changes: Change) -> dict[str, Outcome]:
    """The outcomes by our key, without those of details. Fails unless there is exactly one for each change. As the
    loader does, it sends what fell with another change again without that one, and singly what a target refuses that
    answers as one."""
    outcomes = {outcome.our_key: outcome for outcome in _sent_once(connector, Batch(object_name, changes))}
    refused = all(each.state is OutcomeState.REJECTED for each in outcomes.values())
    if connector.capabilities.answers_as_one and refused and len(changes) > 1:
        fallen: list[tuple[Change, ...]] = [(change,) for change in changes]
    else:
        fallen = [tuple(change for change in changes if outcomes[change.our_key].code == CONTAGION)]
    for some in fallen:
        if 0 < len(some) < len(changes):
            outcomes |= write(connector, object_name, *some)
    return outcomes


def _sent_once(connector: Connector, batch: Batch) -> list[Outcome]:
    outcomes = [outcome for outcome in connector.write(batch) if outcome.object is None]
    found = sorted(outcome.our_key for outcome in outcomes)
    expected = sorted(change.our_key for change in batch.changes)
    assert found == expected, f"outcomes for {found}, changes of {expected}"
    return outcomes
