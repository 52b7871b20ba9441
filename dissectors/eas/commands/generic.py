"""Any other command, and bodies that are not what their command says: root, status and sizes.

Specification: MS-ASCMD 2.2.1; 2.2.1.10.1.1 for multipart answers of ItemOperations, whose first part is the WBXML. A
body that is no WBXML (the MIME of SendMail up to 12.1, an attachment, an error page) has only its size.
"""

from dataclasses import dataclass

from dissectors.eas import codepages
from dissectors.eas.numbers import number
from dissectors.eas.oddity import Oddity
from dissectors.eas.walk import LITERAL, OPEN, USUAL_HEADER, Walk, is_wbxml

MAX_PARTS = 10_000
_STATUS_KEYS = frozenset(key for key, tag in codepages.NAMES.items() if tag == "Status")


@dataclass(frozen=True, slots=True, kw_only=True)
class GenericMessage:
    """A request or response without a type of its own."""

    root: str | None  # its root tag, "Settings"; None: no WBXML
    status: int | None  # the Status directly below the root
    elements: int
    size_bytes: int  # of the whole body
    parts: int | None  # of a multipart body
    complete: bool
    oddities: tuple[Oddity, ...]


def read(body: bytes, content_type: str = "") -> GenericMessage:
    """What can be said of any body."""
    wbxml, parts = _first_part(body) if "multipart" in content_type else (body, None)
    ours = not content_type or "ms-sync" in content_type or wbxml.startswith(USUAL_HEADER)
    if not ours or not is_wbxml(wbxml):
        return GenericMessage(
            root=None, status=None, elements=0, size_bytes=len(body), parts=parts, complete=True, oddities=()
        )
    events = Walk(wbxml)
    root: int | None = None
    name: str | None = None
    status: int | None = None
    elements = 0
    for kind, depth, tag, text, _, start, _ in events:
        if root is None:
            root = tag
            name = events.literal(start) if tag & 0xFF == LITERAL else codepages.tag_name(tag >> 8, tag & 0xFF)
        if kind == OPEN:
            continue
        elements += 1
        if depth == 2 and tag in _STATUS_KEYS and status is None:
            status = number(events, text, start)
    return GenericMessage(
        root=name,
        status=status,
        elements=elements,
        size_bytes=len(body),
        parts=parts,
        complete=events.complete,
        oddities=events.oddities,
    )


def _first_part(body: bytes) -> tuple[bytes, int | None]:
    """The WBXML of a multipart body and its number of parts; the body itself and None when its table does not fit.

    The integers are little-endian as Horde writes them; the specification does not say.
    """
    count, offset, length = (int.from_bytes(body[at : at + 4], "little") for at in (0, 4, 8))
    if 1 <= count <= MAX_PARTS and offset == 4 + 8 * count and offset <= len(body):
        return body[offset : offset + length], count
    return body, None
