"""Dialogues of one connection: framing, pairing, missing bytes, sizes. Every dialogue is also played in pieces."""

import gzip

import pytest

from dissectors.events import CLIENT, SERVER
from dissectors.http import HttpConnection
from tests.dissectors.http.dialogue import BYTES, RANDOM, Dialogue, chunked, content, play, request, response

WBXML = b"\x03\x01j\x00\x00\x0dE\x08\x03480\x00\x01\x01"
ZIPPED = gzip.compress(WBXML * 5, mtime=0)
EAS = "/Microsoft-Server-ActiveSync?Cmd=Ping"
CODED = "Content-Encoding: gzip\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
CHUNKED_HEAD = response(headers=CHUNKED, length=False)

DIALOGUES = {
    "one exchange": Dialogue().client(request(body=WBXML)).server(response(body=WBXML)),
    "keep-alive": Dialogue()
        .client(request(body=WBXML)).server(response(body=WBXML))
        .client(request(body=WBXML + b"longer")).server(response(body=b""))
        .client(request(target=EAS.replace("Ping", "Sync"), body=b"x")).server(response(449)),
    "pipelining": Dialogue()
        .client(request("GET", "/1") + request("POST", "/2", b"two") + request("GET", "/3"))
        .server(response(body=b"one") + response(404, b"two") + response(body=b"three")),
    "chunked with extensions and trailers": Dialogue()
        .client(request())
        .server(CHUNKED_HEAD + chunked(WBXML[:4], WBXML[4:], extension=b";a=b", trailer=b"X-Sum: 1\r\n")),
    "lone chunk": Dialogue().client(request()).server(CHUNKED_HEAD + chunked(WBXML)),
    "chunked request": Dialogue()
        .client(request(headers=CHUNKED, method="PUT") + chunked(WBXML, WBXML)).server(CHUNKED_HEAD + chunked()),
    "gzip both ways": Dialogue()
        .client(request(headers=CODED, body=ZIPPED)).server(response(headers=CODED, body=ZIPPED)),
    "gzip chunked": Dialogue()
        .client(request())
        .server(response(headers=CODED + CHUNKED, length=False) + chunked(ZIPPED[:9], ZIPPED[9:])),
    "gzip as transfer coding": Dialogue()
        .client(request())
        .server(response(headers="Transfer-Encoding: gzip, chunked\r\n", length=False) + chunked(ZIPPED)),
    "100-continue": Dialogue()
        .client(request(body=WBXML, headers="Expect: 100-continue\r\n"))
        .server(b"HTTP/1.1 100 Continue\r\n\r\n").server(response(body=b"ok")),
    "HEAD": Dialogue()
        .client(request("HEAD", "/") + request("GET", "/"))
        .server(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + response(body=b"x")),
    "204 and 304": Dialogue()
        .client(request("GET", "/") * 3)
        .server(b"HTTP/1.1 204 No\r\n\r\n" + b"HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n" + response(body=b"123")),
    "until close": Dialogue().client(request()).server(b"HTTP/1.0 200 OK\r\n\r\n" + WBXML).fin(),
    "until close, cut": Dialogue().client(request()).server(b"HTTP/1.0 200 OK\r\n\r\n" + WBXML),
    "early answer": Dialogue().client(request(body=b"x" * 50)[:-20]).server(response(413)).client(b"x" * 20),
    "early answer, cut request": Dialogue().client(request(body=b"x" * 50)[:-20]).server(response(401)),
    "no answer": Dialogue().client(request(body=WBXML)),
    "answer without request": Dialogue()
        .server(response(body=WBXML, headers="Content-Type: application/vnd.ms-sync.wbxml\r\n")),
    "bare LF": Dialogue()
        .client(b"GET / HTTP/1.1\nHost: a\n\n" * 2).server(response().replace(b"\r", b"") * 2),
    "empty lines before": Dialogue()
        .client(request(body=b"x") + b"\r\n\r\n" + request("GET")).server(response() * 2),
    "folded": Dialogue()
        .client(request(headers="X-Long: a\r\n  b\r\n\tc\r\n")).server(response(headers="X-A: 1\r\nX-A: 2\r\n")),
    "length and chunked": Dialogue().client(request()).server(response(headers=CHUNKED) + chunked(WBXML)),
    "conflicting lengths": Dialogue()
        .client(request(headers="Content-Length: 3\r\n", body=b"abcd")[:-1]).server(response()),
    "CONNECT": Dialogue()
        .client(request("CONNECT", "mail:443")).server(b"HTTP/1.1 200 OK\r\n\r\n")
        .client(b"\x16\x03\x01").server(b"\x16\x03"),
    "upgrade": Dialogue()
        .client(request("GET", "/")).server(response(101, length=False)).client(b"\x81\x00").server(b"\x82"),
    "cut heads": Dialogue()
        .client(request(headers="X-A: 1\r\nX-B: cut")[:-30]).server(b"HTTP/1.1 200 OK\r\nServer: x\r\nDa"),
    "not http": Dialogue().client(b"EHLO mail.example.com\r\n\r\n").server(b"250-mail\r\n\r\n"),
    "http/2": Dialogue()
        .client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0").server(b"\0\0\0\4\0\0\0\0\0"),
}  # fmt: skip


