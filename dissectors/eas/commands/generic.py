"""Any other command, and bodies that are not what their command says: root, status and sizes.

Specification: MS-ASCMD 2.2.1. A body that is no WBXML (an error page, a proxy's form) has only its size.
"""

from typing import NamedTuple

from dissectors.eas import codepages, multipart
from dissectors.eas.numbers import number
from dissectors.eas.oddity import Oddity
from dissectors.eas.walk import LITERAL, OPEN, USUAL_HEADER, Walk, is_wbxml

_STATUS_KEYS = frozenset(key for key, tag in codepages.NAMES.items() if tag == "Status")


class GenericMessage(NamedTuple):
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
    several = multipart.parse(body) if "multipart" in content_type else None
    wbxml, parts = (several.document, len(several.sizes)) if several else (body, None)
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
