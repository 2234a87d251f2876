"""Whether a mapping can make stubs: by rules that need nothing but the key, and enough of them for the target."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...connectors.finding import Finding, Severity
from ..folding import FOLD
from ..language import MappingFile, Outside, Rule, WritePolicy
from ..stub import STUB
from .mapping import check_rules
from .place import Examined, finding_in

BLOCKS = Severity.BLOCKS
_NOT_HERE = (
    "reference",
    "people",
    "department",
    "outside",
    "write",
    "compare_only",
    "rewrite_links",
    "lost_file",
    "wins",
    "class_",
)
"""What makes no sense in a record that is written once and stands for another."""


def stub_file(file: MappingFile) -> MappingFile:
    """The mapping of its stubs: the same records under the same keys, all of them, by other rules. Those rules of
    `match` count whose fields a stub has."""
    said = file.model
    update = {
        "fields": said.stub,
        "match": tuple(names for names in said.match if set(names) <= said.stub.keys()),
        "where": None,
        "life": {},
        "fold": {},
        "by_year": None,
        "drop": {},
        "expect": (),
        "examples": (),
        "branches": {},
        "stub": {},
    }
    return replace(file, model=said.model_copy(update=update), whole=None, of_stub=True)


def check_stub(examined: Examined) -> Iterator[Finding]:
    """Everything about the `stub` of a mapping, where it has one."""
    file = examined.file
    if not file.model.stub:
        return
    if _wanted(examined):
        yield from _check_gone_without(examined)
    else:
        yield finding_in(file, "stub.unused", Severity.WARNS, STUB)
    alone = replace(examined, file=stub_file(file))
    yield from check_rules(alone)
    yield from _check_each(alone, file)
    yield from _check_required(alone)


def _check_each(alone: Examined, file: MappingFile) -> Iterator[Finding]:
    """That nothing of a stub stays once its record is there, and that its rules have no more to say than a value."""
    for name, rule in alone.rules.items():
        own, field = file.model.fields.get(name), alone.target.field(name)
        if field is not None and field.writable and not field.changeable:
            yield alone.found("stub.not_changeable", BLOCKS, "fields", name, name=name)
        elif own is None or own.policy is not WritePolicy.ALWAYS:
            yield alone.found("stub.stays", BLOCKS, "fields", name, name=name)
        for _, way in rule.ways():
            if strange := sorted(set(_NOT_HERE) & way.model_fields_set):
                yield alone.found("stub.not_here", BLOCKS, "fields", name, key=strange[0].rstrip("_"))
            if any(each.startswith(f"{FOLD}.") for each in way.fed):
                yield alone.found("stub.not_here", BLOCKS, "fields", name, key=FOLD)


def _check_gone_without(examined: Examined) -> Iterator[Finding]:
    """What a record cannot be given for which a stub was created."""
    for name, rule, field in examined.filled():
        if field.writable and not field.changeable and rule.policy is WritePolicy.ONLY_CREATE:
            yield examined.found("stub.goes_without", Severity.WARNS, "fields", name, name=name)


def _check_required(alone: Examined) -> Iterator[Finding]:
    for field in alone.target.fields:
        if field.required and field.writable:
            given = alone.rules.get(field.name)
            if given is None:
                yield finding_in(alone.file, "stub.required_not_fed", BLOCKS, STUB, name=field.name)
            elif not _sure(alone, given):
                yield alone.found("stub.may_be_null", BLOCKS, "fields", field.name, name=field.name)


def _wanted(examined: Examined) -> bool:
    """Whether some rule asks for stubs of this mapping."""
    return any(
        rule.outside is Outside.STUB
        and any(maker == examined.file.name for _, way in rule.ways() for _, maker in way.makers)
        for other in examined.others.values()
        for rule in other.model.fields.values()
    )


def _sure(examined: Examined, rule: Rule) -> bool:
    """Whether it has a value also for a record of which nothing is known but its key."""
    if rule.default is not None:
        return True
    if rule.when is not None:
        return False
    if rule.first:
        return any(_sure(examined, case) for case in rule.first)
    if rule.cases:
        alone = [case.model_copy(update={"when": None}) for case in rule.cases]
        return rule.cases[-1].when is None and all(_sure(examined, case) for case in alone)
    known = rule.constant is not None or (bool(rule.from_) and set(rule.from_) <= set(examined.source.key))
    return known and all(result is not None for result in (rule.values or {}).values())
