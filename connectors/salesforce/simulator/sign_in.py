"""Sessions, and the ways to get one by OAuth."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.types import Options

from ...errors import InputError
from ...simulating.tables import Row
from .answers import CallError, Document, Reply, said
from .ids import DIGITS
from .org import Org, origin

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCES = (".salesforce.com", ".force.com", "127.0.0.1", "localhost", ".sfcrmproducts.cn")
SCOPE = "api refresh_token"


class OAuthError(Exception):
    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.status = status

    def reply(self) -> Reply:
        return said({"error": self.error, "error_description": str(self)}, self.status)


@dataclass(slots=True)
class Session:
    """until: by the clock that only goes forward; put off by each call."""

    user: str
    until: float


@dataclass(slots=True)
class SignIn:
    org: Org
    sessions: dict[str, Session] = field(default_factory=dict)
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    key: RSAPublicKey | None = None

    def __post_init__(self) -> None:
        if self.org.certificate is not None:
            try:
                key = x509.load_pem_x509_certificate(self.org.certificate).public_key()
            except ValueError as error:
                raise InputError("simulator.file", path="certificate", reason="PEM, X.509") from error
            if not isinstance(key, RSAPublicKey):
                raise InputError("simulator.file", path="certificate", reason="RSA")
            self.key = key
        self.refresh_token = self._random(60)
        self.refresh_tokens[self.refresh_token] = str(self.run_as["Id"])

    refresh_token: str = ""

    @property
    def run_as(self) -> Row:
        """The user that client credentials act as. Raises InputError."""
        name = self.org.settings.run_as
        found = self.org.user(name) if name else next(self.org.store.rows("User", rest='ORDER BY "Id" LIMIT 1'), None)
        if found is None:
            raise InputError("simulator.setting_value", name="run_as", expected="Username")
        return found

    def _random(self, length: int) -> str:
        return "".join(self.org.chance.choices(DIGITS, k=length))

    # Sessions

    def open(self, user: str) -> str:
        """A token."""
        token = f"{str(self.org.organization['Id'])[:15]}!{self._random(80)}"
        self.sessions[token] = Session(user, self.org.clock.monotonic() + self.org.settings.session_seconds)
        return token

    def let_in(self, headers: Mapping[str, str]) -> str:
        """The user's id. headers: by names in lower case. Raises CallError."""
        given = headers.get("authorization") or headers.get("x-sfdc-session", "")
        kind, _, token = given.strip().rpartition(" ")
        if not token or kind.lower() not in ("", "bearer", "oauth"):
            raise CallError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        return self.user_of(token)

    def user_of(self, token: str) -> str:
        session, now = self.sessions.get(token), self.org.clock.monotonic()
        if session is None or session.until <= now:
            raise CallError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        session.until = now + self.org.settings.session_seconds
        return session.user

    def expire(self) -> None:
        """Every session that there is."""
        self.sessions.clear()

    # OAuth

    def token(self, headers: Mapping[str, str], body: bytes) -> Reply:
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        ways: Mapping[str, Callable[[Document, Mapping[str, str]], str]] = {
            "client_credentials": self._client_credentials,
            "password": self._password,
            "refresh_token": self._refreshed,
            JWT: self._jwt,
        }
        try:
            way = ways.get(form.get("grant_type", ""))
            if way is None:
                raise OAuthError("unsupported_grant_type", "grant type not supported")
            user = way(form, headers)
        except OAuthError as error:
            return error.reply()
        return said(self._told(user, headers))

    def _told(self, user: str, headers: Mapping[str, str]) -> Document:
        base = origin(headers)
        return {
            "access_token": self.open(user),
            "signature": base64.b64encode(self._random(32).encode()).decode(),
            "scope": SCOPE,
            "instance_url": base,
            "id": f"{base}/id/{self.org.organization['Id']}/{user}",
            "token_type": "Bearer",
            "issued_at": str(int(self.org.clock.now().timestamp() * 1000)),
        }

    def _check_client(self, form: Document, headers: Mapping[str, str]) -> None:
        client, secret = form.get("client_id"), form.get("client_secret")
        given = headers.get("authorization", "")
        if given.lower().startswith("basic "):
            try:
                client, _, secret = base64.b64decode(given[6:]).decode().partition(":")
            except (binascii.Error, ValueError):
                client = secret = ""
        if client != self.org.settings.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if secret != self.org.settings.client_secret:
            raise OAuthError("invalid_client", "invalid client credentials")

    def _active(self, username: object) -> str:
        user = self.org.user(str(username))
        if user is None or not user["IsActive"]:
            raise OAuthError("invalid_grant", "authentication failure")
        return str(user["Id"])

    def _client_credentials(self, form: Document, headers: Mapping[str, str]) -> str:
        self._check_client(form, headers)
        return self._active(self.run_as["Username"])

    def _password(self, form: Document, headers: Mapping[str, str]) -> str:
        self._check_client(form, headers)
        return self.by_password(form.get("username"), form.get("password"))

    def by_password(self, username: object, password: object) -> str:
        """The user's id; the security token may stand behind the password. Raises OAuthError."""
        settings = self.org.settings
        if password not in (settings.password, settings.password + settings.security_token):
            raise OAuthError("invalid_grant", "authentication failure")
        return self._active(username)

    def _refreshed(self, form: Document, headers: Mapping[str, str]) -> str:
        if form.get("client_id") != self.org.settings.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        user = self.refresh_tokens.get(form.get("refresh_token", ""))
        if user is None:
            raise OAuthError("invalid_grant", "expired access/refresh token")
        return user

    def _jwt(self, form: Document, headers: Mapping[str, str]) -> str:
        assertion, checked = str(form.get("assertion")), self.key is not None and self.org.settings.jwt == "checked"
        try:
            kind = jwt.get_unverified_header(assertion).get("alg")
            claims = jwt.decode(assertion, self.key or "", algorithms=["RS256"], options=_looked_at(checked))
            ends = float(claims["exp"])
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError) as error:
            raise OAuthError("invalid_grant", "invalid assertion") from error
        if kind != "RS256":
            raise OAuthError("invalid_grant", "invalid assertion")
        if claims.get("iss") != self.org.settings.client_id:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        host = str(claims.get("aud")).partition("//")[2].partition("/")[0].partition(":")[0]
        if not host.endswith(AUDIENCES):
            raise OAuthError("invalid_grant", "audience is invalid")
        if ends <= self.org.clock.now().timestamp():
            raise OAuthError("invalid_grant", "expired authorization code")
        if self.org.user(str(claims.get("sub"))) is None:
            raise OAuthError("invalid_grant", "user hasn't approved this consumer")
        return self._active(claims["sub"])


def _looked_at(signature: bool) -> Options:
    """The org's own clock counts, and who is meant is looked at after."""
    return {
        "verify_signature": signature,
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
        "verify_aud": False,
    }
