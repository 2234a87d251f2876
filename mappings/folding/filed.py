"""A fold as a file of the parent: what it is called, and the body that is made of its lines.

The body is text as Windows writes it, for that is where it is opened: UTF-8 behind a byte order mark, without which
older programs there take Chinese for GBK, and every line ended by CR LF, without which they show one line.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ...connectors.held_file import HeldFile
from .lines import fields_in, line_of

CHECKSUM = "sha256"
"""The kind that is told of every file that is made."""
LONGEST = 100
"""Letters of a file's name; what stands before its ending is cut."""
ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}\Z")
_MARK = 8
_FORBIDDEN = r'[\x00-\x1f\x7f<>:"/\\|?*]'
_BREAK = re.compile(r"\r\n|\r|\n")


def body_of(text: str) -> bytes:
    return _BREAK.sub("\r\n", text).encode("utf-8-sig")


def sum_of(body: bytes) -> str:
    return f"{CHECKSUM}:{hashlib.sha256(body).hexdigest()}"


def names_of(name: Sequence[str], columns: Mapping[str, pa.Array], keys: Sequence[str]) -> list[str]:
    """What the file of each parent is called. name: pieces, the last of which has an ending. columns: the parents'
    cells of the fields in it. keys: theirs, by which a file is called of whose name nothing else is left.

    What Windows does not take in a name becomes `_`; space and points at its ends go."""
    end = ENDING.search(name[-1])
    ending = end.group() if end else ""
    pieces = (*name[:-1], name[-1].removesuffix(ending))
    whole = pa.repeat("".join(pieces), len(keys))
    stem = line_of(pieces, columns, len(keys)) if fields_in(pieces) else whole
    told = pc.replace_substring_regex(pc.coalesce(stem, pa.array(keys, pa.string())), _FORBIDDEN, "_").to_pylist()
    return [(each.strip(" .")[: LONGEST - len(ending)].rstrip(" .") or "_") + ending for each in told]


def id_of(field: str, key: str) -> str:
    """By which its source gives the body: of this field and the parent of this key."""
    return f"{field}:{key}"


def parted(file_id: str) -> tuple[str, str]:
    """(field, parent's key) of such an id; any two texts of another."""
    field, _, key = file_id.partition(":")
    return field, key


def marked(file: HeldFile) -> HeldFile:
    """The same under a name that changes with its content."""
    end = ENDING.search(file.name)
    ending = end.group() if end else ""
    mark = file.checksum.rpartition(":")[2][:_MARK]
    named = f"{file.name.removesuffix(ending)}-{mark}{ending}" if mark else file.name
    return HeldFile(file.id, named, file.size, file.checksum)