@pytest.fixture(params=DIALOGUES, name="dialogue")
def _dialogue(request: pytest.FixtureRequest) -> Dialogue:
    return DIALOGUES[request.param]


def test_any_split_gives_the_same_transactions(dialogue: Dialogue) -> None:
    whole, first = play(dialogue)
    for split, seed in ((BYTES, 0), *((RANDOM, seed) for seed in range(12))):
        pieces, connection = play(dialogue, split, seed)
        assert content(pieces) == content(whole)
        assert connection.protocol == first.protocol
        assert connection.interim_responses == first.interim_responses
        assert {(a.code, a.detail) for a in connection.anomalies} == {(a.code, a.detail) for a in first.anomalies}


@pytest.mark.parametrize("split", ["whole", BYTES, RANDOM])
def test_every_byte_belongs_to_a_message_or_is_counted_as_skipped(dialogue: Dialogue, split: str) -> None:
    transactions, connection = play(dialogue, split)
    for side in (CLIENT, SERVER):
        fed = sum(len(data) for turn, data in dialogue.turns if turn == side)
        messages = [t.response if side else t.request for t in transactions]
        others = sum(len(held.data) for held in connection.backlog.pieces if held.side == side)
        assert sum(m.http_bytes for m in messages if m) + connection.skipped_bytes[side] + others == fed


@pytest.mark.parametrize("split", ["whole", BYTES, RANDOM])
def test_wire_bytes_add_up(split: str) -> None:
    dialogue = DIALOGUES["pipelining"]
    transactions, _ = play(dialogue, split)
    pieces = {m.last_frame for t in transactions for m in (t.request, t.response) if m}
    total = sum(m.wire_bytes for t in transactions for m in (t.request, t.response) if m)
    assert total == sum(len(data) for _, data in dialogue.turns) + 29 * max(pieces)


def test_the_overhead_of_a_piece_goes_to_its_first_message() -> None:
    transactions, _ = play(DIALOGUES["pipelining"])
    over = [t.request.wire_bytes - t.request.http_bytes for t in transactions if t.request]
    assert over == [29, 0, 0]


def test_sizes_and_content_of_a_compressed_exchange() -> None:
    (transaction,), _ = play(DIALOGUES["gzip chunked"])
    answer = transaction.response
    assert answer is not None
    assert answer.body == WBXML * 5
    assert answer.decoded_bytes == len(WBXML) * 5
    assert answer.body_bytes == len(ZIPPED)
    assert answer.http_bytes == len(DIALOGUES["gzip chunked"].turns[1][1])
    assert answer.complete


def test_a_gzip_transfer_coding_is_undone_too() -> None:
    (transaction,), _ = play(DIALOGUES["gzip as transfer coding"])
    assert transaction.response is not None
    assert transaction.response.body == WBXML * 5


def test_times_and_frames_are_those_of_the_first_and_last_piece() -> None:
    connection = HttpConnection(1)
    data = request(body=WBXML)
    connection.feed(CLIENT, data[:10], 3, 30, 4, 40, 10)
    connection.feed(CLIENT, data[10:-5], 6, 60, 7, 70, len(data) - 15)
    connection.feed(CLIENT, data[-5:], 8, 80, 9, 90, 5)
    (transaction,) = connection.close(100)
    assert transaction.request is not None
    assert transaction.request[:4] == (30, 90, 3, 9)


def test_pipelined_responses_answer_in_order() -> None:
    transactions, _ = play(DIALOGUES["pipelining"])
    pairs = [(t.number, t.request and t.request.target, t.response and t.response.body_bytes) for t in transactions]
    assert pairs == [(1, "/1", 3), (2, "/2", 3), (3, "/3", 5)]


