"""A rule in words, for people who do not read YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...mappings.yaml.plain_yaml import flow
from ...runs.catalogue import Catalogue

_LAST = ("write", "wins", "outside", "class")
_KNOWN = (
    *("from", "constant", "transform", "values", "otherwise", "reference", "people", "department", "default"),
    *_LAST,
)


def in_words(rule: object, catalogue: Catalogue) -> str:
    """What the rule does, in the order in which it does it; a key that has no words here stands as it is written."""
    if rule is None:
        return ""
    if not isinstance(rule, dict):
        return catalogue.text("rule.from", {"fields": str(rule)})
    return "; ".join(_pieces(rule, catalogue))


def _pieces(rule: Mapping[str, object], catalogue: Catalogue) -> Iterator[str]:
    if "constant" in rule:
        yield catalogue.text("rule.constant", {"value": _text(rule["constant"])})
    if "from" in rule:
        yield catalogue.text("rule.from", {"fields": _text(rule["from"])})
    if "transform" in rule:
        yield catalogue.text("rule.transform", {"names": _transforms(rule["transform"])})
    values = rule.get("values")
    if isinstance(values, dict):
        yield catalogue.text("rule.values", {"count": len(values), "otherwise": _text(rule.get("otherwise"))})
    if "reference" in rule:
        several = isinstance(rule["reference"], dict)
        yield catalogue.text("rule.kinds" if several else "rule.reference", {"mapping": _text(rule["reference"])})
    yield from _people(rule, catalogue)
    if "default" in rule:
        yield catalogue.text("rule.default", {"value": _text(rule["default"])})
    yield from (catalogue.text(f"rule.{key}", {"policy": _text(rule[key])}) for key in _LAST if key in rule)
    yield from (f"{key}: {flow(value)}" for key, value in rule.items() if key not in _KNOWN)


def _people(rule: Mapping[str, object], catalogue: Catalogue) -> Iterator[str]:
    people = rule.get("people")
    said = people if isinstance(people, dict) else {}
    if "separator" in said:
        yield catalogue.text("rule.team", {"separator": _text(said["separator"])})
    elif said or people is True:
        yield catalogue.text("rule.people")
    if said.get("gone") == "drop":
        yield catalogue.text("rule.nobody_for_gone")
    if rule.get("department") is True:
        yield catalogue.text("rule.department")


def _transforms(value: object) -> str:
    listed = value if isinstance(value, list) else [value]
    return ", ".join(each if isinstance(each, str) else flow(each) for each in listed)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return value if isinstance(value, str) else flow(value)
