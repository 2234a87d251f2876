"""Bring a session's mappings and people to the point where records can move: compiled, checked, ordered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pandas as pd

from ..connectors.errors import InputError
from ..connectors.finding import Finding, Severity
from ..connectors.port import Connector, TellsLacking
from ..connectors.schema import Schema
from ..mappings.assembly.compiled import compile_assemblies
from ..mappings.assembly.derived import with_assemblies
from ..mappings.compile import CompiledMapping, compile_mappings, load_mapping_files
from ..mappings.departments import Departments, DepartmentsOfSide, build_departments
from ..mappings.language import MappingFile
from ..mappings.order import Cuts, cut_references, load_order
from ..mappings.own_transforms import FILE as OWN_TRANSFORMS
from ..mappings.own_transforms import read_own_transforms
from ..mappings.people import People, build_people
from ..mappings.people_config import DepartmentsConfig, DepartmentSide, PeopleConfig, PersonSide
from ..mappings.people_list import read_people_csv
from ..validators.declared import check_expectations
from .addresses import check_new_addresses, check_old_addresses, links_of
from .checking.answered import check_answers
from .checking.examples import check_examples
from .checking.newest import check_newest
from .corrections import take_corrections
from .fingerprint import joined
from .project import Project
from .session import SPILLS, Session, Tick
from .sources.assembled import AssembledSource
from .sources.folded import with_folded

FOLDER = "mappings"
Further = Callable[[Sequence[Finding]], list[Finding]]
ANSWERED_BY_DATA = {"mapping.required_may_be_null"}
_WORST_FIRST = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True)
class Prepared:
    """order: mappings, parents first. cut: mapping -> references filled by a second operation. digest: of what all
    mappings mean together, and of what is corrected. corrected: the latter alone, empty where nothing is. findings:
    what the check noticed, none of them blocking, the gravest first."""

    order: tuple[str, ...]
    cut: Cuts
    digest: str
    corrected: str
    findings: tuple[Finding, ...]

    def remarks(self, data_read: bool) -> list[Finding]:
        """What there is to say of the mappings; once all records were read and judged, without what these have
        answered."""
        return [each for each in self.findings if not data_read or each.code not in ANSWERED_BY_DATA]


def prepare(
    session: Session, *, people: bool = True, examples: bool = False, further: Further | None = None
) -> Prepared:
    """Compile every mapping against both schemas, settle who is who, and put the result into the session, the source
    corrected. people: else nothing is to be mapped, and nobody's list of people is read. examples: see whether those of
    the mappings come true. further: given what was noticed, what is to be told instead.

    Raises InputError `mapping.none` where there is no mapping yet, `mapping.problems` with every blocking finding, or
    what reading the files raises.
    """
    project = session.project
    compiled, findings = compile_project(project, session.source_schema, session.target_schema, examples=examples)
    wrong = {each.mapping for each in findings if each.severity is Severity.BLOCKS}
    corrected, noticed = lay_over(session, compiled, wrong)
    findings += [*noticed, *check_new_addresses(session, compiled)]
    findings += [*_lacking(session, compiled), *check_answers(session)]
    findings += check_newest(session, [each for name, each in compiled.items() if name not in wrong])
    config = project.spec.people
    if config is not None and people:
        session.people, noticed = people_of(session, config)
        findings += noticed
    if further is not None:
        findings = further(findings)
    problems = tuple(each for each in findings if each.severity is Severity.BLOCKS)
    if problems:
        raise InputError("mapping.problems", problems, count=len(problems))
    order = load_order(compiled)
    session.mappings = {name: compiled[name] for name in order}
    says = [f"{each.name} {each.digest}" for name in order for each in compiled[name].with_stub] + (
        [f"corrections {corrected}"] if corrected else []
    )
    digest = hashlib.sha256("\n".join(says).encode()).hexdigest()
    ranked = sorted(findings, key=lambda each: (_WORST_FIRST[each.severity], each.file or "", each.line or 0))
    return Prepared(tuple(order), cut_references(compiled), digest, corrected, tuple(ranked))


def _lacking(session: Session, compiled: Mapping[str, CompiledMapping]) -> list[Finding]:
    """What the target's administrator has to do first, for each object that mappings write, where the target tells."""
    target = session.target
    if not target.capabilities.tells_lacking:
        return []
    told = cast(TellsLacking, target)
    names = {mapping.target.name: name for name, mapping in compiled.items()}
    return [replace(each, mapping=mapping) for name, mapping in names.items() for each in told.lacking(name)]


