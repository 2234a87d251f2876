"""A folder of CSV, Parquet, JSON lines and Excel files as a source: each an object, each cell as it stands there."""

from __future__ import annotations

from ..clock import Clock
from ..pace import Pace
from ..port import Connector, Settings
from ..secrets import Secrets


def connect(settings: Settings, secrets: Secrets, pace: Pace, clock: Clock) -> Connector:
    """Open a folder. Raises InputError for options that are unknown or do not fit, and for files that are missing."""
    from ..audit import read_audit
    from ..folder_files import with_files
    from .connector import FilesConnector
    from .options import file_objects, folder_of

    audit = read_audit(settings.options.get("audit"), settings.name)
    files = FilesConnector(folder_of(settings), file_objects(settings), clock=clock, audit=audit)
    return with_files(files, settings.options.get("files"), folder_of(settings), settings.name)
