"""What pcapng blocks hold: packets as columns, interfaces, comments, embedded keys (draft-ietf-opsawg-pcapng 4).

Packets are read all at once; every other block one by one. Name resolution, sysdig and unknown blocks are passed over.
Custom and systemd journal blocks are no packets, but Wireshark numbers them as frames, so they are handed out as frames
without bytes (`NOT_A_PACKET`).
"""

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from dissectors.capture.frames import NOT_A_PACKET, Bytes, Flags, Frames, Interface, Ints, Longs, gather, no_frames
from dissectors.capture.options import COMMENT, options, packet_comments
from dissectors.capture.ticks import DEFAULT_RESOLUTION, ticks_per_second, to_ns

if TYPE_CHECKING:
    from dissectors.capture.pcapng import PcapngReader

SECTION, INTERFACE, PACKET, SIMPLE_PACKET = 0x0A0D0D0A, 1, 2, 3
STATISTICS, ENHANCED_PACKET, JOURNAL, DECRYPTION_SECRETS = 5, 6, 9, 10
CUSTOM, CUSTOM_NO_COPY = 0xBAD, 0x40000BAD
TLS_KEY_LOG = 0x544C534B
MAX_INTERFACES = 10_000
"""Interfaces of a file kept; frames of further ones have none."""
MAX_NAME = 256
"""Characters kept of an interface's name, description and filter."""


@dataclass(frozen=True, slots=True)
class _Packets:
    """Blocks that are frames, as columns, before they are read."""

    places: Longs  # where the block begins
    lengths: Longs  # of the whole block
    kinds: Longs
    big_endian: Flags
    base: Longs  # index of its section's first interface
    count: Longs  # interfaces described in its section before it

    def of(self, *kinds: int) -> Longs:
        """Which of them are blocks of these kinds."""
        return np.flatnonzero(np.isin(self.kinds, kinds))


