"""How the OpenAPI answers: status 200 whatever happened, and an envelope that says what did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]
"""A JSON object, as it came or goes. What is in it is told by its caller, so it is looked at before it is used."""

OWN_WORDS = "simulated: the real answer is not known"
"""The description of every answer whose code or text nobody has told us."""

NULL_POINTER = "java.lang.NullPointerException"
NO_RIGHT = "无此操作的数据权限"
NO_PARAMETER = 10006
BAD_TOKEN = 20016
NO_TOKEN = 20017
OUT_OF_RANGE = 10013
BAD_PARAMETER = 32000


class RefusedError(Exception):
    """A call that is answered with an error. description: None where the words of the message are ours, not theirs."""

    def __init__(self, code: int, message: str, description: str | None = None, data: Document | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.description = OWN_WORDS if description is None else description
        self.data = data

    def document(self) -> Document:
        told: Document = {
            "errorCode": self.code,
            "errorMessage": self.message,
            "errorDescription": self.description,
        }
        if self.data is not None:
            told["data"] = self.data
        return told


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is no envelope."""

    body: bytes
    type: str
    status: int = 200


def well(message: str = "OK", **more: Any) -> Document:
    """A call that came off. message: `OK` or `success`, by endpoint."""
    return {
        "errorCode": 0,
        "errorMessage": message,
        "errorDescription": "success" if message == "OK" else "成功",
        **more,
    }


def no_such_path(path: str) -> RefusedError:
    text = f"the request uri=[{path}], apiName=[null] is not exists"
    return RefusedError(NO_PARAMETER, text, text)


def missing(name: str) -> RefusedError:
    text = f"the parameter {name} is missing or illegal"
    return RefusedError(NO_PARAMETER, text, "缺少参数或参数不合法")


def bad_parameter(message: str) -> RefusedError:
    return RefusedError(BAD_PARAMETER, message)


def as_map(value: object) -> Document | None:
    return value if isinstance(value, dict) else None


def texts_of(value: object) -> list[str] | None:
    """A list of nothing but texts."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return value
    return None
