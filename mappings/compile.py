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
from ..connectors.schema import Field, Schema
from .assembly.check import check_assembly, check_clocks
from .assembly.derived import field_zones, with_assemblies
from .assembly.document import as_source
from .branches import branches_of, check_branch, models_of_file, read_mapping, told_once
from .cases import Case, by_cases
from .checking.files import told_by_both
from .checking.kinds import check_kinds
from .checking.mapping import check, check_objects, check_together
from .checking.place import Examined
from .checking.stub import check_stub, stub_file
from .classes import DataClass
from .compiled import CompiledMapping, FieldTrace, TraceStep
from .condition import CompiledConditions, compile_conditions
from .files import by_files
from .folding.check import check_folds
from .folding.compiled import compile_folds, with_folds
from .kinds import by_kinds
from .language import MappingFile, MappingModel, Rule, WritePolicy
from .left_out import by_year
from .life import CompiledState, LifeState
from .linking.compiled import CompiledLinks, compile_links
from .linking.language import NONE, Links
from .lookup import with_lookups
from .order import check_order
from .reference import Kinds
from .rule import CompiledRule, ParentKeys, ValueMap
from .transform import Transform
from .untaken import Untaken
from .wins import Wins
from .yaml.strict_yaml import read_yaml

__all__ = [
    "CompiledMapping",
    "FieldTrace",
    "TraceStep",
    "WritePolicy",
    "compile_mappings",
    "load_mapping_files",
]

SUFFIX = ".yaml"
OWN_NAMES = frozenset({"where", "life", "fields", "values", "drop", "examples"})
_ORDER = {severity: place for place, severity in enumerate(Severity)}


