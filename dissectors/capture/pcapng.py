"""pcapng files: draft-ietf-opsawg-pcapng. Finds the blocks; what is in them is read by `blocks.py`.

Sections of either byte order, damaged blocks, blocks that nobody knows: all are followed or told. Frames are numbered
as Wireshark numbers them.
"""

import re
from struct import Struct
from typing import Literal

import numpy as np

from dissectors.capture.blocks import CUSTOM, CUSTOM_NO_COPY, DECRYPTION_SECRETS, JOURNAL, SECTION, Blocks
from dissectors.capture.chains import Shape, chain
from dissectors.capture.frames import Bytes, Frames, Longs, gather, no_frames
from dissectors.capture.reader import MAX_RECORD_BYTES, CaptureReader

MIN_BLOCK = 12  # type, length, length again
RESYNC_BLOCK_BYTES = 1 << 20
"""After damage, a block is only believed if it is not larger than this."""
KNOWN_TYPES = frozenset(range(1, JOURNAL + 1)) | {DECRYPTION_SECRETS, SECTION, CUSTOM, CUSTOM_NO_COPY}
# A block type is followed by a length below 2**24: enough to find candidates fast, the rest is checked one by one.
ANY_BLOCK = {
    False: re.compile(b"(?s)[\x01-\x0a]\x00\x00\x00(?=...\x00)|\x0a\x0d\x0d\x0a|\xad\x0b\x00[\x00\x40](?=...\x00)"),
    True: re.compile(b"(?s)\x00\x00\x00[\x01-\x0a](?=\x00)|\x0a\x0d\x0d\x0a|[\x00\x40]\x00\x0b\xad(?=\x00)"),
}
PACKET_BLOCK = {
    False: re.compile(b"(?s)\x06\x00\x00\x00(?=..[\x00-\x07]\x00)"),
    True: re.compile(b"(?s)\x00\x00\x00\x06(?=\x00[\x00-\x07]..)"),
}


def pcapng_order(head: bytes) -> bool | None:
    """Whether the section that begins with `head` is big-endian, or None if none begins here."""
    if len(head) < MIN_BLOCK or head[:4] != b"\x0a\x0d\x0d\x0a":
        return None
    return {b"\x4d\x3c\x2b\x1a": False, b"\x1a\x2b\x3c\x4d": True}.get(bytes(head[8:12]))


