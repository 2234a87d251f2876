"""The mapping language: what a mapping file may say, as pydantic models.

Every short form (`name: cust_name`, `transform: trim`, `match: [tax_no]`) is turned into its long one here, so that
what comes after knows one form. Whether the names it uses exist is `check`'s business, not this one's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from .assembly import ASSEMBLY
from .assembly.several import Several, long_form
from .condition import Conditions, Literally, Strict, as_tuple, filled
from .folding import FOLD
from .life import LifeState
from .lookup import Lookup
from .people_rule import PeopleOfRule, PeopleRule
from .record_example import RecordExample
from .reference import Kinds, Reference
from .stub import OF_STUB, STUB
from .wins import Wins
from .yaml.document import Document, YamlPath


class WritePolicy(StrEnum):
    """When a field is written: always; on create and never again; only while the target's cell is empty; never."""

    ALWAYS = "always"
    ONLY_CREATE = "only_create"
    ONLY_IF_EMPTY = "only_if_empty"
    NEVER = "never"


WRITTEN_ONCE = (WritePolicy.ONLY_CREATE, WritePolicy.NEVER)
"""What is never written to a record that exists."""


class Outside(StrEnum):
    """What becomes of a record whose reference leaves the scope: the parent is left out, or not in the source at all.
    hold: it waits as for any parent. error: it is rejected. null: it goes without. skip: it is left out too. stub: the
    parent gets a record that stands for it."""

    HOLD = "hold"
    ERROR = "error"
    NULL = "null"
    SKIP = "skip"
    STUB = "stub"


class TransformCall(Strict):
    """A transform's name and the arguments that the mapping gives it."""

    name: str
    arguments: dict[str, JsonValue] = Field(default_factory=dict)


class Otherwise(Strict):
    """What becomes of a source value that the value map does not have."""

    kind: Literal["reject", "keep", "default"]
    default: Literally | None = None


def _otherwise(value: object) -> object:
    if value in ("reject", "keep"):
        return {"kind": value}
    if isinstance(value, dict) and value.keys() == {"default"}:
        return {"kind": "default", "default": value["default"]}
    raise PydanticCustomError("mapping.otherwise_form", "otherwise_form")


def _transforms(value: object) -> object:
    """`trim`, `{pad: {...}}` or a list of these, as a list of names with arguments."""
    calls: list[object] = []
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            calls.append({"name": each})
        elif isinstance(each, dict) and len(each) == 1 and isinstance(next(iter(each.values())), dict | None):
            name, arguments = next(iter(each.items()))
            calls.append({"name": name, "arguments": arguments or {}})
        else:
            raise PydanticCustomError("mapping.transform_form", "transform_form")
    return tuple(calls)


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else as_tuple(value)


