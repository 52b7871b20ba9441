"""Collect the rows of one table compactly and hand them over as a pandas frame.

Rows arrive as positional tuples in catalog order. They are buffered, then turned column by column into numpy chunks,
because a Python tuple of boxed numbers costs ten times the memory of the numbers:

    int         smallest of int8 ... int64 that holds the chunk, and a mask where values are absent
    float       float64, absent = NaN
    bool        int8: 0, 1, absent = -1
    time        int64 nanoseconds since 1970 UTC, absent = NAT
    text, enum  int32 codes into the distinct values, absent = -1; Arrow strings once most values differ
    json        int32 codes into the distinct values: equal values become one shared object, never change it in place

pandas and pyarrow are imported only where they are needed. That rows fit the catalog is checked by tests, not here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import numpy as np

from analyzer.tables.schema import Column, Table
from analyzer.tables.to_pandas import as_pandas, clean, objects

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    Bools: TypeAlias = npt.NDArray[np.bool_]
    Codes: TypeAlias = npt.NDArray[np.int32]
    Order: TypeAlias = npt.NDArray[np.intp]

NAT = int(np.iinfo(np.int64).min)  # "not observed" in an int64 time column, as in numpy and pandas
FLUSH_ROWS = 4096  # large enough to spread numpy's call cost, small enough to stay in the processor's cache
DIVERSE_AFTER_ROWS = 16_384  # with fewer rows a text column always stays a dictionary
DIVERSE_SHARE = 0.5  # distinct values per row above which a dictionary costs more than it saves

_EXACT_FLOAT = 2.0**53  # integers beyond do not survive the detour through float64


class TableBuilder:
    """Rows in, columns out.

    `frame()` hands the memory over to pandas and ends the builder's life; everything else may be called any number of
    times, in any order.
    """

    __slots__ = ("_buffer", "_chunks", "_flushed", "_handed_over", "_later", "table")

    def __init__(self, table: Table) -> None:
        self.table = table
        self._chunks: dict[str, _Chunks] = {column.name: _chunks_for(column) for column in table.columns}
        self._buffer: list[tuple[object, ...]] = []
        self._flushed = 0
        self._handed_over = False
        self._later: dict[str, Callable[[Order], Sequence[object]]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in the order in which `append` takes them."""
        return tuple(column.name for column in self.table.columns)

    def __len__(self) -> int:
        return self._flushed + len(self._buffer)

    def append(self, row: tuple[object, ...]) -> None:
        """Add one row: values in catalog order, None = not observed, times as int nanoseconds."""
        buffer = self._buffer
        buffer.append(row)
        if len(buffer) >= FLUSH_ROWS:
            self._flush()

    def column(self, name: str) -> npt.NDArray[Any]:
        """The values of a column, in one array for all rows.

        int: int64, absent 0 (see `mask`) · float: NaN · bool: int8, absent -1 · time: int64, absent NAT ·
        the others: object, absent None. To change them, use `replace`: this may or may not be the stored array.
        """
        return self._column(name).array()

    def mask(self, name: str) -> Bools:
        """True where the column's value is absent."""
        return self._column(name).mask()

    def codes(self, name: str) -> tuple[Codes, list[Any]]:
        """A text, enum or json column as (code of each row, distinct values); absent = -1."""
        chunks = self._column(name)
        if isinstance(chunks, _Texts) and chunks.coded is not None:
            chunks = chunks.coded
        if isinstance(chunks, _Coded):
            return chunks.codes(), list(chunks.values)
        interner = _Interner()
        return interner.encode(chunks.array().tolist()), list(interner)[1:]

    def replace(self, name: str, values: Sequence[object] | npt.NDArray[Any], mask: Bools | None = None) -> None:
        """Give a column new values, one for each row, in the form `column` returns or as a list with None.

        `mask` is for int columns: True where absent.
        """
        if len(values) != len(self):
            raise ValueError(f"{self.table.name}.{name}: {len(values)} values for {len(self)} rows")
        self._flush()
        fresh = _chunks_for(next(column for column in self.table.columns if column.name == name))
        if isinstance(values, np.ndarray) and values.dtype != object and hasattr(fresh, "adopt"):
            fresh.adopt(values, mask)
        else:
            listed = values.tolist() if isinstance(values, np.ndarray) else values
            for start in range(0, len(listed), FLUSH_ROWS):
                fresh.extend(listed[start : start + FLUSH_ROWS])
        self._chunks[name] = fresh
        self._later.pop(name, None)

    def replace_later(self, name: str, make: Callable[[Order], Sequence[object]]) -> None:
        """The same, when somebody asks for the column: `make` gives the values of the rows with these numbers then,
        from other columns."""
        self._later[name] = make

    def reorder(self, order: Sequence[int] | npt.NDArray[np.integer[Any]]) -> None:
        """Put the rows into the order of these row numbers. Numbers left out drop their rows."""
        self._flush()
        index = np.asarray(order, dtype=np.intp)
        for chunks in self._chunks.values():
            chunks.take(index)
        self._flushed = len(index)

    def some(self, name: str, rows: Order) -> list[Any]:
        """The values of some rows, absent None. Of a column that was to be replaced later only these are made."""
        self._flush()
        if name in self._later:
            return list(self._later[name](rows))
        chunks = self._chunks[name]
        return as_list(self.table, name, chunks.array()[rows], chunks.mask()[rows])

    def frame(self) -> pd.DataFrame:
        """The table as pandas.

        int: Int64 · float: float64 · bool: boolean · time: datetime64[ns, UTC] · json: object ·
        enum: category in the catalog's order · text: category, or str if most values differ.
        Each column's chunks are let go as soon as pandas has it, so the peak is the table and one column.
        """
        import pandas as pd

        for name in list(self._later):
            self._column(name)
        self._flush()
        self._handed_over = True
        arrays = {}
        for column in self.table.columns:
            arrays[column.name] = self._chunks.pop(column.name).pandas(column)
        return pd.DataFrame(arrays, index=pd.RangeIndex(self._flushed), columns=list(arrays), copy=False)

    def _column(self, name: str) -> _Chunks:
        self._flush()
        if name in self._later:
            self.replace(name, self._later.pop(name)(np.arange(len(self))))
        return self._chunks[name]

    def _flush(self) -> None:
        if self._handed_over:
            raise RuntimeError(f"table {self.table.name} was already handed over by frame()")
        if not self._buffer:
            return
        for chunks, values in zip(self._chunks.values(), zip(*self._buffer, strict=True), strict=True):
            chunks.extend(values)
        self._flushed += len(self._buffer)
        self._buffer.clear()


