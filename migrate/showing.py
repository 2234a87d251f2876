"""How cells are shown: masked, or as they are, by the data classes of the fields that they stand in or go into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..mappings.assembly.derived import key_fields, source_field
from ..mappings.classes import STRICTEST, DataClass, Masked
from ..mappings.folding import FOLD
from ..mappings.folding.lines import fields_in
from ..mappings.language import MappingFile, MappingModel
from ..runs.masking import mask

_Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Showing:
    """asked: somebody asks for values. targets: (mapping, target field) -> how its cells are shown. sources: the same
    by source object and field. What is in neither is shown where it is asked for."""

    asked: bool
    targets: Mapping[_Place, Masked]
    sources: Mapping[_Place, Masked]

    def target(self, mapping: str, field: str, text: str) -> str:
        return self._shown(self.targets.get((mapping, field), Masked.DEFAULT), text)

    def source(self, object_name: str, field: str, text: str) -> str:
        return self._shown(self.sources.get((object_name, field), Masked.DEFAULT), text)

    def hidden(self, mapping: str, field: str | None = None) -> bool:
        """Whether nobody is shown the cells of that field, or of any field of the mapping."""
        named = [masked for (name, own), masked in self.targets.items() if name == mapping and field in (None, own)]
        return Masked.ALWAYS in named

    def _shown(self, masked: Masked, text: str) -> str:
        as_it_is = masked is Masked.NEVER or (self.asked and masked is Masked.DEFAULT)
        return text if as_it_is else mask(text)


def showing(classes: Mapping[str, DataClass], files: Iterable[MappingFile], asked: bool) -> Showing:
    """files: mappings, of several versions where several are spoken of. The strictest class of a field counts."""
    targets: defaultdict[_Place, set[Masked]] = defaultdict(set)
    sources: defaultdict[_Place, set[Masked]] = defaultdict(set)
    for file in files if classes else ():
        for name, rule in file.model.fields.items():
            known = classes.get(rule.class_ or "")
            masked = known.masked if known else Masked.DEFAULT
            targets[file.name, name].add(masked)
            for source in rule.sources:
                for place in _origins(file.model, source):
                    sources[place].add(masked)
    return Showing(asked, _strictest(targets), _strictest(sources))


def _strictest(said: Mapping[_Place, set[Masked]]) -> dict[_Place, Masked]:
    return {place: next(each for each in STRICTEST if each in masked) for place, masked in said.items()}


def _origins(model: MappingModel, name: str) -> Iterator[_Place]:
    """Where cells of that source field come from: the field itself, and what it is put together or folded of."""
    yield model.from_, name
    before, dot, own = name.partition(".")
    if before == FOLD and own in model.fold:
        fold = model.fold[own]
        yield from ((fold.from_, each) for each in fields_in(fold.line))
        yield from ((model.from_, each) for each in fields_in(fold.file))
    assemble = model.assemble
    if assemble is None:
        return
    if dot and before in assemble.contributors:
        yield assemble.contributors[before].from_, own
    for each, contributor in assemble.contributors.items():
        if name in assemble.key:
            keys = key_fields(assemble, each)
            yield from ((contributor.from_, key) for part, key in zip(assemble.key, keys, strict=False) if part == name)
        if name in assemble.fields and each in assemble.fields[name].prefer:
            yield contributor.from_, source_field(assemble.fields[name], name, each)
