"""Who speaks on a connection: TLS, HTTP/1.x, HTTP/2 or none of them, from whichever side and in whatever pieces the
first bytes come; and what it becomes when it stops to speak that (CONNECT, Upgrade).
"""

import ssl
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors.events import CLIENT, SERVER, Anomaly, Connection, Transaction
from dissectors.net.evidence import Upper
from dissectors.stream import MAX_HELD, MAX_TUNNELS, ConnectionStream, Shared
from dissectors.tls import KeyLog
from tests.dissectors.http.h2.peers import Peers, answer, post
from tests.dissectors.tls.dialogue import Live

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
        self.codes: list[str] = []

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
        self.codes = [event.code for event in events if isinstance(event, Anomaly)]
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
    spoken.say(SERVER, b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", step)
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


# --- HTTP/2 -----------------------------------------------------------------------------------------------------------

Turns = list[tuple[int, bytes]]


def two_streams() -> Turns:
    peers = Peers()
    first = peers.ask(post(), b"abcd")
    second = peers.ask(post("/other"))
    peers.reply(second, answer(204))
    peers.reply(first, answer(), b"ok")
    return peers.turns


@cache
def secured(version: ssl.TLSVersion, protocol: str | None) -> tuple[Turns, bytes]:
    """The same inside TLS, recorded from OpenSSL, with its keys. ALPN says `protocol`, or nothing."""
    live = Live(version)
    live._client.set_alpn_protocols([protocol or "nobody/1"])
    live._server.set_alpn_protocols([protocol or "nothing/1"])
    recording = live.record(two_streams())
    return recording.turns, recording.keys


def keyed(keys: bytes) -> Shared:
    keylog = KeyLog()
    assert keylog.add(keys, "keys") == []
    return Shared(keylog)


def assert_two_streams(transactions: list[Transaction], first_number: int = 1) -> None:
    found = [
        (t.number, t.stream_id, t.request and t.request.body_bytes, t.response and t.response.status)
        for t in transactions
    ]
    assert found == [(first_number + 1, 3, 0, 204), (first_number, 1, 4, 200)]


@pytest.mark.parametrize("step", [None, 1, 2, 7, 100])
@pytest.mark.parametrize("server_first", [False, True])
def test_http2_with_prior_knowledge_is_recognised(step: int | None, server_first: bool) -> None:
    turns = two_streams()
    if server_first:  # its SETTINGS need not wait for the client's preface
        server = next(n for n, (side, _) in enumerate(turns) if side == SERVER)
        turns.insert(0, turns.pop(server))
    spoken = Spoken()
    for side, data in turns:
        spoken.say(side, data, step)
    upper, transactions = spoken.end()
    assert (upper.decryption, upper.flipped, upper.keep_packets) == ("plaintext", False, True)
    assert_two_streams(transactions)
    assert spoken.codes == []


def test_a_preface_from_the_supposed_server_turns_the_connection_round() -> None:
    spoken = Spoken()
    for side, data in two_streams():
        spoken.say(1 - side, data)
    upper, transactions = spoken.end()
    assert upper.flipped
    assert_two_streams(transactions)


def test_http2_in_the_middle_is_recognised_by_its_frames() -> None:
    peers = Peers()
    peers.ask(post())
    before = len(peers.turns)
    peers.reply(peers.ask(post("/second"), b"body"), answer(), b"ok")
    spoken = Spoken()
    for side, data in peers.turns[before:]:
        spoken.say(side, data)
    upper, (transaction,) = spoken.end()
    assert upper.decryption == "plaintext"
    assert transaction.request is not None
    assert transaction.request.target == "/second"
    assert spoken.codes == ["http2_unknown_fields"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("protocol", ["h2", None])
@pytest.mark.parametrize("step", [None, 1, 700])
def test_http2_inside_tls_is_told_by_alpn_and_without_it(
    version: ssl.TLSVersion, protocol: str | None, step: int | None
) -> None:
    turns, keys = secured(version, protocol)
    spoken = Spoken(keyed(keys))
    for side, data in turns:
        spoken.say(side, data, step)
    upper, transactions = spoken.end()
    assert upper.tls is not None
    assert (upper.tls.alpn, upper.decryption) == (protocol, "decrypted")
    assert_two_streams(transactions)
    assert spoken.codes == []


def test_a_gap_while_nobody_knows_which_http_it_is_decides() -> None:
    spoken = Spoken()
    spoken.say(CLIENT, b"PRI * HTTP/2")
    spoken.gap(CLIENT, 12)
    for side, data in two_streams():
        spoken.say(side, data.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    upper, _ = spoken.end()
    assert upper.decryption in ("plaintext", "not_http")


UPGRADE = (
    b"POST /Microsoft-Server-ActiveSync?Cmd=Ping HTTP/1.1\r\nHost: mail.example.com\r\n"
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nContent-Length: 4\r\n\r\nabcd"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


def upgraded() -> Turns:
    peers = Peers(upgrade=True)
    peers.reply(1, answer(), b"ok")
    peers.reply(peers.ask(post("/other")), answer(204))
    return peers.turns


@pytest.mark.parametrize("step", [None, 1, 3, 64])
@pytest.mark.parametrize("early", [False, True])
def test_an_upgrade_to_h2c_makes_the_request_stream_1(step: int | None, early: bool) -> None:
    """`early`: the client's preface arrives before the 101, or is handed in before it."""
    client = b"".join(data for side, data in upgraded() if side == CLIENT)
    server = b"".join(data for side, data in upgraded() if side == SERVER)
    spoken = Spoken()
    spoken.say(CLIENT, UPGRADE + client[:24] if early else UPGRADE, step)
    spoken.say(SERVER, SWITCH + server, step)
    spoken.say(CLIENT, client[24:] if early else client, step)
    upper, (first, second) = spoken.end()
    assert upper.decryption == "plaintext"
    assert (first.number, first.stream_id, second.number, second.stream_id) == (1, 1, 2, 3)
    assert first.request is not None
    assert first.response is not None
    assert (first.request.http_version, first.request.body, first.response.http_version) == ("1.1", b"abcd", "2")
    assert first.request.http_bytes == len(UPGRADE)
    assert first.response.body == b"ok"
    assert first.response.http_bytes == len(SWITCH) + 9 + 1 + 9 + 2  # the 101; HEADERS of a byte; DATA
    assert spoken.codes == []


def test_an_upgrade_that_is_not_granted_stays_http_1() -> None:
    """And what the client sent meanwhile is a request like any other."""
    spoken = Spoken()
    spoken.say(CLIENT, UPGRADE)
    spoken.say(CLIENT, REQUEST[:30])
    spoken.say(CLIENT, REQUEST[30:] + REQUEST)
    spoken.say(SERVER, ANSWER)
    spoken.say(SERVER, ANSWER)
    spoken.say(SERVER, ANSWER)
    _, transactions = spoken.end()
    assert [(t.number, t.request and t.request.body, t.response and t.response.status) for t in transactions] == [
        (number, b"abcd", 200) for number in (1, 2, 3)
    ]
    assert spoken.codes == []


def test_a_preface_behind_a_lost_101_is_recognised() -> None:
    spoken = Spoken()
    spoken.say(CLIENT, UPGRADE)
    spoken.gap(SERVER, 80)
    for side, data in upgraded():
        spoken.say(side, data)
    _, transactions = spoken.end()
    assert [(t.request and t.request.target, t.response and t.response.status) for t in transactions if t.request] == [
        ("/Microsoft-Server-ActiveSync?Cmd=Ping", None),
        ("/other", 204),
    ]


def test_a_websocket_is_not_read_and_that_is_said() -> None:
    spoken = Spoken()
    spoken.say(CLIENT, b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    spoken.say(SERVER, b"HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi")
    assert not spoken.stream.wanted
    _, (transaction,) = spoken.end()
    assert transaction.response is not None
    assert transaction.response.status == 101
    assert spoken.codes == ["http_switched"]


# --- tunnels ----------------------------------------------------------------------------------------------------------

CONNECT = b"CONNECT mail.example.com:443 HTTP/1.1\r\nHost: mail.example.com:443\r\n\r\n"
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
REFUSAL = b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 2\r\n\r\nno"


@pytest.mark.parametrize("step", [None, 1, 50, 1400])
def test_what_is_inside_a_tunnel_is_read_like_a_connection_of_its_own(step: int | None) -> None:
    turns, keys = secured(ssl.TLSVersion.TLSv1_3, "h2")
    spoken = Spoken(keyed(keys))
    for side, data in [(CLIENT, CONNECT), (SERVER, REFUSAL), (CLIENT, CONNECT), (SERVER, ESTABLISHED), *turns]:
        spoken.say(side, data, step)
    upper, transactions = spoken.end()
    assert upper.tls is not None
    assert (upper.tls.alpn, upper.tls.sni, upper.decryption) == ("h2", "mail.test", "decrypted")
    tried = [(t.number, t.request and t.request.target, t.response and t.response.status) for t in transactions[:2]]
    assert tried == [(1, "mail.example.com:443", 407), (2, "mail.example.com:443", 200)]
    assert_two_streams(transactions[2:], first_number=3)
    assert spoken.codes == []


def test_a_client_that_does_not_wait_for_the_proxy_is_read_too() -> None:
    turns, keys = secured(ssl.TLSVersion.TLSv1_3, "h2")
    spoken = Spoken(keyed(keys))
    (first_side, hello), *rest = turns
    assert first_side == CLIENT
    spoken.say(CLIENT, CONNECT + hello[:100])
    spoken.say(CLIENT, hello[100:])
    spoken.say(SERVER, ESTABLISHED)
    for side, data in rest:
        spoken.say(side, data)
    upper, transactions = spoken.end()
    assert upper.decryption == "decrypted"
    assert_two_streams(transactions[1:], first_number=2)


@pytest.mark.parametrize("order", ["gap first", "hello first"])
def test_a_tunnel_whose_answer_is_lost_is_told_by_what_the_client_says(order: str) -> None:
    turns, keys = secured(ssl.TLSVersion.TLSv1_2, "h2")
    spoken = Spoken(keyed(keys))
    spoken.say(CLIENT, CONNECT)
    (side, hello), *rest = turns
    if order == "gap first":
        spoken.gap(SERVER, len(ESTABLISHED))
    spoken.say(side, hello)
    if order == "hello first":
        spoken.gap(SERVER, len(ESTABLISHED))
    for side, data in rest:
        spoken.say(side, data)
    upper, transactions = spoken.end()
    assert upper.decryption == "decrypted"
    assert (transactions[0].request is not None, transactions[0].response) == (True, None)
    assert_two_streams(transactions[1:], first_number=2)


def test_plain_http_inside_a_tunnel_is_read_and_a_gap_in_it_is_the_inner_one() -> None:
    spoken = Spoken()
    for side, data in ((CLIENT, CONNECT), (SERVER, ESTABLISHED), (CLIENT, REQUEST), (SERVER, ANSWER)):
        spoken.say(side, data)
    assert spoken.stream.by_segment
    spoken.say(CLIENT, REQUEST[:-2])
    spoken.gap(CLIENT, 2)
    upper, transactions = spoken.end()
    assert upper.decryption == "plaintext"
    bodies = [(t.number, t.request and t.request.body, t.request and t.request.complete) for t in transactions]
    assert bodies == [(1, None, True), (2, b"abcd", True), (3, None, False)]


def test_a_tunnel_of_something_else_is_given_up_but_was_http() -> None:
    spoken = Spoken()
    for side, data in ((CLIENT, CONNECT), (SERVER, ESTABLISHED), (SERVER, b"SSH-2.0-OpenSSH_9.6 is spoken\r\n")):
        spoken.say(side, data)
    assert not spoken.stream.wanted
    upper, (transaction,) = spoken.end()
    assert (upper.decryption, upper.keep_packets) == ("plaintext", True)
    assert transaction.response is not None


def test_the_tunnel_of_a_proxy_and_its_other_leg_are_one_connection() -> None:
    """Seen before and behind the proxy: the TLS inside is the same."""
    turns, keys = secured(ssl.TLSVersion.TLSv1_3, "h2")
    shared = keyed(keys)
    device, server = Spoken(shared), Spoken(shared, number=2)
    for side, data in [(CLIENT, CONNECT), (SERVER, ESTABLISHED), *turns]:
        device.say(side, data)
    for side, data in turns:
        server.say(side, data)
    assert not server.stream.wanted
    assert device.end()[0].duplicate_of is None
    assert server.stream.close(0, (True, True)).duplicate_of == 1
    other = Spoken(shared, number=1)
    for side, data in [(CLIENT, CONNECT), (SERVER, ESTABLISHED), *turns]:
        other.say(side, data)
    assert other.end()[0].duplicate_of is None  # its own number: the first sight of it


def test_a_later_tunnel_with_tls_that_was_seen_before_is_a_duplicate() -> None:
    turns, keys = secured(ssl.TLSVersion.TLSv1_3, "h2")
    shared = keyed(keys)
    first, second = Spoken(shared, number=5), Spoken(shared, number=1)
    for side, data in turns:
        first.say(side, data)
    for side, data in [(CLIENT, CONNECT), (SERVER, ESTABLISHED), *turns]:
        second.say(side, data)
    assert not second.stream.wanted
    upper, transactions = second.end()
    assert upper.duplicate_of == 5
    assert [t.request and t.request.method for t in transactions] == ["CONNECT"]


def test_a_proxy_that_is_asked_inside_tls_is_read() -> None:
    """HTTPS to the proxy, CONNECT inside, TLS inside that."""
    inside, inner_keys = secured(ssl.TLSVersion.TLSv1_3, "h2")
    outer = Live(ssl.TLSVersion.TLSv1_2).record([(CLIENT, CONNECT), (SERVER, ESTABLISHED), *inside])
    spoken = Spoken(keyed(inner_keys + outer.keys))
    for side, data in outer.turns:
        spoken.say(side, data)
    upper, transactions = spoken.end()
    assert upper.tls is not None
    assert (upper.tls.version, upper.tls.alpn, upper.decryption) == ("TLS 1.3", "h2", "decrypted")
    assert_two_streams(transactions[1:], first_number=2)


def test_tunnels_in_tunnels_are_bounded() -> None:
    spoken = Spoken()
    for _ in range(MAX_TUNNELS + 1):
        spoken.say(CLIENT, CONNECT)
        spoken.say(SERVER, ESTABLISHED)
    assert not spoken.stream.wanted
    _, transactions = spoken.end()
    assert [t.number for t in transactions] == list(range(1, MAX_TUNNELS + 2))
    assert spoken.codes == ["http_switched"]


# --- anything ---------------------------------------------------------------------------------------------------------

SAYINGS = [
    CONNECT, ESTABLISHED, REFUSAL, UPGRADE, SWITCH, REQUEST, ANSWER, CLIENT_HELLO, SWITCH.replace(b"h2c", b"TLS/1.2"),
    UPGRADE.replace(b"h2c", b"TLS/1.2"), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", *(data for _, data in two_streams()),
]  # fmt: skip
STEP = st.tuples(
    st.sampled_from([CLIENT, SERVER]),
    st.one_of(st.sampled_from(SAYINGS), st.binary(max_size=40)),
    st.sampled_from(["say", "say", "say", "bytes", "gap"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEP, max_size=14))
def test_any_dialogue_is_survived_and_numbered(steps: list[tuple[int, bytes, str]]) -> None:
    spoken = Spoken()
    for side, data, how in steps:
        if how == "gap":
            if data and spoken.stream.wanted:
                spoken.gap(side, len(data))
        elif data:
            spoken.say(side, data, 1 if how == "bytes" else None)
    _, transactions = spoken.end()
    assert sorted(t.number for t in transactions) == list(range(1, len(transactions) + 1))
    assert all(t.request or t.response for t in transactions)
