"""HTML as plain text that still reads well: paragraphs and rows as lines, lists as lists, links with their address.

links: whether addresses are kept, in round brackets. Pictures give their description. What is no text for readers
(style, script, comments) goes; spaces count as in a browser. A cell without tags keeps its lines, only entities
(`&amp;`) are resolved; `<` before what is no tag of HTML (`a < b`, `<ada@example.cn>`) is a sign like any other.
"""

from __future__ import annotations

import pyarrow as pa

from ..examples import Examples
from ..spelling.html import ENTITY, TAG, text_of_html
from ..spelling.partly import each_distinct, where_matching

EXAMPLES: Examples = [
    ({}, "<p>您好，</p><p>合同<b>已签</b>。<br>谢谢</p>", "您好，\n合同已签。\n谢谢"),
    ({}, "<ul><li>一</li><li>二</li></ul>", "- 一\n- 二"),
    ({}, "<ol><li>一</li><li>二</li></ol>", "1. 一\n2. 二"),
    ({}, '见<a href="https://example.cn/7">附件</a>', "见附件 (https://example.cn/7)"),
    ({"links": False}, '见<a href="https://example.cn/7">附件</a>', "见附件"),
    ({}, "<table><tr><td>甲</td><td>乙</td></tr></table>", "甲\t乙"),
    ({}, "A &amp; B &lt;C&gt;", "A & B <C>"),
    ({}, "if a<b then <i>c</i> <ada@example.cn>", "if a<b then c <ada@example.cn>"),
    ({}, "plain,\n  as it is", "plain,\n  as it is"),
    ({}, None, None),
]


def transform(column: pa.StringArray, *, links: bool = True) -> pa.StringArray:
    def read(cells: pa.StringArray) -> pa.StringArray:
        return each_distinct(cells, lambda cell: text_of_html(cell, links=links))

    return where_matching(column, rf"{ENTITY}|{TAG}", read)
