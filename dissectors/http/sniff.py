"""Does this look like the start of an HTTP/1.x message, or of HTTP/2? From the first bytes of one side alone.

Request lines of all methods, WebDAV (RFC 4918), Exchange's own and RPC over HTTP included; RTSP, SIP and mail
protocols, which look alike, are told apart.
"""

import re

from dissectors.events import CLIENT
from dissectors.http.h2.frames import PREFACE, begins_with_frames

MAX_START_LINE_BYTES = 8192  # a first line longer than this is no HTTP

_METHODS = frozenset(
    b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI "
    b"PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH REPORT ACL BIND UNBIND REBIND MKCALENDAR VERSION-CONTROL "
    b"SUBSCRIBE UNSUBSCRIBE POLL NOTIFY BCOPY BDELETE BMOVE BPROPFIND BPROPPATCH X-MS-ENUMATTS "
    b"RPC_IN_DATA RPC_OUT_DATA RPC_CONNECT RDG_IN_DATA RDG_OUT_DATA CCM_POST BITS_POST".split()
)
_METHOD = re.compile(rb"[A-Z][A-Z0-9_\-]{0,31}")
_ANY_METHOD = re.compile(rb"[A-Za-z][A-Za-z0-9_\-]{0,31}")  # RFC 9110 9.1: capitals are a convention
_REQUEST_LINE = re.compile(rb"[A-Za-z][A-Za-z0-9_\-]{1,31} +[^\x00-\x20][^\x00-\x1f\x7f]* HTTP/(?:1\.\d|2\.0)\r?")
_AUTHORITY = re.compile(rb"[0-9A-Za-z\[]")
_STATUS_LINE = re.compile(rb"HTTP/1\.\d \d{3}")  # a bare "HTTP/1.1" also ends a request line
_SOME_STATUS_LINE = b"HTTP/1.1 200"
_ENOUGH_OF_PREFACE = len(b"PRI * HTTP/2.0\r\n")


def looks_like_http(side: int, data: bytes, expected: bool = False) -> bool | None:
    """Whether `data`, the first bytes of `side`, begins a message: True, False, or None when more bytes are needed.

    A known method before a path is enough; an unknown one needs its whole line, and so does one that is not in
    capitals: too many words look like that. Where a request is `expected`, the rest of such a line is waited for. Empty
    lines before it are allowed (RFC 9112 2.2).
    """
    data = data[: MAX_START_LINE_BYTES + 1].lstrip(b"\r\n")
    if side != CLIENT:
        if not _STATUS_LINE.match(data + _SOME_STATUS_LINE[len(data) :]):
            return False
        return True if len(data) >= len(_SOME_STATUS_LINE) else None
    if not data:
        return None
    method, space, rest = data.partition(b" ")
    if method in _METHODS and (rest[:1] == b"/" or rest[:7].lower() == b"http://" or rest[:8].lower() == b"https://"):
        return True
    if method == b"CONNECT" and _AUTHORITY.match(rest):
        return True
    end = data.find(b"\n") if space else -1
    if end >= 0:
        return _REQUEST_LINE.fullmatch(data, 0, end) is not None
    if not (_ANY_METHOD if expected else _METHOD).fullmatch(method):
        return False
    return None if len(data) <= MAX_START_LINE_BYTES and data.isascii() else False


def looks_like_http2(data: bytes) -> bool | None:
    """Whether `data`, the first bytes of either side, is the connection preface or frames: True, False, or None when
    more bytes are needed."""
    if PREFACE.startswith(data[: len(PREFACE)]):
        return True if len(data) >= _ENOUGH_OF_PREFACE else None
    return begins_with_frames(data)
