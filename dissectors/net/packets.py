"""Frames → IP packets as columns: addresses, TTL and where the TCP, UDP or ICMP header begins (RFC 791, RFC 8200).

Whatever is none of these is left out; link types that are not read and cut headers are counted. Packets with IPv6
extension headers and fragments are rare and take a plain path; a datagram put together from fragments is appended to
the block's bytes and stands at the frame that completed it. What tunnels hold is decoded like frames (`tunnels.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dissectors.capture import Frames
from dissectors.net import links, tunnels
from dissectors.net.extensions import EXTENSIONS, walk_extensions
from dissectors.net.fragments import Fragments
from dissectors.net.rows import Bytes, Ints, gather

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
MIN_HEADER = {  # what is followed, and the bytes that its header has at least
    TCP: 20, UDP: 8, ICMP: 8, ICMPV6: 8, tunnels.GRE: 4, tunnels.IP_IN_IP: 20, tunnels.IPV6_IN_IP: 40,
}  # fmt: skip
MAX_TUNNELS = 3  # one in the other
HEAD_BYTES = 96  # of each frame are copied out once: the block is too large for the processor's cache
HEADER_BYTES = 20  # of TCP without options; of UDP and the first bytes of its payload
MAX_SUPER_FRAME = (
    1 << 20
)  # longest packet whose header does not say how long it is; Linux makes up to 512 KiB (BIG TCP)

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
    ]
)

Words = NDArray[np.uint64]


@dataclass(slots=True)
class Packets:
    """Columns of packets of one protocol in one block."""

    data: Bytes
    frame: Ints
    time_ns: Ints
    version: Ints  # 4 or 6
    source: Words  # shape (n, 2): high and low half; an IPv4 address stands in the low half
    destination: Words
    ttl: Ints
    ip_id: Ints  # -1: IPv6 has none
    mac: Ints
    header: Bytes  # shape (n, HEADER_BYTES): the first bytes of the header and of what follows
    start: Ints  # where the header begins in data
    length: Ints  # of header and payload on the wire
    captured: Ints  # of header and payload in the capture

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
class _Frames:
    """The frames of one link type that hold packets of one IP version."""

    data: Bytes
    heads: Bytes  # the first HEAD_BYTES of each frame, one after the other
    near: Ints  # where the packet begins in heads
    start: Ints  # and in data
    have: Ints  # bytes of it in the capture, the frame's padding included
    wire: Ints  # and on the wire
    numbers: Ints  # of the frames
    time_ns: Ints
    mac: Ints


@dataclass(slots=True)
class _Part:
    """The IP packets of one version and link type; the columns of Packets before anything is left out."""

    frames: _Frames
    version: int
    protocol: Ints
    source: Words  # shape (n,) for IPv4, (n, 2) for IPv6
    destination: Words
    ttl: Ints
    ip_id: Ints | None
    near: Ints  # where the TCP or UDP header begins in heads; -1: not there, or not whole
    start: Ints
    length: Ints
    captured: Ints
    usable: NDArray[np.bool_]

    def packets(self, protocol: int, data: Bytes) -> Packets:
        """The packets of one protocol."""
        kept = np.flatnonzero(self.usable & (self.protocol == protocol))
        count = len(kept)
        ip_id = np.full(count, -1, np.int64) if self.ip_id is None else self.ip_id[kept]
        near, start = self.near[kept], self.start[kept]
        header = gather(self.frames.heads, np.maximum(near, 0), HEADER_BYTES)
        far = np.flatnonzero(near < 0)
        if len(far):
            header[far] = gather(data, start[far], HEADER_BYTES)
        return Packets(
            data,
            self.frames.numbers[kept],
            self.frames.time_ns[kept],
            np.full(count, self.version, np.int64),
            _two_words(self.source, kept),
            _two_words(self.destination, kept),
            self.ttl[kept].astype(np.int64),
            ip_id.astype(np.int64),
            self.frames.mac[kept],
            header,
            start,
            self.length[kept],
            self.captured[kept],
        )


@dataclass(slots=True)
class PacketDecoder:
    """Turns blocks of frames into blocks of packets; keeps unfinished fragments between blocks."""

    fragments: Fragments = field(default_factory=Fragments)
    skipped_link_types: dict[int, int] = field(default_factory=dict)  # link type → frames
    cut_headers: int = 0  # too little captured to read addresses and ports

    def decode(self, frames: Frames) -> Decoded:
        """The packets of a block; `Frames.data` must stay unchanged while they are used."""
        extra = bytearray()  # datagrams put together from fragments, as if they stood behind the block's bytes
        layers = list(_layers(frames))
        parts = [part for layer in layers for part in self._decode_layer(layer, extra)]
        data = np.concatenate([frames.data, np.frombuffer(bytes(extra), np.uint8)]) if extra else frames.data
        found: dict[int, list[Packets]] = {protocol: [] for protocol in MIN_HEADER}
        several = len(layers) > 1  # one connection may be seen on two link types, and inside a tunnel and outside
        for depth in range(MAX_TUNNELS + 1):
            fresh = _by_protocol(parts, data)
            for protocol, packets in fresh.items():
                found[protocol] += packets
            inner = [] if depth == MAX_TUNNELS else list(_unwrapped(fresh, data))
            if not inner:
                break
            several = True
            parts = [part for layer in inner for part in self._decode_layer(layer, None)]
        return Decoded(*(_together(data, found, wanted, several) for wanted in ((TCP,), (UDP,), (ICMP, ICMPV6))))

    def _decode_layer(self, layer: _Layer, extra: bytearray | None) -> Iterator[_Part]:
        """`extra` takes what is put together from fragments; None inside tunnels, where they are dropped."""
        heads = gather(layer.data, layer.offset, HEAD_BYTES).reshape(-1)
        head = np.arange(0, len(heads), HEAD_BYTES)
        found = links.locate(layer.link_type, heads, head, layer.captured)
        if found is None:
            count = self.skipped_link_types.get(layer.link_type, 0)
            self.skipped_link_types[layer.link_type] = count + len(layer.offset)
            return
        for ethertype, read in ((links.IPV4, self._ipv4), (links.IPV6, self._ipv6)):
            picked = np.flatnonzero(found.protocol == ethertype)
            if len(picked):
                begin = found.offset[picked]
                part = read(
                    _Frames(
                        data=layer.data,
                        heads=heads,
                        near=head[picked] + np.minimum(begin, HEAD_BYTES),
                        start=layer.offset[picked] + begin,
                        have=layer.captured[picked] - begin,
                        wire=layer.original[picked] - begin,
                        numbers=layer.numbers[picked],
                        time_ns=layer.time_ns[picked],
                        mac=found.mac[picked],
                    ),
                    extra,
                )
                part.near[part.near - head[picked] > HEAD_BYTES - HEADER_BYTES] = -1
                yield part

    def _ipv4(self, frames: _Frames, extra: bytearray | None) -> _Part:
        data, have, wire, time_ns = frames.data, frames.have, frames.wire, frames.time_ns
        row = gather(frames.heads, frames.near, 20).view(IPV4_ROW)[:, 0]
        header = (row["version_ihl"] & 15).astype(np.int64) * 4
        total = row["length"].astype(np.int64)
        # segmentation offload leaves the length of a super-frame zero: then the frame says how long it is
        total = np.where((total == 0) & (wire > header) & (wire <= MAX_SUPER_FRAME), wire, total)
        protocol = row["protocol"].astype(np.int64)
        fragment = row["fragment"].astype(np.int64)
        readable = (have >= 20) & (row["version_ihl"] >> 4 == 4) & (header >= 20) & (total >= header)
        fragmented = readable & (fragment & 0x3FFF != 0)
        position, near = frames.start + header, frames.near + header
        length = total - header
        captured = np.minimum(have, total) - header
        for index in np.flatnonzero(fragmented).tolist():
            payload = data[position[index] : position[index] + max(0, int(captured[index]))].tobytes()
            near[index] = -1
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
                int(time_ns[index]),
                extra,
            )
            if where is None:
                readable[index] = False
            else:
                position[index], length[index] = len(data) + where[0], where[1]
                captured[index] = where[1]
        usable = self._usable(readable, protocol, captured)
        return _Part(
            frames,
            4,
            protocol,
            row["source"],
            row["destination"],
            row["ttl"],
            row["id"],
            near,
            position,
            length,
            captured,
            usable,
        )

    def _ipv6(self, frames: _Frames, extra: bytearray | None) -> _Part:
        data, have, wire, time_ns = frames.data, frames.have, frames.wire, frames.time_ns
        row = gather(frames.heads, frames.near, 40).view(IPV6_ROW)[:, 0]
        length = row["length"].astype(np.int64)
        # jumbogram or segmentation offload
        length = np.where((length == 0) & (wire > 40) & (wire <= MAX_SUPER_FRAME), wire - 40, length)
        protocol = row["next"].astype(np.int64)
        readable = (have >= 40) & (row["flow"] >> 28 == 6)
        position, near = frames.start + 40, frames.near + 40
        captured = np.minimum(have - 40, length)
        for index in np.flatnonzero(readable & np.isin(protocol, EXTENSIONS)).tolist():
            begin = int(position[index])
            payload = data[begin : begin + max(0, int(captured[index]))].tobytes()
            walked = walk_extensions(int(protocol[index]), payload)
            near[index] = -1
            if walked is None:
                readable[index] = False
                continue
            number, skip, piece = walked
            protocol[index] = number
            position[index] += skip
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
                int(time_ns[index]),
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
            position[index], length[index], captured[index] = (
                len(data) + where[0] + skip,
                where[1] - skip,
                where[1] - skip,
            )
        usable = self._usable(readable, protocol, captured)
        return _Part(
            frames,
            6,
            protocol,
            row["source"],
            row["destination"],
            row["hops"],
            None,
            near,
            position,
            length,
            captured,
            usable,
        )

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

    def _usable(self, readable: NDArray[np.bool_], protocol: Ints, captured: Ints) -> NDArray[np.bool_]:
        needed = _MIN_HEADER[protocol]
        ours = readable & (needed > 0)
        enough: NDArray[np.bool_] = ours & (captured >= needed)
        self.cut_headers += int(ours.sum() - enough.sum())
        return enough


def _layers(frames: Frames) -> Iterator[_Layer]:
    """The frames of a block, apart by link type."""
    for link_type in link_types(frames):
        rows = np.flatnonzero(frames.link_type == link_type)
        kept = slice(None) if len(rows) == len(frames) else rows
        offset, captured, original = frames.offset[kept], frames.captured[kept], frames.original[kept]
        numbers, time_ns = frames.first_frame + rows, frames.time_ns[kept]
        yield _Layer(frames.data, link_type, offset, captured, original, numbers, time_ns)


def _by_protocol(parts: list[_Part], data: Bytes) -> dict[int, list[Packets]]:
    """The packets of each protocol that is followed."""
    found: dict[int, list[Packets]] = {protocol: [] for protocol in MIN_HEADER}
    for part in parts:
        there = np.bincount(part.protocol[part.usable], minlength=256)
        for protocol, packets in found.items():
            if there[protocol]:
                packets.append(part.packets(protocol, data))
    return found


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


def _two_words(addresses: Words, kept: Ints) -> Words:
    """Addresses as high and low half."""
    if addresses.ndim == 2:
        return addresses[kept].astype(np.uint64)
    words = np.zeros((len(kept), 2), np.uint64)
    words[:, 1] = addresses[kept]
    return words


def _together(data: Bytes, found: dict[int, list[Packets]], protocols: tuple[int, ...], several: bool) -> Packets:
    """The packets of some protocols as one."""
    parts = [packets for protocol in protocols for packets in found[protocol]]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        none = np.zeros(0, np.int64)
        words = np.zeros((0, 2), np.uint64)
        header = np.zeros((0, HEADER_BYTES), np.uint8)
        return Packets(data, none, none, none, words, words, none, none, none, header, none, none, none)
    names = Packets.__slots__[1:]
    whole = Packets(data, *(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    return whole.take(np.argsort(whole.frame, kind="stable")) if several else whole


_MIN_HEADER = np.zeros(256, np.int64)
_MIN_HEADER[list(MIN_HEADER)] = list(MIN_HEADER.values())
