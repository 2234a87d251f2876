"""Processes that share a run on the workers of a dask cluster: dask launches them, sees when one is lost and tries
again elsewhere. What they do and how they agree is ours (`run --join`)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...connectors.errors import InputError, UnavailableError
from ...connectors.finding import Finding, Severity
from ..pace.pacing import name_of
from ..project import Project
from .crew import PATIENCE, Ended, Joiner, joining

RETRIES = 3
"""So often dask may launch each of them again."""
ANSWERS = 30
"""Seconds in which the scheduler has to answer."""


class KilledError(Exception):
    """The process was killed: to be launched again."""


def join_here(folder: str, env: str) -> tuple[str, int, str]:
    """The task: share the run until it is over. (name, exit code, what it said where that is not 0). Raises
    KilledError."""
    try:
        joiner = Joiner.start(joining(Path(folder), env), os.environ)
    except OSError as error:
        return name_of(os.getpid()), 3, error.strerror or type(error).__name__
    joiner.process.wait()
    ended = joiner.ended() or Ended(joiner.process.pid, 0, "")
    if ended.status < 0:
        raise KilledError(f"signal {-ended.status}")
    return name_of(ended.process), ended.status, ended.reason


def require_cluster(url: str) -> None:
    """Before anything is begun. Raises InputError `cluster.not_installed`, or `cluster.address` for what is no address
    of a scheduler."""
    try:
        from distributed.comm import get_address_host_port
    except ImportError as error:
        raise InputError("cluster.not_installed") from error
    try:
        get_address_host_port(url)
    except ValueError as error:
        raise InputError("cluster.address", url=url) from error


class OnCluster:
    """One process on each worker of the cluster. The project's folder has the same path there.

    url: the scheduler's address (`require_cluster`). Raises UnavailableError where it does not answer or has no
    workers."""

    def __init__(self, project: Project, url: str) -> None:
        import distributed

        try:
            self._client: Any = distributed.Client(url, timeout=ANSWERS, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise UnavailableError("cluster.unreachable", url=url, reason=type(error).__name__) from error
        self.findings: list[Finding] = []
        addresses = list(self._client.scheduler_info(n_workers=-1)["workers"])
        if not addresses:
            self._client.close()
            raise UnavailableError("cluster.no_workers", url=url)
        self._tasks = [
            self._client.submit(
                join_here,
                str(project.folder),
                project.env,
                workers=[address],
                allow_other_workers=True,
                retries=RETRIES,
                pure=False,
            )
            for address in addresses
        ]

    def watch(self) -> list[str]:
        """The names of those that have ended since."""
        ended = []
        for task in [each for each in self._tasks if each.done()]:
            self._tasks.remove(task)
            if task.status != "finished":
                reason = type(task.exception()).__name__ if task.status == "error" else str(task.status)
                self.findings.append(Finding("worker.task_lost", Severity.WARNS, {"reason": reason}))
                continue
            name, status, reason = task.result()
            ended.append(name)
            if status:
                told: dict[str, str | int] = {"process": name, "status": status, "reason": reason or "?"}
                self.findings.append(Finding("worker.gave_up", Severity.WARNS, told))
        return ended

    def end(self, longest: float) -> None:
        """They end by themselves, for the coordinator has left; one that only now begins finds no run. longest: seconds
        that a call may take."""
        import distributed

        with suppress(Exception):  # too late, or the scheduler is gone: it makes no difference to them
            distributed.wait(self._tasks, timeout=longest + PATIENCE)
        self._client.close()
