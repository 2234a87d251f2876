"""What a command costs: time, CPU of its whole tree, peak memory of its whole tree, CPU of the database server."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SAMPLE_EVERY = 0.02


@dataclass(frozen=True)
class Measure:
    """wall, cpu, server_cpu in seconds; peak in MB: the largest sum of resident memory over the tree's processes."""

    wall: float
    cpu: float
    server_cpu: float
    peak: float
    exit_code: int
    stdout: str
    stderr: str


def measure(command: Sequence[str], server: psutil.Process, environment: Mapping[str, str], folder: Path) -> Measure:
    """Run the command to its end, whatever its exit code."""
    before, began = _server_cpu(server), time.perf_counter()
    with (folder / "stdout").open("w+") as stdout, (folder / "stderr").open("w+") as stderr:
        process = subprocess.Popen(
            command, stdout=stdout, stderr=stderr, stdin=subprocess.DEVNULL, env=dict(environment)
        )
        peak, stop = [0], threading.Event()
        watch = threading.Thread(target=_watch, args=(process.pid, peak, stop))
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        stop.set()
        watch.join()
        stdout.seek(0)
        stderr.seek(0)
        return Measure(
            wall=wall,
            cpu=usage.ru_utime + usage.ru_stime,
            server_cpu=_server_cpu(server) - before,
            peak=peak[0] / 1e6,
            exit_code=process.returncode,
            stdout=stdout.read(),
            stderr=stderr.read(),
        )


def median(measures: Sequence[Measure], of: Callable[[Measure], float]) -> float:
    return statistics.median(of(each) for each in measures)


def _watch(pid: int, peak: list[int], stop: threading.Event) -> None:
    while not stop.wait(SAMPLE_EVERY):
        peak[0] = max(peak[0], _resident(pid))


def _resident(pid: int) -> int:
    """Bytes. A child about to become another program still has its parent's command line and memory: left out."""
    try:
        top = psutil.Process(pid)
        total, own = top.memory_info().rss, top.cmdline()
        children = top.children(recursive=True)
    except psutil.Error:
        return 0
    for child in children:
        try:
            total += child.memory_info().rss if child.cmdline() != own else 0
        except psutil.Error:  # it ended between the listing and the look
            continue
    return int(total)


def _server_cpu(server: psutil.Process) -> float:
    """CPU of the server since its start: its own, its living children's, and what its ended children took."""
    times = server.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in server.children(recursive=True):
        try:
            used = child.cpu_times()
        except psutil.Error:
            continue
        total += used.user + used.system
    return float(total)
