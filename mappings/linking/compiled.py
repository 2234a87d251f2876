"""Addresses of old records, found in whole columns of texts and replaced there.

Of a column only the texts are looked at in which the fixed part of some address occurs; these few are gone through one
by one, for an address may stand in a text several times, among others that are none of ours.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..rule import ParentKeys
from .language import Links, OldAddress

_OWN = r"(?:[A-Za-z0-9_~-]|%[0-9A-Fa-f]{2})+"
_KEY = rf"{_OWN}(?:\.{_OWN})*"
_ENTITY = r"(?:nbsp|lt|gt|quot|apos|#[0-9]+|#x[0-9A-Fa-f]+);"
_REST = rf"(?:&(?!{_ENTITY})|(?<=&amp);|[A-Za-z0-9_~%/?#=+@$.:()*-])*(?<![.:()*])"
_ENDS = rf"(?![A-Za-z0-9_~%/?#=+@$-]|\.[A-Za-z0-9_~%/?#=+@$-]|&(?!{_ENTITY}))"
_WEB = ("http", "https")


class Link(NamedTuple):
    """An address in a text. row: of the column. start, end: where it stands. form: its place among the forms; None for
    an address of an old system's that has none of them. maker: the mapping that makes the record; None where its key
    begins like none of the kinds. our_key: of the record. escaped: it stands where `&` is written `&amp;`."""

    row: int
    start: int
    end: int
    form: int | None
    maker: str | None
    our_key: str | None
    escaped: bool


@dataclass(frozen=True)
class CompiledLinks:
    """said: by the project. forms: of old addresses, the most exact first. makers: for each, how the key begins -> the
    keys of what the mapping makes."""

    said: Links
    forms: tuple[OldAddress, ...]
    makers: tuple[dict[str, ParentKeys], ...]

    def find(self, column: pa.StringArray) -> list[Link]:
        """Every address of an old record in these texts, row by row, from left to right."""
        may = pa.repeat(pa.scalar(False), len(column))
        for fixed in self._fixed:
            may = pc.or_(may, pc.fill_null(pc.match_substring(column, fixed, ignore_case=True), False))
        rows = np.flatnonzero(may.to_numpy(zero_copy_only=False))
        texts = column.take(pa.array(rows, pa.int64())).to_pylist()
        found: list[tuple[int, re.Match[str]]] = [
            (row, each) for row, text in zip(rows.tolist(), texts, strict=True) for each in self._pattern.finditer(text)
        ]
        keys = self._our_keys([_read(each) for _, each in found])
        return [
            Link(row, each.start(), each.end(), _read(each)[0], *keys[_read(each)], _escaped(each))
            for row, each in found
        ]

    def replaced(
        self, column: pa.StringArray, links: Sequence[Link], addresses: Sequence[str | None]
    ) -> pa.StringArray:
        """The texts with these in place of the links, an address each; None where it stays as it is."""
        rows = sorted({link.row for link, new in zip(links, addresses, strict=True) if new is not None})
        texts = dict(zip(rows, column.take(pa.array(rows, pa.int64())).to_pylist(), strict=True))
        for link, new in reversed(list(zip(links, addresses, strict=True))):  # from the right, so that places hold
            if new is not None:
                written = html.escape(new) if link.escaped else new
                texts[link.row] = texts[link.row][: link.start] + written + texts[link.row][link.end :]
        if not rows:
            return column
        mask = np.zeros(len(column), dtype=bool)
        mask[rows] = True
        return pc.replace_with_mask(column, pa.array(mask), pa.array([texts[row] for row in rows], column.type))

    @property
    def meaning(self) -> list[Any]:
        """What it does to texts, for a digest."""
        old = [
            [form.address, {kind: [each.mapping, each.source_object] for kind, each in makers.items()}]
            for form, makers in zip(self.forms, self.makers, strict=True)
        ]
        return [old, self.said.new]

    @cached_property
    def _fixed(self) -> list[str]:
        """A part of each form that is in every text that holds such an address."""
        found = [(f"://{host}" if host else path.partition("&")[0]) for _, host, path in (f.place for f in self.forms)]
        return list(dict.fromkeys(found))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        known = [_form(form, place) for place, form in enumerate(self.forms)]
        hosts = dict.fromkeys(form.place[1].lower() for form in self.forms if form.place[0].lower() in _WEB)
        if hosts:
            anywhere = "|".join(map(re.escape, hosts))
            known.append(rf"(?<![A-Za-z0-9])(?i:https?://(?:{anywhere}))[/?#]{_REST}(?<![/?#])")
        return re.compile("|".join(known))

    def _our_keys(
        self, read: Sequence[tuple[int | None, str]]
    ) -> dict[tuple[int | None, str], tuple[str | None, str | None]]:
        """(form, key) -> (mapping, our key)."""
        told: dict[tuple[int | None, str], tuple[str | None, str | None]] = dict.fromkeys(read, (None, None))
        made: dict[ParentKeys, list[tuple[int | None, str]]] = defaultdict(list)
        for form, key in told:
            makers = {} if form is None else self.makers[form]
            kinds = [kind for kind in makers if key.startswith(kind)]
            if kinds:
                made[makers[max(kinds, key=len)]].append((form, key))
        for maker, each in made.items():
            ours = maker.our_keys([pa.array([key for _, key in each], pa.string())]).to_pylist()
            told |= {one: (maker.mapping, our_key) for one, our_key in zip(each, ours, strict=True)}
        return told


def compile_links(said: Links, parent: Callable[[str], ParentKeys | None]) -> CompiledLinks:
    """parent: the keys of what a mapping makes; None where there is no such mapping."""
    exact = sorted(said.old, key=lambda form: -len(form.parts[0] + form.parts[1]))
    makers = [{kind: keys for kind, name in form.makers.items() if (keys := parent(name))} for form in exact]
    return CompiledLinks(said, tuple(exact), tuple(makers))


def _form(form: OldAddress, place: int) -> str:
    scheme, host, path = form.place
    if scheme:
        either = "https?" if scheme.lower() in _WEB else re.escape(scheme)
        before = rf"(?<![A-Za-z0-9])(?i:{either}://{re.escape(host)}){_literal(path)}"
    else:
        before = rf"(?<![A-Za-z0-9_/.:@%~?=&-]){_literal(path)}"
    rest = _REST if form.takes_rest else "" if form.end.endswith("/") else "/?"
    return rf"(?P<f{place}>{before}(?P<k{place}>{_KEY}){_literal(form.end)}{rest}{_ENDS})"


def _literal(text: str) -> str:
    return re.escape(text).replace(r"\&", "&").replace("&", "&(?:amp;)?")


def _read(found: re.Match[str]) -> tuple[int | None, str]:
    """(form, key)."""
    if found.lastgroup is None:
        return None, ""
    place = int(found.lastgroup[1:])
    return place, unquote(found[f"k{place}"])


def _escaped(found: re.Match[str]) -> bool:
    """In an attribute of a tag, or where the address itself is written so."""
    start = found.start()
    return "&amp;" in found[0] or found.string[max(0, start - 2) : start] in ('="', "='")