def test_a_transaction_is_yielded_when_its_response_ends() -> None:
    connection = HttpConnection(1)
    assert connection.feed(CLIENT, request(body=WBXML), 1, 1, 1, 1, 400) == []
    answer = response(body=WBXML)
    assert connection.feed(SERVER, answer[:-1], 2, 2, 2, 2, 100) == []
    assert len(connection.feed(SERVER, answer[-1:], 3, 3, 3, 3, 100)) == 1
    assert connection.close(9) == []


def test_interim_responses_are_counted_and_their_bytes_belong_to_the_final_one() -> None:
    (transaction,), connection = play(DIALOGUES["100-continue"])
    assert transaction.response is not None
    assert transaction.response.status == 200
    assert connection.interim_responses == 1
    assert transaction.response.first_frame == 3  # the hold ended here, not with the 100 in frame 2
    assert transaction.response.http_bytes == sum(len(d) for s, d in DIALOGUES["100-continue"].turns if s == SERVER)


def test_responses_without_body_end_with_their_head() -> None:
    for name in ("HEAD", "204 and 304"):
        transactions, connection = play(DIALOGUES[name])
        assert [t.response.body_bytes for t in transactions if t.response][:-1] == [0] * (len(transactions) - 1)
        assert all(t.response and t.response.complete for t in transactions)
        assert connection.skipped_bytes == [0, 0]


@pytest.mark.parametrize(("name", "complete"), [("until close", True), ("until close, cut", False)])
def test_a_body_until_close_is_complete_only_with_a_fin(name: str, complete: bool) -> None:
    (transaction,), _ = play(DIALOGUES[name])
    answer = transaction.response
    assert answer is not None
    assert answer.complete is complete
    assert answer.body_bytes == len(WBXML)
    assert answer.body == (WBXML if complete else None)
    assert answer.http_version == "1.0"


def test_a_response_may_come_before_the_request_ends() -> None:
    (transaction,), connection = play(DIALOGUES["early answer"])
    assert transaction.request is not None
    assert transaction.response is not None
    assert (transaction.response.status, transaction.request.complete) == (413, True)
    assert connection.anomalies == []
    (transaction,), _ = play(DIALOGUES["early answer, cut request"])
    assert transaction.request is not None
    assert (transaction.request.complete, transaction.request.body_bytes) == (False, 30)


def test_requests_without_answer_come_out_at_the_end() -> None:
    (transaction,), _ = play(DIALOGUES["no answer"])
    assert transaction.response is None
    assert transaction.request is not None
    assert transaction.request.body == WBXML


def test_an_answer_whose_request_was_not_captured_stands_alone() -> None:
    (transaction,), _ = play(DIALOGUES["answer without request"])
    assert transaction.request is None
    assert transaction.response is not None
    assert transaction.response.body == WBXML  # kept by its content type


def test_a_response_handed_in_before_its_request_is_still_paired() -> None:
    connection = HttpConnection(1)
    answer = response(body=b"x")
    assert connection.feed(SERVER, answer, 5, 50, 5, 50, len(answer)) == []
    (transaction,) = connection.feed(CLIENT, request("GET"), 4, 40, 4, 40, 100)
    assert transaction.request is not None
    assert transaction.response is not None


def test_a_response_from_before_the_capture_is_not_paired_with_the_next_request() -> None:
    connection = HttpConnection(1)
    connection.feed(SERVER, response(body=b"old"), 1, 10, 1, 10, 100)
    (orphan,) = connection.feed(CLIENT, request("GET"), 2, 20, 2, 20, 100)
    (paired,) = connection.feed(SERVER, response(body=b"new!"), 3, 30, 3, 30, 100)
    assert (orphan.request, orphan.number) == (None, 1)
    assert paired.request is not None
    assert paired.response is not None
    assert paired.response.body_bytes == 4


ODDITIES = {
    "bare LF": ["http_bare_lf"],
    "folded": ["http_obs_fold"],
    "length and chunked": ["http_length_and_chunked"],
    "conflicting lengths": ["http_conflicting_length"],
    "CONNECT": [],
    "upgrade": ["http_switched"],
    "http/2": [],
    "not http": [],
    "chunked with extensions and trailers": [],
}


