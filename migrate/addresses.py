"""Addresses of records: what the project says of them, held against mappings and the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from ..connectors.finding import Finding, Severity
from ..connectors.nearest import nearest
from ..connectors.schema import Schema
from ..mappings.compile import CompiledMapping
from ..mappings.language import MappingFile
from ..mappings.linking.language import Links, OldAddress
from ..mappings.yaml.document import Document
from ..mappings.yaml.strict_yaml import read_yaml
from .project import FILE, OWN_NAMES, Project
from .session import Session

KEY = "links"


def links_of(project: Project) -> Links:
    """What the project says of old addresses, and its environment of new ones."""
    return Links(tuple(project.spec.links), project.environment.record_url)


def new_address(session: Session, object_name: str, key: str) -> str | None:
    """Where a person finds that record of the target; None where neither the project nor the target says it."""
    said = links_of(session.project).address(object_name, key)
    return session.target.record_url(object_name, key) if said is None else said


def check_old_addresses(project: Project, files: Sequence[MappingFile], source: Schema) -> list[Finding]:
    """BLOCKS for each form of old addresses that cannot be: no such mapping, a key of several parts, the same form
    twice."""
    if not project.spec.links:
        return []
    document = read_yaml(project.folder / FILE, FILE, own_names=OWN_NAMES)
    keys = {file.name: _key(file, source) for file in files}
    return [each for place in range(len(project.spec.links)) for each in _check_form(project, document, place, keys)]


def _key(file: MappingFile, source: Schema) -> tuple[str, ...]:
    """The fields of its source object's key; none where that is not known."""
    if file.model.assemble is not None:
        return file.model.assemble.key
    described = source.object(file.model.from_)
    return () if described is None else described.key


def _check_form(
    project: Project, document: Document, place: int, keys: Mapping[str, tuple[str, ...]]
) -> Iterator[Finding]:
    form: OldAddress = project.spec.links[place]

    def found(code: str, **params: str | int) -> Finding:
        line = document.line((KEY, place))
        return Finding(code, Severity.BLOCKS, {"address": form.address, **params}, file=FILE, line=line)

    if form.address in [each.address for each in project.spec.links[:place]]:
        yield found("linking.twice")
    for maker in form.makers.values():
        if maker not in keys:
            yield found("linking.no_mapping", name=maker, nearest=nearest(maker, keys.keys()))
        elif len(keys[maker]) > 1:
            yield found("linking.key_parts", name=maker, parts=", ".join(keys[maker]))


def check_new_addresses(session: Session, compiled: Mapping[str, CompiledMapping]) -> Iterator[Finding]:
    """BLOCKS where nobody says where the new records are that old addresses lead to, or where their addresses would be
    taken for old ones."""
    links = next((each.links for each in compiled.values() if each.links is not None), None)
    if links is None:
        return
    makers = {keys.mapping for each in links.makers for keys in each.values()}
    names = sorted({compiled[maker].target.name for maker in makers if maker in compiled})
    new = {name: new_address(session, name, "1") for name in names}
    if untold := [name for name, address in new.items() if address is None]:
        yield Finding("linking.no_new_address", Severity.BLOCKS, {"names": ", ".join(untold)}, file=FILE)
    known = [address for address in new.values() if address is not None]
    if taken := links.find(pa.array(known, pa.string())):
        yield Finding("linking.new_is_old", Severity.BLOCKS, {"address": known[taken[0].row]}, file=FILE)
