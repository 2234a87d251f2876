"""One source record becomes several: the branches of a mapping file, each with what stands outside of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from ..connectors.finding import Finding, Severity
from .document import Document
from .language import BranchModel, Condition, MappingFile, MappingModel, Rule
from .strict_yaml import load_model


def _each_says(_value: object) -> object:
    raise PydanticCustomError("mapping.each_branch_says", "each_branch_says")


class BranchedModel(MappingModel):
    """A mapping file with branches. What it may not say outside of them: what each of them has to say."""

    to: Annotated[str, BeforeValidator(_each_says)] = ""
    match: Annotated[tuple[tuple[str, ...], ...], BeforeValidator(_each_says)] = ()
    fields: dict[str, Rule] = Field(default_factory=dict)
    expect: Annotated[tuple[dict[str, dict[str, JsonValue]], ...], BeforeValidator(_each_says)] = ()


def read_mapping(document: Document) -> MappingModel:
    """Raises InputError as `load_model`."""
    return load_model(document, BranchedModel if "branches" in document.data else MappingModel)


def branches_of(model: MappingModel, document: Document) -> list[MappingFile]:
    """The file's branches, in its order; the file itself where it has none."""
    if not model.branches:
        return [MappingFile(document.file, model, document)]
    return [
        MappingFile(document.file, _together(model, branch), document, name, model)
        for name, branch in model.branches.items()
    ]


def models_of_file(file: MappingFile) -> list[MappingModel]:
    """What each branch of this one's file says; of a mapping without branches, what it says."""
    if file.whole is None:
        return [file.model]
    return [_together(file.whole, branch) for branch in file.whole.branches.values()]


def _together(whole: MappingModel, branch: BranchModel) -> MappingModel:
    """The branch as a mapping of its own."""
    said: dict[str, Any] = {name: getattr(whole, name) for name in MappingModel.model_fields}
    own = {
        "to": branch.to,
        "where": _both(whole.where, branch.where),
        "match": branch.match,
        "fields": {**whole.fields, **branch.fields},
        "expect": branch.expect,
        "branches": {},
    }
    return MappingModel.model_construct(**{**said, **own})


def _both(shared: dict[str, Condition], own: dict[str, Condition]) -> dict[str, Condition]:
    """Both must hold; of one field, too."""
    both = {**shared, **own}
    for name in shared.keys() & own.keys():
        both[name] = Condition.model_validate(_said(shared[name]) | _said(own[name]))
    return both


def _said(condition: Condition) -> dict[str, Any]:
    return condition.model_dump(by_alias=True, exclude_none=True)


def check_branch(file: MappingFile) -> Iterator[Finding]:
    """What the language alone cannot tell of a branch: that it has fields at all, and that no key of a condition stands
    both in it and outside, where only one of the two could count."""
    if file.whole is None:
        return
    if not file.model.fields:
        told = {"path": f"branches.{file.branch}", "key": "fields"}
        yield Finding("yaml.missing_key", Severity.BLOCKS, told, file=file.file, line=file.line())
    for name, condition in file.whole.branches[file.branch].where.items():
        shared = file.whole.where.get(name)
        twice = _said(shared).keys() & _said(condition).keys() if shared is not None else ()
        for key in sorted(twice):
            told = {"field": name, "key": key}
            line = file.line("where", name, key)
            yield Finding("mapping.condition_outside_too", Severity.BLOCKS, told, file=file.file, line=line)


def told_once(files: Iterable[MappingFile], findings: Sequence[Finding]) -> list[Finding]:
    """What was found alike in all branches of a file lies in what they share: it is told once, of the whole mapping."""
    branches = {file.name: file for file in files if file.whole is not None and len(file.whole.branches) > 1}
    found_in: dict[tuple[object, ...], set[str]] = defaultdict(set)
    for each in findings:
        if each.mapping in branches:
            found_in[_alike(branches[each.mapping], each)].add(each.mapping)
    told: dict[tuple[object, ...], Finding] = {}
    for place, each in enumerate(findings):
        file = branches.get(each.mapping or "")
        in_all = file is not None and found_in[_alike(file, each)] == _names(file)
        if file is not None and in_all:
            told.setdefault(_alike(file, each), replace(each, mapping=file.model.mapping))
        else:
            told[place,] = each
    return list(told.values())


def _names(file: MappingFile) -> set[str]:
    return {f"{file.model.mapping}.{branch}" for branch in (file.whole.branches if file.whole else ())}


def _alike(file: MappingFile, each: Finding) -> tuple[object, ...]:
    return (file.file, each.code, each.field, each.line, tuple(sorted(each.params.items())))
