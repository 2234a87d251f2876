"""`mapping diff` where one record becomes several: what it foretells of each branch is what a run does."""

from __future__ import annotations

import shutil
from pathlib import Path

from .branching import make_branching
from .test_mapping_diff import foretold, written


def test_each_branch_is_foretold_by_itself(tmp_path: Path) -> None:
    """Another condition, another field for all branches, other values; R4, whose parent stays behind, is held."""
    company = make_branching(tmp_path / "move")
    shutil.copytree(company.folder / "mappings", company.folder / "old")
    assert company.run().code == 0
    company.rewrite(
        "mappings/request.yaml",
        ("      status: {in: [new, done]}\n      questions: {present: true}", "      num: {in: [R1, R2, R4]}"),
        ("questions: questions", "questions: {from: questions, default: none}"),
        (
            "      state: status\n  medical",
            "      state: {from: status, values: {new: done}, otherwise: keep}\n  medical",
        ),
        ("    fields:\n      request_id", "    fields:\n      state: {constant: x}\n      request_id"),
        ("default: none}\n      state: status\n", "default: none}\n"),
    )
    company.rewrite("mappings/client.yaml", ("city: city", "city: {from: city, transform: {cut: {length: 1}}}"))
    said = company.say("mapping", "diff", "old", "--json")
    assert said.code == 0, said.err
    told = foretold(said)
    assert told == {
        "client.company": {"updated": {"C1", "C2"}},
        "client.person": {"updated": {"C1"}},
        "request.solution": {"updated": {"R1", "R3"}},
        "request.medical": {"created": {"R2"}, "updated": {"R1"}, "filtered": {"R3"}},
    }
    did = company.run()
    for kinds in told.values():
        kinds.pop("filtered", None)
    assert written(company, 2) == told
    assert did.counts("request.medical") == {"read": 5, "created": 1, "updated": 1, "held": 1, "filtered": 2}
