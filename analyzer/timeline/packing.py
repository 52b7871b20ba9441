"""Rows of integers in few bytes: for what there is more of than of anything else.

Rows arrive one at a time, as 64-bit numbers in a buffer. Each time that is full its rows become columns, each in the
smallest type that holds its values less their least. What is mostly near another field is kept as the difference to it:
the end of a message near its start, its body near its whole.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from analyzer.timeline.columns import Ints

CHUNK_ROWS = 4096  # large enough to spread numpy's call cost, small enough to stay in the processor's cache

_TYPES = ((1 << 8, np.uint8), (1 << 16, np.uint16), (1 << 32, np.uint32))


class _Part(NamedTuple):
    """A field of CHUNK_ROWS rows."""

    least: int
    above: npt.NDArray[Any]  # the values less the least


_Chunk: TypeAlias = list[_Part]  # by place of the field


class PackedRows:
    """Read a field of all rows as `rows[name]`, in order of arrival: a fresh array each time."""

    def __init__(self, fields: Mapping[str, str | None]) -> None:
        """`fields`: their names, each with the earlier field that it is mostly near, if any."""
        self._places = {name: place for place, name in enumerate(fields)}
        self._near = [None if near is None else self._places[near] for near in fields.values()]
        self._row = struct.Struct("q" * len(fields))
        self._pack = self._row.pack
        self._buffer: list[bytes] = []  # rows as 64-bit numbers
        self._chunks: list[_Chunk] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, *values: int) -> int:
        """One row: a value for each field. Returns its number."""
        row = self._count
        self._count = row + 1
        self._buffer.append(self._pack(*values))
        if len(self._buffer) == CHUNK_ROWS:
            self._shelve()
        return row

    def row(self, number: int) -> dict[str, int]:
        """One row."""
        chunk, place = divmod(number, CHUNK_ROWS)
        if chunk == len(self._chunks):
            return dict(zip(self._places, self._row.unpack(self._buffer[place]), strict=True))
        only, parts = slice(place, place + 1), self._chunks[chunk]
        return {name: int(self._values(parts, field, only)[0]) for name, field in self._places.items()}

    def __getitem__(self, name: str) -> Ints:
        place = self._places[name]
        whole = np.empty(self._count, np.int64)
        end = 0
        for chunk in self._chunks:
            whole[end : end + CHUNK_ROWS] = self._values(chunk, place)
            end += CHUNK_ROWS
        whole[end:] = self._buffered()[place]
        return whole

    def _buffered(self) -> npt.NDArray[np.int64]:
        """The rows of the buffer, by place of the field."""
        return np.frombuffer(b"".join(self._buffer), np.int64).reshape(-1, len(self._near)).T

    def _values(self, chunk: _Chunk, place: int, rows: slice = slice(None)) -> Ints:
        """A field of a chunk."""
        part, near = chunk[place], self._near[place]
        values = part.above[rows].astype(np.int64)
        values += part.least
        if near is not None:
            values += self._values(chunk, near, rows)
        return values

    def _shelve(self) -> None:
        """The buffer's rows become columns."""
        fields = self._buffered().copy()
        for place in range(len(self._near) - 1, -1, -1):  # backwards: what others are near is still whole
            near = self._near[place]
            if near is not None:
                fields[place] -= fields[near]
        least, most = fields.min(axis=1).tolist(), fields.max(axis=1).tolist()
        self._chunks.append([_narrowed(*field) for field in zip(fields, least, most, strict=True)])
        self._buffer.clear()


def _narrowed(values: Ints, least: int, most: int) -> _Part:
    for beyond, dtype in _TYPES:
        if most - least < beyond:
            return _Part(least, (values - least).astype(dtype))
    return _Part(0, values.copy())
