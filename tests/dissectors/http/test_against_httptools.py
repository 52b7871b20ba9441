"""Regular streams against another parser (httptools, that is llhttp): the same methods, targets, headers and bodies."""

import random

import pytest

from dissectors.events import CLIENT, SERVER
from dissectors.http import HttpConnection
from tests.dissectors.http.dialogue import chunked, request, response

httptools = pytest.importorskip("httptools")


class Collector:
    """What httptools reports, message by message."""

    def __init__(self) -> None:
        self.messages: list[dict[str, object]] = []
        self.body = b""
        self.headers: dict[str, str] = {}
        self.url = b""

    def on_message_begin(self) -> None:
        self.body, self.headers, self.url = b"", {}, b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        key, text = name.decode().lower(), value.decode("latin-1").strip()
        self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.headers.pop("t", None)  # it merges trailers into the headers, which RFC 9110 6.5.1 forbids
        self.messages.append({"url": self.url.decode(), "headers": self.headers, "body": self.body})


def random_stream(chance: random.Random) -> tuple[bytes, bytes]:
    """Pipelined requests and their responses, with random headers, framings and bodies."""
    sides = [b"", b""]
    for number in range(chance.randrange(1, 8)):
        for side in (CLIENT, SERVER):
            body = chance.randbytes(chance.choice((0, 1, 50, 3000)))
            extra = "".join(
                f"X-{chance.randrange(5)}:{' ' * chance.randrange(3)}{chance.randrange(10**6)}\r\n" for _ in range(6)
            )
            as_chunks = chance.random() < 0.4
            coding = "Transfer-Encoding: chunked\r\n" if as_chunks else ""
            cut = chance.randrange(len(body) + 1)
            framed = (
                chunked(*filter(None, (body[:cut], body[cut:])), trailer=b"T: 1\r\n" * chance.randrange(2))
                if as_chunks
                else body
            )
            if side == CLIENT:
                sized = f"Content-Length: {len(body)}\r\n" if not as_chunks else ""
                sides[side] += f"PUT /{number} HTTP/1.1\r\nHost: h\r\n{extra}{coding}{sized}\r\n".encode() + framed
            else:
                sides[side] += response(200, b"" if as_chunks else body, extra + coding, not as_chunks) + (
                    framed if as_chunks else b""
                )
    return sides[0], sides[1]


@pytest.mark.parametrize("seed", range(60))
def test_regular_streams_are_read_alike(seed: int) -> None:
    chance = random.Random(seed)
    streams = random_stream(chance)
    others = []
    for parser, data in zip((httptools.HttpRequestParser, httptools.HttpResponseParser), streams, strict=True):
        collector = Collector()
        parser(collector).feed_data(data)
        others.append(collector.messages)
    connection = HttpConnection(1, lambda *_: True)
    done = []
    for side, data in enumerate(streams):
        position = 0
        while position < len(data):
            size = chance.choice((1, 10, 500, 4000))
            done += connection.feed(side, data[position : position + size], 1, 1, 1, 1, size)
            position += size
    assert connection.anomalies == []
    assert [(t.request.target, t.request.headers, t.request.body) for t in done if t.request] == [
        (m["url"], m["headers"], m["body"]) for m in others[CLIENT]
    ]
    assert [(t.response.headers, t.response.body) for t in done if t.response] == [
        (m["headers"], m["body"]) for m in others[SERVER]
    ]


def test_the_builder_is_read_alike_too() -> None:
    collector = Collector()
    httptools.HttpRequestParser(collector).feed_data(request(body=b"abc") * 2)
    assert [m["body"] for m in collector.messages] == [b"abc"] * 2
