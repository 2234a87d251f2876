"""What the strict reader takes, what it refuses, and that it names the place."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from changeover.connectors.errors import InputError
from changeover.mappings.yaml.strict_yaml import Document, load_model, read_yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from .conftest import all_told


def read(folder: Path, text: str | bytes, **options: frozenset[str]) -> Document:
    path = folder / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path, "file.yaml", **options)


def refused(folder: Path, text: str | bytes, **options: frozenset[str]) -> list[tuple[int | None, str]]:
    with pytest.raises(InputError) as caught:
        read(folder, text, **options)
    assert caught.value.exit_code == 2
    all_told(caught.value.findings)
    return [(finding.line, finding.code) for finding in caught.value.findings] or [(None, caught.value.code)]


def test_plain_values_and_their_lines(tmp_path: Path) -> None:
    text = """\
    # a comment
    whole: 12
    minus: -3
    exact: 1.50
    power: 1e3
    nothing:
    also: ~
    yes_no: [true, false]
    word: 沈阳 安康
    quoted: ["no", '012', "12:30"]
    12: {in: 深}
    """
    document = read(tmp_path, text)
    assert document.data == {
        "whole": 12,
        "minus": -3,
        "exact": "1.50",
        "power": "1e3",
        "nothing": None,
        "also": None,
        "yes_no": [True, False],
        "word": "沈阳 安康",
        "quoted": ["no", "012", "12:30"],
        "12": {"in": "深"},
    }
    assert document.line(("whole",)) == 2
    assert document.line(("quoted", 1)) == 10
    assert document.line(("12", "in", "not there")) == 11


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("a: no", "yaml.trap_boolean"),
        ("a: NO", "yaml.trap_boolean"),
        ("a: On", "yaml.trap_boolean"),
        ("a: y", "yaml.trap_boolean"),
        ("a: True", "yaml.trap_boolean"),
        ("no: 1", "yaml.trap_boolean"),
        ("a: 012345", "yaml.trap_number"),
        ("a: 1_000", "yaml.trap_number"),
        ("a: 0x1F", "yaml.trap_number"),
        ("a: 0o17", "yaml.trap_number"),
        ("a: .inf", "yaml.trap_number"),
        ("a: .NaN", "yaml.trap_number"),
        ("012: a", "yaml.trap_number"),
        ("a: 12:30", "yaml.trap_time"),
        ("a: 12:30:00", "yaml.trap_time"),
        ("a: 2024-01-31", "yaml.trap_time"),
        ("a: 2024-01-31 10:00:00", "yaml.trap_time"),
        ("a: &x 1", "yaml.alias"),
        ("a: !!str 1", "yaml.tag"),
        ("a: !python/object:os.system 1", "yaml.tag"),
        ("<<: {a: 1}", "yaml.merge"),
        ("? [a]\n: 1", "yaml.key_not_text"),
        ("? {a: 1}\n: {b: 2}", "yaml.key_not_text"),
        ("~: 1", "yaml.key_not_text"),
        ("a: {b: 1", "yaml.syntax"),
        ("a: b: c", "yaml.syntax"),
        ("a: \x07", "yaml.syntax"),
        ("a:\n\tb: 1", "yaml.tab"),
        ("a: 1\n---\nb: 2", "yaml.several_documents"),
        ("- a", "yaml.not_a_mapping"),
        ("word", "yaml.not_a_mapping"),
    ],
)
def test_traps_are_refused_where_they_stand(tmp_path: Path, line: str, code: str) -> None:
    refusals = refused(tmp_path, line)
    assert code in [each for _, each in refusals]
    if code not in ("yaml.syntax", "yaml.several_documents"):
        assert refusals[0][0] == 1 + (code == "yaml.tab")


@pytest.mark.parametrize("text", ["a: 'no'", 'a: "012345"', "a: '12:30:00'", 'a: "2024-01-31"', "a: |\n  no"])
def test_quotes_disarm_the_traps(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).data["a"] == yaml.safe_load(text)["a"]


def test_all_problems_come_at_once_with_their_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, "a: no\nb: {c: 1, c: 2}\nd: *x\na: 3\n")
    told = [(each.line, each.params["column"], each.code) for each in caught.value.findings]
    assert told == [
        (1, 4, "yaml.trap_boolean"),
        (2, 11, "yaml.duplicate_key"),
        (3, 4, "yaml.alias"),
        (4, 1, "yaml.duplicate_key"),
    ]
    assert caught.value.findings[1].params == {"path": "b.c", "column": 11, "key": "c", "first": 2}
    assert caught.value.params == {"file": "file.yaml", "count": 4}


def test_an_escape_beyond_the_last_character_is_refused_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, 'a: 1\nb: "客\\U00110000"\n')
    (finding,) = caught.value.findings
    assert (finding.code, finding.line, finding.params["column"]) == ("yaml.syntax", 2, 8)
    assert finding.params["problem"] == "found invalid Unicode character escape code"


def test_limits_and_encodings(tmp_path: Path) -> None:
    assert refused(tmp_path, "[" * 5000) == [(1, "yaml.too_deep")]
    assert refused(tmp_path, "a: 1\n" * 500_000) == [(None, "yaml.too_large")]
    assert refused(tmp_path, "a: 1\nb: 客户".encode("gbk")) == [(None, "yaml.not_utf8")]
    assert read(tmp_path, "\ufeffa: 1".encode()).data == {"a": 1}
    assert read(tmp_path, "# nothing\n").data == {}
    with pytest.raises(InputError, match=r"yaml\.missing"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(InputError, match=r"yaml\.unreadable"):
        read_yaml(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "password: hunter2",
        "db: {api_key: abc}",
        "crm_token: 012345",
        "client_secret: 'x${NAME}'",
        "keys: {access-key: [abc]}",
        "密码: abc",
        'url: "postgresql://me:hunter2@host/db"',
    ],
)
def test_secrets_are_refused_and_never_repeated(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert [each.code for each in caught.value.findings] == ["yaml.secret"]
    assert not any(secret in repr(caught.value.findings) for secret in ("hunter2", "abc", "012345"))


def test_references_to_secrets_and_fields_called_so_are_fine(tmp_path: Path) -> None:
    text = 'password: ${CRM_PASSWORD}\nurl: "postgresql://me:${PW}@host/db"\nfields: {token: tok, secret: {from: s}}\n'
    assert read(tmp_path, text, own_names=frozenset({"fields"})).data["fields"] == {
        "token": "tok",
        "secret": {"from": "s"},
    }


QUOTED = st.recursive(
    st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(data=st.dictionaries(st.text(max_size=6), QUOTED, max_size=4))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(data={"SECRET": "0"})
def test_what_a_writer_quotes_comes_back(tmp_path: Path, data: dict[str, object]) -> None:
    """Under `fields`, where a name that sounds like a secret is only a name."""
    written = yaml.dump({"fields": data}, allow_unicode=True, default_style='"')
    assert read(tmp_path, written, own_names=frozenset({"fields"})).data == {"fields": data}


@given(raw=st.binary(max_size=60) | st.text(alphabet=":-{}[]&*!|>'\"#%@`,? \n\tab0", max_size=60).map(str.encode))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_crashes_the_reader(tmp_path: Path, raw: bytes) -> None:
    with suppress(InputError):
        assert isinstance(read(tmp_path, raw).data, dict)


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = Field(default=1, ge=1)
    colour: str = ""


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    inner: Inner = Inner()
    many: list[Inner] = []
    by_name: dict[str, Inner] = {}


def test_a_model_tells_every_problem_with_line_and_nearest_word(tmp_path: Path) -> None:
    text = "nmae: x\ninner: {size: '1', color: red}\nmany:\n  - {size: 0}\nby_name:\n  a: {sise: 1}\n"
    with pytest.raises(InputError) as caught:
        load_model(read(tmp_path, text), Outer)
    told = {(each.line, each.code, each.params["path"], each.params.get("nearest")) for each in caught.value.findings}
    assert told == {
        (1, "yaml.missing_key", "-", None),
        (1, "yaml.unknown_key", "nmae", "name"),
        (2, "yaml.not_a_number", "inner.size", None),
        (2, "yaml.unknown_key", "inner.color", "colour"),
        (4, "yaml.out_of_range", "many[0].size", None),
        (6, "yaml.unknown_key", "by_name.a.sise", "size"),
    }


def test_a_model_is_read(tmp_path: Path) -> None:
    model = load_model(read(tmp_path, "name: 'x'\nmany: [{size: 3}]\n"), Outer)
    assert model == Outer(name="x", many=[Inner(size=3)])
