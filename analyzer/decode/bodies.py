"""A message's body for people: what it is, its XML with personal text masked, and why not when it cannot be read.

Text that names or describes people is shown as its length, opaque data as its size; secrets are never shown
(`dissectors.eas.privacy` says which is which). Bodies that are no WBXML are named with their size; they are all
personal: mail, attachments, pages that repeat the request.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from analyzer.findings.words import counted, listed, plain
from dissectors.eas import multipart
from dissectors.eas.privacy import kind_of

if TYPE_CHECKING:
    from dissectors.eas.multipart import Multipart
    from dissectors.eas.oddity import Oddity
    from dissectors.eas.wbxml import Document, Element
    from dissectors.events import Request, Response

Kind = Literal["none", "wbxml", "multipart", "mime", "xml", "html", "text", "other", "unread"]

SECRET = "«secret»"
NOT_SEEN = "no byte of the body is in the capture"
SHORT_OPAQUE = 64  # bytes of binary data that are shown in hexadecimal; of longer ones the size
PARTS_NAMED = 8
SYNC_TYPE = "ms-sync"
_USUAL_START = b"\x03\x01\x6a"  # WBXML 1.3, unknown public identifier, UTF-8
_CODED = {"gzip", "x-gzip", "deflate"}  # codings that are undone
_KINDS: dict[Kind, str] = {
    "multipart": "multipart body",
    "mime": "MIME message",
    "xml": "XML",
    "html": "HTML page",
    "text": "text",
    "other": "body",
}
_READABLE = ("mime", "xml", "html", "text")
_TYPES: tuple[tuple[str, Kind], ...] = (
    ("rfc822", "mime"),
    ("html", "html"),
    ("xml", "xml"),
    ("text/", "text"),
    ("json", "text"),
)
_STARTS: tuple[tuple[bytes, Kind], ...] = ((b"<?xml", "xml"), (b"<!doctype html", "html"), (b"<html", "html"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One body."""

    kind: Kind
    content_type: str | None
    content: str | None  # XML of WBXML; other text only when it may be shown
    said: str | None  # what it is or why it cannot be read, in words
    stopped_at: int | None  # offset in the decoded body behind which nothing could be read; None: read to its end
    oddities: tuple[Oddity, ...]


def read_body(half: Request | Response, *, show_content: bool) -> Body:
    """The body of a request or response, masked unless `show_content`."""
    content_type = half.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = half.body
    if body is None:
        return _unread(half, content_type)
    if (parts := multipart.parse(body)) is not None:
        return _multipart(parts, content_type, half.complete, show_content)
    kind = _kind(body, content_type)
    if kind == "wbxml":
        return _wbxml(body, content_type, half.complete, show_content)
    said, content = None, None
    if kind != "none":
        said = f"{_KINDS[kind]} of {counted(len(body), 'byte')}"
        readable = kind in _READABLE
        text = body.decode("utf-8", "replace") if readable else _as_text(body)
        if text is not None and show_content:
            content = printable(text)
        elif readable:
            said += ", not shown (--show-content)"
    elif not half.complete:
        said = NOT_SEEN
    return Body(
        kind=kind,
        content_type=content_type or None,
        content=content,
        said=said,
        stopped_at=None if half.complete else len(body),
        oddities=(),
    )


def printable(text: str) -> str:
    """Text of any lines without what steers a terminal or turns its direction."""
    if text.replace("\n", "").isprintable():
        return text
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    return "\n".join(plain(line, limit=len(line) + 1) for line in lines)


def _kind(body: bytes, content_type: str) -> Kind:
    if not body:
        return "none"
    if "multipart" in content_type:
        return "multipart"
    if body.startswith(_USUAL_START) or (SYNC_TYPE in content_type and body[0] <= _USUAL_START[0]):
        return "wbxml"
    start = body[:32].lstrip().lower()
    for beginning, kind in _STARTS:
        if start.startswith(beginning):
            return kind
    return next((kind for word, kind in _TYPES if word in content_type), "other")


