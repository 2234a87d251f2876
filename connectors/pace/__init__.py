"""How fast a system may be called, and the `Pace` that every call waits for."""

from .book import Asked, Book, Taken
from .lately import LatelyStore
from .limits import UNLIMITED, Action, Allowance, Interface, Narrowed, Need, Quota, Rate
from .pace import Pace
from .quota import QuotaSpentError, SpentStore
from .schedule import ALWAYS, Hours, Schedule

__all__ = [
    "ALWAYS",
    "UNLIMITED",
    "Action",
    "Allowance",
    "Asked",
    "Book",
    "Hours",
    "Interface",
    "LatelyStore",
    "Narrowed",
    "Need",
    "Pace",
    "Quota",
    "QuotaSpentError",
    "Rate",
    "Schedule",
    "SpentStore",
    "Taken",
]