@pytest.mark.parametrize("name", ODDITIES)
def test_what_is_odd_is_said_once(name: str) -> None:
    _, connection = play(DIALOGUES[name])
    assert [a.code for a in connection.anomalies] == ODDITIES[name]
    assert all(a.connection_id == 7 and a.frame for a in connection.anomalies)


def test_transfer_encoding_wins_over_content_length() -> None:
    (transaction,), _ = play(DIALOGUES["length and chunked"])
    assert transaction.response is not None
    assert transaction.response.body == WBXML


@pytest.mark.parametrize(
    ("name", "protocol", "hopeless"),
    [
        ("http/2", "http/2", True),
        ("not http", "not_http", False),
        ("upgrade", "http/1.1", True),
        ("HEAD", "http/1.1", False),
    ],
)
def test_the_protocol_is_told(name: str, protocol: str, hopeless: bool) -> None:
    transactions, connection = play(DIALOGUES[name])
    assert (connection.protocol, connection.hopeless) == (protocol, hopeless)
    assert bool(transactions) == (protocol == "http/1.1")


def test_a_cut_head_gives_what_is_visible() -> None:
    (transaction,), _ = play(DIALOGUES["cut heads"])
    assert transaction.request is not None
    assert transaction.response is not None
    assert (transaction.request.target, dict(transaction.request.headers)) == (EAS, {"host": "mail.example.com"})
    assert (transaction.response.status, dict(transaction.response.headers)) == (200, {"server": "x"})
    assert not transaction.request.complete
    assert not transaction.response.complete


def test_a_body_that_is_not_wanted_is_only_counted() -> None:
    dialogue = Dialogue().client(request("GET", "/file")).server(response(headers=CODED, body=ZIPPED))
    (transaction,), _ = play(dialogue, RANDOM)
    answer = transaction.response
    assert answer is not None
    assert (answer.body, answer.decoded_bytes, answer.body_bytes) == (None, None, len(ZIPPED))
    (transaction,), _ = play(Dialogue().client(request("GET", "/file")).server(response(body=b"plain")), RANDOM)
    assert transaction.response is not None
    assert (transaction.response.body, transaction.response.decoded_bytes) == (None, 5)


def test_a_body_over_the_limit_is_counted_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dissectors.http.bodies.MAX_BODY_BYTES", 100)
    dialogue = Dialogue().client(request()).server(response(body=b"x" * 150))
    (transaction,), connection = play(dialogue, RANDOM)
    assert transaction.response is not None
    assert (transaction.response.body, transaction.response.body_bytes) == (None, 150)
    assert [a.code for a in connection.anomalies] == ["http_body_too_large"]


def test_a_head_over_the_limit_ends_as_incomplete() -> None:
    flood = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X-Flood: 1\r\n" * 20_000
    for size in (len(flood), 1000):
        connection = HttpConnection(1)
        for start in range(0, len(flood), size):
            connection.feed(CLIENT, flood[start : start + size], 1, 1, 1, 1, size)
        (transaction,) = connection.close(9)
        assert transaction.request is not None
        assert not transaction.request.complete
        assert transaction.request.headers["host"] == "a"
        assert connection.anomalies[0].code == "http_head_too_large"
        assert transaction.request.http_bytes + connection.skipped_bytes[CLIENT] == len(flood)


def test_a_broken_chunk_ends_the_message_and_the_next_piece_may_begin_one() -> None:
    connection = HttpConnection(1)
    connection.feed(CLIENT, request("GET") * 2, 1, 1, 1, 1, 100)
    bad = response(headers=CHUNKED, length=False) + b"5\r\nhello\r\nzz\r\nrubbish"
    (broken,) = connection.feed(SERVER, bad, 2, 2, 2, 2, len(bad))
    (good,) = connection.feed(SERVER, response(), 3, 3, 3, 3, 100)
    assert broken.response is not None
    assert (broken.response.complete, broken.response.body_bytes) == (False, 5)
    assert good.response is not None
    assert good.response.complete
    assert [a.code for a in connection.anomalies] == ["http_bad_chunk", "http_rubbish"]


