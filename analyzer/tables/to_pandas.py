"""Columns as numbers and codes → pandas arrays of the catalog's types. pandas is imported only here and when called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.tables.schema import Column

if TYPE_CHECKING:
    import numpy.typing as npt


def as_pandas(
    column: Column,
    array: npt.NDArray[Any],
    mask: npt.NDArray[np.bool_] | None = None,
    values: Sequence[Any] | None = None,
) -> Any:
    """One column. `array`: as `TableBuilder.column` gives it, or, with `values`, codes into these (-1 = absent).

    The memory of `array` and `mask` may become pandas' own: do not change them afterwards.
    """
    import pandas as pd

    match column.kind:
        case "int":
            absent = np.zeros(len(array), dtype=bool) if mask is None else mask
            return pd.arrays.IntegerArray(np.ascontiguousarray(array, dtype=np.int64), absent)
        case "float":
            return np.ascontiguousarray(array, dtype=np.float64)
        case "bool":
            return pd.arrays.BooleanArray(array > 0, array < 0)
        case "time":
            times = np.ascontiguousarray(array).view("M8[ns]")
            return pd.DatetimeIndex(times, copy=False).tz_localize("UTC").array
    if values is None:
        raise ValueError(f"{column.name}: codes without values")
    if column.kind == "json":
        return objects(array, values)
    if column.kind == "enum":  # the catalog's order, so that every capture gives the same categories
        order = [value for value, _ in column.values]
        array, values = _renumbered(array, values, order + [value for value in values if value not in order])
    texts = clean(values)
    if len(distinct := list(dict.fromkeys(texts))) < len(texts):
        array, texts = _renumbered(array, texts, distinct)
    return pd.Categorical.from_codes(array, categories=pd.Index(texts, dtype="str"))


def objects(codes: npt.NDArray[Any], values: Sequence[Any]) -> npt.NDArray[Any]:
    """Codes as what they stand for, None where absent."""
    lookup = np.empty(len(values) + 1, dtype=object)
    for number, value in enumerate(values):  # one by one: numpy would take lists for dimensions
        lookup[number] = value
    found: npt.NDArray[Any] = lookup[codes]  # code -1 is the last place: None
    return found


def clean(values: Iterable[str]) -> list[str]:
    """Lone surrogates, which no UTF-8 file or screen can hold, become question marks."""
    return [value if value.isascii() else value.encode("utf-8", "replace").decode() for value in values]


def _renumbered(
    codes: npt.NDArray[Any], values: Sequence[Any], order: list[Any]
) -> tuple[npt.NDArray[np.int32], list[Any]]:
    """The same codes into `order`, which has every value."""
    numbers = {value: number for number, value in enumerate(order)}
    place = np.array([numbers[value] for value in values] + [-1], dtype=np.int32)
    return place[codes], order
