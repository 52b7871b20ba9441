"""HTTP/2 frames: their kinds, what a header must be like, and where frames begin in bytes that were joined midway
(RFC 9113 sections 4 and 6).

A frame header has little that is redundant, and yet rubbish seldom passes for one: kind, flags, length and stream have
to fit together. A chain of such headers, each where the frame before ends, is as good as a proof.
"""

import re
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113 3.4
HEADER_BYTES: Final = 9
DEFAULT_MAX_LENGTH: Final = 16_384  # of a payload, until SETTINGS_MAX_FRAME_SIZE says otherwise
LARGEST_MAX_LENGTH: Final = (1 << 24) - 1

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
NAMES: Final = (
    *("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE"),
    *("PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION"),
)

END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
WITH_PRIORITY: Final = 0x20

MAX_HOPS: Final = 8  # frames in a row that are enough to believe in the chain
MAX_CANDIDATES: Final = 64  # places looked at closely in one piece
MAX_LIKELY_STREAM: Final = (1 << 24) - 1  # no connection lives so long as to have more

_FLAGS: Final = (0x09, 0x2D, 0x00, 0x00, 0x01, 0x0C, 0x01, 0x00, 0x00, 0x04)  # that are defined, by kind
_LENGTHS: Final = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
_OF_CONNECTION: Final = (SETTINGS, PING, GOAWAY)
_CANDIDATE: Final = re.compile(  # what `plausible` needs at least, so that it need not look at each byte
    rb"(?=\x00[\x00-\x40][\x00-\xff]"
    rb"(?:[\x00-\x03\x05\x09][\x00-\x2d]\x00[\x00-\xff]{2}[\x01-\xff]"
    rb"|[\x04\x06\x07][\x00\x01]\x00\x00\x00\x00|\x08\x00\x00[\x00-\xff]{3}))",
    re.DOTALL,
)


def bad_frame(kind: int, flags: int, stream_id: int, length: int) -> str | None:
    """What is wrong with a frame by its header, in words (RFC 9113 6.1 to 6.10); None for nothing."""
    if kind > CONTINUATION:
        return None  # RFC 9113 4.1: unknown kinds are ignored
    name = NAMES[kind]
    if kind in _OF_CONNECTION:
        if stream_id:
            return f"{name} on a stream"
    elif not stream_id and kind != WINDOW_UPDATE:
        return f"{name} on no stream"
    wanted = _LENGTHS.get(kind)
    if wanted is not None and length != wanted:
        return f"{name} of {length} bytes"
    if kind == SETTINGS and (length % 6 or (flags & ACK and length)):
        return f"{name} of {length} bytes"
    if kind == GOAWAY and length < 8:
        return f"{name} of {length} bytes"
    return None


def plausible(data: bytes, position: int, max_length: int) -> int:
    """The length of the frame whose header is at `position`, header included; 0 where no header can be.

    Only defined kinds and flags and streams that a client opened count here: extensions and pushed streams are legal,
    but too rare to find one's way by.
    """
    length = int.from_bytes(data[position : position + 3], "big")
    kind, flags = data[position + 3], data[position + 4]
    stream_id = int.from_bytes(data[position + 5 : position + 9], "big")
    if kind > CONTINUATION or flags & ~_FLAGS[kind] or length > max_length:
        return 0
    if stream_id > MAX_LIKELY_STREAM or (stream_id and stream_id % 2 == 0):
        return 0
    return 0 if bad_frame(kind, flags, stream_id, length) else HEADER_BYTES + length


def begins_with_frames(data: bytes) -> bool | None:
    """Whether `data`, the first bytes of a side, is a chain of frames; None when no frame of it is whole yet."""
    if len(data) < HEADER_BYTES:
        return None if data.startswith(b"\0") or not data else False
    hops, end = _follow(data, 0, DEFAULT_MAX_LENGTH)
    return True if hops else None if end else False


def find_frames(data: bytes, start: int, max_length: int) -> tuple[int | None, list[int]]:
    """Where in `data`, from `start` on, a frame begins for certain; and, if nowhere, where one should begin behind
    the end of `data`, by single headers that may be accidents.

    At `start` itself a single header is enough: senders begin records and segments with frames.
    """
    guesses: list[int] = []
    for count, match in enumerate(_CANDIDATE.finditer(data, start)):
        position = match.start()
        if count == MAX_CANDIDATES:
            break
        hops, end = _follow(data, position, max_length)
        if hops >= 2 or (hops == 1 and (position == start or end == len(data))):
            return position, []
        if end > len(data) - HEADER_BYTES:
            if position == start:
                return position, []
            guesses.append(end)
    return None, guesses


def _follow(data: bytes, position: int, max_length: int) -> tuple[int, int]:
    """How many frames that are whole follow each other from `position` on, and where the next one begins; a header
    that cannot be one makes it (0, 0)."""
    hops = 0
    while hops < MAX_HOPS and position + HEADER_BYTES <= len(data):
        size = plausible(data, position, max_length)
        if not size:
            return 0, 0
        position += size
        hops += position <= len(data)
    return hops, position