class Blocks:
    """The state that pcapng blocks build up: interfaces of the current section, the time of the last frame."""

    def __init__(self, reader: "PcapngReader") -> None:
        self._reader = reader
        self._base = 0  # index of the current section's first interface in the reader's list
        self._count = 0  # interfaces that this section has described, kept or not
        self._times: list[tuple[int, int]] = []  # per interface: if_tsresol, if_tsoffset
        self._dropped: dict[int, int] = {}

    def read(self, data: Bytes, places: Longs, big_endian: Flags) -> Frames:
        """The frames of the blocks at `places`, each of which is known to lie inside `data` with a sane length."""
        kinds, lengths = _words(data, places, big_endian, 2).T
        lengths = lengths + (-lengths & 3)
        packets = (kinds == ENHANCED_PACKET) & (lengths >= 32)
        if not packets.all():  # something else than a run of enhanced packets
            packets |= (kinds == PACKET) & (lengths >= 32) | (kinds == SIMPLE_PACKET) & (lengths >= 16)
            packets |= (kinds == JOURNAL) | ((kinds == CUSTOM) | (kinds == CUSTOM_NO_COPY)) & (lengths >= 16)
        numbers = np.cumsum(packets)
        bases, counts = [self._base], [self._count]
        since = [0]
        for index in np.flatnonzero(~packets).tolist():
            body = data[places[index] + 8 : places[index] + lengths[index] - 4]
            self._other(int(kinds[index]), body, bool(big_endian[index]), int(places[index]))
            if (self._base, self._count) != (bases[-1], counts[-1]):
                bases.append(self._base)
                counts.append(self._count)
                since.append(int(numbers[index]))
        total = int(numbers[-1])
        if not total:
            return no_frames(data, self._reader.frames + 1)
        spans = np.diff(np.append(since, total))
        if total < len(places):
            places, lengths, kinds, big_endian = places[packets], lengths[packets], kinds[packets], big_endian[packets]
        base, count = np.repeat(bases, spans), np.repeat(counts, spans)
        return self._packets(data, _Packets(places, lengths, kinds, big_endian, base, count))

    # -- packets, all at once ---------------------------------------------------------------------------------------

    def _packets(self, data: Bytes, blocks: _Packets) -> Frames:
        reader = self._reader
        timed: Flags | None = None
        if (blocks.kinds == ENHANCED_PACKET).all():
            words = _words(data, blocks.places + 8, blocks.big_endian, 5)
            local, high, low, captured, original = np.ascontiguousarray(words.T)
            offset = blocks.places + 28
        else:
            local, high, low, captured, original, offset = self._mixed(data, blocks)
            timed = (blocks.kinds == ENHANCED_PACKET) | (blocks.kinds == PACKET)
        end = blocks.places + blocks.lengths - 4
        overlong = captured > end - offset
        captured = np.minimum(captured, end - offset)
        index = local + blocks.base
        known = (local >= 0) & (local < blocks.count) & (index < len(reader.interfaces))
        interface = np.where(known, index, NOT_A_PACKET).astype(np.int32)
        ticks = high.astype(np.uint64) << np.uint64(32) | low.astype(np.uint64)
        time_ns, unfit = self._time(ticks, interface)
        if timed is not None:
            # Frames without a time get that of the frame before them.
            before = np.maximum.accumulate(np.where(timed, np.arange(len(timed)), -1))
            time_ns = np.where(before >= 0, time_ns[before], reader.previous_ns or 0)
            unfit &= timed
        link_types = np.array([interface.link_type for interface in reader.interfaces] + [NOT_A_PACKET], np.int32)
        frames = Frames(data, reader.frames + 1, offset, captured, original, time_ns, interface, link_types[interface])
        for code, which, detail in (
            ("captured_too_long", overlong, "more bytes claimed than are in its block"),
            ("captured_too_long", ~overlong & (captured > original), "more bytes captured than were on the wire"),
            ("time_out_of_range", unfit, "its time is before 1970, or does not fit 64 bits of nanoseconds since then"),
            ("bad_interface", ~known & (local >= 0), "an interface that was not described before"),
            ("packet_without_time", blocks.kinds == SIMPLE_PACKET, "it was given the time of the frame before it"),
        ):
            if which.any():
                reader.note_frames(code, np.flatnonzero(which), blocks.places, time_ns, detail)
        self._comments(frames, blocks, end)
        return frames

    def _mixed(self, data: Bytes, blocks: _Packets) -> tuple[Longs, ...]:
        """The columns where not all are enhanced packets. Interface -1 is for frames that are no packets."""
        places, big_endian = blocks.places, blocks.big_endian
        local, high, low, captured, original = np.zeros((5, len(places)), np.int64)
        offset = places + 28
        full = blocks.of(ENHANCED_PACKET, PACKET)
        words = _words(data, places[full] + 8, big_endian[full], 5)
        local[full], high[full], low[full], captured[full], original[full] = words.T
        old = blocks.of(PACKET)  # interface and drop count share the first word (draft, appendix A)
        local[old] = np.where(big_endian[old], local[old] >> 16, local[old] & 0xFFFF)
        simple = blocks.of(SIMPLE_PACKET)
        offset[simple] = places[simple] + 12
        original[simple] = _words(data, places[simple] + 8, big_endian[simple], 1)[:, 0]
        # Draft 4.4: no captured length of its own, the snap length of the section's first interface tells.
        snaps = np.array([interface.snap_length for interface in self._reader.interfaces] + [0], np.int64)
        snap = snaps[np.minimum(blocks.base[simple], len(snaps) - 1)]
        snap = np.where((blocks.count[simple] > 0) & (snap > 0), snap, original[simple])
        captured[simple] = np.minimum(np.minimum(original[simple], snap), blocks.lengths[simple] - 16)
        none = blocks.of(JOURNAL, CUSTOM, CUSTOM_NO_COPY)
        offset[none] = places[none] + 8
        local[none] = -1
        return local, high, low, captured, original, offset

    def _time(self, ticks: NDArray[np.uint64], interface: Ints) -> tuple[Longs, Flags]:
        """Nanoseconds by each frame's interface (microseconds where it is unknown), and which of them do not fit."""
        clocks = [*self._times, (DEFAULT_RESOLUTION, 0)]
        if len(set(self._times)) == 1 and (interface >= 0).all():
            return to_ns(ticks, *clocks[0])
        # Sorted by interface, so that many interfaces cost no more than one pass each over their own frames.
        order = np.argsort(interface, kind="stable")
        present, begins = np.unique(interface[order], return_index=True)
        time_ns = np.empty(len(ticks), np.int64)
        unfit = np.zeros(len(ticks), np.bool_)
        for which, part in zip(present.tolist(), np.split(order, begins[1:]), strict=True):
            time_ns[part], unfit[part] = to_ns(ticks[part], *clocks[which])
        return time_ns, unfit

    def _comments(self, frames: Frames, blocks: _Packets, end: Longs) -> None:
        begin = frames.offset + frames.captured
        begin += -frames.captured & 3
        if (begin + 4 > end).all():
            return
        if not (blocks.kinds == ENHANCED_PACKET).all():
            begin = np.where((blocks.kinds == ENHANCED_PACKET) | (blocks.kinds == PACKET), begin, end)
        for index, place, length in packet_comments(frames.data, begin, end, blocks.big_endian):
            text = frames.data[place : place + length].tobytes()
            self._reader.keep_comment(place, frames.first_frame + index, text)

    # -- other blocks, one by one -----------------------------------------------------------------------------------

    def _other(self, kind: int, body: Bytes, big_endian: bool, at: int) -> None:
        order = ">" if big_endian else "<"
        reader = self._reader
        if kind == SECTION:
            self._base, self._count = len(reader.interfaces), 0
            for code, value in options(body[16:].tobytes(), big_endian):
                if code == COMMENT:
                    reader.keep_comment(at, None, value)
        elif kind == INTERFACE:
            self._interface(body.tobytes(), big_endian, at)
        elif kind == DECRYPTION_SECRETS and len(body) >= 8:
            secret, length = Struct(order + "II").unpack_from(body.data)
            if length > len(body) - 8:
                reader.note("bad_block", "embedded keys claim more bytes than are in their block", at=at)
            elif secret == TLS_KEY_LOG:
                reader.keep_secret(at, body[8 : 8 + length].tobytes())
        elif kind == STATISTICS and len(body) >= 12:
            self._statistics(body.tobytes(), big_endian)
        elif kind in (ENHANCED_PACKET, PACKET, SIMPLE_PACKET, DECRYPTION_SECRETS, STATISTICS, CUSTOM, CUSTOM_NO_COPY):
            reader.note("bad_block", f"a block of type {kind:#x} is too short for its kind", at=at)

    def _interface(self, body: bytes, big_endian: bool, at: int) -> None:
        reader = self._reader
        self._count += 1
        if len(reader.interfaces) >= MAX_INTERFACES:
            reader.note("interface_limit", f"not kept: this file has more than {MAX_INTERFACES} interfaces", at=at)
            return
        link_type, snap_length = NOT_A_PACKET, 0
        if len(body) < 8:  # it takes its number all the same, or later ones would be mistaken
            reader.note("bad_block", "an interface description is too short", at=at)
        else:
            link_type, _, snap_length = Struct((">" if big_endian else "<") + "HHI").unpack_from(body)
        texts: dict[int, str] = {}
        resolution, offset_s, fcs_length = DEFAULT_RESOLUTION, 0, None
        for code, value in options(body[8:], big_endian):
            if code == COMMENT:
                reader.keep_comment(at, None, value)
            elif code in (2, 3):  # if_name, if_description
                texts[code] = value.decode("utf-8", "replace")[:MAX_NAME]
            elif code == 9 and value:  # if_tsresol
                resolution = value[0]
            elif code == 11 and value[:1] == b"\0":  # if_filter, as text
                texts[code] = value[1:].decode("utf-8", "replace")[:MAX_NAME]
            elif code == 13 and value:  # if_fcslen
                fcs_length = value[0]
            elif code == 14 and len(value) == 8:  # if_tsoffset
                offset_s = int.from_bytes(value, "big" if big_endian else "little", signed=True)
        self._times.append((resolution, offset_s))
        reader.interfaces.append(
            Interface(
                index=len(reader.interfaces),
                link_type=link_type,
                snap_length=snap_length,
                resolution=ticks_per_second(resolution),
                offset_s=offset_s,
                fcs_length=fcs_length,
                name=texts.get(2),
                description=texts.get(3),
                filter=texts.get(11),
            )
        )

    def _statistics(self, body: bytes, big_endian: bool) -> None:
        """isb_ifdrop (5) and isb_osdrop (7) count from the start of the capture: the last one of an interface holds."""
        order: Literal["big", "little"] = "big" if big_endian else "little"
        interface = int.from_bytes(body[:4], order)
        index = self._base + interface
        if interface >= self._count or index >= len(self._reader.interfaces):
            return
        lost = 0
        for code, value in options(body[12:], big_endian):
            if code in (5, 7) and len(value) == 8:
                lost += int.from_bytes(value, order)
        self._reader.dropped += lost - self._dropped.get(index, 0)
        self._dropped[index] = lost


def _words(data: Bytes, places: Longs, big_endian: Flags, count: int) -> Longs:
    """`count` 32-bit numbers at each place, each in its section's byte order."""
    words = gather(data, places, f"V{4 * count}").view("<u4").reshape(len(places), count)
    if big_endian.any():
        words[big_endian] = words[big_endian].byteswap()
    return words.astype(np.int64)
