"""The tables as JSON: {"schema_version": 1, "<table>": [rows]}, written row block by row block.

Times are RFC 3339 in UTC with nanoseconds, an absent value is null. Only ASCII comes out, so that no name from a
capture can steer a terminal or break a pipe's encoding. Whole columns are turned into text at a time, which is several
times faster than a dictionary for each row, and never more than one block of rows is held as text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1
BLOCK_ROWS = 10_000


def write(tables: Mapping[str, pd.DataFrame], out: IO[str]) -> None:
    """The whole document."""
    out.write(f'{{"schema_version": {SCHEMA_VERSION}')
    for name, frame in tables.items():
        out.write(f",\n{encode(name)}: [")
        separator = "\n"
        for block in rows(frame):
            out.write(separator)
            out.write(",\n".join(block))
            separator = ",\n"
        out.write("\n]" if len(frame) else "]")
    out.write("\n}\n")


def rows(frame: pd.DataFrame) -> Iterator[list[str]]:
    """Blocks of rows, each row the text of a JSON object."""
    names = [encode(str(name)).replace("%", "%%") for name in frame.columns]
    template = "{" + ", ".join(f"{name}: %s" for name in names) + "}"
    for start in range(0, len(frame), BLOCK_ROWS):
        block = frame.iloc[start : start + BLOCK_ROWS]
        yield [template % row for row in zip(*(cells(block[name]) for name in frame.columns), strict=True)]


def cells(column: pd.Series[Any], absent: str = "null") -> list[str]:
    """Each value of a column as JSON text."""
    import pandas as pd

    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        texts = [encode(value) for value in column.cat.categories]
        texts.append(absent)  # code -1
        return [texts[code] for code in column.cat.codes.tolist()]
    if isinstance(dtype, pd.DatetimeTZDtype) or dtype.kind == "M":
        times = column.to_numpy(dtype="M8[ns]")
        texts = [f'"{text}Z"' for text in np.datetime_as_string(times, unit="ns").tolist()]
        return _blanked(texts, np.isnat(times), absent)
    if isinstance(dtype, pd.BooleanDtype) or dtype.kind == "b":
        return [absent if value is pd.NA else "true" if value else "false" for value in column]
    if dtype.kind in "iu":
        missing = column.isna().to_numpy()
        values = column.array.to_numpy(dtype=np.int64, na_value=0) if missing.any() else column.to_numpy(dtype=np.int64)
        return _blanked(list(map(str, values.tolist())), missing, absent)
    if dtype.kind == "f":
        numbers = column.to_numpy(dtype=np.float64)
        return _blanked(list(map(repr, numbers.tolist())), ~np.isfinite(numbers), absent)
    return [absent if _is_absent(value) else encode(value) for value in column.astype(object)]


def encode(value: object) -> str:
    """Any value of a json column, or a text, as JSON."""
    return json.dumps(value, default=_from_numpy, allow_nan=False)


def _blanked(texts: list[str], missing: np.ndarray[Any, np.dtype[np.bool_]], absent: str) -> list[str]:
    for row in np.flatnonzero(missing).tolist():
        texts[row] = absent
    return texts


def _from_numpy(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} in a json column")


def _is_absent(value: object) -> bool:
    import pandas as pd

    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
