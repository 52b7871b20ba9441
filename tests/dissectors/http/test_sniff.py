"""The first bytes of a side: HTTP, not HTTP, or too few to say."""

import pytest

from dissectors.events import CLIENT, SERVER
from dissectors.http import looks_like_http, looks_like_http2

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
        b"get / HTTP/1.1\r\n",
    ],
)
def test_other_requests_are_known_by_their_whole_line(line: bytes) -> None:
    assert looks_like_http(CLIENT, line) is True


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00", b"EHLO mail.example.com\r\n", b"SSH-2.0-OpenSSH\r\n", b"USER anna\r\n", b"\0",
        b"OPTIONS sip:a SIP/2.0\r\n", b"SUBSCRIBE sip:a@b SIP/2.0\r\n", b"OPTIONS * RTSP/1.0\r\n", b"A" * 40,
        b"get / HTTP/1.", b"hello world", b"GET " + b"\xff" * 20, b"FOO " + b"x" * 9000, b"a001 LOGIN x\r\n",
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
        (b"HTTP/1.1", None),
        (b"HTTP/1.x", False),
        (b"HTTP/2.0", False),
        (b"220 x", False),
        (b"\r\nHTTP/1.0 200", True),
    ],
)
def test_a_server_says_its_version_first(data: bytes, answer: bool | None) -> None:
    assert looks_like_http(SERVER, data) is answer


def test_connect_needs_the_beginning_of_a_host_only() -> None:
    assert looks_like_http(CLIENT, b"CONNECT [2001:db8::1]:443") is True
    assert looks_like_http(CLIENT, b"CONNECT m") is True
    assert looks_like_http(CLIENT, b"CONNECT ") is None
    assert looks_like_http(CLIENT, b"CONNECT\naccept-version:1.2\n\n") is False  # STOMP


def test_nothing_yet_is_too_little() -> None:
    assert looks_like_http(CLIENT, b"") is None
    assert looks_like_http(CLIENT, b"\r\n") is None
    assert looks_like_http(CLIENT, b"FOO bar") is None


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = bytes.fromhex("000006 04 00 00000000 0003 00000064")  # length, kind, flags, stream; one setting
DATA = bytes.fromhex("000005 00 01 00000003") + b"hello"


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (PREFACE, True),
        (PREFACE[:16], True),
        (PREFACE[:15], None),
        (b"", None),
        (SETTINGS, True),
        (SETTINGS[:9], None),
        (SETTINGS[:4], None),
        (DATA + SETTINGS[:3], True),
        (DATA + b"\0\0\0\x20\0\0\0\0\0", False),  # no such kind behind it
        (b"POST / HTTP/1.1", False),
        (b"PROPFIND", False),
        (bytes(9), False),  # DATA on no stream
        (bytes.fromhex("000005 04 00 00000000") + b"12345", False),  # SETTINGS are multiples of six
        (bytes.fromhex("00009a ff 53 4d4220000000"), False),  # SMB behind its NetBIOS header
        (b"\x16\x03\x01\x02\x00\x01\0\0\0\0", False),
    ],
)
def test_http2_is_told_by_its_preface_or_by_frames(data: bytes, answer: bool | None) -> None:
    assert looks_like_http2(data) is answer