class Rule(Strict):
    """How one target field is filled.

    Evaluated in this order: `from`, `transform`, `values`, the cast to the target field's type, and last `default`,
    where the result is null. `reference`, `people` and `department` take the place of the cast. when: else the result
    is null. cases, first: whole rules in place of `from`; of `cases` the first whose `when` holds counts, of `first`
    the first that, besides, has a value. compare_only: never written, and always compared. rewrite_links: addresses of
    old records in the result become those of the new ones. lost_file: what becomes of a record of whose files one does
    not come or is not taken.
    """

    from_: Annotated[tuple[str, ...], BeforeValidator(_one_or_many), Field(alias="from", min_length=1)] = ()
    constant: Literally | None = None
    default: Literally | None = None
    transform: Annotated[tuple[TransformCall, ...], BeforeValidator(_transforms)] = ()
    values: Annotated[dict[str, Literally | None] | None, Field(min_length=1)] = None
    otherwise: Annotated[Otherwise | None, BeforeValidator(_otherwise)] = None
    reference: Reference | None = None
    people: PeopleOfRule = False
    department: bool = False
    outside: Outside | None = None
    zone: str | None = None
    when: Conditions | None = None
    cases: Annotated[tuple[Rule, ...] | None, BeforeValidator(filled)] = None
    first: Annotated[tuple[Rule, ...] | None, BeforeValidator(filled)] = None
    write: WritePolicy = WritePolicy.ALWAYS
    wins: Wins | None = None
    class_: Annotated[str | None, Field(alias="class")] = None
    compare_only: bool = False
    rewrite_links: bool = False
    lost_file: Literal["leave_out", "reject"] = "leave_out"

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        if isinstance(value, str):
            return {"from": value}
        if not isinstance(value, dict):
            raise PydanticCustomError("mapping.rule_form", "rule_form")
        if "outside" in value and value["outside"] is None:  # YAML's own null
            return value | {"outside": "null"}
        return value

    @property
    def policy(self) -> WritePolicy:
        return WritePolicy.NEVER if self.compare_only else self.write

    @property
    def of_people(self) -> bool:
        """Whether its value is a person, several, or a department: found in the target by who is who."""
        return bool(self.people) or self.department

    @property
    def outside_unsaid(self) -> Outside:
        """What is done where nothing is said of `outside`: nobody waits for a person."""
        return Outside.ERROR if self.of_people else Outside.HOLD

    @property
    def of_one(self) -> bool:
        """Whether a cell is one person at most."""
        return not isinstance(self.people, PeopleRule) or self.people.separator is None

    @property
    def inner(self) -> tuple[tuple[YamlPath, Rule], ...]:
        """Its cases, each with its place below this rule; none where it fills the field by itself."""
        groups = (("cases", self.cases), ("first", self.first))
        return tuple(((key, place), case) for key, group in groups for place, case in enumerate(group or ()))

    def ways(self, path: YamlPath = ()) -> Iterator[tuple[YamlPath, Rule]]:
        """The rules that fill the field by themselves: this one, or those among its cases; each with its place."""
        if not self.inner:
            yield path, self
        for place, case in self.inner:
            yield from case.ways((*path, *place))

    @property
    def fed(self) -> tuple[str, ...]:
        """The source fields that fill the field: those of `from`, and the one that says of what kind the parent is."""
        by = self.reference.by if isinstance(self.reference, Kinds) else None
        return self.from_ if by is None else (*self.from_, by)

    @property
    def makers(self) -> tuple[tuple[YamlPath, str], ...]:
        """The mappings that it names itself to make the parent, each with its place below this rule."""
        if not isinstance(self.reference, Kinds):
            return () if self.reference is None else ((("reference",), self.reference),)
        key, named = self.reference.told
        return tuple((("reference", key, kind), mapping) for kind, mapping in named.items())

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source field that it uses: those that fill the field before those that its conditions look at."""
        fed = [name for _, way in self.ways() for name in way.fed]
        return tuple(dict.fromkeys([*fed, *self.asked]))

    @property
    def asked(self) -> tuple[str, ...]:
        """The source fields that its conditions look at."""
        own = self.when.names if self.when else ()
        return tuple(dict.fromkeys([*own, *(name for _, case in self.inner for name in case.asked)]))


class Contributor(Strict):
    """A source object that gives records to an assembly. key: its fields that hold the assembly's key, part by part;
    without it they are called as there. transform: what each part goes through first."""

    from_: Annotated[str, Field(alias="from")]
    key: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)] = ()
    transform: Annotated[tuple[TransformCall, ...], BeforeValidator(_transforms)] = ()
    where: Conditions | None = None
    several: Annotated[Several, BeforeValidator(long_form)] = Several()


class AssembledField(Strict):
    """A field that more than one contributor knows. prefer: contributors; the first that has a value gives it. from:
    how the field is called there, where it is not called alike. differ: what it means where they disagree."""

    prefer: Annotated[tuple[str, ...], Field(min_length=1)]
    from_: dict[str, str] = Field(alias="from", default_factory=dict)
    differ: Literal["warns", "holds", "ignore"] = "warns"


class Assemble(Strict):
    """Records of several source objects, put together by a key. key: what it is called from here on, part by part.
    required: contributors without which there is no record."""

    key: Annotated[tuple[str, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
    contributors: Annotated[dict[str, Contributor], Field(min_length=1)]
    required: tuple[str, ...] = ()
    fields: dict[str, AssembledField] = Field(default_factory=dict)


def _match(value: object) -> object:
    """`[tax_no]` is short for `[[tax_no]]`."""
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return (tuple(value),)
    return tuple(map(as_tuple, value)) if isinstance(value, list) else value


Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]


class Drop(Strict):
    """Why a source field stays behind, and who says so."""

    reason: Annotated[str, Field(min_length=1)]
    who: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _by_reason(cls, value: object) -> object:
        return {"reason": value} if isinstance(value, str) else value


class Fold(Strict):
    """Records of a child object that become one text of their parent, a line each. by: the child's fields that hold
    the parent's key, part by part. order: fields by which the lines go, ascending; last by key. line: pieces of text
    with the child's fields in braces. most: so many lines at most, the last ones. file: it is a file, whose name these
    pieces are, with the parent's fields in braces."""

    from_: Annotated[str, Field(alias="from")]
    by: Annotated[tuple[str, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
    where: Conditions | None = None
    order: Annotated[tuple[str, ...], BeforeValidator(_one_or_many)] = ()
    line: Annotated[tuple[str, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
    between: str = "\n"
    most: Annotated[int | None, Field(ge=1)] = None
    file: Annotated[tuple[str, ...], BeforeValidator(_one_or_many), Field(min_length=1)] = ()
    drop: dict[str, Drop] = Field(default_factory=dict)

    def does(self) -> dict[str, Any]:
        """What it says, without what has no effect on records."""
        return self.model_dump(mode="json", by_alias=True, exclude={"drop"}, exclude_defaults=True)


class BranchModel(Strict):
    """What one branch of a mapping says by itself. Of a target field it overrules what stands outside; its conditions
    are added to those."""

    to: str
    where: Conditions | None = None
    match: Annotated[tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...], BeforeValidator(_match)] = ()
    fields: dict[str, Rule] = Field(default_factory=dict)
    stub: dict[str, Rule] = Field(default_factory=dict)
    expect: tuple[dict[str, dict[str, JsonValue]], ...] = ()
    examples: tuple[RecordExample, ...] = ()


class MappingModel(Strict):
    """A mapping file. One that has branches is read as `branches.BranchedModel`. stub: the rules of a record that
    stands for one which does not move, where others refer to it."""

    mapping: Name
    from_: Annotated[str, Field(alias="from")]
    to: str
    where: Conditions | None = None
    match: Annotated[tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...], BeforeValidator(_match)] = ()
    assemble: Assemble | None = None
    fold: dict[Name, Fold] = Field(default_factory=dict)
    fields: Annotated[dict[str, Rule], Field(min_length=1)]
    stub: dict[str, Rule] = Field(default_factory=dict)
    life: dict[str, LifeState] = Field(default_factory=dict)
    by_year: str | None = None
    drop: dict[str, Drop] = Field(default_factory=dict)
    expect: tuple[dict[str, dict[str, JsonValue]], ...] = ()
    examples: tuple[RecordExample, ...] = ()
    branches: Annotated[dict[Name, BranchModel], Field(min_length=1, default_factory=dict)]

    @model_validator(mode="after")
    def _of_one_source(self) -> MappingModel:
        if self.assemble is not None and self.from_ != f"{ASSEMBLY}.{self.mapping}":
            raise PydanticCustomError("mapping.from_and_assemble", "from_and_assemble")
        return self


def spoken_of(model: MappingModel) -> set[str]:
    """The source fields of which a mapping says something."""
    conditions = [*([model.where] if model.where else []), *(state.when for state in model.life.values())]
    asked = {name for each in conditions for name in each.names}
    return {name for rule in model.fields.values() for name in rule.sources} | model.drop.keys() | asked


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of `expect`. name: of the rule or expectation. arguments: plain YAML values; numbers with a decimal
    point are text. file, line: where it stands."""

    name: str
    arguments: Mapping[str, object]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class MappingFile:
    """A mapping as read, well formed; of a file with branches, one of them. file: its name as shown, relative to the
    project folder. model: what it says; of a branch, together with what stands outside. tables: value maps that lie in
    files of their own, by their place in the document; the model has them written out. branch: empty where the file has
    none. whole: what the file of a branch says. of_stub: the mapping is that of its stubs, whose rules stand under
    `stub` in place of `fields`."""

    file: str
    model: MappingModel
    document: Document
    tables: Mapping[YamlPath, Lookup] = dataclasses.field(default_factory=dict)
    branch: str = ""
    whole: MappingModel | None = None
    of_stub: bool = False

    @property
    def name(self) -> str:
        named = f"{self.model.mapping}.{self.branch}" if self.branch else self.model.mapping
        return named + OF_STUB if self.of_stub else named

    @property
    def source_objects(self) -> tuple[str, ...]:
        """What is read for it: its source object, or those of all contributors; and what is folded."""
        assemble = self.model.assemble
        own = [self.model.from_] if assemble is None else [each.from_ for each in assemble.contributors.values()]
        return (*own, *(each.from_ for each in self.model.fold.values()))

    def line(self, *path: str | int) -> int:
        """Of that place of the branch, where it says it itself, else of what stands outside."""
        return self.document.line(self._place(path))

    def table(self, path: YamlPath) -> Lookup | None:
        """The file of the value map at that place, None where it is written there."""
        return self.tables.get(self._place(path))

    def _place(self, path: YamlPath) -> YamlPath:
        path = (STUB, *path[1:]) if self.of_stub and path[:1] == ("fields",) else path
        own = ("branches", self.branch, *path)
        outside = path[:2] in self.document.lines and path not in (("fields",), (STUB,))
        return own if self.branch and (own[:4] in self.document.lines or not outside) else path

    def meaning(self) -> dict[str, Any]:
        """What the file says, without what has no effect on records: comments, order, the reasons of `drop`, and
        examples."""
        plain: dict[str, Any] = self.model.model_dump(
            mode="json", by_alias=True, exclude={"drop", "by_year", "examples", "fold", STUB}, exclude_defaults=True
        )
        named = spoken_of(self.model)
        if folds := {name: each.does() for name, each in self.model.fold.items() if f"{FOLD}.{name}" in named}:
            plain["fold"] = folds
        for name, rule in self.model.fields.items():
            if rule.outside is rule.outside_unsaid:
                del plain["fields"][name]["outside"]
            plain["fields"][name].pop("wins", None)  # said of all fields alike, with the project's own word
            plain["fields"][name].pop("class", None)
        for state in plain.get("life", {}).values():
            state["then"].pop("reason", None)
        return plain

    def expectations(self) -> tuple[Expectation, ...]:
        return tuple(
            Expectation(name, arguments, self.file, self.line("expect", place, name))
            for place, each in enumerate(self.model.expect)
            for name, arguments in each.items()
        )