def as_list(table: Table, name: str, array: npt.NDArray[Any], absent: Bools) -> list[Any]:
    """Values as `TableBuilder.column` gives them, as a list with None."""
    kind = next(column.kind for column in table.columns if column.name == name)
    values: list[Any] = (array > 0 if kind == "bool" else array).tolist()
    for row in np.flatnonzero(absent).tolist():
        values[row] = None
    return values


class _Chunks(Protocol):
    """One column in the making."""

    def extend(self, values: Sequence[Any]) -> None: ...

    def array(self) -> npt.NDArray[Any]: ...

    def mask(self) -> Bools: ...

    def take(self, order: Order) -> None: ...

    def pandas(self, column: Column) -> Any: ...


class _Ints:
    """int columns."""

    __slots__ = ("_masks", "_parts")

    def __init__(self) -> None:
        self._parts: list[npt.NDArray[Any]] = []
        self._masks: list[Bools | None] = []

    def extend(self, values: Sequence[Any]) -> None:
        mask: Bools | None = None
        try:
            ints = np.array(values, dtype=np.int64)
        except TypeError:  # some are None
            floats = np.array(values, dtype=np.float64)
            mask = np.isnan(floats)
            floats[mask] = 0.0
            if np.abs(floats).max() < _EXACT_FLOAT:
                ints = floats.astype(np.int64)
            else:
                ints = np.array([0 if value is None else value for value in values], dtype=np.int64)
        self.adopt(ints, mask)

    def adopt(self, values: npt.NDArray[Any], mask: Bools | None) -> None:
        self._parts.append(_narrowed(values))
        self._masks.append(mask)

    def array(self) -> npt.NDArray[np.int64]:
        return _joined(self._parts, np.int64)

    def mask(self) -> Bools:
        masks = [np.zeros(len(p), bool) if m is None else m for p, m in zip(self._parts, self._masks, strict=True)]
        return _joined(masks, np.bool_)

    def take(self, order: Order) -> None:
        mask = self.mask()[order]
        self._parts = [_narrowed(self.array()[order])]
        self._masks = [mask if mask.any() else None]

    def pandas(self, column: Column) -> Any:
        mask, values = self.mask(), self.array()
        self._parts.clear()
        return as_pandas(column, values, mask)


class _Plain:
    """float, bool and time columns: one number for each value, one number for "absent"."""

    __slots__ = ("_absent", "_dtype", "_parts")

    def __init__(self, dtype: type[np.generic], absent: float) -> None:
        self._dtype = dtype
        self._absent = absent
        self._parts: list[npt.NDArray[Any]] = []

    def extend(self, values: Sequence[Any]) -> None:
        try:
            part = np.array(values, dtype=self._dtype)
        except TypeError:  # None among integers; numpy itself turns None into NaN among floats
            absent = self._absent
            part = np.array([absent if value is None else value for value in values], dtype=self._dtype)
        self._parts.append(part)

    def adopt(self, values: npt.NDArray[Any], mask: Bools | None) -> None:
        part = values.astype(self._dtype)
        if mask is not None:
            part[mask] = self._absent
        self._parts.append(part)

    def array(self) -> npt.NDArray[Any]:
        if len(self._parts) > 1:
            self._parts = [_joined(self._parts, self._dtype)]
        return self._parts[0] if self._parts else np.empty(0, self._dtype)

    def mask(self) -> Bools:
        values = self.array()
        return cast("Bools", np.isnan(values) if self._dtype is np.float64 else values == self._absent)

    def take(self, order: Order) -> None:
        self._parts = [self.array()[order]]

    def pandas(self, column: Column) -> Any:
        return as_pandas(column, self.array())


