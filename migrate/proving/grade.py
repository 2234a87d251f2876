"""How far a target object can be trusted with our key: proven, unproven, or DEGRADED with the reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...connectors.port import Capabilities, OurKeyPlace
from ...runs.ledger.proofs import EFFECTS, RECORD, TWICE, Proof
from ...runs.report.model import Row, Table, Text

DOUBLED, REFUSED, LOST, UNSEEN, UNTOLD, FOUND, NO_ROOM = (
    "doubled",
    "refused",
    "lost",
    "unseen",
    "untold",
    "found",
    "no_room",
)
"""What may come of a proof. DOUBLED: the same key twice made two records. REFUSED: it did not. UNTOLD: it was refused
for a reason that says nothing of our key. LOST: our key was not found any more; UNSEEN: it never was. NO_ROOM: the
target has none for our key."""


@dataclass(frozen=True, slots=True)
class Grade:
    """Of one target object. reasons: codes of why it is degraded. proven: our unique key is. untold: it could not be
    proven, for the target refused the same key for another reason."""

    object: str
    reasons: tuple[str, ...] = ()
    proven: bool = False
    untold: bool = False

    @property
    def degraded(self) -> bool:
        return bool(self.reasons)

    @property
    def name(self) -> str:
        return "degraded" if self.degraded else "proven" if self.proven else "unproven"


def grades(
    tried: Iterable[Proof], capabilities: Capabilities | None = None, objects: Iterable[str] = ()
) -> list[Grade]:
    """The grade of each of these objects, and of every one on which something was tried. capabilities: of the target,
    where it was asked."""
    by_object: dict[str, dict[str, Proof]] = {name: {} for name in objects}
    for each in tried:
        by_object.setdefault(each.object, {})[each.what] = each
    no_room = capabilities is not None and capabilities.our_key is OurKeyPlace.NONE
    return [_grade(name, proofs, no_room) for name, proofs in sorted(by_object.items())]


def _grade(name: str, proofs: Mapping[str, Proof], no_room: bool) -> Grade:
    whole, twice = proofs.get(RECORD), proofs.get(TWICE)
    if no_room or (whole is not None and whole.result == NO_ROOM):
        return Grade(name, ("degraded.no_room",))
    reasons = []
    for what, proof in proofs.items():
        if proof.result == DOUBLED:
            reasons.append("degraded.twice" if what == TWICE else "degraded.twice_after_delete")
        elif proof.result in (LOST, UNSEEN):
            reasons.append("degraded.unseen" if what == EFFECTS else f"degraded.{what}")
    over = whole is not None and whole.over and twice is not None
    return Grade(
        name,
        tuple(reasons),
        over and not reasons and twice is not None and twice.result == REFUSED,
        over and twice is not None and twice.result == UNTOLD,
    )


def degraded_facts(graded: Sequence[Grade]) -> tuple[tuple[str, str | int | Text], ...]:
    """For a report: that a call delivered twice cannot be excluded, and of which objects."""
    names = [each.object for each in graded if each.degraded]
    if not names:
        return ()
    return (("fact.degraded", Text("degraded.told", {"objects": ", ".join(names), "count": len(names)})),)


def grades_table(graded: Sequence[Grade]) -> tuple[Table, ...]:
    """Object, grade, and why."""
    rows: list[Row] = []
    for each in graded:
        why: list[Text | None] = [Text(reason) for reason in each.reasons]
        why = why or [Text("degraded.untold") if each.untold else None]
        rows += [(each.object, Text(f"grade.{each.name}"), reason) for reason in why]
    columns = ("column.object", "column.grade", "column.why")
    return (Table(Text("table.grades"), columns, tuple(rows)),) if rows else ()


def degraded_tables(graded: Sequence[Grade]) -> tuple[Table, ...]:
    """The same of those alone that are degraded."""
    return grades_table([each for each in graded if each.degraded])


def grades_told(graded: Sequence[Grade]) -> dict[str, object]:
    """For a report's JSON."""
    return {"grades": {each.object: {"grade": each.name, "reasons": list(each.reasons)} for each in graded}}
