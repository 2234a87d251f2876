"""Findings put together by cause."""

from __future__ import annotations

from changeover.connectors.finding import Finding, Severity
from changeover.migrate.causes import causes


def test_what_differs_within_a_cause_is_an_ellipsis() -> None:
    found = [Finding("unique.duplicate", Severity.BLOCKS, {"holder": f"h{key}"}, key=key, sample=key) for key in "AB"]
    (told,) = causes(found)
    assert (told.count, told.keys, told.text.params["holder"]) == (2, ("A", "B"), "…")
    assert len(told.samples) == 2


def test_a_masked_key_is_no_sample() -> None:
    missing = Finding("reference.missing", Severity.HOLDS, {"parent": "old:t:7"}, key="A", sample="old:t:7")
    (told,) = causes([missing])
    assert (told.text.params["parent"], told.samples) == ("old:t:7", ())
