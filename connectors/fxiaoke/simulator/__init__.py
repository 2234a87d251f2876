"""A server on this machine that speaks Fxiaoke's OpenAPI, to rehearse against. It is not Fxiaoke's own, and knows only
what has been told or seen of it from outside; what nobody knows is a setting."""

from __future__ import annotations

from ...simulating.server import Answer, NoAnswerError
from .faults import Fault, FaultKind, Faults
from .server import FxiaokeSimulator, Server
from .settings import Settings
from .simulator import Simulator

SIMULATOR = FxiaokeSimulator()

__all__ = ["SIMULATOR", "Answer", "Fault", "FaultKind", "Faults", "NoAnswerError", "Server", "Settings", "Simulator"]
