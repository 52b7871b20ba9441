"""Frames → IP packets as columns: addresses, TTL and where the TCP, UDP or ICMP header begins (RFC 791, RFC 8200).

Whatever is none of these is left out; link types that are not read and cut headers are counted. Packets with IPv6
extension headers and fragments are rare and take a plain path; a datagram put together from fragments is appended to
the frames' bytes and stands at the frame that completed it. What tunnels hold is decoded like frames (`tunnels.py`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dissectors.capture import Frames
from dissectors.net import links, tunnels
from dissectors.net.extensions import EXTENSIONS, walk_extensions
from dissectors.net.fragments import Fragments
from dissectors.net.rows import Bytes, Flags, Ints, Narrow, gather

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
MIN_HEADER = {  # what is followed, and the bytes that its header has at least
    TCP: 20, UDP: 8, ICMP: 8, ICMPV6: 8, tunnels.GRE: 4, tunnels.IP_IN_IP: 20, tunnels.IPV6_IN_IP: 40,
}  # fmt: skip
MAX_TUNNELS = 3  # one in the other
HEADER_BYTES = 20  # of TCP without options; of UDP and the first bytes of its payload
MAX_SUPER_FRAME = 1 << 20  # longest packet whose header does not say its length; Linux makes 512 KiB (BIG TCP)

IPV4_ROW = np.dtype(
    [
        ("version_ihl", "u1"),
        ("tos", "u1"),
        ("length", ">u2"),
        ("id", ">u2"),
        ("fragment", ">u2"),
        ("ttl", "u1"),
        ("protocol", "u1"),
        ("checksum", ">u2"),
        ("source", ">u4"),
        ("destination", ">u4"),
        ("next_header", "V20"),
    ]
)
IPV6_ROW = np.dtype(
    [
        ("flow", ">u4"),
        ("length", ">u2"),
        ("next", "u1"),
        ("hops", "u1"),
        ("source", ">u8", 2),
        ("destination", ">u8", 2),
        ("next_header", "V20"),
    ]
)

Words = NDArray[np.uint64]
Rows = Ints | slice  # indexes, ascending; the slice is always that of all: then nothing is copied
ALL = slice(None)
UdpWanted = Callable[[Bytes], Flags]
"""Which UDP packets matter, by the first HEADER_BYTES of header and payload, shape (n, HEADER_BYTES)."""


@dataclass(slots=True)
class Packets:
    """Columns of packets of one protocol in one block."""

    data: Bytes
    frame: Ints
    time_ns: Ints
    version: Narrow  # 4 or 6
    source: Words  # shape (n, 2): high and low half; an IPv4 address stands in the low half
    destination: Words
    ttl: Narrow
    ip_id: Narrow  # -1: IPv6 has none
    mac: Ints
    header: Bytes  # shape (n, HEADER_BYTES): the first bytes of the header and of what follows
    start: Ints  # where the header begins in data
    length: Ints  # of header and payload on the wire
    captured: Ints  # of header and payload in the capture, never more than length

    def take(self, rows: Ints) -> "Packets":
        """Some of the packets."""
        return Packets(self.data, *(getattr(self, name)[rows] for name in self.__slots__[1:]))

    def __len__(self) -> int:
        return len(self.frame)


class Decoded(NamedTuple):
    """The packets of a block, each protocol's in frame order."""

    tcp: Packets
    udp: Packets
    icmp: Packets  # of both versions


@dataclass(slots=True)
class _Layer:
    """Frames of one link type, as they were captured or as they stood in a tunnel."""

    data: Bytes
    link_type: int
    offset: Ints
    captured: Ints
    original: Ints
    numbers: Ints
    time_ns: Ints


@dataclass(slots=True)
class _Ip:
    """The packets of one IP version in the frames of a layer."""

    layer: _Layer
    rows: Rows  # in which frames they stand
    mac: Ints  # of every frame of the layer
    start: Ints  # where they begin in its data
    have: Ints  # bytes of it in the capture, the frame's padding included

    def frames(self, kept: Rows) -> Rows:
        """In which frames some of the packets stand."""
        if isinstance(self.rows, slice):
            return kept
        return self.rows[kept]

    def timed(self, kept: Ints) -> Iterator[tuple[int, int]]:
        """Some of the packets, each with the time of its frame."""
        return zip(kept.tolist(), self.layer.time_ns[self.frames(kept)].tolist(), strict=True)

    def wire(self, kept: Ints) -> Ints:
        """How many bytes from the start of some packets on were on the wire."""
        frames = self.frames(kept)
        return self.layer.original[frames] - (self.start[kept] - self.layer.offset[frames])


