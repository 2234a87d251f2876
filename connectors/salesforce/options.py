"""What a project says of an org."""

from __future__ import annotations

from typing import Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Option

from ..errors import InputError
from ..option_types import Number
from ..options import checked
from ..port import Settings

HERE = ("127.0.0.1", "localhost", "::1")
"""This machine, which alone may be spoken to without encryption."""
CHINA = "sfcrmproducts.cn"
NEEDS = {
    "client_credentials": ("client_id", "client_secret"),
    "jwt": ("client_id", "user", "private_key"),
    "refresh_token": ("client_id", "refresh_token"),
    "session": ("session_id",),
}
"""Way to sign in -> the options that it takes; a client secret may go with a refresh token, too."""


class Options(BaseModel):
    """host: the org's own domain (My Domain). sign_in: the way to get a session; client_id, client_secret: of the
    app; user: whom a JWT acts as, private_key: what signs it, in PEM; refresh_token; session_id: a session that is
    there already. login: where the token is asked for, None for the host itself; audience: whom a JWT is meant for,
    None for what goes with the host.

    version: of the API. objects: to describe, None for all that hold records of their own. parents: object -> fields of
    its parents to be read with it, as `RecordType.DeveloperName`. deleted: whether what lies in the recycle bin is
    read; archived: whether old activities that are archived are. accept_unseen: what our user need not see, as
    `Account`, `Account.Fax` or `Account.Files`, with * for any letters. page: records in one at most.
    read_by: the way in which objects are read; by size, those with more records than `bulk_from` by Bulk. bulk_range:
    records that one job reads at most; bulk_page: records in a page of its results; poll: seconds between two looks at
    a job. find_size: values that a search takes. timeout: seconds to wait for the connection, and for an answer's next
    bytes.

    As a target: key_field: the field for our key. at_once: calls that write under way at a time. server_maximum:
    seconds for which the org may still be at a call that we gave up on. duplicates: what becomes of a record that the
    org's duplicate rules stop; assignment: whether its assignment rules give new records away. ordeal_owner: the id of
    the user to whom the first record of an object is given for a moment, to see whether it is still found. write_by:
    the way of creations; by jobs, of `job_rows` records at most, where there are at least `job_from` of them.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    host: str
    sign_in: Literal["client_credentials", "jwt", "refresh_token", "session"] = "client_credentials"
    client_id: str | None = None
    client_secret: str | None = None
    user: str | None = None
    private_key: str | None = None
    refresh_token: str | None = None
    session_id: str | None = None
    login: str | None = None
    audience: str | None = None
    version: str = Option("67.0", pattern=r"^\d\d\.0$")
    objects: list[str] | None = None
    parents: dict[str, list[str]] = {}
    deleted: Literal["left_out", "read"] = "left_out"
    archived: Literal["read", "left_out"] = "read"
    accept_unseen: list[str] = []
    page: int = Option(2000, ge=200, le=2000)
    read_by: Literal["size", "rest", "bulk"] = "size"
    bulk_from: int = Option(30_000, ge=0)
    bulk_range: int = Option(250_000, ge=1)
    bulk_page: int = Option(10_000, ge=1, le=250_000)
    poll: Number = Option(5.0, gt=0)
    find_size: int = Option(200, ge=1, le=2000)
    timeout: Number = Option(150.0, gt=0)
    key_field: str = Option("Legacy_Key__c", pattern=r"^[A-Za-z]\w{0,79}$")
    at_once: int = Option(4, ge=1, le=20)
    server_maximum: Number = Option(600.0, ge=0)
    duplicates: Literal["save", "refuse"] = "save"
    assignment: bool = False
    ordeal_owner: str | None = None
    write_by: Literal["calls", "jobs"] = "calls"
    job_rows: int = Option(5_000, ge=200, le=10_000)
    job_from: int = Option(2_000, ge=1)

    @property
    def login_host(self) -> str:
        return self.login or self.host

    @property
    def meant_for(self) -> str:
        """The audience of a JWT: the login server of the org's cloud."""
        host = urlsplit(self.host).hostname or ""
        if self.audience is not None or host in HERE:
            return self.audience or self.login_host
        kind = "test" if ".sandbox." in host else "login"
        return f"https://{kind}.{CHINA if host.endswith(CHINA) else 'salesforce.com'}"


def read_options(settings: Settings) -> Options:
    """The connection's options, checked. Raises InputError `option.unknown`, `option.value`,
    `salesforce.option_missing` or `salesforce.host`."""
    return _checked(checked(Options, settings.options, settings.name), settings.name)


def _checked(options: Options, connection: str) -> Options:
    for name in ("host", "login"):
        told = getattr(options, name)
        if told is not None and not _is_host(urlsplit(told)):
            raise InputError("salesforce.host", connection=connection, option=name)
    for name in NEEDS[options.sign_in]:
        if getattr(options, name) is None:
            raise InputError("salesforce.option_missing", connection=connection, option=name, way=options.sign_in)
    return options


def _is_host(told: SplitResult) -> bool:
    """Pages of Lightning are no API, and answer as if the session were over."""
    plain = told.scheme == "https" or (told.scheme == "http" and told.hostname in HERE)
    lightning = (told.hostname or "").endswith((".lightning.force.com", ".lightning.sfcrmapps.cn"))
    return bool(plain and told.hostname and not told.path.strip("/") and not told.username and not lightning)
