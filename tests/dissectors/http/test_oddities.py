"""The odd shapes of HTTP/1.x that RFC 9112 and RFC 9110 talk about: each is read as they say, or is an anomaly.

Where another parser (httptools, that is llhttp) accepts the bytes, it must see the same messages. It is strict where a
server must be: what it refuses we read as well as it goes, and say so.
"""

from typing import NamedTuple

import pytest

from tests.dissectors.http.dialogue import BYTES, RANDOM, WHOLE, Dialogue, content, play

httptools = pytest.importorskip("httptools")

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
EAS = b"POST /Microsoft-Server-ActiveSync HTTP/1.1\r\nHost: h\r\n"  # bodies are kept
WITH_BODY = EAS + b"Content-Length: 2\r\n\r\nhi"


class Shape(NamedTuple):
    """What a client sends (each answered with 200), the bodies of its requests, and what is odd."""

    sent: bytes
    bodies: list[bytes | None]  # None: not whole, or not readable
    codes: tuple[str, ...] = ()
    refused: bool = False  # by httptools


REQUESTS = {
    # header lines
    "folded value": Shape(EAS + b"X-A: one\r\n  two\r\nContent-Length: 2\r\n\r\nhi", [b"hi"], ("http_obs_fold",), True),
    "folded before any header": Shape(
        b"POST /Microsoft-Server-ActiveSync HTTP/1.1\r\n X-A: one\r\nContent-Length: 2\r\n\r\nhi", [b"hi"],
        ("http_bad_header",), True,
    ),
    "white space before the colon": Shape(EAS + b"Content-Length : 2\r\n\r\nhi", [b"hi"], ("http_bad_header",), True),
    "line without colon": Shape(EAS + b"nonsense\r\nContent-Length: 2\r\n\r\nhi", [b"hi"], ("http_bad_header",), True),
    "empty name": Shape(EAS + b": x\r\nContent-Length: 2\r\n\r\nhi", [b"hi"], ("http_bad_header",), True),
    "name in brackets": Shape(EAS + b"(x): x\r\nContent-Length: 2\r\n\r\nhi", [b"hi"], ("http_bad_header",), True),
    "NUL in a value": Shape(EAS + b"X: a\0b\r\nContent-Length: 2\r\n\r\nhi", [b"hi"], ("http_bad_header",), True),
    "CR in a value": Shape(EAS + b"X: a\rb\r\nContent-Length: 2\r\n\r\nhi", [b"hi"], ("http_bad_header",), True),
    "Host twice": Shape(EAS + b"Host: i\r\nContent-Length: 2\r\n\r\nhi", [b"hi"], ("http_bad_header",)),
    "bare LF": Shape(WITH_BODY.replace(b"\r", b"") + GET.replace(b"\r", b""), [b"hi", b""], ("http_bare_lf",), True),
    "no space behind the colon": Shape(EAS + b"Content-Length:2\r\n\r\nhi", [b"hi"]),
    "tabs around a value": Shape(EAS + b"Content-Length:\t2\t\r\n\r\nhi", [b"hi"]),
    "empty lines before": Shape(b"\r\n\r\n" + WITH_BODY + b"\r\n" + GET, [b"hi", b""]),
    # request lines
    "absolute form": Shape(b"GET http://mail.example.com/x?y HTTP/1.1\r\nHost: h\r\n\r\n", [b""]),
    "asterisk form": Shape(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", [b""]),
    "lower-case method": Shape(GET.replace(b"GET", b"get"), [b""], (), True),
    "unknown method": Shape(GET.replace(b"GET", b"FROB"), [b""], (), True),
    "two spaces": Shape(b"GET  /  HTTP/1.1\r\nHost: h\r\n\r\n", [b""], ("http_bad_start_line",)),
    "space in the target": Shape(b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", [b""], ("http_bad_target",), True),
    "CR in the target": Shape(b"GET /a\rb HTTP/1.1\r\nHost: h\r\n\r\n", [b""], ("http_bad_target",), True),
    "HTTP/1.0 without Host": Shape(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + GET, [b"", b""]),
    # lengths
    "the same length twice": Shape(EAS + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", [b"hi"], (), True),
    "the same length twice in a list": Shape(EAS + b"Content-Length: 2, 2\r\n\r\nhi", [b"hi"], (), True),
    "two lengths": Shape(
        EAS + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi", [b"hi"], ("http_conflicting_length",), True
    ),
    "two lengths in a list": Shape(
        EAS + b"Content-Length: 2, 3\r\n\r\nhi", [b"hi"], ("http_conflicting_length",), True,
    ),
    "length with a sign": Shape(
        EAS + b"Content-Length: +2\r\n\r\nhi", [None], ("http_bad_length", "http_rubbish"), True,
    ),
    "negative length": Shape(EAS + b"Content-Length: -2\r\n\r\nhi", [None], ("http_bad_length", "http_rubbish"), True),
    "hexadecimal length": Shape(
        EAS + b"Content-Length: 0x2\r\n\r\nhi", [None], ("http_bad_length", "http_rubbish"), True,
    ),
    "empty length": Shape(EAS + b"Content-Length:\r\n\r\nhi", [None], ("http_bad_length", "http_rubbish"), True),
    "length of forty digits": Shape(
        EAS + b"Content-Length: " + b"9" * 40 + b"\r\n\r\nhi", [None], ("http_bad_length", "http_rubbish"), True
    ),
    "leading zeros": Shape(EAS + b"Content-Length: 0002\r\n\r\nhi", [b"hi"]),
    "no length, yet a body": Shape(EAS + b"\r\nhi=there", [b""], ("http_rubbish",), True),
    # chunks
    "chunk extensions": Shape(EAS + b'Transfer-Encoding: chunked\r\n\r\n2;a=b;c="d"\r\nhi\r\n0;e\r\n\r\n', [b"hi"]),
    "trailers": Shape(EAS + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n", [b"hi"]),
    "capital coding": Shape(EAS + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", [b"hi"]),
    "capital digits": Shape(EAS + b"Transfer-Encoding: chunked\r\n\r\n0A\r\n0123456789\r\n0\r\n\r\n", [b"0123456789"]),
    "bare LF in chunks": Shape(
        EAS + b"Transfer-Encoding: chunked\r\n\r\n2\nhi\n0\n\n", [b"hi"], ("http_bare_lf",), True
    ),
    "chunk size with 0x": Shape(
        EAS + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n0\r\n\r\n", [None],
        ("http_bad_chunk", "http_rubbish"), True
    ),
    "chunk longer than it says": Shape(
        EAS + b"Transfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n0\r\n\r\n", [None],
        ("http_bad_chunk", "http_rubbish"), True
    ),
    # two ways to tell where the message ends: requests are smuggled between readers that differ
    "CL.TE": Shape(
        EAS + b"Content-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET, [b"", b""],
        ("http_length_and_chunked",), True,
    ),
    "TE.CL": Shape(
        EAS + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n2\r\nhi\r\n0\r\n\r\n", [b"hi"],
        ("http_length_and_chunked",), True,
    ),
    "TE.TE": Shape(
        EAS + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n2\r\nhi\r\n0\r\n\r\n", [None],
        ("http_bad_transfer_coding", "http_rubbish"), True,
    ),
    "chunked twice": Shape(
        EAS + b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", [None],
        ("http_bad_transfer_coding", "http_bad_coding"),
        True,
    ),
    "xchunked": Shape(
        EAS + b"Transfer-Encoding: xchunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", [None],
        ("http_bad_transfer_coding", "http_rubbish"), True,
    ),
    "identity": Shape(EAS + b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi", [b"hi"], (), True),
    "chunked, identity": Shape(
        EAS + b"Transfer-Encoding: chunked, identity\r\n\r\n2\r\nhi\r\n0\r\n\r\n", [None],
        ("http_bad_transfer_coding", "http_rubbish"), True,
    ),
    "chunked in HTTP/1.0": Shape(
        EAS.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", [b"hi"],
        ("http_bad_transfer_coding",),
    ),
    "coding folded out of sight": Shape(
        EAS + b"Transfer-Encoding:\r\n chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", [b"hi"], ("http_obs_fold",), True
    ),
    "coding behind white space": Shape(
        EAS + b"Transfer-Encoding : chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", [b"hi"], ("http_bad_header",), True
    ),
}  # fmt: skip


class Collector:
    """What httptools sees."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.body = b""

    def on_message_begin(self) -> None:
        self.body = b""

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.bodies.append(self.body)


def requests(shape: Shape) -> Dialogue:
    dialogue = Dialogue().client(shape.sent)
    for _ in shape.bodies:
        dialogue.server(OK)
    return dialogue


@pytest.mark.parametrize("name", REQUESTS)
def test_odd_requests_are_read_and_what_is_wrong_is_said(name: str) -> None:
    shape = REQUESTS[name]
    whole, connection = play(requests(shape), keep_body=lambda *_: True)
    assert [t.request.body if t.request else "none" for t in whole] == shape.bodies
    assert [t.response.body if t.response else "none" for t in whole] == [b"ok"] * len(whole)
    assert tuple(dict.fromkeys(a.code for a in connection.anomalies)) == shape.codes
    for split, seed in ((BYTES, 0), *((RANDOM, seed) for seed in range(6))):
        pieces, connection = play(requests(shape), split, seed, keep_body=lambda *_: True)
        assert content(pieces) == content(whole)
        assert tuple(dict.fromkeys(a.code for a in connection.anomalies)) == shape.codes


@pytest.mark.parametrize("name", REQUESTS)
def test_another_parser_sees_the_same_requests_or_refuses(name: str) -> None:
    shape = REQUESTS[name]
    collector = Collector()
    try:
        httptools.HttpRequestParser(collector).feed_data(shape.sent)
    except httptools.HttpParserError:
        assert shape.refused
        return
    assert not shape.refused
    assert collector.bodies == shape.bodies


class Answer(NamedTuple):
    """What a server sends in answer to GET (or to what `method` says), and what is read of it."""

    sent: bytes
    statuses: list[int]
    bodies: list[bytes | None]
    codes: tuple[str, ...] = ()
    ends: bool = False  # the server closes
    method: bytes = b"GET"


ANSWERS = {
    "no reason phrase": Answer(OK.replace(b" OK", b" "), [200], [b"ok"]),
    "no space behind the status": Answer(OK.replace(b" OK", b""), [200], [b"ok"]),
    "reason of several words": Answer(OK.replace(b"OK", b"Well, all right\xe9"), [200], [b"ok"]),
    "100 before": Answer(b"HTTP/1.1 100 Continue\r\n\r\n" + OK, [200], [b"ok"]),
    "103 with headers before": Answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, [200], [b"ok"]),
    "102 with a length it must not have": Answer(b"HTTP/1.1 102 P\r\nContent-Length: 9\r\n\r\n" + OK, [200], [b"ok"]),
    "204 without body": Answer(b"HTTP/1.1 204 No\r\n\r\n" + OK, [204, 200], [b"", b"ok"]),
    "204 with a length": Answer(b"HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n" + OK, [204, 200], [b"", b"ok"]),
    "204 with a body all the same": Answer(
        b"HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\nhi", [204], [b""], ("http_rubbish",)
    ),
    "304 with the length of what it does not send": Answer(
        b"HTTP/1.1 304 Not\r\nContent-Length: 500\r\n\r\n" + OK, [304, 200], [b"", b"ok"]
    ),
    "304 said to be chunked": Answer(
        b"HTTP/1.1 304 Not\r\nTransfer-Encoding: chunked\r\n\r\n" + OK, [304, 200], [b"", b"ok"]
    ),
    "HEAD": Answer(
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + OK, [200, 200], [b"", b""],
        ("http_rubbish",), False, b"HEAD",
    ),
    "HEAD, chunked": Answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", [200], [b""], (), False, b"HEAD"),
    "until the connection closes": Answer(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", [200], [b"until the end"], (), True),
    "until it closes, which is not seen": Answer(b"HTTP/1.1 200 OK\r\n\r\nuntil the", [200], [None]),
    "closed before its length": Answer(OK[:-1], [200], [None], (), True),
    "closed between chunks": Answer(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", [200], [None], (), True
    ),
    "coding that is not chunked, until it closes": Answer(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: cow\r\n\r\nmoo", [200], [None],
        ("http_bad_transfer_coding", "http_bad_coding"), True,
    ),
    "chunked from HTTP/1.0": Answer(
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", [200], [b"ok"],
        ("http_bad_transfer_coding",),
    ),
    "two lengths": Answer(
        OK.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n"), [200], [b"ok"], ("http_conflicting_length",)
    ),
    "length and chunked": Answer(
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", [200],
        [b"ok"], ("http_length_and_chunked",),
    ),
    "folded": Answer(OK.replace(b"\r\n\r\n", b"\r\nX-A: 1\r\n\t2\r\n\r\n"), [200], [b"ok"], ("http_obs_fold",)),
    "bare LF": Answer(OK.replace(b"\r", b""), [200], [b"ok"], ("http_bare_lf",)),
    "status of four digits": Answer(OK.replace(b"200", b"2000"), [], [], ()),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_odd_responses_are_read_and_what_is_wrong_is_said(name: str) -> None:
    shape = ANSWERS[name]
    asked = Dialogue()
    for _ in shape.statuses or [0]:
        asked.client(GET.replace(b"GET", shape.method))
    asked.server(shape.sent)
    if shape.ends:
        asked.fin()
    for split, seed in ((WHOLE, 0), (BYTES, 0), *((RANDOM, seed) for seed in range(6))):
        done, connection = play(asked, split, seed, keep_body=lambda *_: True)
        assert all(t.request and t.request.complete for t in done)
        assert [t.response.status for t in done if t.response] == shape.statuses
        assert [t.response.body for t in done if t.response] == shape.bodies
        assert set(shape.codes) <= {a.code for a in connection.anomalies} <= {*shape.codes, "http_mid_message"}


@pytest.mark.parametrize(
    "name", ["no reason phrase", "no space behind the status", "204 without body", "204 with a length", "100 before"]
)
def test_another_parser_sees_the_same_responses(name: str) -> None:
    collector = Collector()
    httptools.HttpResponseParser(collector).feed_data(ANSWERS[name].sent)
    assert collector.bodies[-len(ANSWERS[name].bodies) :] == ANSWERS[name].bodies


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        (b"http://anna:geheim@mail.example.com/x", "http://(11 bytes)@mail.example.com/x"),
        (b"HTTP://mail.example.com", "HTTP://mail.example.com"),
        (b"mail.example.com:443", "mail.example.com:443"),
    ],
)
def test_targets_in_other_forms_come_out_without_passwords(target: bytes, shown: str) -> None:
    method = b"CONNECT" if target.endswith(b":443") else b"GET"
    (transaction,), _ = play(Dialogue().client(method + b" " + target + b" HTTP/1.1\r\nHost: h\r\n\r\n"))
    assert transaction.request is not None
    assert transaction.request.target == shown
