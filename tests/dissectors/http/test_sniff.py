"""The first bytes of a side: HTTP, not HTTP, or too few to say."""

import pytest

from dissectors.events import CLIENT, SERVER
from dissectors.http import looks_like_http

METHODS = [
    *(b"GET", b"POST", b"OPTIONS", b"HEAD", b"PUT", b"PROPFIND", b"SEARCH", b"SUBSCRIBE", b"UNSUBSCRIBE", b"POLL"),
    *(b"NOTIFY", b"BPROPPATCH", b"X-MS-ENUMATTS", b"RPC_IN_DATA"),
]


@pytest.mark.parametrize("method", METHODS)
def test_known_methods_need_no_whole_line(method: bytes) -> None:
    assert looks_like_http(CLIENT, method + b" /") is True
    assert looks_like_http(CLIENT, b"\r\n" + method + b" http://h/") is True
    for size in range(len(method) + 2):
        assert looks_like_http(CLIENT, (method + b" /")[:size]) is None


@pytest.mark.parametrize(
    "line",
    [
        b"FROBNICATE /x HTTP/1.1\r\n",
        b"CONNECT mail:443 HTTP/1.1\r\n",
        b"OPTIONS * HTTP/1.1\n",
        b"PRI * HTTP/2.0\r\n",
        b"GET /a b HTTP/1.0\r\n",
    ],
)
def test_other_requests_are_known_by_their_whole_line(line: bytes) -> None:
    assert looks_like_http(CLIENT, line) is True


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00", b"EHLO mail.example.com\r\n", b"SSH-2.0-OpenSSH\r\n", b"USER anna\r\n", b"\0",
        b"OPTIONS sip:a SIP/2.0\r\n", b"SUBSCRIBE sip:a@b SIP/2.0\r\n", b"OPTIONS * RTSP/1.0\r\n", b"A" * 40,
        b"get / HTTP/1.1\r\n", b"GET " + b"\xff" * 20, b"FOO " + b"x" * 9000, b"a001 LOGIN x\r\n",
    ],
)  # fmt: skip
def test_other_protocols_are_not_http(data: bytes) -> None:
    assert looks_like_http(CLIENT, data) is False


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"", None),
        (b"HTT", None),
        (b"HTTP/1.", None),
        (b"HTTP/1.1", True),
        (b"HTTP/1.x", False),
        (b"HTTP/2.0", False),
        (b"220 x", False),
        (b"\r\nHTTP/1.0 200", True),
    ],
)
def test_a_server_says_its_version_first(data: bytes, answer: bool | None) -> None:
    assert looks_like_http(SERVER, data) is answer


def test_nothing_yet_is_too_little() -> None:
    assert looks_like_http(CLIENT, b"") is None
    assert looks_like_http(CLIENT, b"\r\n") is None
    assert looks_like_http(CLIENT, b"FOO bar") is None
