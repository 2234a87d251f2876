"""Questions that make records of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from ...clock import Clock
from ...questions import UNTRIED, Answer
from ...schema import FieldType
from .. import gateway as calls
from ..errors import Kind, refusal
from ..owners import OWNER
from ..wire import Json, part
from .own import NAME, OwnRecords, UntriedError

LONGEST_LAG = 60.0
"""Seconds after which a query that does not show a new record is not asked again."""
NO_OPTION = "changeover_probe_none"
TEXTS = ("text", "long_text")
NUMBERS = ("currency", "number")
STAGE = "sales_stage"


class Writings:
    def __init__(self, own: OwnRecords, clock: Clock) -> None:
        self._own, self._clock = own, clock

    def probe(self, name: str) -> Answer:
        ask: Mapping[str, Callable[[], Answer]] = {
            "lag": self._lag,
            "no_owner": self._no_owner,
            "left_creator": self._left_creator,
            "same_key": self._same_key,
            "bin": self._bin,
            "bin_key": self._bin_key,
            "duplicate": self._duplicate,
            "required": self._required,
            "too_long": self._too_long,
            "no_option": self._no_option,
            "decimals": self._decimals,
            "empty_text": self._empty_text,
            "clears": self._clears,
            "update": self._update,
            "locked": self._locked,
            "stage": self._stage,
        }
        try:
            return ask[name]()
        except UntriedError:
            return Answer(UNTRIED)

    def _lag(self) -> Answer:
        """Whole seconds until a query by our key shows a new record."""
        ours = self._own.new_key()
        began = self._clock.monotonic()
        self._own.made(our_key=ours)
        while not self._own.found(ours):
            if self._clock.monotonic() - began > LONGEST_LAG:
                return Answer("unseen")
            self._clock.sleep(1.0)
        return Answer("measured", math.ceil(self._clock.monotonic() - began))

    def _no_owner(self) -> Answer:
        if not self._own.there.has(OWNER):
            raise UntriedError
        answer = self._own.create({}, leaving=OWNER)
        if answer.kind is not Kind.DONE:
            return Answer("refused", answer.code)
        owner = self._own.cell(self._own.latest, OWNER)
        return Answer("acting_user" if owner == [self._own.user] else "nobody")

    def _left_creator(self) -> Answer:
        """Whether a record can be said to be made by somebody who has left."""
        answer = self._own.create({"created_by": [self._own.somebody_who_left()]}, made_by=True)
        return Answer("accepted") if answer.kind is Kind.DONE else Answer("refused", answer.code)

    def _same_key(self) -> Answer:
        ours = self._own.new_key()
        self._own.made(our_key=ours)
        return self._refused(self._own.create({}, ours), "target.duplicate")

    def _bin(self) -> Answer:
        """A record that is in the bin, looked for by our key. Whoever does not see it before learns nothing."""
        ours = self._binned(seen=True)
        return Answer("shown" if self._own.found(ours) else "hidden")

    def _bin_key(self) -> Answer:
        ours = self._binned()
        return Answer("free" if self._own.create({}, ours).kind is Kind.DONE else "held")

    def _binned(self, seen: bool = False) -> str:
        ours = self._own.new_key()
        key = self._own.made(our_key=ours)
        began = self._clock.monotonic()
        while seen and not self._own.found(ours):
            if self._clock.monotonic() - began > LONGEST_LAG:
                raise UntriedError
            self._clock.sleep(1.0)
        if self._own.bin(key).kind is not Kind.DONE:
            raise UntriedError
        return ours

    def _duplicate(self) -> Answer:
        """Two of the same name: what the tenant's own rules make of them."""
        if not any(each.api == "name" and each.field.writable for each in self._own.there.fields.values()):
            raise UntriedError
        cells: Mapping[str, Json] = {"name": f"{NAME} {self._own.new_key()}"}
        self._own.made(cells)
        answer = self._own.create(cells)
        if answer.kind is Kind.DONE:
            return Answer("accepted")
        rows = part(answer.document, "data").get("dataList")
        return Answer("refused_with_rows" if rows else "refused", answer.code)

    def _required(self) -> Answer:
        for each in self._own.there.fields.values():
            if each.field.required:
                return self._refused(self._own.create({}, leaving=each.api), "target.required")
        raise UntriedError

    def _too_long(self) -> Answer:
        for each in self._own.there.fields.values():
            if each.field.writable and each.field.length and each.kind in TEXTS:
                text = "x" * (each.field.length + 1)
                return self._refused(self._own.create({each.api: text}), "target.too_long")
        raise UntriedError

    def _no_option(self) -> Answer:
        field = self._own.field("select_one", choices=True)
        return self._refused(self._own.create({field.api: NO_OPTION}), "target.check")

    def _decimals(self) -> Answer:
        """One more decimal than the field has, of which the last is not rounded up."""
        field = self._own.field(*NUMBERS)
        scale = 0 if field.field.type is FieldType.INTEGER else field.field.scale
        if scale is None:
            raise UntriedError
        sent = f"1.{'0' * scale}4"
        answer = self._own.create({field.api: sent})
        if answer.kind is not Kind.DONE:
            return Answer("refused", answer.code)
        return Answer("kept" if str(self._own.cell(self._own.latest, field.api)) == sent else "rounded")

    def _empty_text(self) -> Answer:
        field = self._own.field(*TEXTS)
        answer = self._own.create({field.api: ""})
        if answer.kind is not Kind.DONE:
            return Answer("refused", answer.code)
        return Answer("text" if self._own.cell(self._own.latest, field.api) == "" else "null")

    def _clears(self) -> Answer:
        """What an update must say so that a field is empty."""
        field = self._own.field(*TEXTS)
        key = self._own.made({field.api: NAME})
        for word, sent in (("null", None), ("empty", "")):
            if self._own.update(key, {field.api: sent}).kind is Kind.DONE and not self._own.cell(key, field.api):
                return Answer(word)
        return Answer("neither")

    def _update(self) -> Answer:
        field = self._own.field(*TEXTS)
        key = self._own.made({field.api: NAME})
        if self._own.update(key, {str(self._own.there.our_key): self._own.new_key()}).kind is not Kind.DONE:
            raise UntriedError
        return Answer("patch" if self._own.cell(key, field.api) == NAME else "overwrite")

    def _locked(self) -> Answer:
        field = self._own.field(*TEXTS)
        key = self._own.made()
        if self._own.lock(key).kind is not Kind.DONE:
            raise UntriedError
        answer = self._own.update(key, {field.api: NAME})
        return Answer("accepted") if answer.kind is Kind.DONE else Answer("refused", answer.code)

    def _stage(self) -> Answer:
        """Whether an update may set the stage of an opportunity."""
        stages = [each for each in self._own.there.fields.values() if each.api == STAGE]
        if not stages:
            raise UntriedError
        options = stages[0].field.choices or ("1", "2")
        key = self._own.made({STAGE: options[0]})
        answer = self._own.update(key, {STAGE: options[-1]})
        if answer.kind is not Kind.DONE:
            return Answer("refused", answer.code)
        return Answer("accepted" if self._own.cell(key, STAGE) == options[-1] else "ignored")

    def _refused(self, answer: calls.Answer, code: str) -> Answer:
        """code: ours, for what it should be refused for."""
        if answer.kind is Kind.DONE:
            return Answer("accepted")
        told = refusal(answer.code, answer.message) == code
        return Answer("recognised" if told else "unrecognised", answer.code)
