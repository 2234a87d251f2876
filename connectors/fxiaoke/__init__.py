"""纷享销客 (Fxiaoke) by its OpenAPI, as source and target. See docs/fxiaoke.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..clock import Clock
    from ..pace import Pace
    from ..port import Connector, Settings
    from ..secrets import Secrets


def connect(settings: Settings, secrets: Secrets, pace: Pace, clock: Clock) -> Connector:
    """A connection to the tenant whose app the options name; nothing is called before it is used.

    Raises InputError `option.unknown`, `option.value`, `fxiaoke.host` or `secret.missing`.
    """
    from .connector import FxiaokeConnector
    from .options import read_options
    from .transport import HttpTransport

    options = read_options(settings)
    return FxiaokeConnector(settings, options, secrets, HttpTransport.of(settings, options), pace, clock)
