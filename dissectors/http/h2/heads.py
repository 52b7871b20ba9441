"""Header fields of HTTP/2 → the heads that HTTP/1 has: pseudo-header fields become method, target, `host` and status
(RFC 9113 sections 8.2 and 8.3).

What RFC 9113 calls malformed is read as well as it can be, and said.
"""

from typing import Final

from dissectors.http.h2.fields import Field
from dissectors.http.heads import MAX_LENGTH_DIGITS, UNSAID, RequestHead, ResponseHead

VERSION: Final = "2"
MAX_JOINED: Final = 2048  # characters of all repeated fields of a head; each byte of a block may stand for a long one

_OF_REQUESTS: Final = frozenset((":method", ":scheme", ":authority", ":path", ":protocol"))  # the last: RFC 8441
_OF_RESPONSES: Final = frozenset((":status",))


def request_head(fields: list[Field], odd: dict[str, str]) -> RequestHead:
    """The head of a request; a pseudo-header field that is not there or not known is empty. `odd`: code → detail."""
    special, headers, user = _sort(fields, _OF_REQUESTS, odd)
    authority = special.get(":authority")
    if authority is not None:
        if headers.get("host", authority) != authority:
            odd["http2_bad_field"] = "host and :authority differ"
        headers = {"host": authority} | headers | {"host": authority}
    method = special.get(":method", "")
    target = special.get(":path", "")
    if method == "CONNECT" and not target:
        target = authority or ""  # RFC 9113 8.5
    return RequestHead(method, target, VERSION, headers, user, *_body(headers, odd))


def response_head(fields: list[Field], odd: dict[str, str]) -> ResponseHead:
    """The head of a response; status 0 when it is not there or not known."""
    special, headers, _ = _sort(fields, _OF_RESPONSES, odd)
    return ResponseHead(status(special.get(":status", ""), odd), "", VERSION, headers, *_body(headers, odd))


def status(value: str, odd: dict[str, str]) -> int:
    """The status code in `:status`; 0 for none."""
    if len(value) == 3 and value.isascii() and value.isdecimal() and value >= "100":
        return int(value)
    if value:
        odd["http2_bad_field"] = ":status is no status code"
    return 0


def _sort(
    fields: list[Field], known: frozenset[str], odd: dict[str, str]
) -> tuple[dict[str, str], dict[str, str], str | None]:
    """Pseudo-header fields, the others, and the user name of HTTP Basic."""
    special: dict[str, str] = {}
    headers: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    user: str | None = None
    for name, value, _, field_user, _, problem in fields:
        if problem is not None:
            odd["http2_bad_field"] = problem
            if not name:
                continue
        if name[0] == ":":
            if name not in known:
                odd["http2_bad_field"] = "a pseudo-header field that does not belong there"
            elif name in special:
                odd["http2_bad_field"] = "a pseudo-header field is given twice"
            else:
                if headers:
                    odd["http2_bad_field"] = "a pseudo-header field behind other fields"
                special[name] = value
        elif name in headers:
            repeated.setdefault(name, [headers[name]]).append(value)
        else:
            headers[name] = value
            user = user or field_user
    left = MAX_JOINED
    for name, values in repeated.items():
        left -= sum(map(len, values))
        if left < 0:
            odd["http_head_too_large"] = f"repeated fields have over {MAX_JOINED} characters; only their first is kept"
            break
        headers[name] = ("; " if name == "cookie" else ", ").join(values)  # RFC 9113 8.2.3
    return special, headers, user


def _body(headers: dict[str, str], odd: dict[str, str]) -> tuple[int, str]:
    """The length that the fields declare (nothing here depends on it) and the content codings."""
    said = headers.get("content-length")
    if said is not None and (not said.isdecimal() or len(said) > MAX_LENGTH_DIGITS):
        odd["http_bad_length"] = "Content-Length is no usable number"
        said = None
    return UNSAID if said is None else int(said), headers.get("content-encoding", "")
