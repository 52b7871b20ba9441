"""The part that all capture readers share: state that the caller sees, and the bookkeeping of anomalies.

Sans-IO: the caller owns a buffer, hands it over with `parse`, moves the unread rest to its front and appends more
bytes. Where the bytes are cut into blocks changes nothing in the result.
"""

from abc import ABC, abstractmethod
from typing import Literal

from dissectors.capture.frames import Bytes, Frames, Interface, Longs
from dissectors.events import Anomaly

MAX_RECORD_BYTES = 64 << 20
"""A record or block that claims more than this is damaged; also the most that `needed` can ask for."""
ANOMALIES_PER_CODE = 100
"""How many anomalies of one code are told one by one; the rest is counted and told at the end of the file."""
MAX_COMMENT_BYTES = 1 << 20
"""Comments of a file kept in all."""
MAX_SECRET_BYTES = 64 << 20
"""Embedded key log bytes of a file kept in all."""


class CaptureReader(ABC):
    """Reads one capture, block by block. Made by `open_capture`."""

    format: Literal["pcap", "pcapng"]

    def __init__(self, *, plain: bool = False) -> None:
        self.plain = plain  # never look for boundaries with chains: the twin that the fast path is checked against
        self.frames = 0  # frames handed out so far
        self.position = 0  # bytes of the capture consumed so far
        self.needed = 1  # the fewest bytes with which `parse` can get on
        self.interfaces: list[Interface] = []
        self.secrets: list[bytes] = []  # NSS key log texts embedded in the file, as they are
        self.comments: list[tuple[int | None, str]] = []  # frame number (None: about a section or interface) and text
        self.anomalies: list[Anomaly] = []  # appended to here, taken away by the caller
        self.first_ns: int | None = None  # earliest time of a frame so far
        self.last_ns: int | None = None  # latest
        self.dropped = 0  # packets that the capturing machine says it lost
        self.previous_ns: int | None = None  # time of the last frame in file order
        self._told: dict[str, int] = {}
        self._notes: list[tuple[int, int, Anomaly]] = []
        self._remarks: list[tuple[int, int | None, str]] = []
        self._comment_bytes = 0
        self._secret_bytes = 0

    def parse(self, data: Bytes, *, last: bool) -> tuple[Frames, int]:
        """Frames that are complete in `data`, and how many bytes of it are done with.

        `data` (uint8, one dimension, contiguous) begins where the last call's consumed bytes ended. With `last` no more
        bytes will come: everything is consumed and what is incomplete becomes an anomaly. When nothing is consumed,
        `needed` says how many bytes `data` must have for the next call to get on.
        """
        if data.dtype != "u1" or data.ndim != 1 or not data.flags.c_contiguous:
            raise ValueError("parse wants contiguous uint8 bytes in one dimension")
        self.needed = 1
        frames, consumed = self._parse(data, last)
        if len(frames):
            low, high = int(frames.time_ns.min()), int(frames.time_ns.max())
            self.first_ns = low if self.first_ns is None else min(self.first_ns, low)
            self.last_ns = high if self.last_ns is None else max(self.last_ns, high)
            self.previous_ns = int(frames.time_ns[-1])
            self.frames += len(frames)
        self.position += consumed
        self._flush(last)
        return frames, consumed

    @abstractmethod
    def _parse(self, data: Bytes, last: bool) -> tuple[Frames, int]: ...

    def note(self, code: str, detail: str, *, at: int, frame: int | None = None, time_ns: int | None = None) -> None:
        """Report odd bytes at byte `at` of the current block."""
        told = self._told.get(code, 0)
        self._told[code] = told + 1
        if told < ANOMALIES_PER_CODE:
            self._notes.append((at, len(self._notes), Anomaly(code=code, frame=frame, time_ns=time_ns, detail=detail)))

    def note_frames(self, code: str, which: Longs, places: Longs, time_ns: Longs, detail: str) -> None:
        """Report the same of several frames of the current block, given by their index in it."""
        room = max(0, ANOMALIES_PER_CODE - self._told.get(code, 0))
        for index in which[:room].tolist():
            frame = self.frames + 1 + index
            self.note(code, detail, at=int(places[index]), frame=frame, time_ns=int(time_ns[index]))
        self._told[code] = self._told.get(code, 0) + max(0, len(which) - room)

    def keep_comment(self, at: int, frame: int | None, text: bytes) -> None:
        """Keep a comment that stands at byte `at` of the current block."""
        if self._comment_bytes + len(text) > MAX_COMMENT_BYTES:
            self.note("comment_limit", f"a comment of {len(text)} bytes was not kept: too many in this file", at=at)
            return
        self._comment_bytes += len(text)
        self._remarks.append((at, frame, text.decode("utf-8", "replace")))

    def keep_secret(self, at: int, text: bytes) -> None:
        """Keep a key log that stands at byte `at` of the current block."""
        if self._secret_bytes + len(text) > MAX_SECRET_BYTES:
            detail = f"embedded keys of {len(text)} bytes were not kept: too many in this file"
            self.note("secrets_limit", detail, at=at)
            return
        self._secret_bytes += len(text)
        self.secrets.append(text)

    def _flush(self, last: bool) -> None:
        """Hand out what was noted in this block, in the order of its places in the file."""
        self._notes.sort(key=lambda note: note[:2])
        self.anomalies.extend(anomaly for _, _, anomaly in self._notes)
        self._notes.clear()
        self._remarks.sort(key=lambda remark: remark[0])
        self.comments.extend((frame, text) for _, frame, text in self._remarks)
        self._remarks.clear()
        if last:
            for code, told in self._told.items():
                if told > ANOMALIES_PER_CODE:
                    detail = f"{told - ANOMALIES_PER_CODE} more of these in this file"
                    self.anomalies.append(Anomaly(code=code, frame=None, time_ns=None, detail=detail))
            self._told.clear()
