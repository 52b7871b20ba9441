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


def ranks(order: npt.NDArray[Any]) -> Codes:
    """Row number → place in `order`, which has every row number once."""
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return place


def last_known(group: Ints | Codes, known: Bools) -> Codes:
    """For each place the newest earlier place of the same group where `known` holds, else -1.

    The arrays are sorted by group, then by time. The place itself does not count: what a request states holds for
    later ones.
    """
    places = np.arange(len(group), dtype=np.int32)
    newest = np.full(len(group), -1, dtype=np.int32)
    newest[1:] = np.maximum.accumulate(np.where(known, places, np.int32(-1)))[:-1]
    begins = np.ones(len(group), dtype=np.bool_)
    begins[1:] = group[1:] != group[:-1]
    newest[newest < np.maximum.accumulate(np.where(begins, places, np.int32(0)))] = -1
    return newest
