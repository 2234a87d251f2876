"""The two parsers of PyYAML: the one in Python, whose word holds, and libyaml, more than ten times as fast.

What may stand in a file, which line it stands on and what is wrong with it is as the parser in Python has it. libyaml
reads the texts that both read alike; PyYAML may have been built without it or with an old one, and then nobody notices
but by the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import yaml

OLDEST: Final = (0, 2, 5)
"""Of libyaml: what is older reads some flow collections otherwise."""


def _libyaml() -> type[yaml.CBaseLoader] | None:
    if not yaml.__with_libyaml__:
        return None
    from yaml._yaml import get_version

    return yaml.CBaseLoader if get_version() >= OLDEST else None


LIBYAML: Final = _libyaml()

_APART = re.compile("[\t\ufeff]|[|>][-+0-9]*#")
"""Where libyaml is the more lenient, or reads another text: tabs between tokens, a byte order mark that begins a line,
a comment that touches the head of a block scalar."""


class RefusedError(Exception):
    """No YAML, with the place that the parser names, counted from 0."""

    def __init__(self, problem: str, line: int, column: int) -> None:
        super().__init__(problem)
        self.problem, self.line, self.column = problem, line, column


class ApartError(Exception):
    """libyaml is not there or too old, refuses the text, or may read it otherwise than the parser in Python does."""


def events(text: str) -> Iterator[yaml.Event]:
    """By the parser in Python. Raises RefusedError."""
    try:
        loader = yaml.SafeLoader(text)
        try:
            yield from iter(loader.get_event, None)
        except ValueError:  # an escape beyond the last character there is, for which the scanner has no error
            at = loader.get_mark()
            raise RefusedError("found invalid Unicode character escape code", at.line, at.column) from None
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "?"
        raise RefusedError(problem, mark.line if mark else 0, mark.column if mark else 0) from error
    except yaml.reader.ReaderError as error:
        raise RefusedError(str(error.reason), text.count("\n", 0, error.position), 0) from error


def quick_events(text: str) -> Iterator[yaml.Event]:
    """The same by libyaml, their columns aside. Raises ApartError, at the latest at the end."""
    if LIBYAML is None or _APART.search(text):
        raise ApartError
    asked = "?" in text
    try:
        for event in iter(LIBYAML(text).get_event, None):
            # in [a?] the parser in Python has a key after the `a`, and refuses it
            if asked and isinstance(event, yaml.ScalarEvent) and not event.style and "?" in event.value:
                raise ApartError
            yield event
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise ApartError from error


def composed(text: str) -> yaml.Node | None:
    """The tree of a text that the strict reader takes, each node with the places where it begins and ends; None where
    it says nothing. By libyaml where both parsers read it alike: they mark the same places, but for the ends of blocks
    and for values that are not there. Raises yaml.YAMLError."""
    try:
        for _ in quick_events(text):
            pass
    except ApartError:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    return yaml.compose(text, Loader=LIBYAML or yaml.SafeLoader)