@dataclass(slots=True)
class _Part:
    """The packets of one IP version and link type, before anything is left out."""

    ip: _Ip
    version: int
    rows: Bytes  # IPV4_ROW or IPV6_ROW of each
    protocol: NDArray[np.uint8]
    start: Ints  # of what follows the IP header
    length: Ints
    captured: Ints
    usable: Flags

    def packets(self, protocol: int, data: Bytes, wanted: UdpWanted | None) -> Packets | None:
        """The packets of one protocol, those that are wanted; None if there are none."""
        kept = _kept(self.usable & (self.protocol == protocol))
        if kept is None:
            return None
        rows = self.rows if isinstance(kept, slice) else self.rows.take(kept, axis=0)
        if wanted is not None:
            chosen = np.flatnonzero(wanted(rows[:, -HEADER_BYTES:]))
            if not len(chosen):
                return None
            kept, rows = (chosen if isinstance(kept, slice) else kept[chosen]), rows.take(chosen, axis=0)
        count, frames, layer = len(rows), self.ip.frames(kept), self.ip.layer
        # column by column in memory, though an address is a row
        source, destination = np.empty((2, 2, count), np.uint64).transpose(0, 2, 1)
        if self.version == 4:
            row = rows.view(IPV4_ROW)[:, 0]
            source[:, 0], destination[:, 0] = 0, 0
            source[:, 1], destination[:, 1] = row["source"], row["destination"]
            ttl, ip_id = row["ttl"], row["id"].astype(np.int32)
        else:
            row = rows.view(IPV6_ROW)[:, 0]
            source[:], destination[:] = row["source"], row["destination"]
            ttl, ip_id = row["hops"], np.full(count, -1, np.int32)
        return Packets(
            data,
            layer.numbers[frames],
            layer.time_ns[frames],
            np.full(count, self.version, np.uint8),
            source,
            destination,
            ttl,
            ip_id,
            self.ip.mac[frames],
            rows[:, -HEADER_BYTES:],
            self.start[kept],
            self.length[kept],
            self.captured[kept],
        )


