"""What is counted in any 24 hours, and what is said of it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

from .answers import CallError, Reply, said
from .org import Org
from .request import Request

DAY = 86_400.0
RECORD_KB, MB = 2, 1024


class Limits:
    """made: calls let through by path, refused: how many were not."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._spent: dict[str, deque[tuple[float, int]]] = {}
        self._sums: Counter[str] = Counter()
        self.made: Counter[str] = Counter()
        self.refused = 0

    def spent(self, name: str) -> int:
        """How much of it in the last 24 hours."""
        told, since = self._spent.setdefault(name, deque()), self._org.clock.monotonic() - DAY
        while told and told[0][0] <= since:
            self._sums[name] -= told.popleft()[1]
        return self._sums[name]

    def spend(self, name: str, amount: int = 1) -> None:
        """name: a setting's. Raises CallError where it is too much."""
        if self.spent(name) + amount > getattr(self._org.settings, name):
            self.refused += name == "daily_calls"
            text = "TotalRequests Limit exceeded." if name == "daily_calls" else f"{name} Limit exceeded."
            raise CallError(403, "REQUEST_LIMIT_EXCEEDED", text)
        now, told = self._org.clock.monotonic(), self._spent[name]
        if told and told[-1][0] == now:
            told[-1] = now, told[-1][1] + amount
        else:
            told.append((now, amount))
        self._sums[name] += amount

    def headers(self) -> Mapping[str, str]:
        used = self.spent("daily_calls")
        return {"Sforce-Limit-Info": f"api-usage={used}/{self._org.settings.daily_calls}"}

    def told(self) -> Reply:
        """Of the resource `limits`."""
        settings = self._org.settings
        records = self._org.store.given_out("@records")
        stored = max(0, settings.storage_mb - records * RECORD_KB // MB)
        limits = {
            "DailyApiRequests": (settings.daily_calls, self.spent("daily_calls")),
            "DailyBulkV2QueryJobs": (settings.bulk_query_jobs, self.spent("bulk_query_jobs")),
            "DailyBulkApiBatches": (settings.bulk_batches, self.spent("bulk_batches")),
        }
        told = {name: {"Max": most, "Remaining": most - used} for name, (most, used) in limits.items()}
        told["DailyBulkV2QueryFileStorageMB"] = {"Max": 1_048_576, "Remaining": 1_048_576}
        told["DataStorageMB"] = {"Max": settings.storage_mb, "Remaining": stored}
        told["FileStorageMB"] = {"Max": settings.storage_mb, "Remaining": settings.storage_mb}
        return said(told)


def record_count(org: Org, request: Request) -> Reply:
    """sObjects: names. What is told is an estimate at the real one; here it counts."""
    names = [each for each in request.asked.get("sObjects", "").split(",") if each] or list(org.shapes)
    told = []
    for name in names:
        shape = org.by_lower.get(name.strip().lower())
        if shape is not None:
            where = '"IsDeleted" = 0' if shape.has("IsDeleted") else "1"
            told.append({"count": org.store.count(shape.name, where), "name": shape.name})
    return said({"sObjects": told})
