"""The packets of chosen connections as columns: a capture is read a second time for what events do not carry.

Only TCP and what lies below is looked at. The payload itself is not kept, but a checksum of it is: enough to tell
whether it is the same at another point. A packet that was captured twice (`-i any`, mirror ports) is kept once.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from ipaddress import ip_address
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from analyzer.reading import BLOCK_BYTES
from analyzer.sources import open_source
from analyzer.trouble import PathLike
from dissectors.events import CLIENT, SERVER, Connection
from dissectors.net.evidence import DUPLICATE_LAG, DUPLICATE_NO_ID_NS, DUPLICATE_NS, SYN
from dissectors.net.packets import PacketDecoder, Packets
from dissectors.net.segments import Segments, endpoint_key, segments

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MAX_ROWS = 4_000_000  # of one capture: 100 bytes each
MAX_ROWS_EACH = 200_000  # of one connection
NO_CHECKSUM = -1
_MSS, _WINDOW_SCALE, _SACK_PERMITTED, _TIMESTAMPS = 2, 3, 4, 8  # RFC 9293 3.2, RFC 7323, RFC 2018
_OPTION_NAMES = {_WINDOW_SCALE: "window_scale", _SACK_PERMITTED: "sack", _TIMESTAMPS: "timestamps"}


class Options(NamedTuple):
    """TCP options of a SYN."""

    mss: int | None
    names: tuple[str, ...]  # of the others, as far as they matter


@dataclass(slots=True)
class Rows:
    """The packets of one connection in one capture, in the order of the file."""

    side: Ints  # CLIENT or SERVER: whose address it carries
    seq: Ints
    ack: Ints
    flags: Ints
    length: Ints  # of the payload on the wire
    time_ns: Ints
    frame: Ints
    ttl: Ints
    window: Ints
    ip_id: Ints
    checksum: Ints  # of the payload; NO_CHECKSUM: there is none, or it was not captured whole
    fingerprint: Ints
    options: dict[int, Options]  # by side
    whole: bool  # False: there were more packets than are kept

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, chosen: Ints | Flags) -> Rows:
        """Some of the packets."""
        return _made([getattr(self, name)[chosen] for name in COLUMNS], self.options, self.whole)


COLUMNS = tuple(field.name for field in fields(Rows))[:-2]


def _made(columns: Sequence[Ints], options: dict[int, Options], whole: bool) -> Rows:
    side, seq, ack, flags, length, time_ns, frame, ttl, window, ip_id, checksum, fingerprint = columns
    return Rows(
        side, seq, ack, flags, length, time_ns, frame, ttl, window, ip_id, checksum, fingerprint, options, whole
    )


def read_rows(
    path: PathLike,
    connections: Sequence[Connection],
    *,
    most_each: int = MAX_ROWS_EACH,
    most: int = MAX_ROWS,
    block_bytes: int = BLOCK_BYTES,
) -> list[Rows]:
    """The packets of these connections of the capture."""
    wanted = _Wanted(connections, most_each, most)
    decoder = PacketDecoder()
    with open_source(path, block_bytes=block_bytes) as source:
        for frames in source.blocks():
            if len(frames):
                tcp = decoder.decode(frames).tcp
                found, _ = segments(tcp)
                wanted.take(found, tcp)
            source.reader.anomalies.clear()  # said when it was read the first time
    return wanted.rows()


class _Wanted:
    """Collects the rows of each connection, block by block."""

    def __init__(self, connections: Sequence[Connection], most_each: int, most: int) -> None:
        self._lives: dict[int, list[int]] = {}
        self._connections = connections
        self._client_keys: list[int] = []
        for number, connection in enumerate(connections):
            client = _key(connection.client.ip, connection.client.port)
            server = _key(connection.server.ip, connection.server.port)
            self._client_keys.append(client)
            self._lives.setdefault((client + server) & 0xFFFFFFFFFFFFFFFF, []).append(number)
        self._keys = np.array(sorted(self._lives), np.uint64)
        self._parts: list[list[tuple[Ints, ...]]] = [[] for _ in connections]
        self._options: list[dict[int, Options]] = [{} for _ in connections]
        self._room = [most_each] * len(connections)
        self._all_room = most
        self._cut = [False] * len(connections)

    def take(self, found: Segments, tcp: Packets) -> None:
        """The rows of a block."""
        if not len(found) or not len(self._keys):
            return
        keys = found.source_key + found.destination_key
        place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        hits = np.flatnonzero(self._keys[place] == keys)
        hits = hits[np.argsort(place[hits], kind="stable")]
        starts = np.flatnonzero(np.diff(place[hits], prepend=-1)).tolist()
        data = found.data.data
        for begin, end in pairwise([*starts, len(hits)]):
            rows = hits[begin:end]
            for number in self._lives[int(keys[rows[0]])]:
                life = self._connections[number]
                frame = found.frame[rows]
                own = rows[(frame >= life.first_frame) & (frame <= life.last_frame)]
                if len(own):
                    self._keep(number, found, own, tcp, data)

    def _keep(self, number: int, found: Segments, rows: Ints, tcp: Packets, data: memoryview) -> None:
        room = min(self._room[number], self._all_room)
        self._cut[number] |= len(rows) > room
        rows = rows[:room]
        self._room[number] -= len(rows)
        self._all_room -= len(rows)
        from_client = found.source_key[rows] == np.uint64(self._client_keys[number])
        side = np.where(from_client, CLIENT, SERVER).astype(np.int64)
        checksum = np.full(len(rows), NO_CHECKSUM, np.int64)
        whole = (found.length[rows] > 0) & (found.captured[rows] == found.length[rows])
        for index in np.flatnonzero(whole).tolist():
            start = int(found.start[rows[index]])
            checksum[index] = zlib.crc32(data[start : start + int(found.length[rows[index]])])
        for index in np.flatnonzero(found.flags[rows] & SYN).tolist():
            self._options[number].setdefault(int(side[index]), _options(found, int(rows[index]), tcp))
        columns = (found.seq, found.ack, found.flags, found.length, found.time_ns, found.frame)
        more = (found.ttl, found.window, found.ip_id)
        self._parts[number].append(
            (side, *(column[rows] for column in (*columns, *more)), checksum, found.fingerprint[rows])
        )

    def rows(self) -> list[Rows]:
        """All that was collected."""
        return [self._joined(number) for number in range(len(self._connections))]

    def _joined(self, number: int) -> Rows:
        parts = self._parts[number]
        columns = [np.concatenate(list(part)) for part in zip(*parts, strict=True)] if parts else []
        columns = columns or [np.zeros(0, np.int64) for _ in COLUMNS]
        rows = _made(columns, self._options[number], not self._cut[number])
        return rows.take(~_copies(rows))


def _key(address: str, port: int) -> int:
    packed = ip_address(address).packed
    words = [0, int.from_bytes(packed, "big")] if len(packed) == 4 else []
    words = words or [int.from_bytes(packed[:8], "big"), int.from_bytes(packed[8:], "big")]
    version = np.array([4 if len(packed) == 4 else 6], np.uint8)
    return int(endpoint_key(version, np.array([words], np.uint64), np.array([port], np.int64))[0])


def _copies(rows: Rows) -> Flags:
    """Packets that were captured before, by the rule of `dissectors.net.evidence`."""
    found = np.zeros(len(rows), np.bool_)
    for lag in range(1, DUPLICATE_LAG + 1):
        same = rows.fingerprint[lag:] == rows.fingerprint[:-lag]
        limit = np.where(rows.ip_id[lag:] > 0, DUPLICATE_NS, DUPLICATE_NO_ID_NS)
        found[lag:] |= same & (rows.time_ns[lag:] - rows.time_ns[:-lag] <= limit)
    return found


def _options(found: Segments, row: int, tcp: Packets) -> Options:
    """The options of one SYN. Where its header begins is known to the packet that it came in."""
    end = int(found.start[row])
    first, after = np.searchsorted(tcp.frame, [found.frame[row], found.frame[row] + 1]).tolist()
    for packet in range(first, after):
        size = int(tcp.header[packet, 12] >> 4) * 4
        begin = int(tcp.start[packet])
        if begin + size == end and tcp.captured[packet] >= size:
            return parse_options(found.data[begin + 20 : end].tobytes())
    return Options(None, ())


def parse_options(data: bytes) -> Options:
    """RFC 9293 3.1: kind, length, value; what cannot be right ends the list."""
    values: dict[int, bytes] = {}
    position = 0
    while position < len(data) and data[position]:
        if data[position] == 1:  # padding
            position += 1
            continue
        size = data[position + 1] if position + 1 < len(data) else 0
        if size < 2 or position + size > len(data):
            break
        values.setdefault(data[position], data[position + 2 : position + size])
        position += size
    mss = int.from_bytes(values[_MSS], "big") if len(values.get(_MSS, b"")) == 2 else None
    return Options(mss, _named(values))


def _named(values: Mapping[int, bytes]) -> tuple[str, ...]:
    return tuple(name for kind, name in _OPTION_NAMES.items() if kind in values)
