"""Salesforce by its REST API, as a source; and a simulator of it. See docs/salesforce.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..clock import Clock
    from ..pace import Pace
    from ..port import Connector, Settings
    from ..secrets import Secrets


def connect(settings: Settings, secrets: Secrets, pace: Pace, clock: Clock) -> Connector:
    """A connection to the org that the options name; nothing is called before it is used.

    Raises InputError `option.unknown`, `option.value` or `salesforce.host`.
    """
    from .connector import SalesforceConnector
    from .line import line_of
    from .options import read_options

    options = read_options(settings)
    return SalesforceConnector(settings, options, secrets, line_of(options), pace, clock)
