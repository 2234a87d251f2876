"""A folder of CSV, Parquet, JSON lines and Excel files as a source: each an object, each cell as it stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..clock import Clock
from ..pace import Pace
from ..port import Settings
from ..secrets import Secrets

if TYPE_CHECKING:
    from .connector import FilesConnector


def connect(settings: Settings, secrets: Secrets, pace: Pace, clock: Clock) -> FilesConnector:
    """Open a folder. Raises InputError for options that are unknown or do not fit, and for files that are missing."""
    from ..audit import read_audit
    from .connector import FilesConnector
    from .options import file_objects, folder_of

    audit = read_audit(settings.options.get("audit"), settings.name)
    return FilesConnector(folder_of(settings), file_objects(settings), clock=clock, audit=audit)
