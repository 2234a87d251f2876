"""The tests' files made ready by all workers together, before each of them loads them all.

They begin at the same time: each would rewrite every file's asserts for itself, which takes longer than all else that
it does until its first test. What one of them has written, pytest finds when the others come to that file.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import (
    PYC_TAIL,
    _read_pyc,
    _rewrite_test,
    _write_pyc,
    assertstate_key,
    get_cache_dir,
    try_makedirs,
)


def prepare(config: pytest.Config) -> None:
    """This worker's share of what is asked for; nothing where there are no workers or nothing may be written."""
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER"), os.environ.get("PYTEST_XDIST_WORKER_COUNT")
    if worker is None or workers is None or sys.dont_write_bytecode:
        return
    asked = [Path(each.partition("::")[0]) for each in config.args]
    files = {path for each in asked for path in (each.rglob("test_*.py") if each.is_dir() else (each,))}
    for path in sorted(files)[int(worker.removeprefix("gw")) :: int(workers)]:
        cache = get_cache_dir(path)
        pyc = cache / f"{path.stem}{PYC_TAIL}"
        if try_makedirs(cache) and _read_pyc(path, pyc) is None:
            digest, code = _rewrite_test(path, config)
            _write_pyc(config.stash[assertstate_key], code, digest, pyc)
