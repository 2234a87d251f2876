"""The contract of a connector: a suite of laws that its test inherits.

    class TestLedgerline(TargetContract):
        @pytest.fixture
        def connector(self):
            yield connect_to_an_empty_system_that_has(SCHEMA)     # of connectors.testing.sample

A source's test inherits `SourceContract` and says in `seed` how records get into the system. Laws about something that
the capabilities rule out are skipped, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..change import Change, ChangeKind, OutcomeState
from ..port import Connector
from .change_laws import ChangeLaws
from .details_laws import DetailsLaws
from .field_laws import FieldLaws
from .file_laws import FileLaws
from .find_laws import FindLaws
from .read_laws import ReadLaws
from .sample import SCHEMA, Row, write


class SourceContract(ReadLaws, FindLaws, FieldLaws):
    """Laws of every connector. To provide: the fixture `connector`, on an empty system with the objects of
    `sample.SCHEMA`, and `seed`."""


class TargetContract(SourceContract, DetailsLaws, FileLaws, ChangeLaws):
    """Laws of a connector that writes. To provide: the fixture `connector` alone; records get in through the port.
    Where its creates carry details, the system has the object `sample.LINE` besides, and `sample.PAPER` where it takes
    files."""

    def seed(self, connector: Connector, object_name: str, rows: Iterable[Row]) -> None:
        connector.prepare()
        described = SCHEMA.objects[object_name]
        listed = list(rows)
        step = connector.capabilities.batch_size
        for start in range(0, len(listed), step):
            changes = (
                Change(ChangeKind.CREATE, ":".join(["seed", *(str(row[name]) for name in described.key)]), values=row)
                for row in listed[start : start + step]
            )
            outcomes = write(connector, object_name, *changes)
            failed = [outcome for outcome in outcomes.values() if outcome.state is not OutcomeState.ACKED]
            assert not failed, f"a record was not created: {failed[0]}"
        self.settle(connector)


def laws(contract: type[SourceContract]) -> list[str]:
    """The names of all laws of a contract."""
    return sorted(name for name in dir(contract) if name.startswith("test_"))


__all__ = ["SourceContract", "TargetContract", "laws"]