def test_a_start_in_the_middle_is_counted_and_skipped() -> None:
    connection = HttpConnection(1)
    connection.feed(SERVER, b"end of a body \x00\x01", 1, 10, 1, 10, 16)
    connection.feed(SERVER, b"more of it", 2, 20, 2, 20, 10)
    connection.feed(CLIENT, request("GET"), 3, 30, 3, 30, 100)
    (transaction,) = connection.feed(SERVER, response(), 4, 40, 4, 40, 100)
    assert transaction.request is not None
    assert transaction.response is not None
    (anomaly,) = connection.anomalies
    assert (anomaly.code, anomaly.frame) == ("http_mid_message", 1)
    assert "26 bytes" in anomaly.detail


# Gaps ----------------------------------------------------------------------------------------------------------------


def exchange_with_gap(
    answer: bytes, start: int, end: int, length: int | None = -1
) -> tuple[HttpConnection, list[object]]:
    """A request, and an answer of which the bytes from `start` to `end` are missing."""
    connection = HttpConnection(1)
    connection.feed(CLIENT, request(), 1, 1, 1, 1, 100)
    done: list[object] = []
    if start:
        done += connection.feed(SERVER, answer[:start], 2, 2, 2, 2, start)
    done += connection.gap(SERVER, end - start if length == -1 else length, 3, 3)
    if answer[end:]:
        done += connection.feed(SERVER, answer[end:], 4, 4, 4, 4, len(answer) - end)
    return connection, done


@pytest.mark.parametrize("framed", ["length", "chunked"])
def test_a_gap_inside_a_body_keeps_the_framing_and_counts_what_is_missing(framed: str) -> None:
    body = b"x" * 5000
    answer = (
        response(body=body) if framed == "length" else response(headers=CHUNKED, length=False) + chunked(body, b"end")
    )
    connection, done = exchange_with_gap(answer, 1000, 3000)
    (transaction,) = done
    found = transaction.response  # type: ignore[attr-defined]
    assert (found.complete, found.body, found.decoded_bytes) == (False, None, None)
    assert found.body_bytes == (5000 if framed == "length" else 5003)
    assert found.http_bytes == found.wire_bytes == len(answer)
    connection.feed(CLIENT, request("GET"), 5, 5, 5, 5, 100)
    (following,) = connection.feed(SERVER, response(), 6, 6, 6, 6, 100)
    assert following.response is not None
    assert following.response.complete


def test_a_gap_to_the_very_end_of_a_body_ends_it() -> None:
    answer = response(body=b"x" * 5000)
    _, done = exchange_with_gap(answer, 1000, len(answer))
    assert len(done) == 1


def test_a_gap_inside_a_head_leaves_the_lines_before_it() -> None:
    answer = response(headers="X-A: 1\r\n", body=b"x" * 100)
    connection, done = exchange_with_gap(answer, answer.index(b"X-A") + 10, 90)
    (transaction,) = done
    found = transaction.response  # type: ignore[attr-defined]
    assert (found.status, found.complete, found.headers["x-a"]) == (200, False, "1")
    assert connection.anomalies == []  # a gap is reported by whoever found it


def test_a_gap_of_unknown_length_ends_the_message() -> None:
    answer = response(body=b"x" * 5000)
    connection, done = exchange_with_gap(answer, 1000, 3000, None)
    (transaction,) = done
    assert not transaction.response.complete  # type: ignore[attr-defined]
    assert connection.skipped_bytes[SERVER] == len(answer) - 3000


def test_an_answer_lost_in_a_gap_does_not_shift_the_later_ones() -> None:
    connection = HttpConnection(1)
    connection.feed(CLIENT, request("GET", "/1"), 1, 1, 1, 1, 100)
    assert connection.gap(SERVER, 5000, 2, 2) == []
    (lost,) = connection.feed(CLIENT, request("GET", "/2"), 3, 3, 3, 3, 100)
    (paired,) = connection.feed(SERVER, response(), 4, 4, 4, 4, 100)
    assert lost.request is not None
    assert (lost.request.target, lost.response) == ("/1", None)
    assert paired.request is not None
    assert paired.request.target == "/2"


def test_an_answer_lost_in_a_gap_that_is_noticed_late_does_not_shift_the_later_ones() -> None:
    connection = HttpConnection(1)
    connection.feed(CLIENT, request("GET", "/1"), 1, 1, 1, 1, 100)
    connection.feed(CLIENT, request("GET", "/2"), 3, 3, 3, 3, 100)
    (lost,) = connection.gap(SERVER, 5000, 4, 4)
    (paired,) = connection.feed(SERVER, response(), 5, 5, 5, 5, 100)
    assert lost.response is None
    assert paired.request is not None
    assert paired.request.target == "/2"


