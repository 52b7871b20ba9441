"""Request lines, status lines, header fields; the fast and the careful reader agree."""

import pytest

from dissectors.http.heads import (
    CHUNKED,
    UNSAID,
    UNUSABLE,
    NotAHead,
    OddHead,
    parse_oddly,
    parse_request,
    parse_response,
)
from tests.dissectors.http.dialogue import request

REGULAR = [
    request(),
    request("OPTIONS", "/Microsoft-Server-ActiveSync", headers="Authorization: Basic YW5uYTpzZWNyZXQ=\r\n"),
    request("GET", "*", headers="X-Empty:\r\nX-Tab:\ta\tb \r\nX-Latin: caf\xe9\r\n"),
    request(headers="Cookie: a=b\r\nX-MS-PolicyKey: 0\r\nContent-Encoding: gzip\r\n", body=b"abc"),
    request("X-MS-ENUMATTS", "/exchange/anna/Inbox", headers="transfer-encoding: chunked\r\n"),
]


@pytest.mark.parametrize("raw", REGULAR)
def test_both_readers_agree_on_a_regular_head(raw: bytes) -> None:
    head = raw[: raw.index(b"\r\n\r\n")]
    assert parse_oddly(head + b"\r\n\r\n", True) == (parse_request(head), [])


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 200 OK", b"HTTP/1.0 449 Retry after Provision", b"HTTP/1.1 200", b"HTTP/1.1 204 "]
)
def test_both_readers_agree_on_a_regular_response(line: bytes) -> None:
    head = line + b"\r\nServer: x\r\nWWW-Authenticate: Negotiate\r\nContent-Length: 5"
    assert parse_oddly(head + b"\r\n\r\n", False) == (parse_response(head), [])


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET / HTTP/1.1\nHost: a",
        b"GET / HTTP/1.1\r\nHost: a\nX: b",
        b"GET  / HTTP/1.1",
        b"GET / HTTP/2.0",
        b"GET /a b HTTP/1.1",
        b"GET / HTTP/1.1\r\nno colon",
        b"GET / HTTP/1.1\r\nspace : a",
        b"GET / HTTP/1.1\r\nA: 1\r\nA: 2",
        b"GET / HTTP/1.1\r\nA: 1\r\n folded",
        b"GET / HTTP/1.1\r\nContent-Length: -1",
        b"GET / HTTP/1.1\r\nContent-Length: \xb2",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip",
        b"GET / HTTP/1.1\r\nA: nul\0",
        b"GET http://anna:secret@mail/ HTTP/1.1",
    ],
)
def test_the_fast_reader_leaves_odd_heads_alone(head: bytes) -> None:
    with pytest.raises(OddHead):
        parse_request(head)


@pytest.mark.parametrize(
    ("head", "code", "headers"),
    [
        (b"GET / HTTP/1.1\nA: 1\n\n", "http_bare_lf", {"a": "1"}),
        (b"GET / HTTP/1.1\r\nA: 1\r\n  2\r\n\t3 \r\n\r\n", "http_obs_fold", {"a": "1 2 3"}),
        (b"GET / HTTP/1.1\r\nA : 1\r\n\r\n", "http_bad_header", {"a": "1"}),
        (b"GET / HTTP/1.1\r\nno colon\r\nA: 1\r\n\r\n", "http_bad_header", {"a": "1"}),
        (b"GET / HTTP/1.1\r\nA: 1\0\r\n\r\n", "http_bad_header", {"a": "1\0"}),
        (b"GET /a b HTTP/1.1\r\n\r\n", "http_bad_target", {}),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "http_bad_length", {"content-length": "x"}),
        (
            b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
            "http_bad_transfer_coding",
            {"transfer-encoding": "gzip"},
        ),
    ],
)
def test_odd_heads_are_read_and_said(head: bytes, code: str, headers: dict[str, str]) -> None:
    found, odd = parse_oddly(head, True)
    assert [entry[0] for entry in odd] == [code]
    assert found.headers == headers


@pytest.mark.parametrize(
    ("fields", "length", "codings"),
    [
        (b"", UNSAID, ""),
        (b"Content-Length: 5\r\n", 5, ""),
        (b"Content-Length: 5\r\nContent-Length: 5\r\n", 5, ""),
        (b"Content-Length: 5, 5\r\n", 5, ""),
        (b"Content-Length: 5\r\nTransfer-Encoding: Chunked\r\n", CHUNKED, ""),
        (b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", 5, ""),
        (b"Content-Encoding: deflate\r\nTransfer-Encoding: gzip, chunked\r\n", CHUNKED, "deflate, gzip"),
        (b"Content-Length: 99999999999999999999999\r\n", UNUSABLE, ""),
        (b"Content-Length: +5\r\n", UNUSABLE, ""),
        (b"Transfer-Encoding: gzip\r\n", UNSAID, "gzip"),  # a response: until close (RFC 9112 6.3)
    ],
)
def test_framing(fields: bytes, length: int, codings: str) -> None:
    head, _ = parse_oddly(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n", False)
    assert (head.length, head.codings) == (length, codings)


@pytest.mark.parametrize(
    "line", [b"", b"GET /", b"GET / HTTP/2.0", b"HTTP/1.1 200 OK", b"\x16\x03\x01", b"G\xc9T / HTTP/1.1"]
)
def test_what_is_no_request_line_is_no_head(line: bytes) -> None:
    with pytest.raises(NotAHead):
        parse_oddly(line + b"\r\n\r\n", True)


@pytest.mark.parametrize(
    "line", [b"", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/2 200", b"ICY 200 OK", b"GET / HTTP/1.1"]
)
def test_what_is_no_status_line_is_no_head(line: bytes) -> None:
    with pytest.raises(NotAHead):
        parse_oddly(line + b"\r\n\r\n", False)
