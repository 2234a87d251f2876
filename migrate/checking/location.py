"""Where the systems of a move lie, as they say themselves. Nobody judges it here."""

from __future__ import annotations

from dataclasses import replace

from ...connectors.port import Identity
from ...runs.report.model import Report
from ..session import Session
from ..sources.several import systems_of

UNTOLD = "?"


def located(report: Report, session: Session) -> Report:
    """With a fact for each system that says anything."""
    systems = systems_of(session.source, session.target)
    told = [("target" if role == "target" else "source", each) for role, each in systems.items() if each.location]
    facts = tuple((f"fact.{role}_location", _told(each)) for role, each in told)
    return replace(report, facts=(*report.facts, *facts)) if facts else report


def _told(identity: Identity) -> str:
    facts = (f"{each.country or UNTOLD} ({each.by}: {each.told})" for each in identity.location)
    return f"{identity.name}: {', '.join(facts)}"
