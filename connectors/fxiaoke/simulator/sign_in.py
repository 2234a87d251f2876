"""Both ways in: the token in the body with FSUIDs, and the token in a header with employee ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .answers import BAD_TOKEN, NO_TOKEN, Document, RefusedError, missing, well
from .people import Person
from .tenant import Call, Tenant

LIFE, REUSED = 7200.0, 6600.0
MINUTE = 60.0
WITHOUT_USER = ("/cgi/user/", "/cgi/department/", "/media/")
"""Paths where a call in the old way needs no currentOpenUserId."""
LEGACY, NEW = "/cgi/corpAccessToken/get/V2", "/oauth2.0/token"


@dataclass(slots=True)
class Door:
    """One token endpoint. tokens: token -> when it ends, by the clock that only goes forward."""

    issued: float = float("-inf")
    token: str = ""
    tokens: dict[str, float] = field(default_factory=dict)
    calls: list[float] = field(default_factory=list)


class SignIn:
    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._doors = {LEGACY: Door(), NEW: Door()}
        self.corp_id = tenant.store.corp_id(f"FSCID_{tenant.ids.token()[:32]}")

    def paths(self) -> Mapping[str, Callable[[Document], Document]]:
        return {LEGACY: self._legacy, NEW: self._new}

    def expire(self) -> None:
        """Every token that was given out."""
        for door in self._doors.values():
            door.tokens.clear()
            door.issued = float("-inf")

    def _legacy(self, told: Document) -> Document:
        self._check(LEGACY, told)
        token, left = self._give(LEGACY)
        constant = self._tenant.settings.legacy_expires_in == "constant"
        return well(
            "success", corpAccessToken=token, corpId=self.corp_id, expiresIn=int(LIFE) if constant else int(left)
        )

    def _new(self, told: Document) -> Document:
        self._check(NEW, told)
        if told.get("grantType") != "app_secret":
            raise missing("grantType")
        token, left = self._give(NEW)
        return well(
            "success",
            accessToken=token,
            expiresIn=int(left),
            ea=self._tenant.settings.ea,
            appId=told["appId"],
            openUserId=self.corp_id,
        )

    def _check(self, path: str, told: Document) -> None:
        settings, door, now = self._tenant.settings, self._doors[path], self._tenant.clock.monotonic()
        door.calls = [each for each in door.calls if each > now - MINUTE]
        if settings.token_calls and len(door.calls) >= settings.token_calls:
            raise RefusedError(settings.burst_code, "too many calls of the token endpoint")
        door.calls.append(now)
        for name in ("appId", "appSecret", "permanentCode"):
            if not isinstance(told.get(name), str) or not told[name]:
                raise missing(name)
        if told["appId"] != settings.app_id:
            raise RefusedError(20006, "appId or appSecret is wrong")
        if told["appSecret"] != settings.app_secret:
            raise missing("appSecret")
        if told["permanentCode"] != settings.permanent_code:
            raise RefusedError(20015, "permanentCode is wrong")

    def _give(self, path: str) -> tuple[str, float]:
        """(token, seconds that it is still good for)."""
        door, now = self._doors[path], self._tenant.clock.monotonic()
        if now - door.issued >= REUSED:
            door.issued, door.token = now, self._tenant.ids.token()
            door.tokens = {token: end for token, end in door.tokens.items() if end > now}
            door.tokens[door.token] = now + LIFE
        return door.token, door.issued + LIFE - now

    def let_in(self, path: str, headers: Mapping[str, str], told: Document) -> Call:
        """Raises RefusedError. headers: by names in lower case."""
        now = self._tenant.clock.monotonic()
        given = headers.get("authorization", "")
        if given:
            good = self._doors[NEW].tokens.get(given.removeprefix("Bearer "), now) > now
            if not good or headers.get("x-fs-ea") != self._tenant.settings.ea:
                raise _bad_token()
            user, open_ids = headers.get("x-fs-userid"), False
        else:
            token = told.get("corpAccessToken")
            if not token:
                said = "corpAccessToken为必填项，不能为空"
                raise RefusedError(NO_TOKEN, said, said)
            good = self._doors[LEGACY].tokens.get(str(token), now) > now
            if not good or told.get("corpId") != self.corp_id:
                raise _bad_token()
            user, open_ids = told.get("currentOpenUserId"), True
        who = self._tenant.person(user, open_ids) if user or not path.startswith(WITHOUT_USER) else self._anybody()
        converts = told.get("convertUserId", open_ids) is True
        return Call(path, told, who, converts, path.startswith("/cgi/crm/custom/"))

    def _anybody(self) -> Person:
        return next(iter(self._tenant.people.by_id.values()))


def _bad_token() -> RefusedError:
    said = "the cropId,cropAccessToken or authorization is error"
    return RefusedError(BAD_TOKEN, said, said)
