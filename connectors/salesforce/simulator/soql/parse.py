"""From a query's text to what it is made of: words, then one function for each rule of the grammar."""

from __future__ import annotations

import re
from dataclasses import replace

from ..answers import CallError
from .tree import (
    Call,
    Comparison,
    Condition,
    Item,
    Literal,
    Not,
    Operand,
    Order,
    Path,
    Query,
    Several,
    TypeOf,
    query_error,
)

TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d)"
    r"|(?P<time>\d\d:\d\d:\d\d(?:\.\d+)?Z?)"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::\d+)?)"
    r"|(?P<sign><=|>=|!=|<>|[=<>(),])"
    r"|(?P<end>\Z))",
    re.S,
)
LONGEST, LONGEST_STRING = 100_000, 4_000
SIGNS = {"=", "!=", "<>", "<", "<=", ">", ">="}
CONSTANTS = {"true", "false", "null"}
CLAUSES = {"from", "where", "with", "group", "having", "order", "limit", "offset", "for", "all", "using", "and", "or"}
CLAUSES |= {"asc", "desc", "nulls", "not", "in", "like", "includes", "excludes", "end", "when", "then", "else"}
OBJECTS = {"group", "order"}
DAYS = re.compile(
    r"(?:yesterday|today|tomorrow|(?:last|this|next)_(?:week|month|quarter|year|fiscal_quarter|fiscal_year)"
    r"|(?:last|next)_90_days|(?:last|next)_n_(?:days|weeks|months|quarters|years):\d+|n_days_ago:\d+)\Z"
)


class _Reader:
    """The words of a query, one after the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.words: list[tuple[str, str, int]] = []
        self.at = position = 0
        while True:
            found = TOKEN.match(text, position)
            if found is None or found.lastgroup is None:
                rest = text[position:].lstrip()
                raise query_error("MALFORMED_QUERY", text, position, f"unexpected token: '{rest[:1]}'")
            position = found.end()
            self.words.append((found.lastgroup, found[found.lastgroup], found.start(found.lastgroup)))
            if found.lastgroup == "end":
                return

    @property
    def kind(self) -> str:
        return self.words[self.at][0]

    @property
    def word(self) -> str:
        """In lower case; a string in its quotes is never a word of the language."""
        return self.words[self.at][1].lower()

    @property
    def here(self) -> int:
        return self.words[self.at][2]

    def next(self) -> tuple[str, str, int]:
        found = self.words[self.at]
        self.at += found[0] != "end"
        return found

    def takes(self, *words: str) -> bool:
        """Whether these words stand here; they are read then."""
        for ahead, each in enumerate(words):
            at = self.at + ahead
            if at >= len(self.words) or self.words[at][1].lower() != each:
                return False
        self.at += len(words)
        return True

    def must(self, word: str) -> None:
        if not self.takes(word):
            raise self.unexpected()

    def unexpected(self) -> CallError:
        told = self.words[self.at][1]
        said = f"unexpected token: '{told}'" if told else "unexpected token: '<EOF>'"
        return query_error("MALFORMED_QUERY", self.text, self.here, said)

    def name(self) -> tuple[str, int]:
        if self.kind != "name" or self.word in CLAUSES or ":" in self.word:
            raise self.unexpected()
        _, told, at = self.next()
        return told, at

    def object(self) -> tuple[str, int]:
        """A name where an object's is wanted: two are called like clauses."""
        if self.kind == "name" and self.word in OBJECTS:
            _, told, at = self.next()
            return told, at
        return self.name()

    def number(self) -> int:
        if self.kind != "number" or not self.word.isdigit():
            raise self.unexpected()
        return int(self.next()[1])


def parsed(text: str) -> Query:
    """Raises CallError: MALFORMED_QUERY."""
    if len(text) > LONGEST:
        raise CallError(400, "QUERY_TOO_COMPLICATED", "The SOQL statement is longer than 100,000 characters")
    reader = _Reader(text)
    try:
        query = _query(reader)
    except RecursionError as error:
        raise CallError(400, "QUERY_TOO_COMPLICATED", "The SOQL statement goes too deep") from error
    if reader.kind != "end":
        raise reader.unexpected()
    return query


def _query(reader: _Reader) -> Query:
    reader.must("select")
    items, fields, counts = _items(reader)
    reader.must("from")
    source, at = reader.object()
    reader.takes("as")
    alias = reader.name()[0] if reader.kind == "name" and reader.word not in CLAUSES else ""
    query = Query(reader.text, items, source, at, alias, fields, counts)
    if reader.takes("using"):
        reader.must("scope")
        reader.name()
    if reader.takes("where"):
        query = replace(query, where=_condition(reader))
    if reader.takes("with"):
        _, _ = reader.name()
    if reader.takes("group", "by"):
        query = replace(query, group=_operands(reader))
    if reader.takes("having"):
        query = replace(query, having=_condition(reader))
    if reader.takes("order", "by"):
        query = replace(query, order=_orders(reader))
    if reader.takes("limit"):
        query = replace(query, limit=reader.number())
    if reader.takes("offset"):
        query = replace(query, offset=reader.number())
    while reader.takes("for"):
        reader.name()
    return replace(query, all_rows=reader.takes("all", "rows"))