@dataclass(slots=True)
class PacketDecoder:
    """Turns blocks of frames into blocks of packets; keeps unfinished fragments between blocks."""

    udp_wanted: UdpWanted | None = None  # what is no tunnel and not wanted is left out; None: nothing is
    fragments: Fragments = field(default_factory=Fragments)
    skipped_link_types: dict[int, int] = field(default_factory=dict)  # link type → frames
    cut_headers: int = 0  # too little captured to read addresses and ports

    def decode(self, frames: Frames) -> Decoded:
        """The packets of a block; `Frames.data` must stay unchanged while they are used."""
        return Decoded(*(_together(frames.data, parts) for parts in self.decode_apart(frames)))

    def decode_apart(self, frames: Frames, which: Rows = ALL) -> list[list[Packets]]:
        """TCP, UDP and ICMP packets of some frames: lists of parts that have no connection in common but share data."""
        extra = bytearray()  # datagrams put together from fragments, as if they stood behind the frames' bytes
        layers = list(_layers(frames, which))
        parts = [part for layer in layers for part in self._decode_layer(layer, extra)]
        data = np.concatenate([frames.data, np.frombuffer(bytes(extra), np.uint8)]) if extra else frames.data
        found: dict[int, list[Packets]] = {protocol: [] for protocol in MIN_HEADER}
        several = len(layers) > 1  # one connection may be seen on two link types, and inside a tunnel and outside
        for depth in range(MAX_TUNNELS + 1):
            fresh = self._by_protocol(parts, data)
            for protocol, packets in fresh.items():
                found[protocol] += packets
            inner = [] if depth == MAX_TUNNELS else list(_unwrapped(fresh, data))
            if not inner:
                break
            several = True
            parts = [part for layer in inner for part in self._decode_layer(layer, None)]
        return [
            [_in_frame_order(parts)] if several and parts else parts
            for parts in (found[TCP], found[UDP], found[ICMP] + found[ICMPV6])
        ]

    def _by_protocol(self, parts: list[_Part], data: Bytes) -> dict[int, list[Packets]]:
        """The packets of each protocol that is followed."""
        return {
            protocol: [packets for part in parts if (packets := part.packets(protocol, data, wanted)) is not None]
            for protocol, wanted in ((number, self._wanted if number == UDP else None) for number in MIN_HEADER)
        }

    def _wanted(self, header: Bytes) -> Flags:
        """Which UDP packets are looked at any further."""
        if self.udp_wanted is None:
            return np.ones(len(header), np.bool_)
        return tunnels.to_port(header) | self.udp_wanted(header)

    def _decode_layer(self, layer: _Layer, extra: bytearray | None) -> Iterator[_Part]:
        """`extra` takes what is put together from fragments; None inside tunnels, where they are dropped."""
        found = links.locate(layer.link_type, layer.data, layer.offset, layer.captured)
        if found is None:
            count = self.skipped_link_types.get(layer.link_type, 0)
            self.skipped_link_types[layer.link_type] = count + len(layer.offset)
            return
        for ethertype, read in ((links.IPV4, self._ipv4), (links.IPV6, self._ipv6)):
            kept = _kept(found.protocol == ethertype)
            if kept is not None:
                begin = found.offset[kept]
                ip = _Ip(layer, kept, found.mac, layer.offset[kept] + begin, layer.captured[kept] - begin)
                part = read(ip, extra)
                self._judge(part, extra)
                yield part

    def _ipv4(self, ip: _Ip, extra: bytearray | None) -> _Part:
        have, data = ip.have, ip.layer.data
        rows = gather(data, ip.start, IPV4_ROW.itemsize)
        row = rows.view(IPV4_ROW)[:, 0]
        first = row["version_ihl"].copy()
        header = ((first & 15) << 2).astype(np.int64)
        total = row["length"].astype(np.int64)
        endless = np.flatnonzero(total == 0)
        if len(endless):
            # segmentation offload leaves the length of a super-frame zero: then the frame says how long it is
            long, known = ip.wire(endless), header[endless]
            total[endless] = np.where((long > known) & (long <= MAX_SUPER_FRAME), long, 0)
        readable = (first >= 0x45) & (first <= 0x4F) & (have >= 20) & (total >= header)
        protocol = row["protocol"].copy()
        start, length, captured = ip.start + header, total - header, np.minimum(have, total) - header
        fragment = row["fragment"].astype(np.uint16)
        fragmented = np.flatnonzero((fragment & 0x3FFF != 0) & readable)
        for index, time_ns in ip.timed(fragmented):
            payload = data[start[index] : start[index] + max(0, int(captured[index]))].tobytes()
            where = self._collect(
                (
                    4,
                    0,
                    int(row["source"][index]),
                    0,
                    int(row["destination"][index]),
                    int(row["id"][index]) << 8 | int(protocol[index]),
                ),
                int(fragment[index] & 0x1FFF) * 8,
                bool(fragment[index] & 0x2000),
                payload,
                int(length[index]),
                time_ns,
                extra,
            )
            if where is None:
                readable[index] = False
            else:
                start[index], length[index] = len(data) + where[0], where[1]
                captured[index] = where[1]
        return _Part(ip, 4, rows, protocol, start, length, captured, readable)

    def _ipv6(self, ip: _Ip, extra: bytearray | None) -> _Part:
        have, data = ip.have, ip.layer.data
        rows = gather(data, ip.start, IPV6_ROW.itemsize)
        row = rows.view(IPV6_ROW)[:, 0]
        length = row["length"].astype(np.int64)
        endless = np.flatnonzero(length == 0)
        if len(endless):  # jumbogram or segmentation offload
            long = ip.wire(endless)
            length[endless] = np.where((long > 40) & (long <= MAX_SUPER_FRAME), long - 40, 0)
        protocol = row["next"].copy()
        readable = (have >= 40) & (rows[:, 0] >> 4 == 6)
        start = ip.start + 40
        captured = np.minimum(have - 40, length)
        extended = np.flatnonzero(readable & _IS_EXTENSION[protocol])
        for index, time_ns in ip.timed(extended):
            begin = int(start[index])
            payload = data[begin : begin + max(0, int(captured[index]))].tobytes()
            walked = walk_extensions(int(protocol[index]), payload)
            if walked is None:
                readable[index] = False
                continue
            number, skip, piece = walked
            protocol[index] = number
            start[index] += skip
            length[index] -= skip
            captured[index] -= skip
            if piece is None:
                continue
            offset, more, identification = piece
            source, destination = row["source"][index].tolist(), row["destination"][index].tolist()
            where = self._collect(
                (6, source[0], source[1], destination[0], destination[1], identification),
                offset,
                more,
                payload[skip:],
                int(length[index]),
                time_ns,
                extra,
            )
            if where is None or extra is None:
                readable[index] = False
                continue
            walked = walk_extensions(number, bytes(extra[where[0] :]))  # more headers may stand inside the datagram
            if walked is None or walked[2] is not None:
                readable[index] = False
                continue
            protocol[index], skip, _ = walked
            start[index], length[index], captured[index] = (
                len(data) + where[0] + skip,
                where[1] - skip,
                where[1] - skip,
            )
        return _Part(ip, 6, rows, protocol, start, length, captured, readable)

    def _collect(
        self,
        key: tuple[int, int, int, int, int, int],
        offset: int,
        more: bool,
        payload: bytes,
        length: int,
        time_ns: int,
        extra: bytearray | None,
    ) -> tuple[int, int] | None:
        """Hands one fragment over; returns where in `extra` the finished datagram lies, and its length."""
        if len(payload) < length:
            self.cut_headers += 1
            return None
        if extra is None:
            self.fragments.dropped += 1
            return None
        whole = self.fragments.add(key, offset, more, payload, time_ns)
        if whole is None:
            return None
        extra += whole
        return len(extra) - len(whole), len(whole)

    def _judge(self, part: _Part, extra: bytearray | None) -> None:
        """Finishes a part: leaves out what is not followed or cut, and puts the right bytes behind each IP header."""
        needed = _MIN_HEADER.take(part.protocol)
        ours = part.usable & (needed > 0)
        part.usable = ours & (part.captured >= needed)
        self.cut_headers += int(np.count_nonzero(ours)) - int(np.count_nonzero(part.usable))
        usual = part.rows.shape[1] - HEADER_BYTES
        moved = np.flatnonzero(part.usable & (part.start != part.ip.start + usual))  # options, extensions, fragments
        if len(moved):
            data, start = part.ip.layer.data, part.start[moved]
            inside = start < len(data)
            part.rows[moved[inside], usual:] = gather(data, start[inside], HEADER_BYTES)
            if extra:
                added = gather(np.frombuffer(extra, np.uint8), start[~inside] - len(data), HEADER_BYTES)
                part.rows[moved[~inside], usual:] = added


