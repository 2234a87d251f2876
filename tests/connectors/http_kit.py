"""The CRM over HTTP where connectors are found: in a distribution of its own, as a third party's would be."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from changeover.connectors.clock import Clock, SystemClock
from changeover.connectors.pace import Pace
from changeover.connectors.port import Connector, Settings
from changeover.connectors.registry import connect
from changeover.connectors.secrets import Secrets
from changeover.connectors.testing.http_crm.server import SECRET, USER, HttpCrm

POINTS = "[changeover.connectors]\nhttp_crm = changeover.connectors.testing.http_crm:connect\n"


def install(folder: Path) -> Path:
    """Put it into a folder that is to stand in the module search path."""
    distribution = folder / "http_crm_for_tests-1.dist-info"
    distribution.mkdir(parents=True)
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: http-crm-for-tests\nVersion: 1\n", "utf-8")
    (distribution / "entry_points.txt").write_text(POINTS, "utf-8")
    return folder


@contextmanager
def installed(folder: Path) -> Iterator[Path]:
    """In this process, until the end of the block."""
    sys.path.append(str(install(folder)))
    try:
        yield folder
    finally:
        sys.path.remove(str(folder))


def settings(crm: HttpCrm, **options: object) -> Settings:
    given = {"url": crm.url, "user": USER, "secret": SECRET, "timeout": 5}
    return Settings("crm", "http_crm", given | options)


def connected(crm: HttpCrm, clock: Clock | None = None, **options: object) -> Connector:
    """Through the registry."""
    return connect(settings(crm, **options), Secrets(), Pace(clock or SystemClock()), clock or SystemClock())
