"""pcap files: draft-ietf-opsawg-pcap, both byte orders, micro- and nanoseconds.

Also read: files older than version 2.3 (the two lengths change places), the "modified" format of Alexey Kuznetzov's
patched libpcap (24-byte record headers), Ixia's two variants (four more bytes of file header). Left out: variants that
use the standard magic number and can only be guessed (AIX, Nokia, the patch of 1999-04-17).
"""

import re
from struct import Struct
from typing import Literal, NamedTuple

import numpy as np

from dissectors.capture.chains import Shape, chain
from dissectors.capture.frames import Bytes, Frames, Interface, Longs, Words, gather, no_frames
from dissectors.capture.reader import MAX_RECORD_BYTES, CaptureReader
from dissectors.errors import NotACapture

USUAL_FRAME_BYTES = 256 << 10
"""Largest frame that is believed whatever the file header's snap length says (libpcap's and Wireshark's own limit)."""
RESYNC_SECONDS = 1 << 17
"""After damage, a record is only believed with a time at most about this far from the last good one."""


class Variant(NamedTuple):
    """What a magic number says."""

    resolution: int  # ticks per second
    record_header: int = 16
    file_header: int = 24


VARIANTS = {
    0xA1B2C3D4: Variant(1_000_000),
    0xA1B23C4D: Variant(1_000_000_000),
    0xA1B2CD34: Variant(1_000_000, record_header=24),
    0x1C0001AC: Variant(1_000_000_000, file_header=28),
    0x1C0001AB: Variant(1_000_000, file_header=28),
}


def pcap_variant(head: bytes) -> tuple[Variant, bool] | None:
    """The variant and whether it is big-endian, or None if these bytes are no pcap file."""
    for order in "<", ">":
        variant = VARIANTS.get(Struct(order + "I").unpack_from(head)[0]) if len(head) >= 4 else None
        if variant:
            return variant, order == ">"
    return None