def load_mapping_files(folder: Path) -> list[MappingFile]:
    """Every `*.yaml` of the folder, by name; of one that has branches, each of these. Files are shown as
    `mappings/account.yaml` (folder and name). The tables that they look values up in lie where their paths say, seen
    from the folder around.

    Raises InputError `mapping.invalid` with all problems of all files: what the YAML reader and the language refuse,
    files called `.yml`, mappings that are not called as their file, and tables that cannot be read.
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
            document, tables, wrong = with_lookups(
                as_source(read_yaml(path, shown, own_names=OWN_NAMES)), folder.parent
            )
            problems.extend(wrong)
            if wrong:
                continue
            branches = branches_of(read_mapping(document), document, tables)
        except InputError as error:
            problems.extend(error.findings or (Finding(error.code, Severity.BLOCKS, error.params, file=shown),))
            continue
        problems.extend(_named(branches[0], path.stem))
        for file in branches:
            problems.extend(_form(file))
        files.extend(branches)
    if problems:
        raise InputError("mapping.invalid", tuple(problems), folder=folder.name, count=len(problems))
    return files


def _named(file: MappingFile, stem: str) -> list[Finding]:
    name, line = file.model.mapping, file.line("mapping")
    if name == stem:
        return []
    told = {"name": name, "wanted": stem}
    return [Finding("mapping.name_is_not_file", Severity.BLOCKS, told, file=file.file, line=line)]


def _form(file: MappingFile) -> list[Finding]:
    problems = list(check_branch(file))
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
    departments: bool = False,
    target_zone: ZoneInfo | None = None,
    zones: Mapping[str, ZoneInfo | None] = MappingProxyType({}),
    own: Mapping[str, Transform] = MappingProxyType({}),
    links: Links = NONE,
    wins: Wins = Wins.ASK,
    classes: Mapping[str, DataClass] | None = None,
) -> tuple[dict[str, CompiledMapping], list[Finding]]:
    """The mappings by name, and everything the check noticed, the worst first.

    system: the source connection's name, which is part of our keys; empty where there are several, whose names begin
    those of their objects. zone, target_zone: what wall clock times mean on either side. zones: the same by source
    connection, where there are several. people, departments: whether the project configures them. own: the project's
    own transforms. wins: who wins fields of which no rule says it. classes: the project's data classes,
    where rules are to be held against them. links: addresses of records.

    A mapping with a finding that BLOCKS is left out of the result; nothing may run while there is one. Expectations are
    checked by the validators.
    """
    named = {file.name: file for file in files}

    def zone_of(source_object: str) -> ZoneInfo | None:
        return zones.get(source_object.partition(".")[0], zone)

    findings = [finding for file in files for finding in check_assembly(file, source, zone_of)]
    read, source = source, with_assemblies(files, source)
    findings.extend(finding for file in files for finding in check_objects(file, source, target))
    findings.extend(check_together(named))
    findings.extend(check_kinds(named, target))
    sources = {file.model.from_: found for file in files if (found := source.object(file.model.from_))}
    compiled: dict[str, CompiledMapping] = {}
    for file in files:
        source_object, target_object = source.object(file.model.from_), target.object(file.model.to)
        if source_object is None or target_object is None:
            continue
        clocks = field_zones(file.model.assemble, source_object, zones)
        folding = list(check_folds(file, source_object, read, named, zone_of))
        source_object = with_folds(source_object, [file])
        examined = Examined(
            file,
            source_object,
            target_object,
            zone_of(source_object.name),
            target_zone,
            people,
            named,
            sources,
            clocks=clocks,
            own=own,
            links=links,
            classes=classes,
            departments=departments,
        )
        noticed = [*folding, *check(examined), *check_stub(examined), *check_clocks(examined, zones)]
        findings.extend(noticed)
        ways = [way for rule in examined.rules.values() for _, way in rule.ways()]
        parents = {named[maker].model.from_ for way in ways for _, maker in way.makers if maker in named}
        if parents <= sources.keys() and not any(each.severity is Severity.BLOCKS for each in noticed):
            folds = compile_folds(file, read, zone_of)
            compiled[file.name] = replace(_compile(examined, system), folds=folds, otherwise_wins=wins)
    findings.extend(check_order(compiled))
    findings = told_once(files, findings)
    return compiled, sorted(findings, key=lambda each: (_ORDER[each.severity], each.file or "", each.line or 0))


def _system(file: MappingFile, system: str) -> str:
    """The system in our keys: what is put together has it in the name of its object, `assembly`."""
    return "" if file.model.assemble is not None else system


def _compile(examined: Examined, system: str) -> CompiledMapping:
    file, conditions = examined.file, _conditions(examined.file.model, examined)
    return CompiledMapping(
        mapping_file=file,
        system=_system(file, system),
        source=examined.source,
        target=examined.target,
        rules=tuple(
            _compile_rule(examined, name, rule, told_by_both(examined, rule, field), system)
            for name, rule, field in examined.filled()
        ),
        conditions=conditions,
        branch=file.branch,
        untaken=_untaken(examined),
        by_year=by_year(conditions, examined.source.field(file.model.by_year or ""), examined.zone),
        states=tuple(_state(examined, name, each) for name, each in file.model.life.items()),
        links=_links(examined, system),
        stub=_compile(replace(examined, file=stub_file(file)), system) if file.model.stub else None,
    )


def _links(examined: Examined, system: str) -> CompiledLinks | None:
    if not any(rule.rewrite_links for rule in examined.rules.values()):
        return None

    def keys(maker: str) -> ParentKeys | None:
        source = examined.sources.get(examined.others[maker].model.from_) if maker in examined.others else None
        return _parent(examined, maker, system) if source is not None and len(source.key) == 1 else None

    return compile_links(examined.links, keys)


def _state(examined: Examined, name: str, state: LifeState) -> CompiledState:
    file = examined.file
    shown = {target: (examined.target.field(target), value) for target, value in state.then.fields.items()}
    values = {
        target: _typed(value, field, examined.zone_of(examined.rules[target]))
        for target, (field, value) in shown.items()
        if field is not None
    }
    when = compile_conditions(state.when, examined.source.field, examined.zone)
    return CompiledState(name, when, state.then, values, file.file, file.line("life", name))


def _conditions(said: MappingModel, examined: Examined) -> CompiledConditions | None:
    return compile_conditions(said.where, examined.source.field, examined.zone) if said.where else None


def _untaken(examined: Examined) -> Untaken | None:
    """One branch of a file counts what none of them takes."""
    whole, branch = examined.file.whole, examined.file.branch
    if whole is None or branch != next(iter(whole.branches)):
        return None
    branches = tuple(_conditions(each, examined) for each in models_of_file(examined.file))
    return Untaken(_conditions(whole, examined), branches)


def _compile_rule(examined: Examined, name: str, rule: Rule, field: Field, system: str) -> CompiledRule:
    if rule.when is not None:
        inner = rule.model_copy(update={"when": None, "default": None})
        own = Case(_when(examined, rule), _compile_rule(examined, name, inner, field, system))
        return by_cases(_compile_plain(examined, name, rule, field, system), [own], by_value=False)
    plain = _compile_plain(examined, name, rule, field, system)
    if not rule.inner:
        return plain
    cases: list[Case] = []
    for place, case in rule.inner:
        alone = case.model_copy(update={"when": None})
        compiled = _compile_rule(examined.within(place), name, alone, field, system)
        cases.append(Case(_when(examined, case), compiled, f"case {len(cases) + 1}"))
    return by_cases(plain, cases, by_value=rule.first is not None)


def _when(examined: Examined, rule: Rule) -> CompiledConditions | None:
    return None if rule.when is None else compile_conditions(rule.when, examined.source.field, examined.zone)


def _compile_plain(examined: Examined, name: str, rule: Rule, field: Field, system: str) -> CompiledRule:
    """What the rule says itself."""
    zone, said = examined.zone_of(rule), rule.reference
    plain = CompiledRule(
        field=field,
        rule=rule,
        transforms=tuple(
            examined.transforms[call.name].bind(call.arguments, len(rule.from_)) for call in rule.transform
        ),
        values=ValueMap(rule.values, rule.otherwise) if rule.values is not None and rule.otherwise else None,
        parent=_parent(examined, said, system) if isinstance(said, str) else None,
        constant=_typed(rule.constant, field, zone),
        default=_typed(rule.default, field, zone),
        zone=zone,
        target_zone=examined.target_zone,
        file=examined.file.file,
        line=examined.line("fields", name),
    )
    if not isinstance(said, Kinds):
        return by_files(plain, field)
    _, named = said.told
    return by_kinds(plain, said.by, {kind: _parent(examined, maker, system) for kind, maker in named.items()})


def _parent(examined: Examined, maker: str, system: str) -> ParentKeys:
    parent = examined.others[maker]
    source = examined.sources[parent.model.from_]
    key = tuple(found for part in source.key if (found := source.field(part)))
    return ParentKeys(_system(parent, system), parent.name, source.name, key, parent.branch)


def _typed(value: str | None, field: Field, zone: ZoneInfo | None) -> pa.Scalar | None:
    if value is None:
        return None
    return cast(pa.array([value], pa.string()), replace(field, required=False), zone)[0][0]
