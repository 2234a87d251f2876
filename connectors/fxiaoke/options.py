"""What a project says of a Fxiaoke tenant. What the vendor's documents leave open is a setting here, with the cautious
answer where nothing is said."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Option

from ..audit import EVERY_OBJECT
from ..option_types import Number
from ..options import checked
from ..port import Settings

LEGACY_KEY = "legacy_key__c"
PACK = 100_000
"""Calls of a purchased pack."""


class Members(BaseModel):
    """Of a record's team: with which role, and whether they may change it."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    role: Literal["joint", "after_sales", "normal"] = "normal"
    permission: Literal["read", "write"] = "read"


Cap = Annotated[int, Option(ge=0)]


class RecyclingRule(BaseModel):
    """A record is taken back into its pool `days` after the first of the moments in `since` that it has. pool: whose
    records are meant, by name or id; None: all that somebody owns."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    days: int = Option(ge=0)
    since: str | Annotated[list[str], Option(min_length=1)]
    pool: str | None = None


class Options(BaseModel):
    """host: the tenant's cloud. app_id, app_secret, permanent_code: of the self-built app. sign_in: which of the two
    ways the tenant's app uses; user: the acting employee, an FSUID with `app_token`, an employee's number with
    `bearer`.

    objects: the tenant's objects to describe, None for all that are active. names, fields: our name -> the tenant's,
    for what is called otherwise there. our_key: the unique text field that holds our key, or object -> field.

    calls, seconds: what an interface takes. packs: of 100,000 calls a day, None where they are not to be counted.
    at_once: calls under way. timeout: seconds that an answer may take. server_maximum: seconds for which the server may
    still finish a call that we gave up on. read_back_lag: seconds for which a query may not show what was written.
    find_size: values in one filter, one less than a page, so that a page that is full is known to be the last when all
    are found. page: records in one. details: records of detail objects that go into the create
    of their master at most. pools: object -> the pool, by id or name, for records that nobody owns; pool_fields: the
    field that says in which one a record lies; back_reason: why one goes back. caps: object -> records that a person
    may own at most, or person -> how many; recycling: object -> when pools take records back; recycling_ahead: for how
    many days `plan` looks. bulk: the function of the tenant's own that takes many rows a call, None where there is
    none; bulk_rows: how many. stages: by which call a stage is changed. teams: object -> a text field
    of ours -> which members of a record's team it holds.

    workflows, approvals, duplicate_rules, validation_rules, functions: what a write sets off or has to pass there.
    preserve: `create_time` and `created_by` can be written by a create. busy: what the answer -1 to a write means.
    empty: what clears a field in an update. empty_text: what becomes of an empty text: `kept`, or `null`. updates: what
    an update does to fields that it does not name. refusals: error number -> for what a record is refused.
    invalid: whether records in the bin are left out of what is read.
    custom_path: `always` calls the interfaces for custom objects for preset ones, too. edit_locked: locked records of
    custom objects are updated all the same. upload: how files go there, with a form or by a signed address; None: as it
    goes with the way to sign in. file_days: for which the tenant keeps a file that no record uses. trace_ids: a new
    `thirdTraceId` goes with each call. date_zone: of midnight in date fields; the connection's zone without it.
    ordeals: what the first record of an object is put through; ordeal_owner: the employee to whom it is given
    meanwhile, without whom `owner` is not tried. witnesses: employees as whom a check may count, to see whether our
    user sees as much. record_url: of a record's page, `{object}` and
    `{key}` filled in.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    host: str = "https://open.fxiaoke.com"
    app_id: str
    app_secret: str
    permanent_code: str
    sign_in: Literal["app_token", "bearer"] = "app_token"
    user: str
    objects: list[str] | None = None
    names: dict[str, str] = {}
    fields: dict[str, dict[str, str]] = {}
    our_key: str | dict[str, str] = LEGACY_KEY
    calls: int = Option(100, ge=1)
    seconds: Number = Option(20.0, gt=0)
    packs: int | None = Option(None, ge=1)
    at_once: int = Option(8, ge=1, le=64)
    timeout: Number = Option(30.0, gt=0)
    server_maximum: Number = Option(120.0, ge=0)
    read_back_lag: Number = Option(5.0, ge=0)
    find_size: int = Option(99, ge=1, le=100)
    details: int = Option(20, ge=0)
    pools: dict[str, str] = {}
    pool_fields: dict[str, str] = {"AccountObj": "high_seas_id", "LeadsObj": "leads_pool_id"}
    back_reason: str = "other"
    caps: dict[str, Cap | dict[str, Cap]] = {}
    recycling: dict[str, list[RecyclingRule]] = {}
    recycling_ahead: int = Option(30, ge=0)
    page: int = Option(100, ge=1, le=100)
    bulk: str | None = None
    bulk_rows: int = Option(200, ge=1, le=500)
    stages: Literal["update", "interface"] = "update"
    teams: dict[str, dict[str, Members]] = {}
    workflows: bool = False
    approvals: bool = False
    duplicate_rules: bool = True
    validation_rules: bool = True
    functions: bool = True
    preserve: bool = True
    busy: Literal["unknown", "not_done"] = "unknown"
    empty: Literal["null", "empty"] = "null"
    empty_text: Literal["null", "kept"] = "null"
    updates: Literal["patch", "overwrite"] = "patch"
    refusals: dict[str, Literal["duplicate", "required", "too_long", "check"]] = {}
    invalid: Literal["left_out", "read"] = "left_out"
    custom_path: Literal["custom", "always"] = "custom"
    edit_locked: bool = False
    upload: Literal["media", "signed"] | None = None
    file_days: Number = Option(3.0, gt=0)
    trace_ids: bool = True
    date_zone: str | None = None
    ordeals: list[Literal["owner", "lock", "invalid"]] = ["lock", "invalid"]
    ordeal_owner: str | None = None
    witnesses: list[str] = []
    record_url: str | None = None

    def our_key_of(self, object_name: str) -> str:
        if isinstance(self.our_key, str):
            return self.our_key
        return self.our_key.get(object_name) or self.our_key.get(EVERY_OBJECT) or LEGACY_KEY

    @property
    def daily(self) -> int | None:
        return None if self.packs is None else self.packs * PACK


def read_options(settings: Settings) -> Options:
    """The connection's options, checked, and what follows from the tenant's answers where they are silent. Raises
    InputError `option.unknown` or `option.value`."""
    from .probing.questions import learned

    return checked(Options, learned(settings) | dict(settings.options), settings.name)
