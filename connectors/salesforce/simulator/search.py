"""SOSL, as far as clients look for words by it: FIND {words} IN NAME FIELDS RETURNING Account(Name WHERE ...)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .answers import CallError, Reply
from .org import Org
from .request import Request
from .shapes import FieldShape, Kind, ObjectShape
from .soql.parse import parsed
from .soql.statement import built
from .soql.tree import Comparison, Condition, Literal, Path, Several

FIND = re.compile(
    r"\s*find\s*\{(?P<words>(?:[^{}\\]|\\.)*)\}(?:\s*in\s+(?P<among>all|name|email|phone|sidebar)\s+fields\b)?"
    r"(?:\s*returning\s+(?P<wanted>.*?))?(?:\s+limit\s+(?P<most>\d+))?\s*\Z",
    re.I | re.S,
)
_INNER = r"[^()']|'(?:[^'\\]|\\.)*'"
WANTED = re.compile(rf"\s*(\w+)\s*(?:\(((?:{_INNER}|\((?:{_INNER})*\))*)\)\s*)?(?:,|\Z)", re.S)
CLAUSE = re.compile(r"\b(?:using|where|order\s+by|limit|offset)\b", re.I)
WORD = re.compile(r'"([^"]*)"|(\S+)')
SPECIAL, ESCAPED = re.compile(r"[\\%_']"), re.compile(r"\\(.)", re.S)
MOST, WRAPPED_SINCE = 2_000, 37
TEXTS = (Kind.TEXT, Kind.EMAIL, Kind.PICKLIST)


def search(org: Org, request: Request) -> Reply:
    text = request.asked.get("q", "")
    asked = FIND.match(text)
    if asked is None:
        raise _malformed("FIND {words} IN ALL FIELDS RETURNING objects is wanted")
    told: list[str] = []
    most = min(int(asked["most"] or MOST), MOST)
    for name, soql in _queries(org, asked["wanted"]):
        query, shape = parsed(soql), org.by_lower.get(name.lower())
        if shape is None:
            raise CallError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        fields = _fields(shape, (asked["among"] or "all").lower())
        if not fields:
            continue
        holds = _holds(asked["words"], fields)
        where = holds if query.where is None else Several("and", (holds, query.where))
        statement = built(org, request.acting, replace(query, where=where))
        told += statement.told(statement.ids()[: most - len(told)])
    body = f"[{','.join(told)}]"
    return Reply((body if request.acting.version < WRAPPED_SINCE else f'{{"searchRecords":{body}}}').encode())


def _malformed(said: str) -> CallError:
    return CallError(400, "MALFORMED_SEARCH", said)


def _queries(org: Org, wanted: str | None) -> Iterator[tuple[str, str]]:
    """(object, what is asked of it); every object whose records have names, where none is wanted."""
    if wanted is None:
        wanted = ",".join(each.name for each in org.by_lower.values() if each.able("searchable") and each.name_field)
    at = 0
    while at < len(wanted):
        found = WANTED.match(wanted, at)
        if found is None:
            raise _malformed(f"RETURNING cannot be read from: {wanted[at : at + 20]}")
        at = found.end()
        inner = found[2] or "Id"
        clause = CLAUSE.search(inner)
        fields, rest = (inner[: clause.start()], inner[clause.start() :]) if clause is not None else (inner, "")
        yield found[1], f"SELECT {fields} FROM {found[1]} {rest}"  # noqa: S608 - of SOQL, which is parsed


def _fields(shape: ObjectShape, among: str) -> list[str]:
    def fits(each: FieldShape) -> bool:
        match among:
            case "name":
                return each.name in (shape.name_field, "FirstName", "LastName")
            case "email" | "phone":
                return each.type == among
        return True

    return [name for name, each in shape.fields.items() if each.kind in TEXTS and each.filterable and fits(each)]


def _holds(words: str, fields: Sequence[str]) -> Condition:
    """Of words all, or of those around OR one; * and ? stand for what may be there."""
    either: list[list[Condition]] = [[]]
    for phrase, word in WORD.findall(words.strip()):
        if word.upper() == "OR":
            either.append([])
        elif word.upper() != "AND":
            told = ESCAPED.sub(r"\1", phrase or word)
            if len(told.strip("*?")) < (1 if ord(told[:1] or " ") > ord("z") else 2):
                raise _malformed("search term must be longer than one character")
            wild = SPECIAL.sub(r"\\\g<0>", told).replace("*", "%").replace("?", "_")
            like = (Literal("string", f"%{wild}%"),)
            either[-1].append(Several("or", tuple(Comparison(Path((each,)), "like", like) for each in fields)))
    if not all(either):
        raise _malformed("there are no words")
    return Several("or", tuple(Several("and", tuple(each)) for each in either))
