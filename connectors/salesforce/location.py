"""Where an org lies, as far as it says: facts for whoever judges. The contract alone says where data may lie."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..port import LocationFact

CHINA = "CHN"
CHINESE = (".sfcrmproducts.cn", ".sfcrmapps.cn")
"""Domains of the cloud that another company runs in China."""
INSTANCE = re.compile(r"([A-Z]{3})\d+[A-Z]*\Z")
COUNTRIES = frozenset(
    {"ARE", "AUS", "BRA", "CAN", "CHE", "CHN", "DEU", "FRA", "GBR", "IDN", "IND", "ISR", "ITA", "JPN", "KOR", "SGP"}
    | {"SWE", "USA"}
)
"""By which instances are called that lie in one country. Others (NA12, EU5, CS110) tell a continent at most."""


def facts_of(host: str, instance: str) -> tuple[LocationFact, ...]:
    """host: the org's address. instance: its InstanceName; empty where it tells none."""
    name = urlsplit(host).hostname or ""
    facts = [LocationFact("host", name, CHINA if name.endswith(CHINESE) else None)]
    if instance:
        found = INSTANCE.match(instance.upper())
        country = found[1] if found is not None and found[1] in COUNTRIES else None
        facts.append(LocationFact("InstanceName", instance, country))
    return tuple(facts)
