"""A CRM over HTTP for tests: `server.HttpCrm` on loopback, and a connector to it. It is not installed; a test puts it
where connectors are found."""

from __future__ import annotations

from ...clock import Clock
from ...errors import InputError
from ...pace import Pace
from ...port import Settings
from ...secrets import Secrets
from .connector import HttpCrmConnector

OPTIONS = {"url", "user", "secret", "timeout"}


def connect(settings: Settings, secrets: Secrets, pace: Pace, clock: Clock) -> HttpCrmConnector:
    """Options: url, user, secret; timeout in seconds (5). Raises InputError `http_crm.option`, UnavailableError where
    the server cannot be reached or does not let us in."""
    given = {name: secrets.fill(str(value)) for name, value in settings.options.items()}
    wrong = sorted({"url", "user", "secret"} - given.keys() | given.keys() - OPTIONS)
    if wrong:
        raise InputError("http_crm.option", connection=settings.name, options=", ".join(wrong))
    timeout = float(given.get("timeout", "5"))
    return HttpCrmConnector(given["url"], given["user"], given["secret"], timeout, pace, clock)
