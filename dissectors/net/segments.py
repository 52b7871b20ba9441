"""TCP headers of a block as columns (RFC 9293 3.1), and what identifies a connection and a packet."""

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dissectors import native
from dissectors.capture import Frames
from dissectors.net.packets import ALL, Packets, Rows, Words
from dissectors.net.rows import Bytes, Ints, Narrow
from dissectors.net.tunnels import ETHERNET

TCP_ROW = np.dtype(
    {  # numbers and rest overlap the others: read as one word, they tell packets apart
        "names": ["source", "destination", "numbers", "rest", "flags", "window"],
        "formats": [">u2", ">u2", ">u8", ">u8", "u1", ">u2"],
        "offsets": [0, 2, 4, 12, 13, 14],
        "itemsize": 20,
    }
)
MASK32 = 0xFFFFFFFF
FLAGS_WINDOW = np.uint64(0x00FFFFFF_00000000)  # of `rest`, which begins with the data offset and ends with the urgent
FLAGS_WINDOW_CHECKSUM = np.uint64(0x00FFFFFF_FFFF0000)  # pointer

# Odd multipliers drawn once per process: an attacker who writes the capture cannot aim at collisions. Two of 10**6
# connections share a 64-bit key by chance once in 30 million captures.
_FACTORS = [np.uint64(int.from_bytes(os.urandom(8)) | 1) for _ in range(4)]
_MIXING, _MASKS = np.array(_FACTORS), np.array([FLAGS_WINDOW, FLAGS_WINDOW_CHECKSUM])


@dataclass(slots=True)
class Segments:
    """Columns of the TCP segments of one block; those of one connection stand in frame order."""

    data: Bytes
    frame: Ints
    time_ns: Ints
    version: Narrow
    source: Words  # shape (n, 2), as in Packets
    destination: Words
    source_port: Narrow
    destination_port: Narrow
    source_key: NDArray[np.uint64]  # of address and port
    destination_key: NDArray[np.uint64]
    seq: Ints
    ack: Ints
    flags: Narrow
    window: Narrow
    ip_id: Narrow  # -1: IPv6 has none
    ttl: Narrow
    mac: Ints
    start: Ints  # where the payload begins in data
    length: Ints  # of the payload on the wire
    captured: Ints  # of the payload in the capture
    fingerprint: Ints  # equal for copies of one packet

    def __len__(self) -> int:
        return len(self.frame)

    def span(self, low: int, high: int) -> "Segments":
        """Consecutive ones, as views."""
        return Segments(self.data, *(getattr(self, name)[low:high] for name in self.__slots__[1:]))

    def take(self, rows: Ints) -> "Segments":
        """Some of them, in this order."""
        return Segments(self.data, *(getattr(self, name)[rows] for name in self.__slots__[1:]))

    @staticmethod
    def room(data: Bytes, count: int) -> "Segments":
        """Columns for so many, not filled in; most of them in one stretch of memory, which comes in large pages."""
        longs = np.empty((15, count), np.int64)
        words = longs[9:].view(np.uint64)
        frame, time_ns, seq, ack, mac, start, length, captured, fingerprint = longs[:9]
        return Segments(
            data,
            frame=frame,
            time_ns=time_ns,
            version=np.empty(count, np.uint8),
            source=words[0:2].T,
            destination=words[2:4].T,
            source_port=np.empty(count, np.uint16),
            destination_port=np.empty(count, np.uint16),
            source_key=words[4],
            destination_key=words[5],
            seq=seq,
            ack=ack,
            flags=np.empty(count, np.uint8),
            window=np.empty(count, np.uint16),
            ip_id=np.empty(count, np.int32),
            ttl=np.empty(count, np.int16),
            mac=mac,
            start=start,
            length=length,
            captured=captured,
            fingerprint=fingerprint,
        )


