"""What a file that a fold makes is called, and what stands in it."""

from __future__ import annotations

import pyarrow as pa
import pytest
from changeover.connectors.held_file import HeldFile
from changeover.mappings.folding.filed import body_of, marked, names_of, sum_of


def named(*pieces: str, **cells: object) -> str:
    """By the cells of one parent, whose key is `K|1`."""
    columns = {name: pa.array([cell]) for name, cell in cells.items()}
    [name] = names_of(pieces, columns, ["K|1"])
    return name


@pytest.mark.parametrize(
    ("pieces", "cells", "name"),
    [
        (["Timeline {code}.txt"], {"code": "C-1"}, "Timeline C-1.txt"),
        (["往来记录", " {name}", " ({city})", ".txt"], {"name": "安康医院", "city": None}, "往来记录 安康医院.txt"),
        (["拜访.txt"], {}, "拜访.txt"),
        (["{code}.txt"], {"code": 12.50}, "12.5.txt"),
        (["Timeline {code}.txt"], {"code": None}, "K_1.txt"),
        (["Timeline {code}.txt"], {"code": ""}, "K_1.txt"),
        (["{name}.txt"], {"name": 'A/B: "x"\n<y>|z?*\\'}, "A_B_ _x___y__z___.txt"),
        (["{name}.txt"], {"name": " . 先后 . "}, "先后.txt"),
        (["{name}.txt"], {"name": "..."}, "_.txt"),
        (["{name}.csv"], {"name": "v1.2.docx"}, "v1.2.docx.csv"),
        (["{name}.txt"], {"name": "医" * 200}, "医" * 96 + ".txt"),
        (["{name}.txt"], {"name": "a" * 95 + " b"}, "a" * 95 + ".txt"),
    ],
)
def test_a_file_has_a_name_that_every_system_takes(pieces: list[str], cells: dict[str, object], name: str) -> None:
    assert named(*pieces, **cells) == name
    assert len(name) <= 100


def test_a_body_is_text_as_windows_writes_it() -> None:
    assert body_of("联通\nb\r\nc\rd\n") == b"\xef\xbb\xbf" + "联通\r\nb\r\nc\r\nd\r\n".encode()
    assert sum_of(body_of("a")) != sum_of(body_of("b"))


def test_a_mark_follows_the_content_and_stands_before_the_ending() -> None:
    one, other = (marked(HeldFile("1", "v1.2 a.txt", 4, sum_of(body_of(text)))) for text in "ab")
    assert one.name != other.name
    assert (one.name[:7], one.name[15:]) == ("v1.2 a-", ".txt")
    assert marked(HeldFile("1", "a.txt", 4)).name == "a.txt", "of one whose checksum nobody tells"
