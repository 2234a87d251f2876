"""Our session with the org: a token by one of the ways of OAuth, and the client of simple-salesforce that carries it.

simple-salesforce can sign in by itself, but only under salesforce.com, and when a session is over it signs in anew once
for each thread and call. So the client is given a token, and gets a new one here, where all threads share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from simple_salesforce.api import Salesforce

from ..clock import Clock
from ..departure import never_left
from ..errors import InputError, UnavailableError
from ..pace import Pace
from ..secrets import Secrets
from ..sign_in import SignIn
from .line import Line, over_https
from .options import Options

SIGN_IN = "sign_in"
"""The interface of the calls that do so: the org does not count them among the day's."""
GRANTS = "/services/oauth2/token"
JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
JWT_SECONDS = 180
BUSY = 500


class Session:
    """Only one thread signs in."""

    def __init__(self, options: Options, secrets: Secrets, line: Line, pace: Pace, clock: Clock) -> None:
        self._options, self._secrets, self._line, self._pace, self._clock = options, secrets, line, pace, clock
        self._signed_in = SignIn(self._sign_in)
        self._clients: dict[str, Salesforce] = {}
        self.instance = over_https(options.host)
        """The org's own address, as it says itself once we are signed in."""

    def client(self) -> Salesforce:
        """Raises UnavailableError, InputError for a secret, or what keeps the call from departing."""
        return self._clients[self._signed_in.token()]

    def expired(self, client: Salesforce) -> None:
        """Raises UnavailableError where there is no way to another session."""
        if self._options.sign_in == "session":
            raise UnavailableError("salesforce.session_over")
        self._signed_in.expired(client.session_id)

    def _sign_in(self) -> str:
        options = self._options
        if options.sign_in == "session":
            token = self._fill(options.session_id)
        else:
            told = self._granted(self._form())
            token = str(told.get("access_token") or "")
            host = urlsplit(str(told.get("instance_url") or "")).netloc
            if not token or not host:
                raise UnavailableError("salesforce.no_session")
            self.instance = f"https://{host}"
        self._clients[token] = Salesforce(
            session_id=token,
            instance_url=self.instance,
            version=options.version,
            session=self._line,
            parse_float=str,
            object_pairs_hook=None,
        )
        return token

    def _form(self) -> dict[str, str]:
        options = self._options
        client = {"client_id": self._fill(options.client_id)}
        if options.client_secret is not None:
            client["client_secret"] = self._fill(options.client_secret)
        match options.sign_in:
            case "jwt":
                return {"grant_type": JWT, "assertion": self._assertion()}
            case "refresh_token":
                return {"grant_type": "refresh_token", "refresh_token": self._fill(options.refresh_token), **client}
            case _:
                return {"grant_type": "client_credentials", **client}

    def _assertion(self) -> str:
        """A JWT signed by RS256. Raises InputError `salesforce.private_key`."""
        import jwt

        options = self._options
        pem = self._fill(options.private_key).replace("\\n", "\n")
        claims = {
            "iss": self._fill(options.client_id),
            "sub": self._fill(options.user),
            "aud": options.meant_for,
            "exp": int(self._clock.now().timestamp()) + JWT_SECONDS,
        }
        try:
            return jwt.encode(claims, pem, algorithm="RS256")
        except (jwt.InvalidKeyError, TypeError, ValueError):
            raise InputError("salesforce.private_key") from None

    def _granted(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Raises UnavailableError."""
        host = self._options.login_host
        try:
            with self._pace.call(SIGN_IN):
                answer = self._line.post(over_https(host) + GRANTS, data=form)
            told = answer.json()
        except requests.RequestException as error:
            code = "salesforce.unreachable" if never_left(error) else "salesforce.no_answer"
            raise UnavailableError(code, host=host, path=GRANTS, reason=type(error).__name__) from error
        if answer.status_code >= BUSY or not isinstance(told, dict):
            reason = str(answer.status_code)
            raise UnavailableError("salesforce.no_answer", host=host, path=GRANTS, reason=reason)
        if "error" in told:
            raise UnavailableError("salesforce.credentials", reason=str(told["error"]), way=self._options.sign_in)
        return told

    def _fill(self, told: str | None) -> str:
        return self._secrets.fill(told or "")
