"""Whether a call over HTTP has left this machine: what is known not to have may go again, all else may be done."""

from __future__ import annotations

import ssl

from urllib3.exceptions import ConnectTimeoutError, NewConnectionError


def never_left(error: BaseException) -> bool:
    """Whether the connection was never made: not refused, not resolved, not trusted. error: of requests or urllib3,
    with all that it was raised from."""
    seen: list[object] = [error]
    for each in seen:
        if isinstance(each, NewConnectionError | ConnectTimeoutError | ssl.SSLCertVerificationError):
            return True
        if isinstance(each, BaseException):
            further = [*each.args, each.__cause__, each.__context__, getattr(each, "reason", None)]
            seen += [one for one in further if isinstance(one, BaseException) and one not in seen]
    return False
