"""One source record becomes several: the branches of a mapping file, each with what stands outside of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from ..connectors.finding import Finding, Severity
from .condition import Conditions
from .language import BranchModel, MappingFile, MappingModel, Rule
from .lookup import Lookup
from .record_example import RecordExample
from .yaml.document import Document, YamlPath
from .yaml.strict_yaml import load_model


def _each_says(_value: object) -> object:
    raise PydanticCustomError("mapping.each_branch_says", "each_branch_says")


class BranchedModel(MappingModel):
    """A mapping file with branches. What it may not say outside of them: what each of them has to say."""

    to: Annotated[str, BeforeValidator(_each_says)] = ""
    match: Annotated[tuple[tuple[str, ...], ...], BeforeValidator(_each_says)] = ()
    fields: dict[str, Rule] = Field(default_factory=dict)
    expect: Annotated[tuple[dict[str, dict[str, JsonValue]], ...], BeforeValidator(_each_says)] = ()
    examples: Annotated[tuple[RecordExample, ...], BeforeValidator(_each_says)] = ()


def read_mapping(document: Document) -> MappingModel:
    """Raises InputError as `load_model`."""
    return load_model(document, BranchedModel if "branches" in document.data else MappingModel)


def branches_of(
    model: MappingModel, document: Document, tables: Mapping[YamlPath, Lookup] = MappingProxyType({})
) -> list[MappingFile]:
    """The file's branches, in its order; the file itself where it has none. tables: as a MappingFile has them."""
    if not model.branches:
        return [MappingFile(document.file, model, document, tables)]
    return [
        MappingFile(document.file, _together(model, branch), document, tables, name, model)
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
        "stub": {**whole.stub, **branch.stub},
        "expect": branch.expect,
        "examples": branch.examples,
        "branches": {},
    }
    return MappingModel.model_construct(**{**said, **own})


def _both(shared: Conditions | None, own: Conditions | None) -> Conditions | None:
    """Both must hold."""
    if shared is None or own is None:
        return own or shared
    twice = shared.fields.keys() & own.fields.keys()
    fields = {name: said for each in (shared, own) for name, said in each.fields.items() if name not in twice}
    inside = [
        Conditions.model_construct(fields={name: each.fields[name]}) for name in sorted(twice) for each in (shared, own)
    ]
    if shared.any and own.any:
        inside += [Conditions.model_construct(any=each.any) for each in (shared, own)]
    if shared.not_ and own.not_:
        inside += [Conditions.model_construct(not_=each.not_) for each in (shared, own)]
    return Conditions.model_construct(
        fields=fields,
        all=(*(own.all or ()), *(shared.all or ()), *inside) or None,
        any=None if shared.any and own.any else own.any or shared.any,
        not_=None if shared.not_ and own.not_ else own.not_ or shared.not_,
    )


def check_branch(file: MappingFile) -> Iterator[Finding]:
    """What the language alone cannot tell of a branch: that it has fields at all."""
    if file.whole is not None and not file.model.fields:
        told = {"path": f"branches.{file.branch}", "key": "fields"}
        yield Finding("yaml.missing_key", Severity.BLOCKS, told, file=file.file, line=file.line())


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
