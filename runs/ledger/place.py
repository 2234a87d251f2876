"""Where a ledger lies: in a file, or in a schema of a PostgreSQL server."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from ...connectors.secrets import Secrets

NAME_BYTES = 63
"""A longer name PostgreSQL cuts off without a word."""


@dataclass(frozen=True, slots=True)
class Server:
    """url: as the project writes it, each secret by its name, so that it may be shown. schema: the ledger's own."""

    url: str
    schema: str
    secrets: Secrets

    def __str__(self) -> str:
        return f"{self.url} ({self.schema})"


Place = Path | Server


def schema_name(project: str, env: str) -> str:
    """The schema of a project's environment, in lower-case letters, digits and _. The digest at its end keeps names
    apart that differ only in what had to be replaced or cut."""
    words = re.sub(r"[^a-z0-9]+", "_", f"changeover_{project}_{env}".lower())
    digest = hashlib.sha256(f"{project}\n{env}".encode()).hexdigest()[:8]
    return f"{words[: NAME_BYTES - 1 - len(digest)]}_{digest}"
