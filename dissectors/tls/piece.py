"""What the TLS dissector hands on: application data with its place in the capture."""

from typing import NamedTuple

Span = tuple[int, int, int, int]  # first frame, first time (ns), last frame, last time (ns)


class Piece(NamedTuple):
    """Application data of one side, in order. What is `missing` stood behind `data`."""

    side: int
    data: bytes
    first_frame: int  # frame and time of the record's first byte
    first_ns: int
    last_frame: int  # of its last byte that was seen
    last_ns: int
    wire_bytes: int  # record bytes on the wire, header included; 0 where another piece of the same record has them
    authentic: bool = True  # the tag was verified; False only for records that are not whole in the capture
    missing: int = 0  # plaintext bytes behind `data` that are not in the capture; an estimate where records are lost