class PcapngReader(CaptureReader):
    """Reads one pcapng file."""

    format: Literal["pcap", "pcapng"] = "pcapng"

    def __init__(self, big_endian: bool, *, plain: bool = False) -> None:
        super().__init__(plain=plain)
        self._big_endian = big_endian  # of the current section
        self._blocks = Blocks(self)
        self._lost_at: int | None = None  # position in the file where the blocks ceased to make sense

    def _parse(self, data: Bytes, last: bool) -> tuple[Frames, int]:
        before = self._big_endian
        found = np.zeros(0, np.int64)
        at = 0
        if self._lost_at is None and not self.plain:
            found = self._chain(data)
            if len(found):
                at = int(found[-1]) + int(gather(data, found[-1:] + 4, self._word())[0])
        walked, changes, at = self._walk(data, at, last)
        if not len(found) and not walked:
            return no_frames(data, self.frames + 1), at
        big_endian = np.zeros(len(found) + len(walked), np.bool_)
        big_endian[:] = before
        for index, order in changes:
            big_endian[len(found) + index :] = order
        return self._blocks.read(data, np.append(found, np.array(walked, np.int64)), big_endian), at

    def _word(self) -> str:
        return ">u4" if self._big_endian else "<u4"

    def _chain(self, data: Bytes) -> Longs:
        """Blocks from the start of `data` on, as far as all is well and the byte order stays."""
        view = data.data
        pattern = PACKET_BLOCK[self._big_endian]
        unpack = Struct(self._word()[0] + "I").unpack_from

        def find(low: int, high: int) -> int:
            while match := pattern.search(view, low, high):
                low = match.start()
                length = unpack(view, low + 4)[0] if low + 8 <= len(view) else 0
                end = low + length
                if length >= MIN_BLOCK and not length & 3 and end <= len(view) and unpack(view, end - 4)[0] == length:
                    return low
                low += 1
            return -1

        shape = Shape(length_at=4, overhead=0, header=MIN_BLOCK, big_endian=self._big_endian)
        found = chain(data, 0, shape, find)
        heads = gather(data, found, "V8").view(self._word()).reshape(len(found), 2)
        lengths = heads[:, 1].astype(np.int64)
        # Stepping may have stood still or jumped on damage: nothing is read of a block before its length is known sane.
        wrong = (lengths < MIN_BLOCK) | (lengths & 3 != 0) | (lengths > MAX_RECORD_BYTES)
        if wrong.any():
            sane = int(np.flatnonzero(wrong)[0])
            found, heads, lengths = found[:sane], heads[:sane], lengths[:sane]
        wrong = gather(data, found + lengths - 4, self._word()) != lengths
        sections = np.flatnonzero(heads[:, 0] == SECTION)
        wrong[sections] |= gather(data, found[sections] + 8, self._word()) != 0x1A2B3C4D
        bad = np.flatnonzero(wrong)
        return found[: bad[0]] if len(bad) else found

    def _walk(self, data: Bytes, at: int, last: bool) -> tuple[list[int], list[tuple[int, bool]], int]:
        """The plain loop from `at` on: where blocks start, where among them the byte order changes, how far it got."""
        view = data.data
        size = len(data)
        walked: list[int] = []
        changes: list[tuple[int, bool]] = []
        unpack = Struct(self._word()[0] + "II").unpack_from
        while True:
            if self._lost_at is not None:
                at, found = self._resynchronise(view, at, last)
                if not found:
                    return walked, changes, at
            left = size - at
            if left < MIN_BLOCK:
                return walked, changes, self._cut(at, left, MIN_BLOCK, last)
            kind, length = unpack(view, at)
            if kind == SECTION:
                order = pcapng_order(view[at : at + MIN_BLOCK].tobytes())
                if order is None:
                    self._lose(at, "a section header without a byte order")
                    at += 1
                    continue
                if order != self._big_endian:
                    self._big_endian = order
                    changes.append((len(walked), order))
                    unpack = Struct(self._word()[0] + "II").unpack_from
                    kind, length = unpack(view, at)
            whole = length + (-length & 3)  # some writers leave the padding out of the length; Wireshark rounds up too
            if not MIN_BLOCK <= whole <= MAX_RECORD_BYTES:
                self._lose(at, f"a block of type {kind:#x} claims {length} bytes")
                at += 1
                continue
            if whole > left:
                return walked, changes, self._cut(at, left, whole, last)
            again = unpack(view, at + whole - 8)[1]
            if again + (-again & 3) != whole:
                believed = self._next_is_sane(view, at + whole, last)
                if believed is None:
                    self.needed = whole + MIN_BLOCK
                    return walked, changes, at
                self.note("block_length_mismatch", f"a block says {length} bytes first and {again} bytes last", at=at)
                if not believed:
                    self._lost_at = self.position + at
                    at += 1
                    continue
            walked.append(at)
            at += whole

    def _cut(self, at: int, left: int, whole: int, last: bool) -> int:
        """What is left is no whole block: wait for more, or tell that the file ends here."""
        if not last:
            self.needed = whole
            return at
        if left:
            of = f" of {whole}" if left >= MIN_BLOCK else ""
            self.note("capture_truncated", f"the file ends inside a block: {left}{of} bytes of it are there", at=at)
        return at + left

    def _lose(self, at: int, detail: str) -> None:
        self.note("bad_block", detail, at=at)
        self._lost_at = self.position + at

    def _next_is_sane(self, view: memoryview, at: int, last: bool) -> bool | None:
        """Whether a block seems to begin at `at`, or the file ends there; None if more bytes are needed to tell."""
        if at == len(view) and last:
            return True
        if at + MIN_BLOCK > len(view):
            return False if last else None
        if pcapng_order(view[at : at + MIN_BLOCK].tobytes()) is not None:
            return True
        kind, length = Struct(self._word()[0] + "II").unpack_from(view, at)
        return kind in KNOWN_TYPES and kind != SECTION and MIN_BLOCK <= length <= RESYNC_BLOCK_BYTES

    def _resynchronise(self, view: memoryview, at: int, last: bool) -> tuple[int, bool]:
        """Look for a block of a known type that says its length twice."""
        assert self._lost_at is not None
        size = len(view)
        pattern = ANY_BLOCK[self._big_endian]
        while at + MIN_BLOCK <= size:
            match = pattern.search(view, at)
            if not match or match.start() + MIN_BLOCK > size:
                at = max(at, size - MIN_BLOCK + 1)
                break
            at = match.start()
            order = self._big_endian
            if view[at : at + 4].tobytes() == b"\x0a\x0d\x0d\x0a":
                said = pcapng_order(view[at : at + MIN_BLOCK].tobytes())
                if said is None:
                    at += 1
                    continue
                order = said
            unpack = Struct(">II" if order else "<II").unpack_from
            kind, length = unpack(view, at)
            if kind in KNOWN_TYPES and MIN_BLOCK <= length <= RESYNC_BLOCK_BYTES and not length & 3:
                if at + length > size and not last:
                    self.needed = length
                    return at, False
                if at + length <= size and unpack(view, at + length - 8)[1] == length:
                    skipped = self.position + at - self._lost_at
                    self.note("bytes_skipped", f"{skipped} bytes made no sense as blocks and were skipped", at=at)
                    self._lost_at = None
                    return at, True
            at += 1
        if last:
            skipped = self.position + size - self._lost_at
            self.note("bytes_skipped", f"the last {skipped} bytes of the file made no sense as blocks", at=size)
            return size, False
        self.needed = MIN_BLOCK
        return at, False
