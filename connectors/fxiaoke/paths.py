"""Where each operation lies. An interface, of which the gateway counts the calls, is a path."""

from __future__ import annotations

from .tenant import TenantObject

OBJECTS = "/cgi/crm/v2/object/list"
DESCRIBE = "/cgi/crm/v2/object/describe"
LOCK = "/cgi/crm/v2/object/lock"
UNLOCK = "/cgi/crm/v2/object/unlock"
USERS = "/cgi/user/list"
FUNCTION = "/cgi/crm/v2/special/function"
_PRESET, _CUSTOM = "/cgi/crm/v2/data/", "/cgi/crm/custom/v2/data/"


def data_path(operation: str, custom: bool) -> str:
    return (_CUSTOM if custom else _PRESET) + operation


class Paths:
    """everything_custom: see the option `custom_path`."""

    def __init__(self, everything_custom: bool) -> None:
        self._everything_custom = everything_custom

    def of(self, there: TenantObject, operation: str) -> str:
        return data_path(operation, self.custom(there))

    def custom(self, there: TenantObject) -> bool:
        return there.custom or self._everything_custom
