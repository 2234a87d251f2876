"""What a project may say of a database connection."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic import Field as Option

from ..audit import read_audit
from ..options import checked
from ..port import AuditFields, Settings


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


class Options(BaseModel):
    """url: a SQLAlchemy URL, secrets as `${NAME}`. schema_: the database schema, None for the connection's own.
    objects: only these tables, None for all. keys: the key columns of tables and views that declare none, or that
    shall be known by others. our_key: the unique column that holds our key, by object; the others use the side table.
    audit: who-and-when columns by object, `*` for all others. acting_user: what such a column says of our own writes.
    references: table -> column -> table that it points to, or several of them, where the database does not declare it.
    files: columns that name files of a folder, or hold them, see `folder_files`.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    url: str
    schema_: str | None = Option(None, alias="schema")
    objects: list[str] | None = None
    keys: dict[str, list[str]] = {}
    our_key: dict[str, str] = {}
    audit: dict[str, AuditFields] = {}
    acting_user: str | None = None
    references: dict[str, dict[str, Annotated[list[str], BeforeValidator(_one_or_many)]]] = {}

    files: dict[str, dict[str, object]] = {}

    def bodies_of(self, object_name: str) -> set[str]:
        """The columns that hold files."""
        said = self.files.get(object_name, {})
        return {column for column, each in said.items() if isinstance(each, dict) and "folder" not in each}


def read_options(settings: Settings) -> Options:
    """The connection's options, checked. Raises InputError `option.unknown`, `option.value`, or what `read_audit`
    does."""
    audit = read_audit(settings.options.get("audit"), settings.name)
    return checked(Options, {**settings.options, "audit": audit}, settings.name)
