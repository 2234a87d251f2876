"""What the gateway's error codes and the business errors' texts mean.

The codes are the vendor's published table, which is not complete; a business error has a code of its own that no table
lists, and a text. What a code does not settle and a text does not either is a refusal, its words kept.

On a write only what the gateway says before it hands a call on is certain not to be done: the limits, our session, the
app's and the tenant's rights. -2 and 50009 come from behind the gateway, where the write may have been done. -1, busy,
is to be repeated by the vendor's word, but nothing says whether a busy server has let go of the write; so it is unknown
unless the project says otherwise (`busy: not_done`). Unknown costs a question by our key, not a double.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """DONE. THROTTLED: one call too many just now. SPENT: the day's calls are. SESSION: our token is over. BUSY: see
    above. SILENT: what came of it is not known. FATAL: no further attempt helps. REFUSED: the request itself is."""

    DONE = "done"
    THROTTLED = "throttled"
    SPENT = "spent"
    SESSION = "session"
    BUSY = "busy"
    SILENT = "silent"
    FATAL = "fatal"
    REFUSED = "refused"


SILENT = -2
KINDS = {
    0: Kind.DONE,
    -1: Kind.BUSY,
    SILENT: Kind.SILENT,
    50009: Kind.SILENT,
    14001: Kind.THROTTLED,
    30004: Kind.THROTTLED,
    30002: Kind.SPENT,
    20005: Kind.SESSION,
    20016: Kind.SESSION,
    15003: Kind.FATAL,
    20006: Kind.FATAL,
    20015: Kind.FATAL,
    20020: Kind.FATAL,
    20021: Kind.FATAL,
    20022: Kind.FATAL,
    30003: Kind.FATAL,
}
"""Three are left out. 20017: the table calls it an unknown tenant, the gateway answers it where no token is sent, and
either is mended by hand. 20012 and 30027, no such employee: which of them a write answers whose owner there is not
is not known, and that is a matter of one record; an acting employee who is none does not get as far as a write."""

NO_SUCH_EMPLOYEE = {20012, 30027}

_TEXTS = (
    ("target.reference", r"关联关系不存在|关联对象不存在|关联数据不存在"),
    ("target.too_long", r"长度|字数|too long|longer than"),
    ("target.required", r"必填|不能为空|不可为空|is required|required field"),
    ("target.duplicate", r"重复|唯一|已存在|duplicat|unique"),
    ("target.check", r"选项|校验规则|验证规则|option"),
    ("target.out_of_range", r"小数位|超出范围|decimal place|out of range"),
    ("target.type", r"类型|格式|NumberFormat|ClassCast|not a number"),
    ("target.gone", r"数据不存在|已删除|已被删除|已作废|not exist|not found"),
)
_BRACKETED = re.compile(r"[\[【]([^\]】]+)[\]】]")


def kind_of(code: int) -> Kind:
    return KINDS.get(code, Kind.REFUSED)


def refusal(code: int, message: str, known: Mapping[str, str] = MappingProxyType({})) -> str:
    """Our code of a business error, by its text. known: by its number, what the tenant is known to mean by it."""
    if code in NO_SUCH_EMPLOYEE:
        return "target.reference"
    if str(code) in known:
        return f"target.{known[str(code)]}"
    return next((code for code, pattern in _TEXTS if re.search(pattern, message, re.IGNORECASE)), "target.refused")


def field_named(message: str, known: Mapping[str, str]) -> str | None:
    """The field at fault, where the text has a known label or name in brackets: `数据[...]的字段[客户名称]...`."""
    bracketed = (each.strip() for each in _BRACKETED.findall(message))
    return next((known[each] for each in bracketed if each in known), None)
