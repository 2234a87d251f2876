"""What the documentation shows, and what really happens; `python -m tests.house.shown docs/tutorial.md` tells that.

A page's `console` blocks are commands (`$ ...`), each with the lines that it prints; a line `…` stands for any lines. A
block of another language below a line that is nothing but a file's name in backticks is that file.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from changeover.cli import app
from typer.testing import CliRunner

ANYTHING = "…"
PLAN = re.compile(r"\b[0-9a-f]{12}\b")
CHANGES = (
    (re.compile(r"\b\d{8}-\d{6}-\d{6}\b"), "TIME"),
    (re.compile(r"\b20\d\d-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?"), "TIME"),
    (re.compile(r"(?<=seconds  )( *)\d+\.\d"), r"\1N"),
    (re.compile(r"(?<=用时（秒）  )( *)\d+\.\d"), r"\1N"),
    (PLAN, "PLAN"),
)
"""What is another each time: reports' names, times, seconds, names of plans."""


@dataclass(frozen=True)
class File:
    """A file that the reader is asked to make."""

    name: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command and the lines shown below it. line: where it stands in the page."""

    text: str
    shown: tuple[str, ...]
    line: int


def steps(page: str) -> list[File | Command]:
    """What a page asks its reader to do, in order."""
    found: list[File | Command] = []
    lines = page.splitlines()
    at = 0
    while at < len(lines):
        opening = re.fullmatch(r"```(\w+)", lines[at])
        if not opening:
            at += 1
            continue
        end = lines.index("```", at)
        body = lines[at + 1 : end]
        named = re.fullmatch(r"`([\w./-]+)`[:：]?", lines[at - 1]) if at else None
        if opening[1] == "console":
            found += _commands(body, at + 2)
        elif named:
            found.append(File(named[1], "\n".join(body) + "\n"))
        at = end + 1
    return found


def _commands(body: Sequence[str], first: int) -> Iterator[Command]:
    starts = [place for place, line in enumerate(body) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(body)], strict=True):
        yield Command(body[start][2:], tuple(body[start + 1 : end]), first + start)


@dataclass
class Reader:
    """Somebody who follows a page in a folder of their own. skipped: commands that are not for a test to run."""

    folder: Path
    language: str = "en"
    plans: dict[str, str] = field(default_factory=dict)
    code: int = 0

    def do(self, step: File | Command) -> str:
        """Make the file or run the command. Returns what it prints: its answer, or else its error."""
        if isinstance(step, File):
            path = self.folder / step.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
            return ""
        words = [self.plans.get(word, word) for word in shlex.split(step.text, comments=True)]
        match words:
            case ["cd", folder]:
                self.folder = (self.folder / folder).resolve()
                return ""
            case ["echo", "$?"]:
                return f"{self.code}\n"
            case ["python", *rest]:
                return self._python(rest)
            case ["changeover", *rest]:
                return self._changeover(rest, step)
            case _:
                raise ValueError(f"line {step.line}: nobody has said how to run {step.text}")

    def _python(self, words: list[str]) -> str:
        done = subprocess.run([sys.executable, *words], cwd=self.folder, capture_output=True, text=True, check=False)
        self.code = done.returncode
        return done.stdout + done.stderr

    def _changeover(self, words: list[str], step: Command) -> str:
        env = {"CHANGEOVER_LANG": self.language, "COLUMNS": "80"}
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            done = CliRunner().invoke(app, words, env=env, prog_name="changeover", catch_exceptions=False)
        finally:
            os.chdir(before)
        self.code = done.exit_code
        said = done.stdout or done.stderr
        for shown, real in zip(_plans("\n".join(step.shown)), _plans(said), strict=False):
            self.plans[shown] = real
        return said


def _plans(text: str) -> list[str]:
    return [*dict.fromkeys(PLAN.findall(text))]


def differs(shown: Sequence[str], said: str) -> str | None:
    """The first shown line that was not said where it should have been, None where all were."""
    wanted, there = _plain("\n".join(shown)), _plain(said)
    at, free = 0, False
    for line in wanted:
        if line == ANYTHING:
            free = True
            continue
        place = next((place for place in range(at, len(there)) if there[place] == line), None)
        if place is None or (place != at and not free):
            return line
        at, free = place + 1, False
    return None if at == len(there) or free or not wanted else f"(the end, where it goes on with {there[at]!r})"


def _plain(text: str) -> list[str]:
    for pattern, name in CHANGES:
        text = pattern.sub(name, text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def main(page: Path, language: str) -> None:
    """Follow a page and print what its commands say."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CHANGEOVER_CONFIG_HOME"] = f"{folder}/home"
        reader = Reader(Path(folder), language)
        for step in steps(page.read_text(encoding="utf-8")):
            said = reader.do(step)
            if isinstance(step, Command):
                told = differs(step.shown, said) if step.shown else None
                sys.stdout.write(f"$ {step.text}\n{said}" + (f"<<< line {step.line}: {told}\n" if told else ""))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "en")