class _Coded:
    """text, enum and json columns as codes into their distinct values."""

    __slots__ = ("_interner", "_keys", "_parts", "values")

    def __init__(self, by_repr: bool) -> None:
        self._interner = _Interner()
        self._keys = by_repr
        self._parts: list[Codes] = []
        self.values: list[Any] = []

    def extend(self, values: Sequence[Any]) -> None:
        # Lists cannot be dictionary keys, and (1,) == (True,): the text form tells all of them apart.
        keys = [None if value is None else repr(value) for value in values] if self._keys else values
        known = len(self.values)
        part = self._interner.encode(keys)
        distinct = len(self._interner) - 1
        if distinct > known:
            if self._keys:
                self.values.extend([None] * (distinct - known))
                for row in np.flatnonzero(part >= known)[::-1].tolist():  # backwards: the first of equals stays
                    self.values[part[row]] = values[row]
            else:
                self.values.extend(list(self._interner)[known + 1 :])
        self._parts.append(part)

    def codes(self) -> Codes:
        if len(self._parts) > 1:
            self._parts = [_joined(self._parts, np.int32)]
        return self._parts[0] if self._parts else np.empty(0, np.int32)

    def array(self) -> npt.NDArray[Any]:
        return objects(self.codes(), self.values)

    def mask(self) -> Bools:
        return self.codes() < 0

    def take(self, order: Order) -> None:
        self._parts = [self.codes()[order]]

    def pandas(self, column: Column) -> Any:
        return as_pandas(column, self.codes(), None, self.values)


class _Texts:
    """text columns: a dictionary while values repeat, Arrow strings once most of them differ."""

    __slots__ = ("_arrow", "_rows", "coded")

    def __init__(self) -> None:
        self.coded: _Coded | None = _Coded(by_repr=False)
        self._arrow: list[Any] = []
        self._rows = 0

    def extend(self, values: Sequence[Any]) -> None:
        self._rows += len(values)
        if self.coded is None:
            self._arrow.append(_arrow_strings(values))
            return
        self.coded.extend(values)
        if self._rows >= DIVERSE_AFTER_ROWS and len(self.coded.values) > self._rows * DIVERSE_SHARE:
            self._arrow.append(_arrow_strings(self.coded.array().tolist()))
            self.coded = None

    def array(self) -> npt.NDArray[Any]:
        if self.coded is not None:
            return self.coded.array()
        texts = np.empty(self._rows, dtype=object)
        texts[:] = [text for part in self._arrow for text in part.to_pylist()]
        return texts

    def mask(self) -> Bools:
        if self.coded is not None:
            return self.coded.mask()
        return np.concatenate([part.is_null().to_numpy(zero_copy_only=False) for part in self._arrow])

    def take(self, order: Order) -> None:
        if self.coded is not None:
            self.coded.take(order)
        else:
            import pyarrow as pa

            self._arrow = [pa.chunked_array(self._arrow).take(pa.array(order)).combine_chunks()]
        self._rows = len(order)

    def pandas(self, column: Column) -> Any:
        if self.coded is not None:
            return self.coded.pandas(column)
        import pandas as pd
        import pyarrow as pa

        return pd.array(pa.chunked_array(self._arrow), dtype="str")


class _Interner(dict[object, int]):
    """Value → code, in order of first sight; None is -1."""

    def __init__(self) -> None:
        super().__init__({None: -1})

    def __missing__(self, key: object) -> int:
        self[key] = code = len(self) - 1
        return code

    def encode(self, keys: Sequence[object]) -> Codes:
        return np.fromiter(map(self.__getitem__, keys), dtype=np.int32, count=len(keys))


def _chunks_for(column: Column) -> _Chunks:
    match column.kind:
        case "int":
            return _Ints()
        case "float":
            return _Plain(np.float64, np.nan)
        case "bool":
            return _Plain(np.int8, -1)
        case "time":
            return _Plain(np.int64, NAT)
        case "text":
            return _Texts()
        case "enum":
            return _Coded(by_repr=False)
        case "json":
            return _Coded(by_repr=True)


def _joined(parts: Sequence[npt.NDArray[Any]], dtype: type[np.generic]) -> npt.NDArray[Any]:
    """The parts as one fresh array of this type."""
    whole = np.empty(sum(map(len, parts)), dtype=dtype)
    start = 0
    for part in parts:
        whole[start : start + len(part)] = part
        start += len(part)
    return whole


def _narrowed(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if not len(values):
        return values
    low, high = int(values.min()), int(values.max())
    for dtype in (np.int8, np.int16, np.int32):
        limits = np.iinfo(dtype)
        if limits.min <= low and high <= limits.max:
            return values.astype(dtype)
    return values.astype(np.int64)


def _arrow_strings(values: Sequence[str | None]) -> Any:
    import pyarrow as pa

    try:
        return pa.array(values, type=pa.large_string())
    except UnicodeEncodeError:
        return pa.array([None if value is None else clean([value])[0] for value in values], type=pa.large_string())
