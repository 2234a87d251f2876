"""A server on this machine that speaks Salesforce's API, to rehearse against. It is not Salesforce's own, and knows
only what is documented of it or was seen of it from outside; where nobody knows, it is a setting."""

from __future__ import annotations

from ...simulating.server import Answer, NoAnswerError
from .faults import Fault, FaultKind, Faults
from .server import SalesforceSimulator, Server
from .settings import Settings
from .simulator import Simulator

SIMULATOR = SalesforceSimulator()

__all__ = ["SIMULATOR", "Answer", "Fault", "FaultKind", "Faults", "NoAnswerError", "Server", "Settings", "Simulator"]
