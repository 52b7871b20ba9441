"""Who speaks on a connection: TLS, HTTP or neither, from whichever side and in whatever pieces the first bytes come."""

import pytest

from dissectors.events import CLIENT, SERVER, Anomaly, Connection, Transaction
from dissectors.net.evidence import Upper
from dissectors.stream import MAX_HELD, ConnectionStream, Shared
from dissectors.tls import KeyLog

REQUEST = (
    b"POST /Microsoft-Server-ActiveSync?Cmd=Ping HTTP/1.1\r\nHost: mail.example.com\r\nContent-Length: 4\r\n\r\nabcd"
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
# record (22, 3.1, 47 bytes), ClientHello (1, 43 bytes), version, random, no session id, one suite, no compression, no
# extensions
CLIENT_HELLO = bytes.fromhex("160301002f0100002b0303") + bytes(range(32)) + bytes.fromhex("00 0002 1301 01 00 0000")


class Spoken:
    """A stream and all that came out of it."""

    def __init__(self, shared: Shared | None = None, number: int = 1) -> None:
        self.stream = ConnectionStream(number, shared or Shared(KeyLog()))
        self.frame = 0

    def say(self, side: int, data: bytes, step: int | None = None) -> None:
        for start in range(0, len(data), step or len(data)):
            part = data[start : start + (step or len(data))]
            self.frame += 1
            if self.stream.wanted:
                self.stream.feed(side, part, [len(part)], [self.frame], [self.frame * 1000])

    def gap(self, side: int, length: int) -> None:
        self.frame += 1
        self.stream.gap(side, length, self.frame, self.frame * 1000)

    def end(self, ended: tuple[bool, bool] = (True, True)) -> tuple[Upper, list[Transaction]]:
        upper = self.stream.close(self.frame * 1000, ended)
        events = self.stream.take_events()
        assert not [event for event in events if isinstance(event, Connection)]
        assert all(event.connection_id == 1 for event in events if isinstance(event, Anomaly))
        return upper, [event for event in events if isinstance(event, Transaction)]


@pytest.mark.parametrize("step", [None, 1, 2, 7])
def test_http_is_recognised_however_its_bytes_are_cut(step: int | None) -> None:
    spoken = Spoken()
    spoken.say(CLIENT, REQUEST, step)
    spoken.say(SERVER, ANSWER, step)
    upper, (transaction,) = spoken.end()
    assert (upper.decryption, upper.flipped, upper.keep_packets) == ("plaintext", False, True)
    assert transaction.request is not None
    assert transaction.response is not None
    assert (transaction.request.method, transaction.request.body, transaction.response.status) == ("POST", b"abcd", 200)


@pytest.mark.parametrize("step", [None, 1, 2, 7])
def test_a_request_from_the_supposed_server_turns_the_connection_round(step: int | None) -> None:
    spoken = Spoken()
    spoken.say(SERVER, REQUEST, step)
    spoken.say(CLIENT, ANSWER, step)
    upper, (transaction,) = spoken.end()
    assert upper.flipped
    assert transaction.request is not None
    assert transaction.response is not None
    assert transaction.response.status == 200


@pytest.mark.parametrize("step", [None, 1, 2, 7])
def test_another_protocol_is_given_up(step: int | None) -> None:
    spoken = Spoken()
    spoken.say(SERVER, b"220 mail.example.com ESMTP ready\r\n", step)
    assert not spoken.stream.wanted
    upper, transactions = spoken.end()
    assert (upper.decryption, transactions, upper.keep_packets) == ("not_http", [], False)


@pytest.mark.parametrize("step", [None, 1, 2, 3, 5])
def test_a_client_hello_is_tls(step: int | None) -> None:
    spoken = Spoken()
    spoken.say(CLIENT, CLIENT_HELLO, step)
    upper, _ = spoken.end()
    assert upper.tls is not None
    assert upper.tls.client_random == bytes(range(32)).hex()
    assert not upper.flipped


def test_a_client_hello_from_the_supposed_server_turns_the_connection_round() -> None:
    spoken = Spoken()
    spoken.say(SERVER, CLIENT_HELLO)
    upper, _ = spoken.end()
    assert upper.tls is not None
    assert upper.tls.client_random is not None
    assert upper.flipped


def test_the_second_sight_of_a_tls_connection_is_a_duplicate_of_the_first() -> None:
    shared = Shared(KeyLog())
    first, second = Spoken(shared), Spoken(shared, number=2)
    first.say(CLIENT, CLIENT_HELLO)
    second.say(CLIENT, CLIENT_HELLO)
    assert not second.stream.wanted
    assert first.end()[0].duplicate_of is None
    assert second.stream.close(0, (True, True)).duplicate_of == 1


def test_a_gap_before_any_byte_is_no_error() -> None:
    """A snap length that leaves nothing of the payload: every segment is a gap."""
    spoken = Spoken()
    for side in (CLIENT, SERVER, CLIENT):
        spoken.gap(side, 500)
    upper, transactions = spoken.end()
    assert (upper.decryption, transactions) == ("not_http", [])


def test_what_follows_a_gap_at_the_beginning_is_still_recognised() -> None:
    spoken = Spoken()
    spoken.gap(CLIENT, 500)
    spoken.say(CLIENT, REQUEST)
    spoken.say(SERVER, ANSWER)
    _, transactions = spoken.end()
    assert [each.response and each.response.status for each in transactions] == [200]


def test_a_gap_after_another_protocol_is_no_error() -> None:
    spoken = Spoken()
    spoken.say(SERVER, b"SSH-2.0-OpenSSH_9.6 is spoken here\r\n")
    spoken.gap(CLIENT, 9)
    assert spoken.end()[0].decryption == "not_http"


def test_a_gap_that_decides_counts_for_the_side_that_lost_the_bytes() -> None:
    """Two bytes of a request are too few to tell; the gap forces the decision, and must not be the other side's
    afterwards.
    """
    spoken = Spoken()
    spoken.say(SERVER, b"POST /Micro")  # the real client, taken for the server
    spoken.gap(SERVER, 5)
    spoken.say(CLIENT, ANSWER)
    upper, transactions = spoken.end((False, False))
    assert upper.flipped
    answers = [each.response for each in transactions if each.response is not None]
    assert [(answer.status, answer.complete) for answer in answers] == [(200, True)], "the answer has no gap"


def test_what_is_held_before_anything_is_decided_is_bounded() -> None:
    spoken = Spoken()
    spoken.say(CLIENT, b"P")
    for _ in range(MAX_HELD):
        spoken.say(SERVER, b"x" * 100)
    assert not spoken.stream.wanted


@pytest.mark.parametrize("first", [b"", b"\x16", b"\x16\x03", b"G", b"HTTP/1.", b"\x16\x03\x01\x00\x00", b"\0" * 40])
def test_a_connection_that_ends_at_once_is_no_error(first: bytes) -> None:
    spoken = Spoken()
    if first:
        spoken.say(CLIENT, first)
    upper, transactions = spoken.end()
    assert upper.decryption in ("not_http", "plaintext", "encrypted", "partial")
    assert [each for each in transactions if each.response is not None] == []