def _kept(picked: Flags) -> Rows | None:
    """Which are picked; None if none are."""
    count = int(np.count_nonzero(picked))
    if not count:
        return None
    return ALL if count == len(picked) else np.flatnonzero(picked)


def _layers(frames: Frames, which: Rows) -> Iterator[_Layer]:
    """Some frames of a block, apart by link type."""
    numbers = np.arange(frames.first_frame, frames.first_frame + len(frames))
    columns = [column[which] for column in (frames.offset, frames.captured, frames.original, numbers, frames.time_ns)]
    of_each, present = frames.link_type[which], link_types(frames)
    for link_type in present:
        kept = np.flatnonzero(of_each == link_type) if len(present) > 1 else ALL
        yield _Layer(frames.data, link_type, *(column[kept] for column in columns))


def _unwrapped(found: dict[int, list[Packets]], data: Bytes) -> Iterator[_Layer]:
    """The frames that stand in tunnels."""
    for protocol in (UDP, tunnels.GRE, tunnels.IP_IN_IP, tunnels.IPV6_IN_IP):
        for p in found[protocol]:
            outer = tunnels.Outer(p.frame, p.time_ns, p.header, p.start, p.length, p.captured)
            if protocol == UDP:
                inside = tunnels.in_udp(outer)
            else:
                inside = tunnels.in_gre(data, outer) if protocol == tunnels.GRE else tunnels.in_ip(outer)
            for i in inside:
                yield _Layer(data, i.link_type, i.offset, i.captured, i.original, i.frame, i.time_ns)


def link_types(frames: Frames) -> list[int]:
    """The link types in a block, ascending; nearly always one."""
    first = frames.link_type[:1]
    found: list[int] = (first if (frames.link_type == first).all() else np.unique(frames.link_type)).tolist()
    return found


def _together(data: Bytes, parts: list[Packets]) -> Packets:
    """Packets that share their data as one; `data` is for where there are none."""
    if not parts:
        none = np.zeros(0, np.int64)
        words = np.zeros((0, 2), np.uint64)
        header = np.zeros((0, HEADER_BYTES), np.uint8)
        return Packets(data, none, none, none, words, words, none, none, none, header, none, none, none)
    if len(parts) == 1:
        return parts[0]
    names = Packets.__slots__[1:]
    return Packets(parts[0].data, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _in_frame_order(parts: list[Packets]) -> Packets:
    whole = _together(parts[0].data, parts)
    return whole.take(np.argsort(whole.frame, kind="stable"))


_MIN_HEADER = np.zeros(256, np.int64)
_MIN_HEADER[list(MIN_HEADER)] = list(MIN_HEADER.values())
_IS_EXTENSION = np.zeros(256, np.bool_)
_IS_EXTENSION[list(EXTENSIONS)] = True