def test_a_snap_length_leaves_first_lines_and_whole_headers() -> None:
    """Every segment is cut to 60 bytes, as `tcpdump -s` does."""
    connection = HttpConnection(1)
    answer = response(headers="Date: Wed, 15 May 2024 10:00:00 GMT\r\n", body=b"x" * 3000)
    done = []
    for side, data in ((CLIENT, request("GET", "/a")), (SERVER, answer[:1400]), (SERVER, answer[1400:])) * 2:
        done += connection.feed(side, data[:60], 1, 1, 1, 1, 60)
        done += connection.gap(side, max(0, len(data) - 60), 1, 1)
    assert [(t.request and t.request.target, t.response and t.response.status) for t in done] == [("/a", 200)] * 2


def test_wire_bytes_of_a_cut_record_are_counted_once() -> None:
    """As `dissectors.tls` hands on a record of 500 bytes, 29 of them its own: two parts are seen, two are missing; then
    one of 400 bytes, nothing of which is seen."""
    connection = HttpConnection(1)
    answer = response(body=b"x" * 2000)
    end = len(answer)
    connection.feed(CLIENT, request(), 1, 1, 1, 1, 100)
    done = connection.feed(SERVER, answer[:200], 2, 2, 2, 2, 500)
    done += connection.gap(SERVER, 71, 2, 2)
    done += connection.feed(SERVER, answer[271:371], 2, 2, 2, 2, 0)
    done += connection.gap(SERVER, 100, 2, 2)
    done += connection.feed(SERVER, b"", 3, 3, 3, 3, 400)
    done += connection.gap(SERVER, 371, 3, 3)
    done += connection.feed(SERVER, answer[842:], 4, 4, 4, 4, end - 842 + 29)
    (transaction,) = done
    assert transaction.response is not None
    assert transaction.response[8:11] == (500 + 400 + end - 842 + 29, end, 2000)


@pytest.mark.parametrize("at", [b"Accept", b"\r\n\r\n"])
def test_a_body_cut_away_with_the_end_of_its_head_has_the_length_that_was_declared(at: bytes) -> None:
    """The snap length cuts inside the head, behind Content-Length; all of the rest of the packet is this message's."""
    connection = HttpConnection(1)
    data = request(body=b"x" * 83).replace(b"\r\n\r\n", b"\r\nAccept: text/html\r\n\r\n")
    cut = data.index(at) + 1
    connection.feed(CLIENT, data[:cut], 5, 50, 5, 50, cut)
    connection.gap(CLIENT, len(data) - cut, 5, 50)
    (transaction,) = connection.close(60)
    sent = transaction.request
    assert sent is not None
    assert (sent.body_bytes, sent.http_bytes, sent.wire_bytes) == (83, len(data), len(data))
    assert (sent.complete, sent.body) == (False, None)


@pytest.mark.parametrize(("gap", "frame", "size"), [(84, 5, 0), (85, 9, 83), (9000, 9, 83), (None, 9, 0)])
def test_a_declared_length_counts_only_where_the_body_has_room_in_the_gap(
    gap: int | None, frame: int, size: int
) -> None:
    """Lost packets may hold later messages too: no more than the body is then known to be of this one."""
    connection = HttpConnection(1)
    head = request(body=b"x" * 83)[:-85]  # without its empty line and body
    connection.feed(CLIENT, head, 5, 50, 5, 50, len(head))
    connection.gap(CLIENT, gap, frame, 60)
    (transaction,) = connection.close(70)
    sent = transaction.request
    assert sent is not None
    assert (sent.body_bytes, sent.http_bytes, sent.complete) == (size, len(head) + size, False)


# Limits --------------------------------------------------------------------------------------------------------------


def test_requests_that_nobody_answers_do_not_pile_up() -> None:
    connection = HttpConnection(1)
    done = []
    for number in range(200):
        done += connection.feed(CLIENT, request("GET", f"/{number}"), 1, 1, 1, 1, 100)
    assert len(done) == 200 - 64
    done += connection.close(9)
    assert [t.number for t in done] == list(range(1, 201))


def test_a_stream_that_is_no_http_is_given_up() -> None:
    connection = HttpConnection(1)
    piece = b"\x00" * (1 << 20)
    for _ in range(17):
        connection.feed(SERVER, piece, 1, 1, 1, 1, len(piece))
    assert (connection.hopeless, connection.protocol) == (True, "not_http")
