"""The three renderings of a report: terminal, JSON, page. UPDATE_SNAPSHOTS=1 writes the terminal's snapshots anew."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from changeover.connectors.errors import InputError
from changeover.connectors.finding import Finding, Severity
from changeover.runs.catalogue import LANGUAGES, Catalogue, Language
from changeover.runs.masking import mask
from changeover.runs.report.alarm import checked
from changeover.runs.report.as_json import document, error_json, to_json
from changeover.runs.report.console import can_print, make_console
from changeover.runs.report.html import page
from changeover.runs.report.model import BUCKETS, BranchCounts, Cause, Origin, Report, Table, Text
from changeover.runs.report.terminal import render
from changeover.runs.report.wrapping import break_places
from changeover.runs.report.write import write_report
from rich.cells import cell_len

SNAPSHOTS = Path(__file__).with_name("snapshots")
ACCOUNT = {"created": 12_001, "updated": 300, "unchanged": 40, "filtered": 9, "rejected": 7, "held": 3}
CONTACT = {"created": 24_600, "filtered": 100, "rejected": 20, "held": 0}
COMMAND = "changeover run --project my-move --env production --keys account:C-0001,C-0002 --execute"


def sample_report(**changed: object) -> Report:
    told: dict[str, object] = {
        "verb": "run",
        "verdict": Text("file.read_refused", {"path": "<script>alert(1)</script>", "reason": "\x1b[2J北京"}),
        "good": False,
        "exit_code": 1,
        "facts": (
            ("word.source", "legacy\x1b (sqlite, 旧系统)"),
            ("word.records", 37_080),
            ("word.state", Text("state.verified")),
        ),
        "counts": (
            BranchCounts("account", "t_customer", 12_360, ACCOUNT, adopted=260),
            BranchCounts("contact", "t_linkman", 24_720, CONTACT),
        ),
        "causes": (
            Cause(Text("bucket.held"), Severity.WARNS, 1, file="runs/stage"),
            Cause(
                Text("values.unavailable", {"path": "客户/医院.db", "reason": "磁盘已满"}),
                Severity.BLOCKS,
                1_234,
                mapping="account",
                object="t_customer",
                field="signed_at",
                keys=("C-0001", "C-0002", "C-0003", "C-0004", "C-0005", "C-0006"),
                samples=(mask("2023-02-30"), mask("张三丰"), mask("=HYPERLINK(1)")),
                file="mappings/account.yaml",
                line=12,
                mender="mender.data",
            ),
        ),
        "tables": (
            Table(
                Text("word.total"),
                ("word.name", "word.count", "word.total"),
                (
                    ("应收按城市：北京", 17_510, "1,234,567.80"),
                    ("应收按城市：上海", 9, "-0.05"),
                    (Text("bucket.held"), 0, None),
                ),
                omitted=3,
            ),
        ),
        "next_steps": ("changeover explain C-0001 --env mock", COMMAND),
        "extra": {"seconds": 12.5, "differences": 0},
    }
    return Report(**{**told, **changed})  # type: ignore[arg-type]


def broken_report() -> Report:
    return sample_report(
        verdict=Text("state.verified"),
        good=True,
        exit_code=0,
        counts=(BranchCounts("account", "t_customer", 12_361, ACCOUNT), BranchCounts("contact", "t", 20, {"held": 20})),
    )


def printed(report: Report, language: Language, width: int = 80, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    make_console(stream, width=width).print(render(report, Catalogue(language)), crop=False)
    stream.flush()
    return raw.getvalue().decode(encoding)


# Terminal


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["sample", "broken"])
def test_the_terminals_text_is_as_it_was(language: Language, kind: str) -> None:
    report = sample_report() if kind == "sample" else broken_report()
    told = "\n".join(line.rstrip() for line in printed(report, language).splitlines()) + "\n"
    file = SNAPSHOTS / f"{kind}.{language}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(told, "utf-8")
    assert told == file.read_text("utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_but_a_command_is_wider_than_the_terminal(language: Language, width: int) -> None:
    every = dict.fromkeys(BUCKETS, 1234567)
    report = sample_report(counts=(BranchCounts("account", "t", 12_345_670, every), BranchCounts("b", "t")))
    told = printed(report, language, width)
    lines = told.splitlines()
    assert told.count("1,234,567") - told.count("1,234,567.80") in (10, 20)
    assert f"  {COMMAND}" in lines
    assert [line for line in lines if cell_len(line) > width and COMMAND not in line] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_path_is_never_broken(language: Language) -> None:
    long, longer = "runs/mock/reports/reconcile-20261122-010903-950382.en.html", "a/" * 60 + "demo.en.html"
    facts = (
        ("word.records", 5),
        ("fact.reconcile_report", long),
        ("fact.report", longer),
        ("fact.file", "short.html"),
    )
    lines = [line.rstrip() for line in printed(sample_report(facts=facts), language).splitlines()]
    assert (f"    {long}" in lines) is (language == "en"), "the English label leaves no room beside it"
    assert any(line.endswith(f"  {long}") for line in lines)
    assert f"    {longer}" in lines
    label = Catalogue(language).text("fact.file")
    assert any(re.fullmatch(rf"  {label} +short\.html", line) for line in lines)


def test_frames_of_chinese_stay_in_line() -> None:
    lines = printed(sample_report(), "zh").splitlines()
    box = [line for line in lines if line.startswith(("╭", "│", "╰"))]
    assert len(box) > 2
    assert {cell_len(line) for line in box} == {80}


@pytest.mark.parametrize("encoding", ["gbk", "ascii", "latin-1"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_console_without_chinese_gets_the_whole_report_in_line(language: Language, encoding: str) -> None:
    told = printed(broken_report(), language, encoding=encoding)
    box = [line for line in told.splitlines() if line.startswith(("+", "|"))]
    assert len(box) > 2
    assert {cell_len(line) for line in box} == {80}
    assert COMMAND in told
    assert ("挂起" in told) == (language == "zh" and encoding == "gbk")


def test_what_a_terminal_would_obey_does_not_reach_it() -> None:
    assert "\x1b" not in printed(sample_report(), "en")
    assert "[bold]x[/bold]" in printed(sample_report(verdict=Text("[bold]x[/bold]")), "en")


def test_a_stream_knows_whether_it_can_say_chinese() -> None:
    assert can_print(io.TextIOWrapper(io.BytesIO(), encoding="gbk"), "zh")
    assert not can_print(io.TextIOWrapper(io.BytesIO(), encoding="ascii"), "zh")
    assert can_print(io.TextIOWrapper(io.BytesIO(), encoding="ascii"), "en")
    assert can_print(io.StringIO(), "zh")


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("account 的计数不平，有记录", 14, ["account 的计数", "不平，有记录"]),
        ("计数不平，有", 8, ["计数不", "平，有"]),
        ("看（磁盘）吧", 5, ["看", "（磁", "盘）", "吧"]),
        ("one two three", 7, ["one two", "three"]),
        ("abcdefghij k", 4, ["abcd", "efgh", "ij k"]),
        ("is_key_account is", 9, ["is_key_", "account", "is"]),
        ("legacy:t_order:7", 10, ["legacy:t_", "order:7"]),
        ("", 4, [""]),
    ],
)
def test_chinese_breaks_between_characters_and_never_before_a_comma(text: str, width: int, lines: list[str]) -> None:
    places = [0, *break_places(text, width), len(text)]
    told = [text[start:end].strip() for start, end in pairwise(places)]
    assert told == lines


# JSON


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_document_has_every_integer_of_every_mapping(language: Language) -> None:
    told = json.loads(json.dumps(document(sample_report(), Catalogue(language))))
    assert told["mappings"] == {
        "account": dict.fromkeys(BUCKETS, 0) | ACCOUNT | {"read": 12_360, "adopted": 260, "balanced": True},
        "contact": dict.fromkeys(BUCKETS, 0) | CONTACT | {"read": 24_720, "adopted": 0, "balanced": True},
    }
    assert (told["verb"], told["exit_code"], told["seconds"], told["differences"]) == ("run", 1, 12.5, 0)
    assert told["verdict"]["code"] == "file.read_refused"
    assert told["verdict"]["good"] is False
    assert told["next"] == ["changeover explain C-0001 --env mock", COMMAND]


def test_the_document_says_codes_for_programs_and_texts_for_people() -> None:
    told = document(sample_report(), Catalogue("zh"))
    facts, tables, findings = told["facts"], told["tables"], told["findings"]
    assert isinstance(facts, list)
    assert facts[1] == {"code": "word.records", "label": "记录数", "value": 37_080}
    assert facts[2]["value"] == {"code": "state.verified", "text": "已回读", "params": {}}
    assert isinstance(findings, list)
    assert {"severity": "blocks", "count": 1_234, "line": 12, "field": "signed_at"}.items() <= findings[1].items()
    assert findings[1]["params"]["object"] == "t_customer"
    assert isinstance(tables, list)
    assert tables[0]["columns"][0] == {"code": "word.name", "text": "名称"}
    assert tables[0]["rows"][1] == ["应收按城市：上海", 9, "-0.05"]
    assert tables[0]["omitted"] == 3


def test_branches_of_one_mapping_are_added_up() -> None:
    counts = (BranchCounts("a", "x", 2, {"created": 2}), BranchCounts("a", "y", 3, {"created": 2}, adopted=1))
    told = document(sample_report(counts=counts), Catalogue("en"))["mappings"]
    assert isinstance(told, dict)
    assert {"read": 5, "created": 4, "adopted": 1, "balanced": False}.items() <= told["a"].items()


def test_an_extra_member_cannot_hide_a_standing_one() -> None:
    with pytest.raises(ValueError, match="exit_code"):
        document(sample_report(extra={"exit_code": 0}), Catalogue("en"))


def test_an_error_is_a_document_too_and_keeps_its_samples_to_itself() -> None:
    finding = Finding("bucket.held", Severity.BLOCKS, {"limit": 5}, file="a.yaml", line=3, sample="13800000000")
    told = error_json(InputError("language.unknown", findings=(finding,), value="法"), Catalogue("zh"))
    assert told.isascii()
    assert "13800000000" not in told
    assert json.loads(told) == {
        "error": {
            "code": "language.unknown",
            "text": "没有 法 的文本。请使用 --lang zh 或 --lang en。",
            "params": {"value": "法"},
        },
        "exit_code": 2,
        "findings": [
            {"code": "bucket.held", "text": "a.yaml:3: 挂起", "params": {"limit": 5}, "severity": "blocks"}
            | dict.fromkeys(("mapping", "object", "key", "field"))
            | {"file": "a.yaml", "line": 3}
        ],
    }


def test_the_document_comes_whole_through_any_console() -> None:
    told = to_json(sample_report(), Catalogue("zh"))
    assert told.isascii()
    assert json.loads(told) == json.loads(json.dumps(document(sample_report(), Catalogue("zh"))))


# Page


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [name for name, _ in attrs if name in ("src", "href", "srcset", "action", "data", "xlink:href")]
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_runs_nothing_fetches_nothing_and_escapes_everything(language: Language) -> None:
    told = page(sample_report(), Catalogue(language))
    seen = Seen()
    seen.feed(told)
    assert "<script" not in told
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & set(seen.tags)
    assert (seen.links, seen.handlers) == ([], [])
    assert not re.search(r"(?i)https?:|url\(|@import", told)
    assert "default-src 'none'" in told
    assert any("<script>alert(1)</script>" in word for word in seen.words)
    assert "\x1b" not in told


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_says_of_which_project_it_is_when_it_was_made_and_by_what(language: Language) -> None:
    made_at = dt.datetime(2026, 11, 22, 1, 9, 3, tzinfo=dt.UTC)
    told = page(sample_report(), Catalogue(language), Origin("my-move<", "mock", made_at, "9.8.7"))
    seen = Seen()
    seen.feed(told)
    head = "".join(seen.words).partition("my-move< mock run")[2]
    assert "2026-11-22 01:09 UTC · changeover 9.8.7" in head
    assert "<title>my-move&lt; · " in told


def test_a_path_has_a_line_of_the_page_for_itself() -> None:
    facts = (
        ("fact.file", "runs/mock/reports/demo-20261122-010903.en.html"),
        ("fact.source", "old.db (sqlite) 与新系统"),
    )
    told = page(sample_report(facts=facts), Catalogue("zh"))
    assert re.findall(r"<div( class=\"wide\")?><dt>(.*?)</dt>", told) == [(' class="wide"', "文件"), ("", "源系统")]


def test_the_pages_own_style_is_the_one_it_allows() -> None:
    import base64
    import hashlib

    told = page(sample_report(), Catalogue("zh"))
    [style] = re.findall(r"<style>(.*?)</style>", told, re.DOTALL)
    assert f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'" in told


def test_long_tables_are_cut_and_say_so() -> None:
    table = Table(Text("word.total"), ("word.key",), tuple((f"K-{n}",) for n in range(2_000)), omitted=5)
    report = sample_report(tables=(table,))
    told = page(report, Catalogue("en"))
    assert told.count("<td>K-") == 500
    assert "1,505 more lines are not shown" in told
    assert "1,985 more lines are not shown" in printed(report, "en")


def test_bars_show_even_one_record_in_a_million_and_fill_the_line() -> None:
    counts = (BranchCounts("a", "t", 1_000_000, {"created": 999_999, "rejected": 1}), BranchCounts("b", "t"))
    told = page(sample_report(counts=counts), Catalogue("en"))
    pieces = re.findall(r'<rect class="(\w+)" x="([\d.]+)%" width="([\d.]+)%"', told)
    assert [name for name, _, _ in pieces] == ["created", "rejected"]
    assert float(pieces[1][2]) > 0.5
    assert pieces[0][2] == pieces[1][1]
    assert float(pieces[1][1]) + float(pieces[1][2]) == pytest.approx(100, abs=0.01)


# The alarm


def test_counts_that_do_not_add_up_are_said_in_every_rendering() -> None:
    report = broken_report()
    told = document(report, Catalogue("en"))
    verdict, mappings = told["verdict"], told["mappings"]
    assert isinstance(verdict, dict)
    assert (verdict["code"], verdict["good"], told["exit_code"]) == ("report.unbalanced", False, 1)
    assert isinstance(mappings, dict)
    assert [mappings[name]["balanced"] for name in ("account", "contact")] == [False, True]
    for shown in (printed(report, "en"), page(report, Catalogue("en"))):
        assert "NOT DONE: the counts of account do not add up" in shown
        assert "account: 12,361 read, but the parts add up to 12,360" in shown
        assert "ATTENTION" in shown
    assert "account 的计数不平" in page(report, Catalogue("zh"))


def test_the_checked_report_ends_with_an_error_and_a_sound_one_as_it_would() -> None:
    assert checked(broken_report()).exit_code == 1
    assert checked(checked(broken_report())) == checked(broken_report())
    assert checked(sample_report(exit_code=3, counts=(BranchCounts("a", "t", 1),))).exit_code == 3
    assert checked(sample_report()) == sample_report()


# Files


def test_the_files_are_written_for_their_owner_in_both_languages(tmp_path: Path) -> None:
    paths = write_report(sample_report(), tmp_path / "reports", "r1")
    assert {name: path.name for name, path in paths.items()} == {
        "json": "r1.json",
        "zh": "r1.zh.html",
        "en": "r1.en.html",
    }
    assert {path.stat().st_mode & 0o777 for path in paths.values()} == {0o600}
    assert sorted(file.name for file in (tmp_path / "reports").iterdir()) == ["r1.en.html", "r1.json", "r1.zh.html"]
    assert json.loads(paths["json"].read_text("utf-8"))["facts"][1]["label"] == "记录数"
    assert 'lang="zh-CN"' in paths["zh"].read_text("utf-8")
    assert 'lang="en"' in paths["en"].read_text("utf-8")
    with pytest.raises(ValueError, match="plain file name"):
        write_report(sample_report(), tmp_path, "../r1")


def test_a_lone_surrogate_from_a_broken_source_does_not_stop_a_report(tmp_path: Path) -> None:
    cause = Cause(Text("bucket.held"), Severity.INFO, 1, keys=("K\ud800",))
    report = sample_report(causes=(cause,))
    write_report(report, tmp_path, "r1")
    assert "K" in printed(report, "zh")
