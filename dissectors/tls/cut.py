"""Records that are not whole in the capture: what can be read of them when key and sequence number are certain.

Snap lengths cut almost every record of a capture, loss cuts some. The tag or MAC cannot be verified then, but most
ciphers are counter modes or keystreams, where each visible byte decrypts by itself; in CBC each visible block does, if
the one before it is visible, too. What cannot be seen is never guessed: it is counted as missing. A TLS 1.3 record has
its content type at the end; where that is hidden, records that look like none of the few messages that TLS itself sends
after the handshake are taken for application data. How long the padding of a CBC record is stands at its end, too:
where that is hidden, it is taken to be one block at most, and what may be padding is missing.
"""

from typing import NamedTuple

from dissectors.tls import handshake
from dissectors.tls.aead import Tls13Protection
from dissectors.tls.block_cipher import CbcProtection
from dissectors.tls.framing import Record
from dissectors.tls.protection import Protection
from dissectors.tls.searching import HEADER_BYTES

Holes = list[tuple[int, int]]  # parts of a record's content that cannot be read

_ALERT = 21
_HANDSHAKE = 22
_APPLICATION = 23


class CutRecord(NamedTuple):
    """What is visible of a record."""

    kind: int | None  # content type; None: cannot be told
    runs: list[tuple[bytes, int]]  # application data that is visible, and how many bytes are missing behind it


def read_cut(protection: Protection, record: Record) -> CutRecord:
    """Decrypts what is visible, as the protection's next record."""
    if isinstance(protection, CbcProtection):
        kind: int | None = record.data[record.start]
        plain, size, holes = _read_blocks(protection, record)
    else:
        before = HEADER_BYTES + protection.explicit
        if record.holes[0][0] < before:
            return CutRecord(None, [])
        plain = protection.peek(record.data[record.start + HEADER_BYTES : record.end])
        kind, size = _kind_and_size(protection, record, plain)
        holes = [(start - before, end - before) for start, end in record.holes]
    if kind != _APPLICATION or not plain:
        return CutRecord(kind if plain else None, [])
    runs: list[tuple[bytes, int]] = []
    position = 0
    for hole in holes:
        start, end = (min(max(edge, position), size) for edge in hole)
        if end > start:
            runs.append((plain[position:start], end - start))
            position = end
    if position < size:
        runs.append((plain[position:size], 0))
    return CutRecord(kind, runs)


def is_cut_finished(protection: Protection, record: Record) -> bool:
    """Whether a cut record begins a TLS 1.3 Finished: its own header and the record's length must say so."""
    if not isinstance(protection, Tls13Protection) or protection.epoch != "handshake":
        return False
    length = protection.suite.hash_bytes
    if record.end - record.start != HEADER_BYTES + 4 + length + protection.overhead:
        return False
    body = record.start + HEADER_BYTES
    seen = record.holes[0][0] >= HEADER_BYTES + 4
    begin = protection.peek(record.data[body : body + 4])
    return seen and begin == bytes((handshake.FINISHED, 0, 0, length))


def _kind_and_size(protection: Protection, record: Record, plain: bytes) -> tuple[int | None, int]:
    """Content type and content length of a decrypted record that cannot be verified."""
    size = max(0, record.end - record.start - HEADER_BYTES - protection.overhead)
    if not isinstance(protection, Tls13Protection):
        return record.data[record.start], size
    last_hole = record.holes[-1][1] - HEADER_BYTES
    if last_hole <= size:  # the inner type is visible, behind the content and before padding (RFC 8446 5.2)
        content = plain[: size + 1].rstrip(b"\x00")
        return (content[-1], len(content) - 1) if len(content) > last_hole else (None, 0)
    visible = plain[: record.holes[0][0] - HEADER_BYTES]
    if protection.epoch == "handshake":
        return _HANDSHAKE, size
    if len(visible) < 2:
        return None, 0
    if size == 2 and visible[0] in (1, 2):
        return _ALERT, size
    if visible[0] == handshake.NEW_SESSION_TICKET and visible[1] == 0:
        return _HANDSHAKE, size
    if size == 5 and visible[0] == handshake.KEY_UPDATE:
        return _HANDSHAKE, size
    return _APPLICATION, size


def _read_blocks(protection: CbcProtection, record: Record) -> tuple[bytes, int, Holes]:
    """A decrypted CBC record that cannot be verified: plaintext, content length, what of it is nonsense."""
    block = protection.block_bytes
    length = protection.block_part(record.end - record.start - HEADER_BYTES)
    body = record.start + HEADER_BYTES
    plain = protection.peek(record.data[body : body + length])
    holes: Holes = [(0, block)] if protection.blind else []
    for start, end in record.holes:
        first, last = max(0, start - HEADER_BYTES) // block, (end - HEADER_BYTES - 1) // block
        if last >= 0 and first * block < length:  # a block that is hidden hides the next one, too
            holes.append((first * block - protection.explicit, (last + 2) * block - protection.explicit))
    size = max(0, len(plain) - protection.mac_inside() - 1)
    if plain and (not holes or holes[-1][1] <= len(plain) - block):
        size = max(0, size - plain[-1])
    else:
        holes.append((max(0, size - block + 1), size))  # content, MAC or padding
    return plain, size, sorted(holes)
