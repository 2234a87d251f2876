"""Our session with the tenant: the token of either way to sign in, and what each call then carries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass

from ..errors import UnavailableError
from ..secrets import Secrets
from ..sign_in import SignIn
from .options import Options
from .wire import Document

USER_HEADER, USER_MEMBER = "x-fs-userid", "currentOpenUserId"
TOKEN_PATHS = {"app_token": "/cgi/corpAccessToken/get/V2", "bearer": "/oauth2.0/token"}


@dataclass(frozen=True, slots=True)
class Signed:
    """What a call carries besides its own body: headers, and members of the body's top level."""

    token: str
    headers: Mapping[str, str]
    body: Document


class WrongCredentialsError(Exception):
    """The tenant does not take our credentials. words: its own."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class TenantSession:
    """post: makes the call that signs in; raises as the gateway does. A token lives for two hours, and the gateway
    gives the same one to whoever asks again, so processes do not need to share theirs. Only one thread asks."""

    def __init__(self, options: Options, secrets: Secrets, post: Callable[[str, Document], Document]) -> None:
        self._options, self._secrets, self._post = options, secrets, post
        self._signed_in = SignIn(self._sign_in)
        self._of: dict[str, Signed] = {}
        self._acting: str | None = None
        self.tenant = ""

    def acting_as(self, user: str) -> TenantSession:
        """The same session in the name of another employee."""
        other = copy(self)
        other._acting = user
        return other

    def signed(self) -> Signed:
        """Raises WrongCredentialsError, UnavailableError, or what keeps the call from departing."""
        signed = self._of[self._signed_in.token()]
        if self._acting is None:
            return signed
        headers = signed.headers and {**signed.headers, USER_HEADER: self._acting}
        body: Document = signed.body and {**signed.body, USER_MEMBER: self._acting}
        return Signed(signed.token, headers, body)

    def expired(self, signed: Signed) -> None:
        self._signed_in.expired(signed.token)

    def _sign_in(self) -> str:
        options, fill = self._options, self._secrets.fill
        bearer = options.sign_in == "bearer"
        asked: Document = {
            "appId": fill(options.app_id),
            "appSecret": fill(options.app_secret),
            "permanentCode": fill(options.permanent_code),
        }
        told = self._post(TOKEN_PATHS[options.sign_in], asked | ({"grantType": "app_secret"} if bearer else {}))
        token, corp = str(told.get("accessToken" if bearer else "corpAccessToken") or ""), _corp(told)
        if not token or not corp:
            raise UnavailableError("fxiaoke.no_session")
        self.tenant = corp
        user = fill(options.user)
        if bearer:
            ea = str(told.get("ea") or "")
            headers = {"authorization": f"Bearer {token}", "x-fs-ea": ea, USER_HEADER: user}
            self._of[token] = Signed(token, headers, {})
        else:
            body: Document = {"corpAccessToken": token, "corpId": corp, USER_MEMBER: user}
            self._of[token] = Signed(token, {}, body)
        return token


def _corp(told: Document) -> str:
    """Which tenant: its FSCID by either way to sign in (the new one calls it openUserId), else its account name."""
    return str(told.get("corpId") or told.get("openUserId") or told.get("ea") or "")
