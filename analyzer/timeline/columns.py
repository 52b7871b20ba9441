"""Small numpy helpers: columns that grow by one value an event, and their forward fill.

Side columns hold what sorting and joining at the end needs (8 bytes a value), while the rows themselves go straight
into the table builders.
"""

from __future__ import annotations

from array import array
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Codes: TypeAlias = npt.NDArray[np.int32]
Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]

NS = 1_000_000_000


def ints(values: array[int]) -> Ints:
    """A copy of the column as numpy."""
    return np.array(values, dtype=np.int64)


def seconds(later_ns: int, earlier_ns: int) -> float:
    return (later_ns - earlier_ns) / NS


def ranks(order: npt.NDArray[Any]) -> Ints:
    """Row number → place in `order`, which has every row number once."""
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return place


def last_known(group: Ints, known: Bools) -> Ints:
    """For each place the newest earlier place of the same group where `known` holds, else -1.

    The arrays are sorted by group, then by time. The place itself does not count: what a request states holds for
    later ones.
    """
    places = np.arange(len(group))
    newest = np.maximum.accumulate(np.where(known, places, -1)) if len(group) else places
    before = np.concatenate(([-1], newest[:-1])) if len(group) else newest
    first_of_group = np.searchsorted(group, group, side="left")
    return np.where(before >= first_of_group, before, -1)
