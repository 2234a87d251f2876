"""From mapping files to compiled mappings: read, check in full, and bind to both schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import pyarrow as pa

from ..connectors.cell import cast
from ..connectors.errors import InputError
from ..connectors.finding import Finding, Severity
from ..connectors.schema import Field, ObjectSchema, Schema
from .check import check, check_objects, check_together
from .compiled import CompiledMapping, FieldTrace, TraceStep
from .condition import compile_conditions
from .language import MappingFile, MappingModel, Rule, WritePolicy
from .order import check_order
from .place import Examined
from .rule import CompiledRule, ParentKeys, ValueMap
from .strict_yaml import load_model, read_yaml
from .transform import available

__all__ = [
    "CompiledMapping",
    "FieldTrace",
    "TraceStep",
    "WritePolicy",
    "compile_mappings",
    "load_mapping_files",
]

SUFFIX = ".yaml"
OWN_NAMES = frozenset({"where", "fields", "values", "drop", "examples"})
_ORDER = {severity: place for place, severity in enumerate(Severity)}


def load_mapping_files(folder: Path) -> list[MappingFile]:
    """Every `*.yaml` of the folder, by name. Files are shown as `mappings/account.yaml` (folder and name).

    Raises InputError `mapping.invalid` with all problems of all files: what the YAML reader and the language refuse,
    files called `.yml`, and mappings that are not called as their file.
    """
    found = sorted(path for path in folder.glob("*") if path.suffix in (SUFFIX, ".yml") and path.is_file())
    files: list[MappingFile] = []
    problems: list[Finding] = []
    for path in found:
        shown = f"{folder.name}/{path.name}"
        if path.suffix != SUFFIX:
            problems.append(Finding("mapping.suffix", Severity.BLOCKS, {"name": path.stem + SUFFIX}, file=shown))
            continue
        try:
            document = read_yaml(path, shown, own_names=OWN_NAMES)
            file = MappingFile(shown, load_model(document, MappingModel), document)
        except InputError as error:
            problems.extend(error.findings or (Finding(error.code, Severity.BLOCKS, error.params, file=shown),))
            continue
        problems.extend(_form(file, path.stem))
        files.append(file)
    if problems:
        raise InputError("mapping.invalid", tuple(problems), folder=folder.name, count=len(problems))
    return files


def _form(file: MappingFile, stem: str) -> list[Finding]:
    problems = []
    if file.name != stem:
        told = {"name": file.name, "wanted": stem}
        problems.append(
            Finding("mapping.name_is_not_file", Severity.BLOCKS, told, file=file.file, line=file.line("mapping"))
        )
    for place, each in enumerate(file.model.expect):
        if len(each) != 1:
            line = file.line("expect", place)
            problems.append(Finding("mapping.expect_form", Severity.BLOCKS, file=file.file, line=line))
    return problems


def compile_mappings(
    files: Sequence[MappingFile],
    source: Schema,
    target: Schema,
    system: str,
    zone: ZoneInfo | None = None,
    people: bool = False,
    *,
    target_zone: ZoneInfo | None = None,
    zones: Mapping[str, ZoneInfo | None] = MappingProxyType({}),
) -> tuple[dict[str, CompiledMapping], list[Finding]]:
    """The mappings by name, and everything the check noticed, the worst first.

    system: the source connection's name, which is part of our keys; empty where there are several, whose names begin
    those of their objects. zone, target_zone: what wall clock times mean on either side. zones: the same by source
    connection, where there are several. people: whether the project configures people. A mapping with a finding that
    BLOCKS is left out of the result; nothing may run while there is one. Expectations are checked by the validators.
    """
    named = {file.name: file for file in files}
    findings = [finding for file in files for finding in check_objects(file, source, target)]
    findings.extend(check_together(named))
    sources = {file.model.from_: found for file in files if (found := source.object(file.model.from_))}
    compiled: dict[str, CompiledMapping] = {}
    for file in files:
        source_object, target_object = source.object(file.model.from_), target.object(file.model.to)
        if source_object is None or target_object is None:
            continue
        here = zones.get(source_object.name.partition(".")[0], zone)
        examined = Examined(file, source_object, target_object, here, target_zone, people, named, sources)
        noticed = list(check(examined))
        findings.extend(noticed)
        parents = {named[rule.reference].model.from_ for rule in examined.rules.values() if rule.reference in named}
        if parents <= sources.keys() and not any(each.severity is Severity.BLOCKS for each in noticed):
            compiled[file.name] = _compile(examined, system)
    findings.extend(check_order(compiled))
    return compiled, sorted(findings, key=lambda each: (_ORDER[each.severity], each.file or "", each.line or 0))


def _compile(examined: Examined, system: str) -> CompiledMapping:
    file = examined.file
    return CompiledMapping(
        mapping_file=file,
        system=system,
        source=examined.source,
        target=examined.target,
        rules=tuple(_compile_rule(examined, name, rule, field, system) for name, rule, field in examined.filled()),
        conditions=compile_conditions(said, examined.source.field, examined.zone)
        if (said := file.model.where)
        else None,
    )


def _compile_rule(examined: Examined, name: str, rule: Rule, field: Field, system: str) -> CompiledRule:
    zone = examined.zone_of(rule)
    return CompiledRule(
        field=field,
        rule=rule,
        transforms=tuple(available()[call.name].bind(call.arguments) for call in rule.transform),
        values=ValueMap(rule.values, rule.otherwise) if rule.values is not None and rule.otherwise else None,
        parent=_parent(examined.others, examined.sources, rule, system),
        constant=_typed(rule.constant, field, zone),
        default=_typed(rule.default, field, zone),
        zone=zone,
        target_zone=examined.target_zone,
        file=examined.file.file,
        line=examined.file.line("fields", name),
    )


def _parent(
    files: Mapping[str, MappingFile], sources: Mapping[str, ObjectSchema], rule: Rule, system: str
) -> ParentKeys | None:
    if rule.reference is None:
        return None
    parent = files[rule.reference]
    source = sources[parent.model.from_]
    key = tuple(found for part in source.key if (found := source.field(part)))
    return ParentKeys(system, parent.name, source.name, key)


def _typed(value: str | None, field: Field, zone: ZoneInfo | None) -> pa.Scalar | None:
    if value is None:
        return None
    return cast(pa.array([value], pa.string()), replace(field, required=False), zone)[0][0]