def compile_project(
    project: Project, source: Schema, target: Schema, *, examples: bool = False, folder: Path | None = None
) -> tuple[dict[str, CompiledMapping], list[Finding]]:
    """The project's mappings that fit both schemas, and everything that is to be said of them all. folder: of the
    mappings, where it is another than the project's; their tables and transforms lie beside it. Raises InputError as
    `prepare` does for what cannot be read."""
    chosen, findings = chosen_files(project, folder)
    sides, people = project.environment, project.spec.people
    own = read_own_transforms((folder.parent if folder else project.folder) / OWN_TRANSFORMS)
    compiled, noticed = compile_mappings(
        chosen,
        source,
        target,
        sides.system,
        sides.source_zone,
        people is not None,
        departments=people is not None and people.departments is not None,
        target_zone=sides.target_zone,
        zones=sides.source_zones,
        own=own.transforms if own else {},
        links=links_of(project),
        wins=project.spec.wins,
        classes=project.spec.classes if folder is None else None,  # earlier mappings had others
    )
    if own is not None:
        findings.append(own.used(name for mapping in compiled.values() for name in mapping.own_transforms))
    findings += [*noticed, *check_old_addresses(project, chosen, source)]
    for name, mapping in compiled.items():
        wrong = check_expectations(mapping.expectations, mapping.target_fields, name)
        findings += wrong
        if examples and not any(each.severity is Severity.BLOCKS for each in wrong):
            findings += check_examples(mapping)
    return compiled, findings


def lay_over(
    session: Session, compiled: Mapping[str, CompiledMapping], wrong: Collection[str | None] = ()
) -> tuple[str, list[Finding]]:
    """From here on the session's source has what these mappings put together and fold, and all of it corrected. wrong:
    those that can do neither. Returns what `take_corrections` does."""
    sound = [each for name, each in compiled.items() if name not in wrong]
    _put_together(session, [each.mapping_file for each in sound])
    told = take_corrections(session, compiled)
    session.source = with_folded(session.source, sound)
    return told


def _put_together(session: Session, files: Sequence[MappingFile]) -> None:
    zone_of = session.project.environment.zone_of
    assemblies = compile_assemblies(files, with_assemblies(files, session.source_schema), zone_of)
    if not assemblies:
        return

    def heard(mapping: str, done: int) -> None:
        session.interruption.check()
        session.tick(Tick("gather", mapping, done))

    session.source = AssembledSource(session.source, assemblies, session.project.runs / SPILLS, session.keys, heard)


def chosen_files(project: Project, folder: Path | None = None) -> tuple[list[MappingFile], list[Finding]]:
    """The mappings that changeover.yaml lists, with all their branches; all of them where it lists none. Raises
    InputError as `prepare` does."""
    files = load_mapping_files(folder or project.folder / FOLDER)
    if not files:
        raise InputError("mapping.none", folder=f"{folder or FOLDER}/")
    listed = project.spec.mappings
    if listed is None:
        return list(files), []
    by_name: dict[str, list[MappingFile]] = {}
    for each in files:
        by_name.setdefault(each.model.mapping, []).append(each)
    for name in listed:
        if name not in by_name:
            raise InputError("mapping.unlisted", name=name, known=", ".join(by_name))
    left_out = [
        Finding("mapping.not_listed", Severity.WARNS, {"name": name}, mapping=name, file=branches[0].file)
        for name, branches in by_name.items()
        if name not in listed
    ]
    return [each for name in listed for each in by_name[name]], left_out


def people_of(session: Session, config: PeopleConfig) -> tuple[People, list[Finding]]:
    """Who is who, from both systems' own lists of people and the project's CSV."""
    managers = config.by_manager
    rows = read_people_csv(session.project.folder / config.csv, config.csv, managers=managers) if config.csv else []
    source_frame, source_keys = _side(session.source, session.source_schema, config.source, "source")
    target_frame, target_keys = _side(session.target, session.target_schema, config.target, "target")
    people, noticed = build_people(config, source_frame, source_keys, target_frame, target_keys, rows)
    if config.departments is not None:
        departments, told = _departments_of(session, config.departments)
        people.departments = departments.find
        noticed += told
    return people, noticed


def _departments_of(session: Session, config: DepartmentsConfig) -> tuple[Departments, list[Finding]]:
    rows = read_people_csv(session.project.folder / config.csv, config.csv) if config.csv else []
    target = DepartmentsOfSide(config.target, *_side(session.target, session.target_schema, config.target, "target"))
    source = None
    if config.source is not None:
        source = DepartmentsOfSide(
            config.source, *_side(session.source, session.source_schema, config.source, "source")
        )
    return build_departments(config, source, target, rows)


def _side(
    connector: Connector, schema: Schema, side: PersonSide | DepartmentSide, role: str
) -> tuple[pd.DataFrame, list[str]]:
    described = schema.object(side.object)
    told = f"@org.{role}"
    if described is None:
        raise InputError("people.object_unknown", side=told, object=side.object)
    for name in side.fields:
        if described.field(name) is None:
            raise InputError("people.field_unknown", side=told, object=side.object, field=name)
    pieces = list(connector.read(side.object, side.fields))
    chunk = joined(side.object, side.fields, pieces)
    return chunk.frame, chunk.keys
