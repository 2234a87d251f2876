"""Parents first, circles cut where a field may be empty."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from changeover.connectors.finding import Severity
from changeover.connectors.schema import Field, FieldType
from changeover.mappings.order import check_order, cut_references, load_order
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Project


@dataclass
class Node:
    """A mapping that refers to others; `!` at a parent's name makes the field required, `.` not changeable."""

    parents: tuple[str, ...] = ()
    references: dict[str, tuple[str, ...]] = field(default_factory=dict)
    target_fields: tuple[Field, ...] = ()
    rule_lines: dict[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.references = {f"to_{name.rstrip('!.')}": (name.rstrip("!."),) for name in self.parents}
        self.target_fields = tuple(
            Field(
                f"to_{name.rstrip('!.')}",
                FieldType.REFERENCE,
                required=name.endswith("!"),
                changeable=not name.endswith("."),
            )
            for name in self.parents
        )
        self.rule_lines = dict.fromkeys(self.references, ("mappings/x.yaml", 7))


def graph(**parents: str) -> dict[str, Node]:
    return {name: Node(tuple(named.split())) for name, named in parents.items()}


@pytest.mark.parametrize(
    ("mappings", "order", "cut"),
    [
        (graph(contact="account", account="", deal="contact account"), ["account", "contact", "deal"], {}),
        (graph(b="", a=""), ["b", "a"], {}),
        (graph(account="account"), ["account"], {}),
        (graph(account="contact", contact="account!"), ["account", "contact"], {"account": {"to_contact"}}),
        (graph(account="contact!", contact="account"), ["contact", "account"], {"contact": {"to_account"}}),
        (
            graph(note="account", account="contact", contact="account!"),
            ["account", "contact", "note"],
            {"account": {"to_contact"}},
        ),
        (graph(account="contact.", contact="account"), ["contact", "account"], {"contact": {"to_account"}}),
        (graph(a="b c", b="c!", c="a!"), ["a", "c", "b"], {"a": {"to_b", "to_c"}}),
        (graph(a="elsewhere"), ["a"], {}),
    ],
)
def test_order_and_cuts(mappings: dict[str, Node], order: list[str], cut: dict[str, set[str]]) -> None:
    assert load_order(mappings) == order
    assert {name: {*fields} for name, fields in cut_references(mappings).items()} == cut


def test_of_several_parents_only_those_are_waited_for_that_come_later() -> None:
    task = Node(("contact",))
    task.references = {"about": ("account", "task", "contact")}
    mappings = {"account": Node(()), "task": task, "contact": Node(("task!",))}
    assert load_order(mappings) == ["account", "task", "contact"]
    assert cut_references(mappings) == {"task": {"about": {"contact"}}}


def test_a_circle_is_told_and_one_that_cannot_be_cut_blocks() -> None:
    assert list(check_order(graph(a="b", b=""))) == []
    [told] = check_order(graph(a="b", b="a!"))
    assert (told.code, told.severity, told.params["names"]) == ("mapping.reference_circle", Severity.INFO, "a > b > a")
    _, blocked = check_order(graph(a="b!", b="a!"))
    assert (blocked.code, blocked.severity, blocked.line) == ("mapping.circle_required", Severity.BLOCKS, 7)
    _, blocked = check_order(graph(a="b.", b="a!"))
    assert (blocked.code, blocked.severity, blocked.line) == ("mapping.circle_not_changeable", Severity.BLOCKS, 7)


NAMES = "abcde"


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES), max_size=3), min_size=1))
def test_only_references_inside_a_circle_are_ever_cut(edges: dict[str, set[str]]) -> None:
    mappings = {name: Node(tuple(sorted(parents))) for name, parents in edges.items()}
    order = load_order(mappings)
    assert sorted(order) == sorted(mappings)

    def reaches(start: str, goal: str) -> bool:
        seen, ahead = set(), [start]
        while ahead:
            for parent in edges.get(ahead.pop(), ()):
                if parent in mappings and parent not in seen:
                    seen.add(parent)
                    ahead.append(parent)
        return goal in seen

    cut = cut_references(mappings)
    for place, name in enumerate(order):
        for reference, (parent,) in mappings[name].references.items():
            forward = parent in order[place + 1 :]
            assert (reference in cut.get(name, set())) is forward
            if forward:
                assert reaches(parent, name)


def test_compiled_mappings_have_an_order(project: Project) -> None:
    project.write(
        "a_line",
        "mapping: a_line\nfrom: t_line\nto: line\nfields:\n  customer_id: {from: cust, reference: b_account}\n",
    )
    project.write("b_account", "mapping: b_account\nfrom: t_customer\nto: customer\nfields:\n  name: cust_name\n")
    compiled, _ = project.compile()
    assert load_order(compiled) == ["b_account", "a_line"]
