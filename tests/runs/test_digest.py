"""Digests: keyed, null apart, the same however the rows are cut into chunks."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from changeover.runs.digest import field_digests, pack, unpack
from hypothesis import given
from hypothesis import strategies as st
from pandas.util import hash_array

KEY, OTHER = b"0123456789abcdef", b"0123456789abcdeF"
LETTERS = "bxOAVafgWaD4gYjb"
FROZEN = [4393674943467748494, 7392339393419723674, 5690092715904947455, 12123404284929877616]
COLUMN = st.lists(st.none() | st.text(), max_size=40)


def digests(values: list[str | None], key: bytes = KEY) -> list[int]:
    found: list[int] = field_digests([pa.array(values, pa.string())], key)[:, 0].tolist()
    return found


@given(COLUMN)
def test_equal_texts_and_only_they_have_equal_digests(values: list[str | None]) -> None:
    found = digests(values)
    assert len(set(zip(values, found, strict=True))) == len(set(values)) == len(set(found))


@given(COLUMN)
def test_another_key_gives_other_digests_everywhere(values: list[str | None]) -> None:
    assert not set(digests(values)) & set(digests(values, OTHER))


@given(COLUMN, st.integers(0, 40))
def test_the_cut_into_chunks_changes_nothing(values: list[str | None], cut: int) -> None:
    parts = [pa.array(values[:cut], pa.string()), pa.array(values[cut:], pa.string())]
    whole = digests(values)
    assert field_digests([pa.chunked_array(parts)], KEY)[:, 0].tolist() == whole
    assert [each for part in parts for each in field_digests([part], KEY)[:, 0].tolist()] == whole


def test_null_is_neither_empty_nor_a_word_for_nothing() -> None:
    found = digests([None, "", "None", "nan", "null", "<NA>", "NaT", "\0"])
    assert len(set(found)) == 8
    assert digests([None]) == found[:1]


def test_every_width_of_text_is_text_and_nothing_else_is() -> None:
    for width in (pa.string(), pa.large_string(), pa.string_view()):
        assert field_digests([pa.array(["客户", None], width)], KEY)[:, 0].tolist() == digests(["客户", None])
    for column in (pa.array([1, 2]), pa.array([1.5]), pa.array([b"a"]), pa.array([None]), pa.array([True])):
        with pytest.raises(TypeError, match="canonical text"):
            field_digests([column], KEY)


def test_the_digests_of_a_key_never_change() -> None:
    """A ledger outlives versions of pandas: other digests would make every record look edited."""
    assert digests(["", "客户", "12.5", None]) == FROZEN


def test_digests_are_pandas_keyed_hash_of_the_text() -> None:
    """Bytes are hashed because it is quicker; this shows that pandas still takes them for the text."""
    texts = np.array(["a", "客户", "\0", ""], dtype=object)
    taken = digests(["a", "客户", "\0", ""])
    assert not set(taken) & set(hash_array(texts, categorize=False).tolist())
    assert taken == hash_array(texts, hash_key=LETTERS, categorize=False).tolist()


def test_a_column_of_its_own_each() -> None:
    columns = [pa.array(["a", None]), pa.array(["b", "a"])]
    found = field_digests(columns, KEY)
    assert found.shape == (2, 2)
    assert found.dtype == np.uint64
    assert found[0, 0] == found[1, 1]
    assert field_digests([], KEY).shape == (0, 0)


@given(st.integers(0, 5), st.integers(0, 7), st.randoms(use_true_random=False))
def test_packing_comes_back(rows: int, fields: int, source: object) -> None:
    taken = np.array([[source.getrandbits(64) for _ in range(fields)] for _ in range(rows)], dtype=np.uint64)  # type: ignore[attr-defined]
    taken = taken.reshape(rows, fields)
    blobs = pack(taken)
    assert [len(blob) for blob in blobs] == [8 * fields] * rows
    assert (unpack(blobs, fields) == taken).all()


def test_packing_is_little_endian_and_a_wrong_length_is_refused() -> None:
    assert pack(np.array([[1, 256]], dtype=np.uint64)) == [b"\1" + bytes(7) + b"\0\1" + bytes(6)]
    for blobs, fields in (([bytes(16)], 3), ([bytes(8), bytes(24)], 2)):
        with pytest.raises(ValueError, match="fields"):
            unpack(blobs, fields)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        field_digests([pa.array(["a"])], b"short")
