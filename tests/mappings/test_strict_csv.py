"""The files of a project as records, each with the line on which it begins."""

from __future__ import annotations

import pytest
from changeover.mappings.strict_csv import NotCsvError, NotUtf8Error, decoded, records


def test_records_by_the_line_on_which_they_begin() -> None:
    text = decoded('\ufeffa,b\r\n1,"x\r\ny"\r\n\r\n"2\u2028",\x0b\n'.encode())
    assert list(records(text)) == [(1, ["a", "b"]), (2, ["1", "x\r\ny"]), (5, ["2\u2028", "\x0b"])]


def test_what_is_no_strict_csv() -> None:
    with pytest.raises(NotUtf8Error) as latin:
        decoded("a\nb\nü".encode("latin-1"))
    assert latin.value.line == 3
    for text in ('a\n1\n"2\n3', 'a\n1\n"2"x\n'):
        with pytest.raises(NotCsvError) as torn:
            list(records(text))
        assert torn.value.line == 3
