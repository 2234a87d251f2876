"""Bring a session's mappings and people to the point where records can move: compiled, checked, ordered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ..connectors.errors import InputError
from ..connectors.finding import Finding, Severity
from ..connectors.port import Connector
from ..connectors.schema import Schema
from ..mappings.assembly.compiled import compile_assemblies
from ..mappings.assembly.derived import with_assemblies
from ..mappings.compile import compile_mappings, load_mapping_files
from ..mappings.language import MappingFile
from ..mappings.order import cut_references, load_order
from ..mappings.people import People, PeopleConfig, PersonSide, build_people, read_people_csv
from ..validators.declared import check_expectations
from .fingerprint import joined
from .project import Project
from .session import SPILLS, Session, Tick
from .sources.assembled import AssembledSource

FOLDER = "mappings"
_WORST_FIRST = {severity: place for place, severity in enumerate(Severity)}


@dataclass(frozen=True)
class Prepared:
    """order: mappings, parents first. cut: mapping -> references filled by a second operation. digest: of what all
    mappings mean together. findings: what the check noticed, none of them
    blocking, the gravest first."""

    order: tuple[str, ...]
    cut: dict[str, set[str]]
    digest: str
    findings: tuple[Finding, ...]


def prepare(session: Session, *, people: bool = True) -> Prepared:
    """Compile every mapping against both schemas, settle who is who, and put the result into the session. people: else
    nothing is to be mapped, and nobody's list of people is read.

    Raises InputError `mapping.none` where there is no mapping yet, `mapping.problems` with every blocking finding, or
    what reading the files raises.
    """
    files = load_mapping_files(session.project.folder / FOLDER)
    if not files:
        raise InputError("mapping.none", folder=f"{FOLDER}/")
    chosen, findings = _chosen(session.project, files)
    config = session.project.spec.people
    compiled, noticed = compile_mappings(
        chosen,
        session.source_schema,
        session.target_schema,
        session.source_name,
        session.source_zone,
        config is not None,
        target_zone=session.target_zone,
        zones=session.source_zones,
    )
    findings += noticed
    for mapping in compiled.values():
        findings += check_expectations(mapping.expectations, mapping.target_fields, mapping.name)
    if config is not None and people:
        session.people, noticed = _people(session, config)
        findings += noticed
    problems = tuple(each for each in findings if each.severity is Severity.BLOCKS)
    if problems:
        raise InputError("mapping.problems", problems, count=len(problems))
    _put_together(session, chosen)
    order = load_order(compiled)
    session.mappings = {name: compiled[name] for name in order}
    digest = hashlib.sha256("\n".join(f"{name} {compiled[name].digest}" for name in order).encode()).hexdigest()
    ranked = sorted(findings, key=lambda each: (_WORST_FIRST[each.severity], each.file or "", each.line or 0))
    return Prepared(tuple(order), cut_references(compiled), digest, tuple(ranked))


def _put_together(session: Session, files: Sequence[MappingFile]) -> None:
    """From here on the source has what these mappings put together, too."""
    assemblies = compile_assemblies(files, with_assemblies(files, session.source_schema))
    if not assemblies:
        return

    def heard(mapping: str, done: int) -> None:
        session.interruption.check()
        session.tick(Tick("gather", mapping, done))

    inner = session.source.inner if isinstance(session.source, AssembledSource) else session.source
    session.source = AssembledSource(inner, assemblies, session.project.runs / SPILLS, session.keys, heard)


def _chosen(project: Project, files: Sequence[MappingFile]) -> tuple[list[MappingFile], list[Finding]]:
    """The mappings that changeover.yaml lists, all of them where it lists none."""
    listed = project.spec.mappings
    if listed is None:
        return list(files), []
    by_name = {each.name: each for each in files}
    for name in listed:
        if name not in by_name:
            raise InputError("mapping.unlisted", name=name, known=", ".join(by_name))
    left_out = [
        Finding("mapping.not_listed", Severity.WARNS, {"name": name}, mapping=name, file=each.file)
        for name, each in by_name.items()
        if name not in listed
    ]
    return [by_name[name] for name in listed], left_out


def _people(session: Session, config: PeopleConfig) -> tuple[People, list[Finding]]:
    """Who is who, from both systems' own lists of people and the project's CSV."""
    rows = read_people_csv(session.project.folder / config.csv, config.csv) if config.csv else []
    source_frame, source_keys = _side(session.source, session.source_schema, config.source, "source")
    target_frame, target_keys = _side(session.target, session.target_schema, config.target, "target")
    return build_people(config, source_frame, source_keys, target_frame, target_keys, rows)


def _side(connector: Connector, schema: Schema, side: PersonSide, role: str) -> tuple[pd.DataFrame, list[str]]:
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
