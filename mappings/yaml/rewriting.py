"""Changes in the text of a mapping file that leave every other character of it as it was: comments, order, quotes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import yaml

from .document import YamlPath
from .parsers import composed
from .plain_yaml import flow, scalar

_INDENT: Final = 2


class NotRewrittenError(ValueError):
    """The text cannot be changed there without touching anything else. The message says where, for a developer."""


def rewritten(text: str, changes: Mapping[YamlPath, object]) -> str:
    """The text with these values at these places, by keys of block or flow mappings; what is not there yet is added
    behind its neighbours. A mapping that becomes another one is changed key by key, so that comments in it stay.

    Raises NotRewrittenError where a place lies in a list or below something that is no mapping.
    """
    for path, value in changes.items():
        text = _changed(text, path, value)
    return text


def _changed(text: str, path: YamlPath, value: object) -> str:
    node = composed(text)
    if not isinstance(node, yaml.MappingNode):
        raise NotRewrittenError("the file is no mapping")
    for depth, step in enumerate(path):
        entry = _entry(node, step)
        if entry is None:
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value}
            return _added(text, node, step, value)
        if depth == len(path) - 1:
            return _replaced(text, path, entry, value)
        if _is_nothing(entry[1]):
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value}
            return _put(text, entry, value)
        if not isinstance(entry[1], yaml.MappingNode):
            raise NotRewrittenError(f"{step} is no mapping")
        node = entry[1]
    raise NotRewrittenError("no place is named")


_Entry = tuple[yaml.ScalarNode, yaml.Node]


def _entry(node: yaml.MappingNode, key: object) -> _Entry | None:
    return next((entry for entry in node.value if entry[0].value == key), None)


def _replaced(text: str, path: YamlPath, entry: _Entry, value: object) -> str:
    """The entry with another value: block mappings key by key, everything else at one go."""
    node = entry[1]
    if not (isinstance(node, yaml.MappingNode) and not node.flow_style and isinstance(value, dict) and value):
        return _put(text, entry, value)
    before = yaml.safe_load(text[entry[0].start_mark.index : _end(text, node)])
    for key in [each[0].value for each in node.value if each[0].value not in value]:
        text = _removed(text, (*path, key))
    for key, each in value.items():
        text = _changed(text, (*path, key), each) if _differs(before, key, each) else text
    return text


def _differs(before: object, key: str, value: object) -> bool:
    """Whether another value is wanted below that key; a text that looks like a number is told from it."""
    known = next(iter(before.values())) if isinstance(before, dict) else None
    return not (isinstance(known, dict) and key in known and flow_or_none(known[key]) == flow(value))


def flow_or_none(value: object) -> str | None:
    try:
        return flow(value)
    except TypeError:
        return None


def _put(text: str, entry: _Entry, value: object) -> str:
    key, node = entry
    colon = text.index(":", key.end_mark.index)
    if _is_nothing(node) or (isinstance(node, yaml.CollectionNode) and not node.flow_style):
        end = max(colon + 1, _end(text, node)) if not _is_nothing(node) else colon + 1
        return f"{text[: colon + 1]} {flow(value)}{text[end:]}"
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return f"{text[: colon + 1]} {flow(value)}{text[_end(text, node) :]}"
    return f"{text[: node.start_mark.index]}{flow(value)}{text[_end(text, node) :]}"


def _added(text: str, node: yaml.MappingNode, key: object, value: object) -> str:
    told = f"{scalar(str(key))}: "
    if node.flow_style:
        close = node.end_mark.index - 1
        comma = ", " if node.value else ""
        return f"{text[:close].rstrip()}{comma}{told}{flow(value)}{text[close:]}"
    if not node.value:
        raise NotRewrittenError("an empty mapping that is not written as {}")
    column = node.value[0][0].start_mark.column
    newline = "\r\n" if "\r\n" in text else "\n"
    indent = " " * column
    if isinstance(value, dict) and value:  # a block of its own, as people write it
        inner = "".join(
            f"{newline}{indent}{' ' * _INDENT}{scalar(str(name))}: {flow(each)}" for name, each in value.items()
        )
        line = f"{indent}{told.rstrip()}{inner}" if column == 0 else f"{indent}{told}{flow(value)}"
    else:
        line = f"{indent}{told}{flow(value)}"
    end = _line_end(text, _end(text, node.value[-1][1], node.value[-1][0]))
    return f"{text[:end]}{newline}{line}{text[end:]}"


def _removed(text: str, path: YamlPath) -> str:
    node = composed(text)
    for step in path[:-1]:
        entry = _entry(node, step) if isinstance(node, yaml.MappingNode) else None
        if entry is None:
            raise NotRewrittenError(f"{step} is not there")
        node = entry[1]
    entry = _entry(node, path[-1]) if isinstance(node, yaml.MappingNode) else None
    if entry is None:
        raise NotRewrittenError(f"{path[-1]} is not there")
    start = text.rindex("\n", 0, entry[0].start_mark.index) + 1
    end = _line_end(text, _end(text, entry[1], entry[0]))
    return text[:start] + text[end:].removeprefix("\r").removeprefix("\n")


def _end(text: str, node: yaml.Node, key: yaml.Node | None = None) -> int:
    """Behind the last character of the value; the parser's own mark of a block lies behind the comments that follow."""
    if _is_nothing(node):
        end = text.index(":", key.end_mark.index) + 1 if key is not None else node.start_mark.index
    elif isinstance(node, yaml.CollectionNode) and not node.flow_style:
        last: Sequence[yaml.Node] = node.value[-1] if isinstance(node, yaml.MappingNode) else (node.value[-1],)
        return _end(text, last[-1], last[0] if len(last) == 2 else None)
    else:
        end = node.end_mark.index
    while end > 0 and text[end - 1] in " \t\r\n":
        end -= 1
    return end


def _line_end(text: str, at: int) -> int:
    """Where that line ends, its comment included."""
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _is_nothing(node: yaml.Node) -> bool:
    """`key:` with nothing behind it."""
    return isinstance(node, yaml.ScalarNode) and not node.style and node.value == ""
