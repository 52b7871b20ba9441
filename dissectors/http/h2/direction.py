"""What one side's frames are read with: the framer, the table of header fields, and the header block that is being put
together from HEADERS or PUSH_PROMISE and its CONTINUATION frames (RFC 9113 4.3, 6.2, 6.6, 6.10).
"""

from typing import Final

from dissectors.http.h2.fields import Block, FieldTable
from dissectors.http.h2.frames import CONTINUATION, PADDED, PUSH_PROMISE, WITH_PRIORITY
from dissectors.http.h2.framing import Framer, Part
from dissectors.http.heads import MAX_HEAD_BYTES

MAX_BLOCK_BYTES: Final = MAX_HEAD_BYTES

_PROMISED_BYTES: Final = 4
_PRIORITY_BYTES: Final = 5


class Direction:
    """One side of a connection."""

    __slots__ = ("_block", "_useless", "flags", "framer", "kind", "stream_id", "table")

    def __init__(self, side: int) -> None:
        self.framer = Framer(side)
        self.table = FieldTable()
        self.kind = self.flags = self.stream_id = 0  # of the frame that began the block
        self._block: bytearray | None = None  # the header block, while its end has not come
        self._useless = False  # of the block only the beginning could be had

    @property
    def in_block(self) -> bool:
        """Only CONTINUATION may come now."""
        return self._block is not None

    def add(self, part: Part) -> tuple[str, str] | None:
        """The payload of HEADERS, PUSH_PROMISE or CONTINUATION. Returns what is wrong, as (anomaly code, detail)."""
        payload = part.payload
        assert payload is not None
        wrong: tuple[str, str] | None = None
        if part.kind != CONTINUATION:
            start, end = 0, len(payload)
            if part.flags & PADDED:
                start, end = 1, end - (payload[0] if payload and not part.cut else 0)
            if part.kind == PUSH_PROMISE:
                start += _PROMISED_BYTES
            elif part.flags & WITH_PRIORITY:
                start += _PRIORITY_BYTES
            if start > end and not part.cut:
                wrong = "http2_bad_frame", "a header block is smaller than its padding"
            payload = payload[start : max(start, end)]
            self._block = bytearray()
            self._useless = False
            self.kind, self.flags, self.stream_id = part.kind, part.flags, part.stream_id
        if self._block is None or self._useless:
            return wrong
        self._block += payload
        self._useless = part.cut
        if len(self._block) > MAX_BLOCK_BYTES:
            self._useless = True
            del self._block[MAX_BLOCK_BYTES:]
            wrong = "http_head_too_large", f"a header block is over {MAX_BLOCK_BYTES} bytes"
        return wrong

    def drop(self) -> None:
        """The block will not be whole, or there was one that was not seen: nobody knows what is in the table now."""
        self._block = None
        self.table.lose()

    def done(self) -> tuple[Block, bool]:
        """The block's end has come: what it says, and whether only its beginning could be read."""
        block, cut = bytes(self._block or b""), self._useless
        self._block = None
        return self.table.decode(block, cut), cut
