"""What users do to a record, done and taken back, so that a run can prove that our key is found all the same.

That is another owner, whose records our user may not see. No record is put into the recycle bin for it: there our key
is not found, and the org does not count it when it keeps our key unique, which is as it should be.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..cell import Cell
from ..change import Batch, Change, ChangeKind, Outcome, OutcomeState
from .calls import outcome_of
from .options import Options
from .org_object import OrgObject
from .query import Query
from .write import Writer

OWNER = "OwnerId"


class Ordeals:
    def __init__(self, query: Query, writer: Writer, options: Options) -> None:
        self._query, self._writer, self._options = query, writer, options

    def put_through(self, there: OrgObject, our_key: str, key: str) -> Outcome:
        return self._given(there, our_key, key, self._options.ordeal_owner)

    def take_back(self, there: OrgObject, our_key: str, key: str, before: Mapping[str, Cell]) -> Outcome:
        return self._given(there, our_key, key, before.get(OWNER))

    def _given(self, there: OrgObject, our_key: str, key: str, owner: Cell) -> Outcome:
        """A detail is its master's owner's."""
        field = there.fields.get(OWNER)
        if field is None or not field.updated or not owner:
            change = Change(ChangeKind.UPDATE, our_key, key)
            return outcome_of(change, OutcomeState.REJECTED, "target.refused")
        [told] = self._writer.write(
            there, Batch(there.name, (Change(ChangeKind.UPDATE, our_key, key, {OWNER: owner}),))
        )
        return told
