"""HTTP/2 dialogues between two `h2` peers, whole, byte by byte and in random pieces: one transaction a stream."""

import gzip
from collections.abc import Callable

import pytest
from h2.settings import SettingCodes

from dissectors.events import CLIENT, SERVER, Request, Response, Transaction
from dissectors.http.h2.connection import RAPID_RESETS, Http2Connection
from dissectors.http.h2.frames import PREFACE
from dissectors.http.h2.registry import MAX_EARLY_RESPONSES, MAX_STREAMS
from dissectors.http.switching import Upgraded
from tests.dissectors.http.h2.peers import BYTES, OVERHEAD, RANDOM, WHOLE, Peers, Played, answer, content, play, post

WBXML = b"\x03\x01\x6a\x00\x0d\x45\x48\x03" + b"3600" + b"\x00\x01\x01"
ZIPPED = gzip.compress(WBXML * 20)
EAS = "/Microsoft-Server-ActiveSync?Cmd=Ping"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame as RFC 9113 4.1 draws it: length, kind, flags, stream."""
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def one_exchange() -> Peers:
    peers = Peers()
    stream = peers.ask(post(), WBXML)
    peers.reply(stream, answer(200, content_type="application/vnd.ms-sync.wbxml"), WBXML)
    return peers


def multiplexed() -> Peers:
    """A Ping is held while a Sync is asked and answered."""
    peers = Peers()
    ping = peers.ask(post(EAS), WBXML)
    sync = peers.ask(post("/Microsoft-Server-ActiveSync?Cmd=Sync"), b"s" * 15_000)
    peers.reply(sync, answer(), b"S" * 30_000)
    peers.reply(ping, answer(content_length="3"), b"png")
    return peers


def padded() -> Peers:
    peers = Peers()
    stream = peers.ask(post(), WBXML, pad=17)
    peers.reply(stream, answer(), b"x" * 9000, pad=255)
    return peers


def trailers() -> Peers:
    peers = Peers()
    stream = peers.ask(post(), WBXML, ends=False)
    peers.client.send_headers(stream, [("x-checksum", "1")], end_stream=True)
    peers.flush()
    peers.reply(stream, answer(), WBXML, ends=False)
    peers.server.send_headers(stream, [("grpc-status", "0")], end_stream=True)
    peers.flush()
    return peers


def interim() -> Peers:
    peers = Peers()
    stream = peers.ask(post(expect="100-continue"), ends=False)
    for status in (100, 103):
        peers.server.send_headers(stream, answer(status, link="</a>"))
        peers.flush()
    peers.client.send_data(stream, WBXML, end_stream=True)
    peers.flush()
    peers.reply(stream, answer(), WBXML)
    return peers


def continued() -> Peers:
    """A head of 40 000 bytes, which takes HEADERS and two CONTINUATION frames."""
    peers = Peers()
    stream = peers.ask([*post(), *((f"x-{n}", "\x7f~" * 2000) for n in range(10))], WBXML)
    peers.reply(stream, answer(), WBXML)
    return peers


def cancelled() -> Peers:
    peers = Peers()
    stream = peers.ask(post(), WBXML)
    peers.client.reset_stream(stream, 8)
    peers.flush()
    other = peers.ask(post("/other"))
    peers.reply(other, answer(204))
    return peers


def refused() -> Peers:
    peers = Peers()
    stream = peers.ask(post(), WBXML)
    peers.server.reset_stream(stream, 7)
    peers.flush()
    return peers


def answered_early() -> Peers:
    """The server answers before the request ends, and resets the rest of it with NO_ERROR (RFC 9113 8.1)."""
    peers = Peers()
    stream = peers.ask(post(), WBXML, ends=False)
    peers.reply(stream, answer(413), b"too large")
    peers.server.reset_stream(stream, 0)
    peers.flush()
    return peers


def never_answered() -> Peers:
    peers = Peers()
    peers.ask(post(), WBXML)
    peers.ask(post("/2"), b"half", ends=False)
    return peers


def other_frames() -> Peers:
    """PING, PRIORITY, WINDOW_UPDATE, a kind nobody knows, and GOAWAY at the end."""
    peers = Peers()
    stream = peers.ask(post())
    peers.client.ping(b"12345678")
    peers.client.prioritize(stream, weight=3)
    peers.client.increment_flow_control_window(500)
    peers.client.increment_flow_control_window(500, stream)
    peers.flush()
    peers.raw(SERVER, frame(0xEE, 0xFF, 77, b"extension"))
    peers.reply(stream, answer(), b"x")
    peers.server.close_connection(0)
    peers.flush()
    return peers


def smaller_table() -> Peers:
    """The table is made smaller and larger on the way; long fields push each other out."""
    peers = Peers()
    for number, size in enumerate((100, 0, 65536, 4096, 300)):
        for again in range(3):
            fields = {f"x-long-{n}": "v" * 60 + str(n * again) for n in range(20)}
            peers.reply(peers.ask(post(f"/{number}/{again}", **fields)), answer(200, **fields))
        for side in (CLIENT, SERVER):
            peers.table_size(side, size)
    return peers


def raised_frame_size() -> Peers:
    peers = Peers()
    for end in peers.ends:
        end.update_settings({SettingCodes.MAX_FRAME_SIZE: 60_000, SettingCodes.INITIAL_WINDOW_SIZE: 1 << 20})
    peers.flush()
    for end in peers.ends:
        end.increment_flow_control_window(1 << 20)
    peers.flush()
    stream = peers.ask(post(), b"q" * 60_000)
    peers.server.send_headers(stream, answer())
    peers.server.send_data(stream, b"a" * 60_000, end_stream=True)
    peers.flush()
    return peers


def pushed() -> Peers:
    peers = Peers()
    stream = peers.ask(post())
    peers.server.push_stream(stream, 2, post("/pushed"))
    peers.flush()
    peers.reply(2, answer(), b"pushed")
    peers.reply(stream, answer(), b"asked")
    return peers


DIALOGUES: dict[str, Callable[[], Peers]] = {
    made.__name__: made
    for made in (
        one_exchange, multiplexed, padded, trailers, interim, continued, cancelled, refused, answered_early,
        never_answered, other_frames, smaller_table, raised_frame_size, pushed,
    )
}  # fmt: skip


def assert_sizes_add_up(played: Played) -> None:
    """Every byte belongs to one transaction or is counted as outside; so does every byte on the wire."""
    for side in (CLIENT, SERVER):
        messages = [message for t in played.done if (message := t.response if side else t.request)]
        outside, outside_wire = played.connection.outside_bytes[side], played.connection.outside_wire[side]
        assert sum(message.http_bytes for message in messages) + outside == played.sent[side]
        assert sum(message.wire_bytes for message in messages) + outside_wire == played.wire[side]


@pytest.mark.parametrize("name", DIALOGUES)
def test_any_split_gives_the_same_transactions_and_sizes_add_up(name: str) -> None:
    turns = DIALOGUES[name]().turns
    whole = play(turns)
    assert whole.done
    assert_sizes_add_up(whole)
    for split, seed in ((BYTES, 0), *((RANDOM, seed) for seed in range(6))):
        pieces = play(turns, split, seed)
        assert content(pieces.done) == content(whole.done)
        assert pieces.codes == whole.codes
        assert_sizes_add_up(pieces)


def only(played: Played) -> tuple[Request, Response]:
    (transaction,) = played.done
    assert transaction.request is not None
    assert transaction.response is not None
    return transaction.request, transaction.response


def test_pseudo_header_fields_become_what_http_1_has() -> None:
    request, response = only(play(one_exchange().turns))
    assert (request.method, request.target, request.http_version) == ("POST", EAS, "2")
    assert request.headers == {"host": "mail.example.com"}
    assert (response.status, response.reason, response.http_version) == (200, "", "2")
    assert response.headers == {"content-type": "application/vnd.ms-sync.wbxml"}
    assert (request.body, response.body, request.complete, response.complete) == (WBXML, WBXML, True, True)


def test_streams_are_yielded_as_they_finish_and_numbered_as_they_begin() -> None:
    played = play(multiplexed().turns)
    assert [(t.number, t.stream_id) for t in played.done] == [(2, 3), (1, 1)]
    bodies = [(t.request and t.request.body_bytes, t.response and t.response.body_bytes) for t in played.done]
    assert bodies == [(15_000, 30_000), (len(WBXML), 3)]


def test_the_time_of_a_request_ends_with_end_stream_and_that_of_an_answer_begins_with_its_headers() -> None:
    peers = Peers()
    stream = peers.ask(post(), WBXML, ends=False)  # HEADERS and DATA in one turn
    peers.client.send_data(stream, b"rest", end_stream=True)
    peers.flush()
    peers.client.increment_flow_control_window(10, stream)  # later, and of no account
    peers.flush()
    peers.reply(stream, answer(), b"x" * 9000)
    began = next(n for n, (side, data) in enumerate(peers.turns, 1) if side == CLIENT and WBXML in data)
    ended = next(n for n, (side, data) in enumerate(peers.turns, 1) if side == CLIENT and b"rest" in data)
    first, *_, last = (n for n, (side, data) in enumerate(peers.turns, 1) if side == SERVER and b"xxx" in data)
    request, response = only(play(peers.turns))
    assert (request.first_frame, request.start_ns, request.last_frame, request.end_ns) == (
        *(began, began * 10**6, ended, ended * 10**6),
    )
    assert (response.first_frame, response.last_frame, response.end_ns) == (first, last, last * 10**6)


def test_padding_is_no_body_but_is_on_the_wire() -> None:
    request, response = only(play(padded().turns))
    assert (request.body, request.body_bytes) == (WBXML, len(WBXML))
    assert response.body_bytes == 9000
    # HEADERS of one byte (:status 200); two frames DATA, each with a header, a pad length and 255 bytes of padding
    assert response.http_bytes == 9000 + 2 * (9 + 1 + 255) + 9 + 1


def test_trailers_end_a_message_and_are_not_its_headers() -> None:
    request, response = only(play(trailers().turns))
    assert "x-checksum" not in request.headers
    assert "grpc-status" not in response.headers
    assert (request.complete, response.complete, response.body) == (True, True, WBXML)


def test_interim_responses_count_into_the_final_one_whose_time_counts() -> None:
    turns = interim().turns
    request, response = only(play(turns))
    assert (response.status, response.body, request.body) == (200, WBXML, WBXML)
    assert "link" not in response.headers
    assert response.start_ns > request.end_ns
    assert response.http_bytes > 9 + 1 + 9 + len(WBXML)


def test_a_head_over_several_frames_is_one_head() -> None:
    turns = continued().turns
    request, _ = only(play(turns))
    assert [len(value) for name, value in request.headers.items() if name.startswith("x-")] == [4000] * 10
    assert request.http_bytes > 3 * 9 + 40_000


def test_a_stream_that_the_client_cancels_is_yielded_at_once() -> None:
    first, second = play(cancelled().turns).done
    assert first.request is not None
    assert first.request.complete
    assert first.response is None
    assert first.stream_reset is not None
    assert (first.stream_reset.side, first.stream_reset.error_code) == (CLIENT, 8)
    assert first.stream_reset.time_ns > first.request.end_ns
    assert second.stream_reset is None
    assert second.response is not None
    assert second.response.status == 204


def test_a_stream_that_the_server_refuses_says_so() -> None:
    (transaction,) = play(refused().turns).done
    assert transaction.response is None
    assert transaction.stream_reset is not None
    assert (transaction.stream_reset.side, transaction.stream_reset.error_code) == (SERVER, 7)


def test_an_early_answer_with_a_reset_keeps_both() -> None:
    (transaction,) = play(answered_early().turns).done
    assert transaction.request is not None
    assert transaction.response is not None
    assert (transaction.request.complete, transaction.response.complete) == (False, True)
    assert transaction.response.body == b"too large"
    assert transaction.stream_reset is not None
    assert transaction.stream_reset.error_code == 0


def test_what_arrives_after_a_cancel_belongs_to_nobody() -> None:
    peers = Peers()
    stream = peers.ask(post(), WBXML)
    peers.client.reset_stream(stream, 8)
    peers.server.send_headers(stream, answer())  # it has not read the reset yet
    peers.server.send_data(stream, b"late", end_stream=True)
    crossing = peers.server.data_to_send()
    peers.turns.append((CLIENT, peers.client.data_to_send()))
    peers.turns.append((SERVER, crossing))
    played = play(peers.turns)
    (transaction,) = played.done
    assert transaction.response is None
    assert_sizes_add_up(played)
    assert played.codes == []


def test_streams_open_at_the_end_have_no_response_and_are_as_complete_as_they_are() -> None:
    first, second = play(never_answered().turns).done
    assert (first.response, second.response) == (None, None)
    assert first.request is not None
    assert second.request is not None
    assert (first.request.complete, first.request.body) == (True, WBXML)
    assert (second.request.complete, second.request.body, second.request.body_bytes) == (False, None, 4)


def test_goaway_is_remembered_and_an_error_in_it_is_said() -> None:
    played = play(other_frames().turns)
    (goaway,) = played.connection.goaways
    assert (goaway.side, goaway.error_code) == (SERVER, 0)
    assert played.codes == []
    peers = one_exchange()
    peers.server.close_connection(error_code=11)
    peers.flush()
    played = play(peers.turns)
    assert played.codes == ["http2_goaway"]
    assert [(each.error_code, each.last_stream_id) for each in played.connection.goaways] == [(11, 1)]


def test_a_pushed_response_has_no_request() -> None:
    played = play(pushed().turns)
    assert played.codes == ["http2_push"]
    push, asked = played.done
    assert (push.stream_id, push.request) == (2, None)
    assert asked.response is not None
    assert asked.response.body == b"asked"


def test_bodies_are_kept_for_activesync_only_and_counted_otherwise() -> None:
    peers = Peers()
    for target in (EAS, "/ews"):
        peers.reply(peers.ask(post(target), WBXML), answer(content_encoding="gzip"), ZIPPED)
    connection = Http2Connection(1)
    done: list[Transaction] = []
    for number, (side, data) in enumerate(peers.turns, 1):
        done += connection.feed(side, data, number, number, number, number, len(data))
    kept, counted = done
    assert kept.request is not None
    assert kept.response is not None
    assert counted.response is not None
    assert (kept.request.body, kept.response.body, kept.response.decoded_bytes) == (WBXML, WBXML * 20, len(WBXML) * 20)
    assert (counted.response.body, counted.response.body_bytes) == (None, len(ZIPPED))
    assert counted.response.decoded_bytes is None


def test_secrets_stay_inside_also_when_the_table_repeats_them() -> None:
    peers = Peers()
    for _ in range(3):
        fields = post(EAS, authorization="Basic YW5uYTpoZW1tZWxpZw==", cookie="sid=topsecret", x_ms_policykey="99")
        peers.reply(peers.ask([*fields, ("cookie", "b=c")]), answer(set_cookie="sid=topsecret; Secure"))
    played = play(peers.turns)
    for transaction in played.done:
        request, response = transaction.request, transaction.response
        assert request is not None
        assert response is not None
        assert request.user == "anna"
        assert request.headers["authorization"] == "Basic"
        assert request.headers["x-ms-policykey"] == "(set)"
        assert request.headers["cookie"] == "(13 bytes); (3 bytes)"
        assert response.headers["set-cookie"] == "(21 bytes)"
    said = repr(played.done) + repr(played.connection.anomalies)
    assert "topsecret" not in said
    assert "YW5uY" not in said


def test_an_upgraded_request_is_stream_1() -> None:
    peers = Peers(upgrade=True)
    peers.reply(1, answer(), WBXML)
    peers.reply(peers.ask(post("/2")), answer(), b"2")
    asked = Request(1, 2, 1, 2, "POST", EAS, "1.1", {"upgrade": "h2c"}, None, 99, 99, 3, 3, b"abc", True)
    for split in (WHOLE, BYTES, RANDOM):
        played = play(peers.turns, split, upgraded=Upgraded(asked, "POST", True, 70, 75))
        first, second = played.done
        assert (first.stream_id, first.number, first.request) == (1, 1, asked)
        assert first.response is not None
        assert first.response.body == WBXML
        assert first.response.http_bytes == 70 + 9 + 1 + 9 + len(WBXML)
        assert (second.stream_id, second.number) == (3, 2)


def test_a_record_is_shared_by_its_frames_and_nothing_is_lost_in_rounding() -> None:
    peers = Peers()
    streams = [peers.ask(post(f"/{n}")) for n in range(3)]
    for stream in streams:
        peers.server.send_headers(stream, answer())
        peers.server.send_data(stream, b"x" * 7, end_stream=True)
    peers.flush()  # all three answers in one piece
    played = play(peers.turns)
    wires = [t.response.wire_bytes for t in played.done if t.response]
    assert sum(wires) == 3 * (10 + 16) + OVERHEAD
    assert max(wires) - min(wires) <= 1


def test_a_wrong_content_length_is_said() -> None:
    peers = Peers()
    stream = peers.ask(post())
    peers.reply(stream, answer(), ends=False)
    peers.raw(SERVER, frame(0, 1, stream, b"four"))
    wrong = [*peers.turns[:-2], (SERVER, frame(1, 4, stream, b"\x88\x0f\x0d\x015")), peers.turns[-1]]  # says 5
    assert play(wrong).codes == ["http2_wrong_length"]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (frame(0, 1, 0, b"x"), "http2_bad_frame"),  # DATA on no stream
        (frame(4, 0, 3, b""), "http2_bad_frame"),  # SETTINGS on a stream
        (frame(4, 0, 0, b"12345"), "http2_bad_frame"),  # SETTINGS that are no settings
        (frame(6, 0, 0, b"1234567"), "http2_bad_frame"),  # PING of seven bytes
        (frame(8, 0, 0, b"12345"), "http2_bad_frame"),  # WINDOW_UPDATE of five
        (frame(3, 0, 1, b"123"), "http2_bad_frame"),  # RST_STREAM of three
        (frame(7, 0, 0, b"1234567"), "http2_bad_frame"),  # GOAWAY of seven
        (frame(0, 8, 1, b"\x09123"), "http2_bad_frame"),  # more padding than frame
        (frame(1, 12, 1, b"\x09\x88"), "http2_bad_frame"),  # the same in HEADERS
        (frame(9, 4, 1, b"\x88"), "http2_bad_frame"),  # CONTINUATION of nothing
        (frame(1, 0, 1, b"\x88") + frame(0, 0, 1, b"x"), "http2_bad_frame"),  # DATA inside a header block
        (frame(1, 4, 1, b"\xff\xff\xff\xff\xff\x7f"), "http2_bad_header_block"),  # an index of 35 bits
        (frame(1, 4, 1, b"\x80"), "http2_bad_header_block"),  # index 0
        (frame(1, 4, 1, b"\xbe"), "http2_bad_header_block"),  # nothing was ever inserted
        (frame(1, 4, 1, b"\x00\x05ab"), "http2_bad_header_block"),  # a name that is cut
        (frame(1, 4, 1, b"\x00\x81\xff\x00"), "http2_bad_header_block"),  # Huffman padding of eight bits
        (frame(1, 5, 1, b"\x00\x01A\x01b\x88"), "http2_bad_field"),  # a capital letter; and :status behind it
        (frame(1, 5, 1, b"\x08\x0299"), "http2_bad_field"),  # :status 99
        (frame(1, 5, 1, b"\x88\x88"), "http2_bad_field"),  # :status twice
        (frame(1, 5, 1, b"\x88\x82"), "http2_bad_field"),  # :method in a response
        (frame(1, 5, 1, b"\x88\x00\x0aconnection\x05close"), "http2_bad_field"),
        (frame(1, 5, 1, b"\x88\x00\x01a\x03x\x0dy"), "http2_bad_field"),  # a line end in a value
        (frame(1, 5, 1, b"\x88\x00\x00\x01x"), "http2_bad_field"),  # no name
        (frame(1, 5, 1, b"\x5f\x01x"), "http2_bad_field"),  # no :status
        ((1 << 20).to_bytes(3, "big") + b"\0\0\0\0\0\1", "http2_lost"),  # DATA of a megabyte
    ],
)
def test_what_the_rfc_forbids_is_said_and_survived(bad: bytes, code: str) -> None:
    peers = Peers()
    peers.ask(post())
    peers.raw(SERVER, bad)
    played = play(peers.turns)
    assert code in played.codes
    assert [t.request and t.request.target for t in played.done] == [EAS]
    assert_sizes_add_up(played)


def test_requests_that_nobody_answers_are_bounded() -> None:
    connection = Http2Connection(1)
    done = connection.feed(CLIENT, PREFACE, 1, 1, 1, 1, 24)
    for number in range(MAX_STREAMS + 20):
        request = frame(1, 5, 2 * number + 1, b"\x83\x84\x87")
        done += connection.feed(CLIENT, request, 1, number, 1, number, len(request))
    assert len(done) == 20
    assert [anomaly.code for anomaly in connection.anomalies] == ["http2_too_many_streams"]
    assert len(connection.close(1)) == MAX_STREAMS


def test_rapid_resets_are_said_once_and_leave_nothing_behind() -> None:
    peers = Peers()
    streams = range(1, 8 * RAPID_RESETS, 2)
    turn = b"".join(frame(1, 5, stream, b"\x83\x84\x87") + frame(3, 0, stream, b"\0\0\0\x08") for stream in streams)
    peers.raw(CLIENT, turn)
    played = play(peers.turns)
    assert [t.stream_id for t in played.done] == list(streams)
    assert played.codes == ["http2_rapid_reset"]


def test_a_response_handed_in_before_its_request_is_still_paired() -> None:
    """The request's segment was lost and came again: reassembly hands it in behind the answer."""
    peers = one_exchange()
    ask = next(n for n, (side, data) in enumerate(peers.turns) if side == CLIENT and WBXML in data)
    reply = next(n for n, (side, data) in enumerate(peers.turns) if side == SERVER and WBXML in data)
    peers.turns[ask], peers.turns[reply] = peers.turns[reply], peers.turns[ask]
    request, response = only(play(peers.turns))
    assert (request.body, response.body) == (WBXML, WBXML)


def test_responses_without_requests_come_out_bounded_and_in_order() -> None:
    """A capture of the server's side alone."""
    peers = Peers()
    for number in range(40):
        peers.reply(peers.ask(post(f"/{number}")), answer(200 + number))
    connection = Http2Connection(1, lambda *_: True)
    early = []
    for side, data in peers.turns:
        if side == SERVER:
            early += connection.feed(side, data, 1, 1, 1, 1, len(data))
    assert len(early) == 40 - MAX_EARLY_RESPONSES
    statuses = [t.response and t.response.status for t in early + connection.close(1)]
    assert statuses == list(range(200, 240))