def _items(reader: _Reader) -> tuple[tuple[Item | TypeOf | Query, ...], str, bool]:
    if reader.takes("count", "(", ")"):
        if reader.word == "from":
            return (), "", True
        reader.at -= 3
    items: list[Item | TypeOf | Query] = []
    fields = ""
    while True:
        if reader.takes("("):
            items.append(_query(reader))
            reader.must(")")
        elif reader.takes("typeof"):
            items.append(_typeof(reader))
        elif reader.takes("fields", "("):
            fields = reader.next()[1].upper()
            reader.must(")")
        else:
            operand = _operand(reader)
            aliased = reader.kind == "name" and reader.word not in CLAUSES
            items.append(Item(operand, reader.name()[0] if aliased else ""))
        if not reader.takes(","):
            return tuple(items), fields, False


def _typeof(reader: _Reader) -> TypeOf:
    path, whens, otherwise = _path(reader), list[tuple[str, tuple[Path, ...]]](), tuple[Path, ...]()
    while reader.takes("when"):
        name, _ = reader.object()
        reader.must("then")
        whens.append((name, _paths(reader)))
    if reader.takes("else"):
        otherwise = _paths(reader)
    reader.must("end")
    return TypeOf(path, tuple(whens), otherwise)


def _path(reader: _Reader) -> Path:
    told, at = reader.name()
    return Path(tuple(told.split(".")), at)


def _paths(reader: _Reader) -> tuple[Path, ...]:
    found = [_path(reader)]
    while reader.takes(","):
        found.append(_path(reader))
    return tuple(found)


def _operand(reader: _Reader) -> Operand:
    told, at = reader.name()
    if not reader.takes("("):
        return Path(tuple(told.split(".")), at)
    argument = None if reader.word == ")" else _operand(reader)
    reader.must(")")
    return Call(told.lower(), argument, at)


def _operands(reader: _Reader) -> tuple[Operand, ...]:
    found = [_operand(reader)]
    while reader.takes(","):
        found.append(_operand(reader))
    return tuple(found)


def _orders(reader: _Reader) -> tuple[Order, ...]:
    found = []
    while True:
        operand = _operand(reader)
        descending = reader.takes("desc")
        if not descending:
            reader.takes("asc")
        last = reader.takes("nulls", "last")
        if not last:
            reader.takes("nulls", "first")
        found.append(Order(operand, descending, last))
        if not reader.takes(","):
            return tuple(found)


# Conditions


def _condition(reader: _Reader) -> Condition:
    """And and or do not stand beside each other without parentheses."""
    parts = [_one(reader)]
    word = reader.word
    if word not in ("and", "or"):
        return parts[0]
    while reader.takes(word):
        parts.append(_one(reader))
    if reader.word in ("and", "or"):
        raise reader.unexpected()
    return Several(word, tuple(parts))


def _one(reader: _Reader) -> Condition:
    if reader.takes("not"):
        return Not(_one(reader))
    if reader.takes("("):
        found = _condition(reader)
        reader.must(")")
        return found
    return _comparison(reader)


def _comparison(reader: _Reader) -> Comparison:
    operand = _operand(reader)
    word = reader.word
    if reader.takes("not", "in"):
        return _among(reader, operand, "not in")
    if word in ("in", "includes", "excludes"):
        reader.next()
        return _among(reader, operand, word)
    if word == "like" or word in SIGNS:
        reader.next()
        return Comparison(operand, "!=" if word == "<>" else word, (_literal(reader),))
    raise reader.unexpected()


def _among(reader: _Reader, operand: Operand, sign: str) -> Comparison:
    reader.must("(")
    if reader.word == "select":
        query = _query(reader)
        reader.must(")")
        return Comparison(operand, sign, (), query)
    values = [_literal(reader)]
    while reader.takes(","):
        values.append(_literal(reader))
    reader.must(")")
    return Comparison(operand, sign, tuple(values))


def _literal(reader: _Reader) -> Literal:
    kind, told, at = reader.kind, reader.word, reader.here
    if kind == "string":
        text = reader.next()[1][1:-1]
        if len(text) > LONGEST_STRING:
            raise query_error("MALFORMED_QUERY", reader.text, at, "a string is longer than 4,000 characters")
        return Literal("string", text, at)
    if kind in ("number", "date", "moment", "time"):
        return Literal(kind, reader.next()[1], at)
    if kind == "name" and told in CONSTANTS:
        reader.next()
        return Literal(told, told, at)
    if kind == "name" and DAYS.match(told):
        reader.next()
        return Literal("day", told, at)
    raise reader.unexpected()
