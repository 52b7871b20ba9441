"""Request lines, status lines and header fields: the heads of HTTP/1.x messages (RFC 9112 sections 2 to 6).

Two ways to read a head that give the same result for a regular one. `parse_request` and `parse_response` (and their
parts) are for the common case: lines end in CRLF and most of them were seen before, so each is one look-up in a bounded
cache that all connections share. They raise `OddHead` for anything else. `parse_oddly` reads whatever is there (bare
LF, folded lines, lines without a colon) and says what was odd. Names come out in lower case, repeated fields joined
with ", ", secrets reduced (`redact`). Of the values only those that frame the body are interpreted.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from dissectors.errors import DissectorError
from dissectors.http.redact import basic_user, redactor, without_userinfo

MAX_HEAD_BYTES = 128 * 1024  # Kerberos tickets with many groups fill 64 KiB
MAX_CACHED_LINES = 4096
MAX_CACHED_LINE_BYTES = 512
MAX_LENGTH_DIGITS = 18

CHUNKED = -1  # body length: chunked transfer coding
UNSAID = -2  # neither Content-Length nor Transfer-Encoding
UNUSABLE = -3  # framing that cannot be followed

EMPTY_LINE = re.compile(rb"\n\r?\n")  # ends a head, bare LF tolerated (RFC 9112 2.2)
# What no repetition can bring back is not worth its place in the cache.
FLEETING = frozenset(
    ("date", "request-id", "client-request-id", "x-ms-correlation-id", "etag", "last-modified", "set-cookie")
)
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_STATUS_LINE = re.compile(rb"HTTP/(1\.\d) (\d{3})(?: (.*))?", re.DOTALL)
_VERSION = re.compile(rb"HTTP/1\.\d")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class OddHead(DissectorError):
    """The fast path does not read this head; `parse_oddly` may."""


class NotAHead(DissectorError):
    """The first line is no request line and no status line."""


class Fields(NamedTuple):
    """The header fields of a regular head."""

    headers: dict[str, str]
    user: str | None  # of HTTP Basic, in a request
    length: int  # of the body as framed by the headers; or CHUNKED, UNSAID
    codings: str


class RequestHead(NamedTuple):
    """A parsed request head."""

    method: str
    target: str
    version: str
    headers: Mapping[str, str]
    user: str | None  # of HTTP Basic
    length: int  # of the body as framed by the headers; or CHUNKED, UNSAID, UNUSABLE
    codings: str  # of the content, then of the transfer but for chunked, in the order they were applied; "" for none


class ResponseHead(NamedTuple):
    """A parsed response head. Whether there is a body depends on the request too."""

    status: int
    reason: str
    version: str
    headers: Mapping[str, str]
    length: int
    codings: str


class _Names(dict[bytes, tuple[str, Callable[[str], str] | None, bool]]):
    """Header name as sent → in lower case, how its values are reduced, whether they repeat; bounded."""

    def __missing__(self, raw: bytes) -> tuple[str, Callable[[str], str] | None, bool]:
        if not _NAME.fullmatch(raw):
            raise OddHead
        name = raw.lower().decode("ascii")
        entry = (name, redactor(name), name not in FLEETING)
        if len(raw) <= MAX_CACHED_LINE_BYTES:
            if len(self) >= MAX_CACHED_LINES:
                self.clear()
            self[raw] = entry
        return entry


class _Lines(dict[bytes, tuple[str, str]]):
    """Header line → name and value, bounded. Raises `OddHead` for lines that need care."""

    def __missing__(self, line: bytes) -> tuple[str, str]:
        raw_name, colon, raw_value = line.partition(b":")
        if not colon:
            raise OddHead
        name, reduce, repeats = _name(raw_name)
        value = raw_value.decode("latin-1").strip(" \t")
        if not value.isprintable() and _UNPRINTABLE.search(value):
            raise OddHead
        field = (name, reduce(value) if reduce else value)
        if repeats and len(line) <= MAX_CACHED_LINE_BYTES:
            if len(self) >= MAX_CACHED_LINES:
                self.clear()
            self[line] = field
        return field


class _RequestLines(dict[bytes, tuple[str, str, str]]):
    """Request line → method, target, version, bounded. Raises `OddHead` for lines that need care."""

    def __missing__(self, line: bytes) -> tuple[str, str, str]:
        words = line.split(b" ")
        if len(words) != 3 or not _VERSION.fullmatch(words[2]) or not _NAME.fullmatch(words[0]) or not words[1]:
            raise OddHead
        target = words[1].decode("latin-1")
        if not target.isprintable() or target[0] not in "/*":
            raise OddHead
        parsed = words[0].decode("ascii"), target, words[2][5:].decode("ascii")
        if len(line) <= MAX_CACHED_LINE_BYTES:
            if len(self) >= MAX_CACHED_LINES:
                self.clear()
            self[line] = parsed
        return parsed


class _StatusLines(dict[bytes, tuple[int, str, str]]):
    """Status line → status, reason, version, bounded. Raises `OddHead` for lines that need care."""

    def __missing__(self, line: bytes) -> tuple[int, str, str]:
        parsed = _status_line(line)
        if parsed is None or b"\r" in line or b"\n" in line:
            raise OddHead
        if len(line) <= MAX_CACHED_LINE_BYTES:
            if len(self) >= MAX_CACHED_LINES:
                self.clear()
            self[line] = parsed
        return parsed


# Responses have a cache of their own: their identifiers and dates would push the lines of requests out.
_name = _Names().__getitem__
_request_field = _Lines().__getitem__
_response_field = _Lines().__getitem__
request_line = _RequestLines().__getitem__
status_line = _StatusLines().__getitem__


def parse_request(head: bytes) -> RequestHead:
    """A request head without its empty line. Raises `OddHead` when it is not entirely regular."""
    line, _, fields = head.partition(b"\r\n")
    method, target, version = request_line(line)
    return RequestHead(method, target, version, *parse_fields(fields, True))


def parse_response(head: bytes) -> ResponseHead:
    """A response head without its empty line. Raises `OddHead` when it is not entirely regular."""
    line, _, fields = head.partition(b"\r\n")
    status, reason, version = status_line(line)
    headers, _, length, codings = parse_fields(fields, False)
    return ResponseHead(status, reason, version, headers, length, codings)


def parse_fields(block: bytes, is_request: bool) -> Fields:
    """The lines between the start line and the empty line. Raises `OddHead` when they are not entirely regular."""
    lines = block.split(b"\r\n") if block else []
    headers = dict(map(_request_field if is_request else _response_field, lines))
    if len(headers) != len(lines):
        raise OddHead
    length, codings = _framing(headers)
    user = None
    if is_request and headers.get("authorization", "").lower() == "basic":
        position = list(headers).index("authorization")  # no name is repeated, so the order is that of the lines
        user = basic_user(lines[position].partition(b":")[2].decode("latin-1").strip())
    return Fields(headers, user, length, codings)


def _framing(headers: Mapping[str, str]) -> tuple[int, str]:
    """Body length and codings (RFC 9112 6.3). Raises `OddHead` for all but the usual."""
    codings = headers.get("content-encoding", "")
    value = headers.get("content-length")
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"] != "chunked" or value is not None:
            raise OddHead
        return CHUNKED, codings
    if value is None:
        return UNSAID, codings
    if not value.isdecimal() or len(value) > MAX_LENGTH_DIGITS:  # of Latin-1 only 0 to 9 are decimal
        raise OddHead
    return int(value), codings


def _status_line(line: bytes) -> tuple[int, str, str] | None:
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        return None
    version, status, reason = match.groups()
    return int(status), (reason or b"").decode("latin-1").strip(), version.decode("ascii")


def parse_oddly(head: bytes, is_request: bool) -> tuple[RequestHead | ResponseHead, list[tuple[str, str]]]:
    """Any head, complete lines only, with or without its empty line; and what was odd as (anomaly code, detail).

    Raises `NotAHead` when the first line is no request or status line.
    """
    odd: dict[str, str] = {}
    raw_lines = head.split(b"\n")
    lines = [line[:-1] if line.endswith(b"\r") else line for line in raw_lines]
    if any(not line.endswith(b"\r") for line in raw_lines[:-1]):
        odd["http_bare_lf"] = "lines end in LF without CR"
    first = lines[0]
    request = _odd_request_line(first, odd) if is_request else None
    status = None if is_request else _status_line(first)
    if request is None and status is None:
        raise NotAHead
    values = _odd_fields(lines[1:], odd)
    if len(values.get("host", ())) > 1:  # RFC 9112 3.2
        odd["http_bad_header"] = "Host is given more than once"
    user = None
    headers: dict[str, str] = {}
    for name, found in values.items():
        if name == "authorization" and is_request:
            user = basic_user(found[0])
        reduce = redactor(name)
        headers[name] = ", ".join(map(reduce, found) if reduce else found)
    version = request[2] if request is not None else status[2] if status is not None else ""
    length, codings = _odd_framing(headers, is_request, version, odd)
    oddities = list(odd.items())
    if request is not None:
        method, target, version = request
        return RequestHead(method, target, version, headers, user, length, codings), oddities
    assert status is not None
    return ResponseHead(*status, headers, length, codings), oddities


def _odd_request_line(line: bytes, odd: dict[str, str]) -> tuple[str, str, str] | None:
    method, _, rest = line.partition(b" ")
    target, space, version = rest.strip(b" ").rpartition(b" ")
    target = target.strip(b" ")
    if len(line) != len(method) + len(target) + len(version) + 2:  # RFC 9112 3: single spaces
        odd["http_bad_start_line"] = "more white space in a request line than there should be"
    if not space or not target or not _VERSION.fullmatch(version) or not _NAME.fullmatch(method):
        return None
    if b" " in target:  # user names with spaces that the client did not encode
        odd["http_bad_target"] = "the request target holds spaces"
    text = target.decode("latin-1")
    if _UNPRINTABLE.search(text):
        odd["http_bad_target"] = "the request target holds control characters"
    return method.decode("ascii"), text if text.startswith("/") else without_userinfo(text), version[5:].decode("ascii")


def _odd_fields(lines: list[bytes], odd: dict[str, str]) -> dict[str, list[str]]:
    """Header lines → values by lower-case name, folded lines joined (RFC 9112 5.2)."""
    fields: list[tuple[str, list[str]]] = []
    for line in lines:
        if not line:
            continue
        if line[0] in b" \t":
            if fields:
                odd["http_obs_fold"] = "a header value is folded over several lines"
                fields[-1][1].append(line.decode("latin-1").strip(" \t\r"))
            else:  # RFC 9112 2.2: nothing to fold it into
                odd["http_bad_header"] = "white space before the first header"
            continue
        name, colon, value = line.partition(b":")
        if name != name.rstrip(b" \t"):
            odd["http_bad_header"] = "white space before the colon of a header"
            name = name.rstrip(b" \t")
        if not colon or not _NAME.fullmatch(name):
            odd["http_bad_header"] = "a header line is no name and value"
            continue
        text = value.decode("latin-1").strip(" \t\r")
        if _UNPRINTABLE.search(text):
            odd["http_bad_header"] = "control characters in a header value"
        fields.append((name.lower().decode("ascii"), [text]))
    values: dict[str, list[str]] = {}
    for key, parts in fields:
        values.setdefault(key, []).append(" ".join(filter(None, parts)))
    return values


def _odd_framing(headers: Mapping[str, str], is_request: bool, version: str, odd: dict[str, str]) -> tuple[int, str]:
    """Body length and codings (RFC 9112 6.3), conflicts said in `odd`."""
    codings = headers.get("content-encoding", "")
    lengths = [value.strip() for value in headers.get("content-length", "").split(",")]
    transfer = [value.strip().lower() for value in headers.get("transfer-encoding", "").split(",")]
    transfer = [value for value in transfer if value]
    if transfer and transfer != ["identity"]:  # which RFC 2616 had, for none
        if lengths != [""]:
            odd["http_length_and_chunked"] = "both Content-Length and Transfer-Encoding; the latter counts"
        chunked = transfer[-1] == "chunked"
        if chunked:
            transfer.pop()
        if not chunked or "chunked" in transfer or "identity" in transfer:
            odd["http_bad_transfer_coding"] = "chunked is not the last transfer coding, once and alone with real ones"
        elif version == "1.0":  # RFC 9112 6.1
            odd["http_bad_transfer_coding"] = "HTTP/1.0 has no transfer codings"
        codings = ", ".join(filter(None, [codings, *transfer]))
        if chunked:
            return CHUNKED, codings
        return UNUSABLE if is_request else UNSAID, codings
    if lengths == [""] and "content-length" not in headers:
        return UNSAID, codings
    if len(set(lengths)) > 1:
        odd["http_conflicting_length"] = "Content-Length is given with different values; the first one counts"
    first = lengths[0]
    if not first.isdecimal() or len(first) > MAX_LENGTH_DIGITS:
        odd["http_bad_length"] = "Content-Length is no usable number"
        return UNUSABLE, codings
    return int(first), codings
