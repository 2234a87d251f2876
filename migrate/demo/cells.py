"""Columns of numbers as the texts an old CRM stores: days, times, money."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from .chance import Rows

T = TypeVar("T")


def as_dates(first: np.datetime64, days: Rows) -> list[str]:
    """`2023-05-08`, so many days after the first."""
    dates = np.datetime_as_string(first + days.astype("timedelta64[D]"), unit="D")
    return [str(date) for date in dates.tolist()]


def as_times(first: np.datetime64, seconds: Rows) -> list[str]:
    """`2023-05-08 09:30:00`, so many seconds after the first."""
    moments = np.datetime_as_string(first.astype("datetime64[s]") + seconds.astype("timedelta64[s]"), unit="s")
    return [moment.replace("T", " ") for moment in moments.tolist()]


def as_money(cents: Rows) -> list[str]:
    """`1234.50`: text, so that nothing is rounded on the way into the database."""
    return [f"{yuan}.{rest:02d}" for yuan, rest in zip(*(part.tolist() for part in divmod(cents, 100)), strict=True)]


def chosen(among: Sequence[T], places: Rows) -> list[T]:
    return [among[place] for place in places.tolist()]
