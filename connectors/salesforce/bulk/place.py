"""Where a read is: what its cursors say.

Between jobs that is an id, as it is of a read by REST: everything up to it was handed out. Within a job it is the job,
the page of its results that comes next, and how many rows of that page were handed out. As long as the rows came in the
order of their ids the last of them is a place as well, to go on from where the job is gone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from itertools import pairwise

from ...errors import StaleCursorError

BEGINS = "["
"""No id does."""


@dataclass(frozen=True, slots=True)
class Place:
    """last: the highest id that was handed out, None at the beginning. job: empty between jobs. asked: what the job
    was asked for, in short. locator: of the page that comes next, empty for the first; skip: rows of it that were
    handed out. given: rows of the job that were; of: how many it has, None where the org does not say. ordered: they
    came in the order of ids so far."""

    last: str | None = None
    job: str = ""
    asked: str = ""
    locator: str = ""
    skip: int = 0
    given: int = 0
    of: int | None = None
    ordered: bool = True

    @property
    def cursor(self) -> str:
        return json.dumps(astuple(self), separators=(",", ":")) if self.job else self.last or ""

    def behind(self, keys: Sequence[str], skip: int) -> Place:
        """Once rows with these ids are handed out, of the page where it is; skip: the rows of it handed out then."""
        rising = all(one < other for one, other in pairwise(keys))
        ordered = self.ordered and rising and (self.last is None or self.last < keys[0])
        last = max([*keys, *([] if self.last is None else [self.last])])
        return replace(self, last=last, skip=skip, given=self.given + len(keys), ordered=ordered)


def place_of(object_name: str, after: str | None) -> Place:
    """Of a cursor. Raises StaleCursorError where it is none."""
    if after is None or not after.startswith(BEGINS):
        return Place(after)
    try:
        place = Place(*json.loads(after))
    except (ValueError, TypeError) as error:
        raise StaleCursorError("salesforce.job_gone", object=object_name) from error
    if not (place.job and isinstance(place.last, str)):
        raise StaleCursorError("salesforce.job_gone", object=object_name)
    return place