class PcapReader(CaptureReader):
    """Reads one pcap file."""

    format: Literal["pcap", "pcapng"] = "pcap"

    def __init__(self, head: bytes, variant: Variant, big_endian: bool, *, plain: bool = False) -> None:
        super().__init__(plain=plain)
        if len(head) < variant.file_header:
            raise NotACapture(f"a pcap file that ends inside its file header, after {len(head)} bytes")
        order = ">" if big_endian else "<"
        major, minor, _, _, snap_length, network = Struct(order + "HHiIII").unpack_from(head, 4)
        if major not in (2, 543):  # 543: DG/UX
            raise NotACapture(f"a pcap file of version {major}.{minor}, which nobody knows")
        swapped = (major, minor) < (2, 3) or major == 543  # libpcap, sf-pcap.c: lengths in the other order
        has_fcs = bool(network & 0x04000000)
        # Upper bits: FCS length in units of 16 bits, its flag, reserved bits (draft-ietf-opsawg-pcap 4).
        self.interfaces.append(
            Interface(
                index=0,
                link_type=network & 0xFFFF,
                snap_length=snap_length,
                resolution=variant.resolution,
                fcs_length=(network >> 28) * 2 if has_fcs else None,
            )
        )
        self._variant = variant
        self._order = order
        self._captured_at, self._original_at = (12, 8) if swapped else (8, 12)
        self._frame_limit = max(USUAL_FRAME_BYTES, min(snap_length, MAX_RECORD_BYTES - 64))
        self._shape = Shape(
            length_at=self._captured_at,
            overhead=variant.record_header,
            header=variant.record_header,
            big_endian=big_endian,
        )
        self._seconds: int | None = None  # of the last record believed
        self._lost_at: int | None = None  # position in the file where the records ceased to make sense

    def _parse(self, data: Bytes, last: bool) -> tuple[Frames, int]:
        at = 0
        if self.position == 0:
            at = self._variant.file_header
            if len(data) < at:
                self.needed = at
                if last:
                    self.note("capture_truncated", "the file ends inside its header", at=0)
                return no_frames(data, 1), len(data) if last else 0
        records = np.zeros(0, np.int64)
        rows = self._rows(data, records)
        if self._lost_at is None and not self.plain:
            records, rows = self._chain(data, at)
            if len(records):
                at = int(records[-1]) + self._length(data.data, int(records[-1]))
                self._seconds = int(rows[-1, 0])
        walked, at = self._walk(data, at, last, self.frames + len(records))
        if walked:
            more = np.array(walked, np.int64)
            records, rows = np.append(records, more), np.append(rows, self._rows(data, more), 0)
        return self._columns(data, records, rows), at

    def _rows(self, data: Bytes, records: Longs) -> Words:
        """The four header words of each record."""
        return gather(data, records, "V16").view(self._order + "u4").reshape(len(records), 4)

    def _chain(self, data: Bytes, start: int) -> tuple[Longs, Words]:
        if len(data) - start < self._shape.header:
            nothing = np.zeros(0, np.int64)
            return nothing, self._rows(data, nothing)
        seconds = int(gather(data, np.array([start]), self._order + "u4")[0])
        pattern, back = self._likely(seconds)
        same, _ = self._likely(seconds, spread=0)  # nine times as fast: it begins with bytes, not with sets of them
        view = data.data

        def find(low: int, high: int) -> int:
            match = same.search(view, low + back, high) or pattern.search(view, low + back, high)
            return match.start() - back if match else -1

        records = chain(data, start, self._shape, find)
        rows = self._rows(data, records)
        wrong = np.flatnonzero(rows[:, self._captured_at // 4] > self._frame_limit)
        sane = int(wrong[0]) if len(wrong) else len(records)
        return records[:sane], rows[:sane]

    def _likely(self, seconds: int | None, spread: int = 1) -> tuple[re.Pattern[bytes], int]:
        """What a record header near that time looks like, and how many bytes of it come before the match.

        The upper half of the seconds differs by `spread` at most, the fraction is less than about a second, both
        lengths are usual.
        """
        micro = self._variant.resolution == 1_000_000
        if self._shape.big_endian:
            rest = (b"\x00[\x00-\x0f].." if micro else b"[\x00-\x3b]...") + b"(?:\x00[\x00-\x04]..){2}"
        else:
            rest = (b"..[\x00-\x0f]\x00" if micro else b"...[\x00-\x3b]") + b"(?:..[\x00-\x04]\x00){2}"
        if seconds is None:
            return re.compile(b"(?s)....(?=" + rest + b")"), 0
        high, near = seconds >> 24, seconds >> 16 & 0xFF
        values = range(max(0, near - spread), min(255, near + spread) + 1)
        nears = b"(?:" + b"|".join(re.escape(bytes([n])) for n in values) + b")"
        high_byte = re.escape(bytes([high]))
        if self._shape.big_endian:
            return re.compile(b"(?s)" + high_byte + nears + b"(?=.." + rest + b")"), 0
        return re.compile(b"(?s)" + nears + high_byte + b"(?=" + rest + b")"), 2

    def _length(self, view: memoryview, at: int) -> int:
        word = view[at + self._captured_at : at + self._captured_at + 4]
        return self._variant.record_header + int.from_bytes(word, "big" if self._shape.big_endian else "little")

    def _walk(self, data: Bytes, at: int, last: bool, frames: int) -> tuple[list[int], int]:
        """The plain loop: record starts from `at` on, and how far it got. All that is odd is met and told here."""
        view = data.data
        size, header, limit = len(data), self._variant.record_header, self._frame_limit
        unpack = Struct(self._order + "I").unpack_from
        captured_at = self._captured_at
        walked: list[int] = []
        while True:
            if self._lost_at is not None:
                at, found = self._resynchronise(view, at, last)
                if not found:
                    return walked, at
            begin = len(walked)
            while at + header <= size:
                captured = unpack(view, at + captured_at)[0]
                if captured > limit or at + header + captured > size:
                    break
                walked.append(at)
                at += header + captured
            if len(walked) > begin:
                self._seconds = unpack(view, walked[-1])[0]
            left = size - at
            if left >= header and captured > limit:
                detail = f"the record after frame {frames + len(walked)} claims {captured} bytes, the limit is {limit}"
                self.note("bad_record_length", detail, at=at)
                self._lost_at = self.position + at
                at += 1
                continue
            if last and left:
                there = f"{left} of {captured + header}" if left >= header else f"{left}"
                detail = f"the file ends inside frame {frames + len(walked) + 1}: {there} bytes of its record are there"
                self.note("capture_truncated", detail, at=at)
                at = size
            elif left:
                self.needed = header + (captured if left >= header else 0)
            return walked, at

    def _resynchronise(self, view: memoryview, at: int, last: bool) -> tuple[int, bool]:
        """Look for two likely records in a row, or one that ends exactly with the file."""
        assert self._lost_at is not None
        size, header = len(view), self._variant.record_header
        pattern, back = self._likely(self._seconds)  # no time to go by if the first record is damaged already
        while at + header <= size:
            match = pattern.search(view, at + back)
            if not match:
                at = max(at, size - header + 1)
                break
            at = match.start() - back
            if at + header > size:
                break
            if self._believable(view, at):
                following = at + self._length(view, at)
                if following + header > size and not last:
                    self.needed = following + header - at
                    return at, False
                if following == size or (following + header <= size and self._believable(view, following)):
                    skipped = self.position + at - self._lost_at
                    self.note("bytes_skipped", f"{skipped} bytes made no sense as records and were skipped", at=at)
                    self._lost_at = None
                    return at, True
            at += 1
        if last:
            skipped = self.position + size - self._lost_at
            self.note("bytes_skipped", f"the last {skipped} bytes of the file made no sense as records", at=size)
            return size, False
        self.needed = header
        return at, False

    def _believable(self, view: memoryview, at: int) -> bool:
        seconds, fraction, one, other = Struct(self._order + "IIII").unpack_from(view, at)
        captured, original = (one, other) if self._captured_at == 8 else (other, one)
        return bool(
            fraction < self._variant.resolution
            and 0 < captured <= min(original, USUAL_FRAME_BYTES)
            and original <= USUAL_FRAME_BYTES
            and (self._seconds is None or abs(seconds - self._seconds) <= RESYNC_SECONDS)
        )

    def _columns(self, data: Bytes, records: Longs, rows: Words) -> Frames:
        first = self.frames + 1
        count = len(records)
        if not count:
            return no_frames(data, first)
        fraction = rows[:, 1].astype(np.int64)
        captured = rows[:, self._captured_at // 4].astype(np.int64)
        original = rows[:, self._original_at // 4].astype(np.int64)
        time_ns = rows[:, 0].astype(np.int64)
        time_ns *= 1_000_000_000  # 2**32 seconds of nanoseconds are less than 2**63
        time_ns += fraction * (1_000_000_000 // self._variant.resolution)
        self._check(records, time_ns, fraction, captured, original)
        return Frames(
            data,
            first,
            records + self._variant.record_header,
            captured,
            original,
            time_ns,
            np.zeros(count, np.int32),
            np.full(count, self.interfaces[0].link_type, np.int32),
        )

    def _check(self, records: Longs, time_ns: Longs, fraction: Longs, captured: Longs, original: Longs) -> None:
        if int(fraction.max()) >= self._variant.resolution:
            late = np.flatnonzero(fraction >= self._variant.resolution)
            self.note_frames("time_out_of_range", late, records, time_ns, "the part of a second is a second or more")
        longer = np.flatnonzero(captured > original)
        if len(longer):
            self.note_frames("captured_too_long", longer, records, time_ns, "more bytes captured than were on the wire")
