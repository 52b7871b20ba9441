"""BER elements, as LDAP restricts them: tags of one byte, lengths that are stated (ITU-T X.690 8.1, RFC 4511 5.1).

Lengths need not be as short as possible: Active Directory always writes four bytes. Nothing here recurses; who wants
the inside of an element reads it with another call.
"""

from typing import NamedTuple

from dissectors.cursor import Cursor
from dissectors.errors import DissectorError

MAX_LENGTH_BYTES = 4
MAX_HEADER_BYTES = 2 + MAX_LENGTH_BYTES  # tag, first length byte, length
MAX_INTEGER_BYTES = 8

BOOLEAN, INTEGER, OCTET_STRING, ENUMERATED, SEQUENCE = 0x01, 0x02, 0x04, 0x0A, 0x30


class BadBer(DissectorError):
    """The bytes are no BER as LDAP uses it."""


class Element(NamedTuple):
    """One element: its tag, and its content or as much of it as was kept."""

    tag: int
    length: int  # as stated
    content: Cursor


def header(cursor: Cursor) -> tuple[int, int]:
    """Tag and length of the next element. Raises `Truncated` when more bytes are needed, `BadBer`."""
    tag, first = cursor.u8(), cursor.u8()
    if tag & 0x1F == 0x1F:
        raise BadBer("a tag of several bytes")
    if first < 0x80:
        return tag, first
    count = first & 0x7F
    if not 1 <= count <= MAX_LENGTH_BYTES:
        raise BadBer("no stated length" if not count else f"a length of {count} bytes")
    return tag, int.from_bytes(cursor.take(count), "big")


def element(cursor: Cursor) -> Element:
    """The next element; the cursor stands behind it afterwards. Its content ends where the bytes do, if they are cut.
    Raises `Truncated` when there is no whole header, `BadBer`.
    """
    tag, length = header(cursor)
    begin = cursor.position
    content = Cursor(cursor.data, begin, min(begin + length, cursor.end))
    cursor.take(len(content))
    return Element(tag, length, content)


def integer(found: Element) -> int:
    """The value of an INTEGER or ENUMERATED. Raises `BadBer`, `Truncated`."""
    if not 1 <= found.length <= MAX_INTEGER_BYTES:
        raise BadBer(f"a number of {found.length} bytes")
    return int.from_bytes(found.content.take(found.length), "big", signed=True)
