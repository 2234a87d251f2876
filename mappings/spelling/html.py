"""Plain text out of HTML as it stands in a CRM: pasted from mails and from Word, and often cut off."""

from __future__ import annotations

import html
import re
from typing import Final

_TAGS = (
    "a abbr address article aside audio b base big blockquote body br button caption center cite code col colgroup dd "
    "del details dfn div dl dt em embed fieldset figcaption figure font footer form frame h1 h2 h3 h4 h5 h6 head "
    "header hr html i iframe img input ins kbd label legend li link main map mark meta nav noscript object ol optgroup "
    "option p param pre q s samp script section select small span strike strong style sub summary sup svg table "
    "tbody td textarea tfoot th thead time title tr tt u ul var video wbr"
)
ENTITY: Final = r"&(?:[A-Za-z][A-Za-z0-9]*|#[0-9]+|#[xX][0-9A-Fa-f]+);"
TAG: Final = (
    rf"<(?:/?(?i:{_TAGS.replace(' ', '|')}|[a-z]+:[a-z]+)(?:[\s/][^<>]*)?>"
    r"|!--(?s:.*?)-->|!\[(?:end)?if[^<>]*>|(?:!(?i:doctype)|\?(?i:xml))[^<>]*>)"
)
"""Both in the syntax of RE2 and of Python alike."""

_TAG = re.compile(TAG)
_NO_TAG = re.compile(rf"<(?!{TAG[1:]})")
_BLOCK_TAGS = (
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody tfoot thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_UNSEEN = frozenset({"head", "script", "style", "title", "object", "embed", "svg", "textarea", "select"})
_SPACE = re.compile(r"[ \t\n\r\f\xa0]+")
_LINE_END = re.compile(r"[ \xa0]+(?=\n|$)")
_BLANK = re.compile(r"\n{3,}")
_NO_ADDRESS = ("#", "javascript:", "data:", "cid:")


def text_of_html(text: str, *, links: bool) -> str:
    """The text that a reader would see. Without any tag only entities are resolved."""
    if not _TAG.search(text):
        return html.unescape(text)
    from lxml import etree

    reader = _Reader(links)
    parser = etree.HTMLParser(target=reader, encoding="utf-8", huge_tree=True)
    parser.feed(_NO_TAG.sub("&lt;", text).encode())
    parser.close()
    return reader.told()


class _Reader:
    """What the parser calls: it gathers the text, and knows whether a line has begun."""

    def __init__(self, links: bool) -> None:
        self._pieces: list[str] = []
        self._links = links
        self._unseen = 0
        self._as_it_stands = 0
        self._begun = False  # something stands in this line
        self._spaced = False  # a space is due before the next word
        self._cells = 0
        self._lists: list[int] = []  # the last number of each list that is open; -1 where it has none
        self._open: list[tuple[str, int]] = []  # address, and the piece where its text begins

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        if tag in _BLOCKS:
            self._break()
            self._block(tag)
        elif self._unseen:
            return
        elif tag == "br":
            self._line()
        elif tag in ("td", "th"):
            self._cells += 1
            if self._cells > 1:
                self._put("\t")
        elif tag == "img":
            self._text(attributes.get("alt", ""))
        elif tag == "a":
            self._open.append((attributes.get("href", "").strip(), len(self._pieces)))

    def _block(self, tag: str) -> None:
        if tag == "tr":
            self._cells = 0
        elif tag == "pre":
            self._as_it_stands += 1
        elif tag in ("ul", "ol"):
            self._lists.append(0 if tag == "ol" else -1)
        elif tag == "li" and not self._unseen:
            self._item()

    def end(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag == "a" and self._open:
            self._address(*self._open.pop())
        elif tag == "pre":
            self._as_it_stands = max(0, self._as_it_stands - 1)
        elif tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        if tag in _BLOCKS:
            self._break()

    def data(self, text: str) -> None:
        if self._unseen:
            return
        if self._as_it_stands:
            self._put(text)
            self._begun = not text.endswith("\n")
        else:
            self._text(text)

    def comment(self, text: str) -> None:
        """Comments are for nobody."""

    def close(self) -> None:
        while self._open:
            self._address(*self._open.pop())

    def told(self) -> str:
        text = _LINE_END.sub("", "".join(self._pieces))
        return _BLANK.sub("\n\n", text).strip("\n ")

    def _text(self, text: str) -> None:
        """Text with its spaces as a browser shows them."""
        plain = _SPACE.sub(" ", text)
        self._spaced = self._spaced or plain.startswith(" ")
        if word := plain.strip(" "):
            self._put(" " + word if self._spaced and self._begun else word)
            self._spaced = False
        self._spaced = self._spaced or (plain.endswith(" ") and bool(plain))

    def _put(self, piece: str) -> None:
        self._pieces.append(piece)
        self._begun = self._begun or bool(piece.strip())

    def _line(self) -> None:
        self._pieces.append("\n")
        self._begun = self._spaced = False

    def _break(self) -> None:
        """Ends the line, where one has begun."""
        if self._begun:
            self._line()
        self._spaced = False

    def _item(self) -> None:
        number = self._lists[-1] + 1 if self._lists and self._lists[-1] >= 0 else 0
        if number:
            self._lists[-1] = number
        indent = "  " * max(0, len(self._lists) - 1)
        self._pieces.append(f"{indent}{number}. " if number else f"{indent}- ")

    def _address(self, address: str, begun_at: int) -> None:
        shown = "".join(self._pieces[begun_at:]).strip()
        bare = address.removeprefix("mailto:").removeprefix("tel:")
        if self._links and bare and not bare.startswith(_NO_ADDRESS) and bare != shown and not self._unseen:
            self._put(f" ({bare})" if shown else f"({bare})")