def _unread(half: Request | Response, content_type: str) -> Body:
    """A body that was not kept."""
    counting = counted(half.body_bytes, "byte")
    coding = half.headers.get("content-encoding", "").strip().lower()
    if not half.complete and not half.body_bytes:
        said = NOT_SEEN
    elif not half.complete:
        said = f"{counting} of body, which is not whole in the capture (cut or lost): not decoded"
    elif coding and not set(coding.replace(",", " ").split()) <= {*_CODED, "identity"}:
        said = f"{counting} of body with Content-Encoding {plain(coding)}, which is not undone here: not decoded"
    elif coding:
        said = f"{counting} of body, but its {plain(coding)} data is damaged or too large: not decoded"
    else:
        said = f"{counting} of body, counted but not kept"
    return Body(
        kind="none" if half.complete and not half.body_bytes else "unread",
        content_type=content_type or None,
        content=None,
        said=said if half.body_bytes or not half.complete else None,
        stopped_at=0,
        oddities=(),
    )


def _multipart(parts: Multipart, content_type: str, complete: bool, show_content: bool) -> Body:
    """The document; the parts that it points to are named with their size."""
    found = _wbxml(parts.document, content_type, complete and parts.complete, show_content)
    others = [f"part {number}: {counted(size, 'byte')}" for number, size in enumerate(parts.sizes) if number]
    said = f"multipart body, part 0 is shown; {listed(others, PARTS_NAMED)}" if others else "multipart body of one part"
    return replace(
        found,
        kind="multipart",
        said=f"{said}; {found.said}" if found.said else said,
        oddities=parts.oddities + found.oddities,
    )


def _wbxml(body: bytes, content_type: str, complete: bool, show_content: bool) -> Body:
    from dissectors.eas import wbxml
    from dissectors.eas.xml import render

    document = wbxml.decode(body)
    _mask(document, show_content)
    whole = document.complete and complete
    stopped = None if whole else _where_it_stopped(document, len(body))
    said = None if whole else f"the WBXML was read up to byte {stopped:,} of {len(body):,}: {_why(document, complete)}"
    return Body(
        kind="wbxml",
        content_type=content_type or None,
        content=printable(render(document)) or None,
        said=said,
        stopped_at=stopped,
        oddities=document.anomalies,
    )


def _where_it_stopped(document: Document, size: int) -> int:
    offsets = [odd.offset for odd in document.anomalies if odd.code in _ENDINGS and odd.offset is not None]
    return min(offsets, default=size)


_ENDINGS = ("wbxml_truncated", "wbxml_bad_integer", "wbxml_not")  # oddities behind which nothing is read


def _why(document: Document, complete: bool) -> str:
    if not complete:
        return "the rest is not in the capture"
    return next((odd.detail for odd in document.anomalies if odd.code in _ENDINGS), "it has no end")


def _mask(document: Document, show_content: bool) -> None:
    """Put what may be shown in the place of texts and opaque data."""
    pending = [] if document.root is None else [document.root]
    while pending:
        element = pending.pop()
        pending += element.children
        if element.text is None and element.opaque is None:
            continue
        shown = _shown(element, show_content)
        element.text, element.opaque = shown, None


def _shown(element: Element, show_content: bool) -> str:
    kind = kind_of(element.page, element.token)
    text, opaque = element.text or "", element.opaque
    if kind == "secret":
        return SECRET if text or opaque else ""
    if kind == "open" or show_content:
        return text + ("" if opaque is None else _open_opaque(opaque))
    said = f"«{counted(len(text), 'character')}»" if text.strip() else text
    return said + ("" if opaque is None else f"«{counted(len(opaque), 'byte')}»")


def _open_opaque(opaque: bytes) -> str:
    """Text as it is; short binary data in hexadecimal, of long the size."""
    text = _as_text(opaque)
    if text is not None:
        return text
    return opaque.hex() if len(opaque) <= SHORT_OPAQUE else f"«{counted(len(opaque), 'byte')}»"


def _as_text(raw: bytes) -> str | None:
    """Bytes as text when they are some: UTF-8 without control characters other than white space."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    return text if all(char.isprintable() or char in "\t\r\n" for char in text[:4096]) else None
