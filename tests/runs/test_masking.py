"""Masking: the shape stays, the content goes, and nothing is left that obeys."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from changeover.runs.masking import SHOWN, cell_for_people, mask, plain
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("张三丰", "张**"),
        ("2023-02-30", "2###-##-##"),
        ("li.lei@example.cn", "lx.xxx@xxxxxxx.xx"),
        ("13812345678", "1##########"),
        ("+86 138-1234-5678", "'+## ###-####-####"),
        ("１２万", "１#*"),
        ("12.5 kg", "1#.# xx"),
        ("男", "*"),
        ("7", "#"),
        ("Y", "x"),
        ("", ""),
        ("=HYPERLINK(1)", "'=xxxxxxxxx(#)"),
        ("＝１＋１", "'＝#＋#"),
        ("-5", "'-#"),
        ("@cmd", "'@xxx"),
        ("<b>&\"'`", "*x*****"),
        ("a\x1b[31m\n\u202e", "a?[##x??"),
        ("😀ok", "*xx"),
        ("北" * 25, "北" + "*" * 23 + "… (24+)"),
        ("a" * 5_000, "a" + "x" * 23 + "… (1000+)"),
    ],
)
def test_the_shape_stays_and_the_content_goes(text: str, masked: str) -> None:
    assert mask(text) == masked


@given(st.text(min_size=2))
def test_no_letter_or_digit_but_the_first_comes_through(text: str) -> None:
    shown = mask(text).split("…")[0].lstrip("'")
    kept = {letter for letter in shown[1:] if letter.isalnum()}
    assert kept <= {"x"}
    assert len(shown) <= SHOWN


@given(st.text() | st.text(min_size=SHOWN + 1))
def test_a_masked_value_is_safe_in_sheet_page_and_terminal(text: str) -> None:
    masked = mask(text)
    assert not masked.startswith(tuple("=+-@＝＋－＠\t\r\n\0"))
    assert not set(masked[1:]) & set("<>&\"'`")
    assert all(letter.isprintable() or unicodedata.category(letter) == "Zs" for letter in masked)
    row = io.StringIO()
    csv.writer(row).writerow([masked])
    assert next(csv.reader([row.getvalue()])) == [masked]


@given(st.text())
def test_plain_text_is_one_line_that_no_terminal_obeys(text: str) -> None:
    shown = plain(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in shown)
    assert plain("王 小明 <a@b.cn>") == "王 小明 <a@b.cn>"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-5", "'-5"),
        ("＝1", "'＝1"),
        ("\t=1", "'�=1"),
        ("\r=1", "'�=1"),
        ("\0=1", "'�=1"),
        ("012345", "012345"),
        ("a=1\nb", "a=1 b"),
        ("x" * 40_000, "x" * 32_000),
    ],
)
def test_a_cell_for_people_is_never_a_formula(text: str, cell: str) -> None:
    assert cell_for_people(text) == cell
