"""A process that calls a target as fast as the book lets it, and writes down when each call arrived. Run by
test_permits: `python -m tests.runs.hammer URL SCHEMA WORKER RATE SECONDS THREADS CALLS LATENCY`."""

from __future__ import annotations

import sys
import threading
import time

from changeover.connectors.clock import SystemClock
from changeover.connectors.pace import Allowance, Interface, Pace, Rate
from changeover.connectors.secrets import Secrets
from changeover.runs.ledger.permits import Permits
from changeover.runs.ledger.place import Server


def main(url: str, schema: str, *numbers: str) -> None:
    worker, calls, threads, wanted = (int(number) for number in numbers[:4])
    seconds, latency = (float(number) for number in numbers[4:])
    lock = threading.Lock()
    left = wanted
    with Permits(Server(url, schema, Secrets({}.get)), "target", worker) as book:
        pace = Pace(SystemClock(), book=book)
        pace.obey(Allowance(others=Interface((Rate(calls, seconds),), threads)))

        def work() -> None:
            nonlocal left
            while True:
                with lock:
                    if not left:
                        return
                    left -= 1
                with pace.call("create"):
                    first = time.monotonic()  # somewhere between departure and answer: now here, now there
                    time.sleep(latency)
                    at = first if left % 2 else time.monotonic()
                    with lock:
                        print(f"{at:.6f}", flush=True)

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
