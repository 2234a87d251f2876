"""The surname or the given name of a person's full name.

Chinese names: one character is the surname, or two where they are a compound surname (欧阳, 司马, 诸葛 ...); spaces
between characters do not matter. Names in letters: order says which comes first, unless a comma does (`Lovelace,
Ada`); `van`, `de`, `von` and their like go with the surname, as do `Jr.` and `III`. A name that cannot be divided
(`张`, `王先生`, `阿依古丽·买买提`, `Ada`) is all surname, and the given name null: nothing of it is lost.
"""

from __future__ import annotations

import re
from typing import Literal

import pyarrow as pa

from ..examples import Examples
from ..spelling.partly import each_distinct

EXAMPLES: Examples = [
    ({"part": "surname"}, "张三丰", "张"),
    ({"part": "given"}, "张三丰", "三丰"),
    ({"part": "surname"}, "欧阳 修文", "欧阳"),
    ({"part": "given"}, "诸葛亮", "亮"),
    ({"part": "surname"}, "王先生", "王先生"),
    ({"part": "given"}, "王先生", None),
    ({"part": "surname"}, "Ludwig van Beethoven", "van Beethoven"),
    ({"part": "given"}, "Lovelace, Ada King", "Ada King"),
    ({"part": "surname", "order": "surname_first"}, "Zhang Sanfeng", "Zhang"),
    ({"part": "surname"}, "阿依古丽·买买提", "阿依古丽·买买提"),
    ({"part": "surname"}, None, None),
]

_COMPOUND_NAMES = (
    "欧阳 太史 端木 上官 司马 东方 独孤 南宫 万俟 闻人 夏侯 诸葛 尉迟 公羊 赫连 澹台 皇甫 "
    "宗政 濮阳 公冶 太叔 申屠 公孙 慕容 仲孙 钟离 长孙 宇文 司徒 鲜于 司空 闾丘 子车 亓官 "
    "司寇 巫马 公西 颛孙 壤驷 公良 漆雕 乐正 宰父 谷梁 拓跋 夹谷 轩辕 令狐 段干 百里 呼延 "
    "东郭 南门 羊舌 微生 梁丘 左丘 东门 西门 南荣 第五 淳于 单于 叱干 纳兰 完颜 耶律 叶赫"
)
_COMPOUND = frozenset(_COMPOUND_NAMES.split())
_HAN = "[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_CHINESE = re.compile(rf"\s*({_HAN}(?:\s*{_HAN}){{1,4}})\s*")
_TITLE = re.compile("(?:先生|女士|小姐|太太|老师|主任|经理|总监|院长|医生|大夫|教授|同志|师傅)$")
_PARTICLE_WORDS = "van von der den de del della di da dos du la le ten ter zu zur af av bin ibn al el st. st"
_PARTICLES = frozenset(_PARTICLE_WORDS.split())
_SUFFIXES = frozenset({"jr", "jr.", "sr", "sr.", "ii", "iii", "iv"})
_LONGEST = 200


def transform(
    column: pa.StringArray,
    *,
    part: Literal["surname", "given"],
    order: Literal["given_first", "surname_first"] = "given_first",
) -> pa.StringArray:
    def read(name: str) -> str | None:
        divided = _divided(name, order == "surname_first")
        if divided is None:
            return name if part == "surname" else None
        return divided[0 if part == "surname" else 1]

    return each_distinct(column, read)


def _divided(name: str, surname_first: bool) -> tuple[str, str] | None:
    """(surname, given); None where the name does not say."""
    if len(name) > _LONGEST:
        return None
    if chinese := _CHINESE.fullmatch(name):
        return _chinese("".join(chinese[1].split()))
    surname, comma, given = name.partition(",")
    if comma:
        behind = given.strip().lower() in _SUFFIXES
        return None if behind or not surname.strip() or not given.strip() else (surname.strip(), given.strip())
    words = name.split()
    if len(words) < 2 or any(re.search(_HAN, word) for word in words):
        return None
    return _surname_first(words) if surname_first else _given_first(words)


def _chinese(name: str) -> tuple[str, str] | None:
    if _TITLE.search(name):
        return None
    if name[:2] in _COMPOUND and len(name) > 2:
        return name[:2], name[2:]
    return (name[:1], name[1:]) if len(name) <= 3 else None


def _surname_first(words: list[str]) -> tuple[str, str]:
    place = 0
    while place < len(words) - 2 and words[place].lower() in _PARTICLES:
        place += 1
    return " ".join(words[: place + 1]), " ".join(words[place + 1 :])


def _given_first(words: list[str]) -> tuple[str, str] | None:
    place = len(words) - 1
    if words[place].lower() in _SUFFIXES:
        place -= 1
    while place > 1 and words[place - 1] == words[place - 1].lower() and words[place - 1] in _PARTICLES:
        place -= 1
    return (" ".join(words[place:]), " ".join(words[:place])) if place > 0 else None
