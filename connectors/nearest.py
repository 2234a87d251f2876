"""The word that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

ALIKE = 60.0
SHOWN = 12


def _alike(word: str, other: str) -> float:
    """0 to 100; a word that is like the whole other one before one that is only part of it."""
    from rapidfuzz import fuzz

    return max(fuzz.ratio(word, other), 0.9 * fuzz.WRatio(word, other))


def nearest(word: str, known: Iterable[str] | Mapping[str, str]) -> str:
    """The known name most like `word`, or, where none is alike, the first few of them; `-` where there are none.

    known: names, or name -> label; a label is compared too and stands beside its name: `cust_name (客户名称)`.
    """
    labels = dict(known) if isinstance(known, Mapping) else dict.fromkeys(known, "")
    if not labels:
        return "-"
    folded = word.casefold()

    def likeness(name: str) -> float:
        return max(_alike(folded, each.casefold()) for each in (name, labels[name]) if each)

    best = max(labels, key=likeness)
    if likeness(best) >= ALIKE:
        return labelled(best, labels[best])
    told = [labelled(name, label) for name, label in list(labels.items())[:SHOWN]]
    return ", ".join(told) + (", ..." if len(labels) > SHOWN else "")


def labelled(name: str, label: str) -> str:
    """`cust_name (客户名称)`, or the name alone where its label says no more."""
    return f"{name} ({label})" if label and label != name else name
