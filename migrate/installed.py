"""The verb `connectors`."""

from __future__ import annotations

from importlib.metadata import EntryPoint

from ..connectors.registry import available
from ..runs.report.model import Report, Table, Text


def installed() -> Report:
    """Every connector that is installed, where it comes from, and whether it loads."""
    rows = tuple((name, _package(point), point.value, _loads(point)) for name, point in available().items())
    good = all(isinstance(row[3], Text) and row[3].code == "connectors.loads" for row in rows)
    return Report(
        verb="connectors",
        verdict=Text("connectors.listed", {"count": len(rows)}),
        good=good,
        exit_code=0 if good else 2,
        tables=(
            Table(Text("table.connectors"), ("column.name", "column.package", "column.where", "column.state"), rows),
        ),
        extra={"connectors": [row[0] for row in rows]},
    )


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else ""


def _loads(point: EntryPoint) -> Text:
    try:
        point.load()
    except Exception as error:  # a third party's package may fail in any way; the list says so
        return Text("connectors.broken", {"reason": type(error).__name__})
    return Text("connectors.loads")
