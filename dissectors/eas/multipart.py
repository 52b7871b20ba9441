"""Multipart bodies: a WBXML document and the data that it points to, without base64
(application/vnd.ms-sync.multipart).

Specification: MS-ASCMD 2.2.1.10.1.1. The body begins with the number of parts and, for each, its offset from the begin
of the body and its length, all in 32 bits. They are little-endian as Horde writes them; the specification does not say.
Part 0 is the document; an element Part in it holds the number of another one.

A body is recognised by itself, whatever its content type says: a WBXML body would be one of millions of parts.
"""

from typing import NamedTuple

from dissectors.cursor import Cursor
from dissectors.eas.oddity import Oddity
from dissectors.eas.walk import is_wbxml

MAX_PARTS = 10_000  # MS-ASCMD 3.1.5.10 allows 100 fetches in a request


class Multipart(NamedTuple):
    """The parts of a body."""

    document: bytes  # part 0
    sizes: tuple[int, ...]  # of each part as the table says, the document's first
    complete: bool  # every part is inside of the body
    oddities: tuple[Oddity, ...]


def parse(body: bytes) -> Multipart | None:
    """The parts of a body; None when it is not multipart."""
    if len(body) < 12:
        return None
    cursor = Cursor(body)
    count = _integer(cursor)
    behind_table = 4 + 8 * count
    if not 1 <= count <= MAX_PARTS or behind_table > len(body):
        return None
    table = [(_integer(cursor), _integer(cursor)) for _ in range(count)]
    start, length = table[0]
    document = body[start : start + length]
    if start < behind_table or not is_wbxml(document):
        return None
    complete = all(offset + size <= len(body) for offset, size in table)
    fits = complete
    position = behind_table
    for offset, size in sorted(table):
        fits = fits and offset >= position
        position = offset + size
    oddities = () if fits else (Oddity("eas_multipart_table", "a part overlaps another or leaves the body", 4),)
    return Multipart(document, tuple([size for _, size in table]), complete, oddities)


def _integer(cursor: Cursor) -> int:
    return int.from_bytes(cursor.take(4), "little")