class Collected:
    """The segments of a block that is decoded piece by piece. The columns are laid out once; each piece is small enough
    to stay in the processor's cache until it is written there.
    """

    def __init__(self, data: Bytes, room: int) -> None:
        """`data`: the bytes of the whole block; `room`: how many segments there are at most."""
        self._bad = 0
        self._added = [data]  # and what was put together from fragments: it will stand behind them
        self._size = len(data)
        self._count = 0
        self._last_plain = 0  # frame of the last one that came by `add_plain`
        self._in_order = True  # none that came by `add` stands behind a later frame of those
        self._room = Segments.room(data, room)

    def add_plain(self, frames: Frames, begin: int, udp_ports: Bytes, udp_word: int) -> Rows:
        """Adds the segments of a piece that need no thought, where that is compiled; returns which frames are left to
        be decoded. `begin` as in `add`, the rest as in `dissectors.native.segments.plain`: not zero must be every port
        that the decoder's `udp_wanted` or a tunnel takes.
        """
        if not native.enabled or not len(frames) or not (frames.link_type == ETHERNET).all():
            return ALL
        before = self._count
        self._count, rest = native.segments.plain(
            frames, self._room, before, begin, udp_ports, udp_word, _MIXING, _MASKS
        )
        if self._count > before:
            self._last_plain = int(self._room.frame[self._count - 1])
        return rest

    def add(self, parts: list[Packets], begin: int, size: int) -> None:
        """The TCP packets of a piece whose data is the block's `[begin:begin + size]` and, behind it, what was put
        together from fragments.
        """
        for packets in parts:
            row, header, packets = self._good(packets)
            if len(packets) and packets.frame[0] < self._last_plain:
                self._in_order = False
            found = self._room.span(self._count, self._count + len(packets))
            self._count += len(packets)
            _fill(found, packets, row, header)
            found.start += begin
            if len(packets.data) > size:
                found.start[packets.start >= size] += self._size - size - begin
        if parts and len(parts[0].data) > size:
            self._added.append(parts[0].data[size:])
            self._size += len(parts[0].data) - size

    def whole(self) -> tuple[Segments, int]:
        """All of them, and how many had a header that cannot be right; ends the collecting."""
        found = self._room.span(0, self._count)
        if not self._in_order:
            found = found.take(np.argsort(found.frame, kind="stable"))
        if len(self._added) > 1:
            found.data = np.concatenate(self._added)
        return found, self._bad

    def _good(self, packets: Packets) -> tuple[NDArray[np.void], Ints, Packets]:
        """TCP headers, their lengths and the packets, but for those whose header cannot be right."""
        row = packets.header.view(TCP_ROW)[:, 0]
        header = ((packets.header[:, 12] >> 4) << 2).astype(np.int64)
        good = (header >= 20) & (header <= packets.length)
        bad = len(good) - int(np.count_nonzero(good))
        if bad:
            self._bad += bad
            rows = np.flatnonzero(good)
            return row[rows], header[rows], packets.take(rows)
        return row, header, packets


def segments(packets: Packets) -> tuple[Segments, int]:
    """The TCP segments among packets that are all TCP, and how many had a header that cannot be right."""
    collected = Collected(packets.data, len(packets))
    collected.add([packets], 0, len(packets.data))
    return collected.whole()


def _fill(found: Segments, packets: Packets, row: NDArray[np.void], header: Ints) -> None:
    """Writes the columns of packets, with their TCP headers and the length of these."""
    for name in ("frame", "time_ns", "version", "source", "destination", "ip_id", "ttl", "mac"):
        getattr(found, name)[:] = getattr(packets, name)
    found.source_port[:], found.destination_port[:] = row["source"], row["destination"]
    found.flags[:], found.window[:] = row["flags"], row["window"]
    numbers = row["numbers"].astype(np.uint64)
    found.seq[:], found.ack[:] = numbers >> np.uint64(32), numbers & np.uint64(MASK32)
    np.add(packets.start, header, out=found.start)
    np.subtract(packets.length, header, out=found.length)
    np.subtract(packets.captured, header, out=found.captured)
    np.maximum(found.captured, 0, out=found.captured)
    found.source_key[:] = endpoint_key(packets.version, packets.source, found.source_port)
    found.destination_key[:] = endpoint_key(packets.version, packets.destination, found.destination_port)
    # the checksum tells packets apart only where the IP identification does not: offloading leaves it unfinished on one
    # of two copies
    rest = row["rest"].astype(np.uint64)
    rest &= np.where(packets.ip_id > 0, FLAGS_WINDOW, FLAGS_WINDOW_CHECKSUM)
    rest |= (packets.ip_id & 0xFFFF).astype(np.uint64)
    rest *= _FACTORS[2]
    numbers += found.source_key
    _mix(numbers)
    numbers += rest
    np.bitwise_xor(numbers.view(np.int64), found.length, out=found.fingerprint)


def endpoint_key(version: Narrow, address: Words, port: Narrow) -> NDArray[np.uint64]:
    """A 64-bit key of an address and a port.

    Endpoints of IPv4 never share one: address and port fit one word, and mixing turns different words into different
    ones. It has to be done to each, for the key of a connection is the sum of both: of the plain words, it would be the
    same if the ports changed places. IPv6 endpoints share one by chance only, with each other as with those of IPv4.
    """
    high, low = address[:, 0], address[:, 1]
    word = low << np.uint64(16)
    if version.max(initial=4) == 6:  # first one word of two
        wide = np.flatnonzero(version == 6)
        both = high[wide] ^ _FACTORS[3]
        _mix(both)
        both ^= low[wide]
        _mix(both)
        word[wide] = both
    word ^= port.astype(np.uint64)
    _mix(word)
    return word


def _mix(words: NDArray[np.uint64]) -> None:
    """Makes different words of different words, in place, in a way that nobody can foresee."""
    words *= _FACTORS[0]
    words ^= words >> np.uint64(32)
    words *= _FACTORS[1]
    words ^= words >> np.uint64(29)


def client_is_source(flags: int, source_port: int, destination_port: int) -> bool:
    """Who opened a connection, judged by the first packet seen: SYN, SYN+ACK, else the lower port is the server's."""
    if flags & 0x12 == 0x02:
        return True
    if flags & 0x12 == 0x12:
        return False
    return source_port >= destination_port


def clients_are_sources(
    flags: NDArray[np.uint8], source_port: NDArray[np.uint16], destination_port: NDArray[np.uint16]
) -> NDArray[np.bool_]:
    """The same for columns."""
    opening = flags & 0x12
    return np.where(opening == 0x02, True, (opening != 0x12) & (source_port >= destination_port))
