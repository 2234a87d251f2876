"""Secrets by name: from the environment, else the system keyring. Never from a file of the project."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from .errors import InputError

SERVICE = "changeover"
_REFERENCE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


class Secrets:
    """Looks secrets up by name. What it has given out it can also hide again in a text (`hide`)."""

    def __init__(self, environment: Callable[[str], str | None] = os.environ.get) -> None:
        self._environment = environment
        self._given: set[str] = set()

    def get(self, name: str) -> str:
        """The secret called `name`. Raises InputError `secret.missing` where neither place knows it."""
        value = self._environment(name) or _from_keyring(name)
        if not value:
            raise InputError("secret.missing", name=name)
        self._given.add(value)
        return value

    def fill(self, text: str) -> str:
        """The text with each `${NAME}` replaced by the secret of that name."""
        return _REFERENCE.sub(lambda found: self.get(found.group(1)), text)

    def hide(self, text: str) -> str:
        """The text with every secret given out so far replaced by ***."""
        for value in sorted(self._given, key=len, reverse=True):
            text = text.replace(value, "***")
        return text


def _from_keyring(name: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(SERVICE, name)
    except KeyringError:
        return None
