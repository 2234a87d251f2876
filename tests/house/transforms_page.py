"""docs/transforms.md, made of the transforms' own words: `python -m tests.house.transforms_page` writes it anew."""

from __future__ import annotations

import inspect
import json
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Literal, get_args, get_origin, get_type_hints

from changeover.mappings import transforms
from changeover.mappings.transform import Transform, available

PAGE = Path(__file__).parents[2] / "docs" / "transforms.md"
HEAD = """# Transforms

<!-- Made by `python -m tests.house.transforms_page` from the docstrings and examples in mappings/transforms. -->

A transform works on a cell's text before [`values`](mapping.md#values) and before the cell takes the target's type.
It is named in a rule:

```yaml
fields:
  phone: {from: tel, transform: trim}                                   # one
  city: {from: city, transform: [trim, {pad: {width: 6, fill: "0"}}]}   # several, in order, with arguments
  address: {from: [province, city], transform: {join: {separator: " "}}}   # several fields become one
```

An empty cell (null) stays empty. A text that a transform cannot read stays as it is. If the target's type does not take
it, it is a *misfit*: the record is rejected and the report names it, so nothing is lost silently.

Below, texts stand in quotes, `\\u3000` is the ideographic space, and `null` is an empty cell.
"""


def page() -> str:
    """The whole page."""
    listed = available()
    links = " · ".join(f"[{name}](#{name})" for name in listed)
    return "\n".join([HEAD, links, "", *(section(each) for each in listed.values())])


def section(transform: Transform) -> str:
    """One transform: what it does, its arguments, its examples."""
    lines = [f"## {transform.name}", "", transform.summary, ""]
    if transform.parameters:
        lines += ["| argument | takes | without it |", "| --- | --- | --- |", *_arguments(transform), ""]
    lines += ["| in the mapping | cell | becomes |", "| --- | --- | --- |", *_examples(transform), ""]
    return "\n".join(lines)


def _arguments(transform: Transform) -> list[str]:
    function = import_module(f"{transforms.__name__}.{transform.name}").transform
    hints, told = get_type_hints(function), inspect.signature(function).parameters
    return [
        f"| `{name}` | {_kind(hints[name])} | {'it must be given' if required else _code(told[name].default)} |"
        for name, required in transform.parameters.items()
    ]


def _kind(hint: object) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(_code(each) for each in get_args(hint))
    named = {
        str: "a text",
        int: "a whole number",
        bool: "true or false",
        list[str]: "a list of texts",
        dict[str, str]: "texts, each with another",
        NoneType: "nothing",
    }
    return named[hint]  # type: ignore[index]


def _examples(transform: Transform) -> list[str]:
    return [
        f"| {_call(transform.name, arguments)} | {_cells(cell)} | {_code(result)} |"
        for arguments, cell, result in transform.examples
        if cell is not None
    ]


def _call(name: str, arguments: object) -> str:
    told = json.dumps(arguments, ensure_ascii=False)
    return f"`{name}`" if told == "{}" else _inline(f"{{{name}: {told}}}")


def _cells(cell: str | tuple[str | None, ...] | None) -> str:
    return ", ".join(_code(each) for each in cell) if isinstance(cell, tuple) else _code(cell)


def _code(value: object) -> str:
    return _inline(json.dumps(value, ensure_ascii=False).replace("\u3000", r"\u3000"))


def _inline(text: str) -> str:
    """As code in a cell of a table."""
    return f"`{text}`".replace("|", r"\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
