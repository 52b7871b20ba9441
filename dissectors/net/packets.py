"""Frames → IP packets as columns: addresses, TTL and where the TCP or UDP header begins (RFC 791, RFC 8200).

Whatever is not TCP or UDP over IP is left out; link types that are not read and cut headers are counted. Packets with
IPv6 extension headers and fragments are rare and take a plain path; a datagram put together from fragments is appended
to the block's bytes and stands at the frame that completed it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from dissectors.capture import Frames
from dissectors.net import links
from dissectors.net.fragments import Fragments
from dissectors.net.rows import Bytes, Ints, gather

TCP = 6
UDP = 17
# IPv6 extension headers that are walked over: hop-by-hop, routing, fragment, authentication, destination, mobility,
# HIP, shim6
EXTENSIONS = (0, 43, 44, 51, 60, 135, 139, 140)
FRAGMENT_HEADER = 44
MAX_EXTENSIONS = 16
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
    """Columns of packets of one protocol, TCP or UDP, in one block."""

    data: Bytes
    frame: Ints
    time_ns: Ints
    version: Ints  # 4 or 6
    source: Words  # shape (n, 2): high and low half; an IPv4 address stands in the low half
    destination: Words
    ttl: Ints
    ip_id: Ints  # -1: IPv6 has none
    mac: Ints
    header: Bytes  # shape (n, HEADER_BYTES): the first bytes of the TCP or UDP header and of what follows
    start: Ints  # where the TCP or UDP header begins in data
    length: Ints  # of header and payload on the wire
    captured: Ints  # of header and payload in the capture

    def take(self, rows: Ints) -> "Packets":
        """Some of the packets."""
        return Packets(self.data, *(getattr(self, name)[rows] for name in self.__slots__[1:]))

    def __len__(self) -> int:
        return len(self.frame)


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

    def columns(self, protocol: int, data: Bytes) -> list[NDArray[np.generic]]:
        """The columns of the packets of one protocol, in the order of Packets."""
        kept = np.flatnonzero(self.usable & (self.protocol == protocol))
        count = len(kept)
        ip_id = np.full(count, -1, np.int64) if self.ip_id is None else self.ip_id[kept]
        addresses = [_two_words(self.source, kept), _two_words(self.destination, kept)]
        near, start = self.near[kept], self.start[kept]
        header = gather(self.frames.heads, np.maximum(near, 0), HEADER_BYTES)
        far = np.flatnonzero(near < 0)
        if len(far):
            header[far] = gather(data, start[far], HEADER_BYTES)
        return [
            self.frames.numbers[kept],
            self.frames.time_ns[kept],
            np.full(count, self.version, np.int64),
            *addresses,
            self.ttl[kept].astype(np.int64),
            ip_id.astype(np.int64),
            self.frames.mac[kept],
            header,
            start,
            self.length[kept],
            self.captured[kept],
        ]


@dataclass(slots=True)
class PacketDecoder:
    """Turns blocks of frames into blocks of packets; keeps unfinished fragments between blocks."""

    fragments: Fragments = field(default_factory=Fragments)
    skipped_link_types: dict[int, int] = field(default_factory=dict)  # link type → frames
    cut_headers: int = 0  # too little captured to read addresses and ports

    def decode(self, frames: Frames) -> tuple[Packets, Packets]:
        """The TCP and the UDP packets of a block, in frame order; `Frames.data` must stay unchanged while they are
        used.
        """
        extra = bytearray()  # datagrams put together from fragments, as if they stood behind the block's bytes
        found = link_types(frames)
        parts = [part for link_type in found for part in self._decode_link(frames, link_type, extra)]
        data = np.concatenate([frames.data, np.frombuffer(bytes(extra), np.uint8)]) if extra else frames.data
        tcp, udp = (_packets(data, [part.columns(protocol, data) for part in parts]) for protocol in (TCP, UDP))
        if len(found) > 1:  # one connection may be seen on two link types
            tcp, udp = (packets.take(np.argsort(packets.frame, kind="stable")) for packets in (tcp, udp))
        return tcp, udp

    def _decode_link(self, frames: Frames, link_type: int, extra: bytearray) -> Iterator[_Part]:
        rows = np.flatnonzero(frames.link_type == link_type)
        whole = len(rows) == len(frames)
        offset = frames.offset if whole else frames.offset[rows]
        captured = frames.captured if whole else frames.captured[rows]
        original = frames.original if whole else frames.original[rows]
        heads = gather(frames.data, offset, HEAD_BYTES).reshape(-1)
        head = np.arange(0, len(heads), HEAD_BYTES)
        found = links.locate(link_type, heads, head, captured)
        if found is None:
            self.skipped_link_types[link_type] = self.skipped_link_types.get(link_type, 0) + len(rows)
            return
        time_ns = frames.time_ns if whole else frames.time_ns[rows]
        for ethertype, read in ((links.IPV4, self._ipv4), (links.IPV6, self._ipv6)):
            picked = np.flatnonzero(found.protocol == ethertype)
            if len(picked):
                begin = found.offset[picked]
                part = read(
                    _Frames(
                        data=frames.data,
                        heads=heads,
                        near=head[picked] + np.minimum(begin, HEAD_BYTES),
                        start=offset[picked] + begin,
                        have=captured[picked] - begin,
                        wire=original[picked] - begin,
                        numbers=frames.first_frame + rows[picked],
                        time_ns=time_ns[picked],
                        mac=found.mac[picked],
                    ),
                    extra,
                )
                part.near[part.near - head[picked] > HEAD_BYTES - HEADER_BYTES] = -1
                yield part

    def _ipv4(self, frames: _Frames, extra: bytearray) -> _Part:
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

    def _ipv6(self, frames: _Frames, extra: bytearray) -> _Part:
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
            if where is None:
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
        extra: bytearray,
    ) -> tuple[int, int] | None:
        """Hands one fragment over; returns where in `extra` the finished datagram lies, and its length."""
        if len(payload) < length:
            self.cut_headers += 1
            return None
        whole = self.fragments.add(key, offset, more, payload, time_ns)
        if whole is None:
            return None
        extra += whole
        return len(extra) - len(whole), len(whole)

    def _usable(self, readable: NDArray[np.bool_], protocol: Ints, captured: Ints) -> NDArray[np.bool_]:
        ours = readable & ((protocol == TCP) | (protocol == UDP))
        enough: NDArray[np.bool_] = ours & (captured >= np.where(protocol == TCP, 20, 8))
        self.cut_headers += int(ours.sum() - enough.sum())
        return enough


def link_types(frames: Frames) -> list[int]:
    """The link types in a block, ascending; nearly always one."""
    first = frames.link_type[:1]
    found: list[int] = (first if (frames.link_type == first).all() else np.unique(frames.link_type)).tolist()
    return found


def walk_extensions(protocol: int, payload: bytes) -> tuple[int, int, tuple[int, bool, int] | None] | None:
    """Walks IPv6 extension headers: (upper protocol, bytes walked over, fragment (offset, more, identification) or
    None).

    None when the headers do not end within `payload`. An atomic fragment (RFC 6946) is no fragment.
    """
    position = 0
    piece: tuple[int, bool, int] | None = None
    for _ in range(MAX_EXTENSIONS):
        if protocol not in EXTENSIONS:
            return protocol, position, piece
        header = payload[position : position + 8]
        if len(header) < 8:
            return None
        if protocol == FRAGMENT_HEADER:
            field_value = int.from_bytes(header[2:4], "big")
            offset, more = field_value & 0xFFF8, bool(field_value & 1)
            position += 8
            if offset or more:
                # what follows a fragment header is part of the datagram and can be walked only when it is whole
                return header[0], position, (offset, more, int.from_bytes(header[4:8], "big"))
        elif protocol == 51:  # authentication header counts in 4-byte units (RFC 4302)
            position += (header[1] + 2) * 4
        else:
            position += (header[1] + 1) * 8
        protocol = header[0]
    return None


def _two_words(addresses: Words, kept: Ints) -> Words:
    """Addresses as high and low half."""
    if addresses.ndim == 2:
        return addresses[kept].astype(np.uint64)
    words = np.zeros((len(kept), 2), np.uint64)
    words[:, 1] = addresses[kept]
    return words


def _packets(data: Bytes, parts: list[list[NDArray[np.generic]]]) -> Packets:
    parts = [part for part in parts if len(part[0])]
    if len(parts) == 1:
        return Packets(data, *parts[0])  # type: ignore[arg-type]
    if parts:
        return Packets(data, *(np.concatenate(column) for column in zip(*parts, strict=True)))
    none = np.zeros(0, np.int64)
    words = np.zeros((0, 2), np.uint64)
    header = np.zeros((0, HEADER_BYTES), np.uint8)
    return Packets(data, none, none, none, words, words, none, none, none, header, none, none, none)
