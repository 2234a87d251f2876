"""How many addresses of old records stand in the texts that are to be rid of them, form by form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ...connectors.finding import Finding, Severity
from ...mappings.compile import CompiledMapping
from ...mappings.mapped import MappedChunk
from ..fingerprint import arrow_column


class OldAddresses:
    """Counts them in the texts of one mapping."""

    def __init__(self, mapping: CompiledMapping) -> None:
        self._mapping = mapping
        self._counts: Counter[tuple[str, int | None]] = Counter()

    def see(self, mapped: MappedChunk) -> None:
        links = self._mapping.links
        if links is not None:
            for name in self._mapping.linked:
                self._counts.update((name, link.form) for link in links.find(arrow_column(mapped.frame, name)))

    def end(self) -> Iterator[Finding]:
        """INFO for each field: how many of each form, also where there are none. A warning for addresses of an old
        system's that have none of the forms."""
        forms = self._mapping.links.forms if self._mapping.links is not None else ()
        for name in self._mapping.linked:
            counts = {form.address: self._counts[name, place] for place, form in enumerate(forms)}
            listed = ", ".join(f"{count} {form}" for form, count in counts.items())
            told: dict[str, int | str] = {"count": sum(counts.values()), "told": listed}
            yield self._finding("linking.found", Severity.INFO, name, told)
            if strange := self._counts[name, None]:
                yield self._finding("linking.found_strange", Severity.WARNS, name, {"count": strange})

    def _finding(self, code: str, severity: Severity, name: str, told: Mapping[str, int | str]) -> Finding:
        file, line = self._mapping.rule_lines[name]
        place = {"object": self._mapping.source.name, "mapping": self._mapping.name, "field": name, "file": file}
        return Finding(code, severity, told, line=line, **place)
