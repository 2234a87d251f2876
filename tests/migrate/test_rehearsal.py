"""What stands before the target in a dry run lets nothing through that leaves a trace."""

from __future__ import annotations

import pytest
from changeover.connectors.change import Batch, Change, ChangeKind
from changeover.connectors.memory import MemoryConnector
from changeover.migrate.loading.rehearsal import UNBORN, Rehearsal

from .firms import TARGET


class Touchy(MemoryConnector):
    """It does not stand being written to, made room in, or closed."""

    def write(self, batch: Batch) -> list[object]:  # type: ignore[override]
        pytest.fail("written to")

    def prepare(self) -> None:
        pytest.fail("made room in")

    def record_url(self, object_name: str, key: str) -> str | None:
        return f"memory://{object_name}/{key}"

    def close(self) -> None:
        pytest.fail("closed")


def test_nothing_is_done_and_everything_answered() -> None:
    target = Touchy(TARGET)
    [known] = target.seed("account", [{"name": "there"}])
    before = Rehearsal(target)
    before.prepare()
    made = Change(ChangeKind.CREATE, "old:firm:f1", values={"name": "new"})
    changed = Change(ChangeKind.UPDATE, "old:firm:f2", known, {"name": "other"})
    told = before.write(Batch("account", (made, changed)))
    assert [each.target_key for each in told] == [f"{UNBORN}old:firm:f1", known]
    pages = [before.record_url("account", key) for key in (f"{UNBORN}old:firm:f1", known)]
    assert pages == [None, "memory://account/1"], "what is not there yet has no page"
    before.close()
    assert target.count("account") == before.count("account") == 1
    assert target.record("account", known)["name"] == "there"
