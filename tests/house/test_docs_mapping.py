"""The commands of the group `mapping` are described as they are."""

from __future__ import annotations

import re

import pytest
from changeover.cli import app
from typer.main import get_command
from typer.testing import CliRunner

from .test_docs import DOCS, section, text_of

GROUP = get_command(app).commands["mapping"].commands  # type: ignore[attr-defined]
COMMANDS = sorted(
    each
    for name, command in GROUP.items()
    for each in (name, *(f"{name} {inner}" for inner in getattr(command, "commands", ())))
)


def test_every_command_of_the_group_is_described() -> None:
    described = re.findall(r"^### mapping ([a-z ]+)$", text_of(DOCS / "commands.md"), re.M)
    assert sorted(described) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_a_command_of_the_group_are_those_of_its_help(command: str) -> None:
    said = CliRunner().invoke(app, ["mapping", *command.split(), "--help"], env={"COLUMNS": "300"}).output
    options = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", said, re.M)) - {"--help"}
    told = section(DOCS / "commands.md", f"mapping {command}")
    listed = [line for line in told.splitlines() if line.startswith(("- `--", "Also takes"))]
    assert set(re.findall(r"`(--[a-z-]+)", "\n".join(line.partition("`: ")[0] + "`" for line in listed))) == options
