"""Every broken double: a system in memory that breaks a law of the contract, as connectors in the world do.

The contract must catch each of them at the laws that it says it `breaks`; a law that no double breaks has not been
seen to fail.
"""

from __future__ import annotations

from types import ModuleType

from . import broken_cells, broken_changes, broken_details, broken_files, broken_ordeals, broken_reads, broken_writes
from .broken_cells import Broken


def _doubles(module: ModuleType) -> list[type[Broken]]:
    found = (each for each in vars(module).values() if isinstance(each, type) and issubclass(each, Broken))
    return [each for each in found if each.breaks and each.__module__ == module.__name__]


BROKEN: tuple[type[Broken], ...] = tuple(
    double
    for module in (
        broken_cells,
        broken_changes,
        broken_reads,
        broken_writes,
        broken_ordeals,
        broken_details,
        broken_files,
    )
    for double in _doubles(module)
)
