"""From events to written messages: which, in what order, and what became of those without answer."""

from typing import Any

import pytest

from analyzer.decode.chosen import Choice
from analyzer.decode.decoder import Decoder
from analyzer.decode.messages import Message
from analyzer.decode.order import InOrder
from analyzer.decode.text import block
from dissectors.eas import status
from dissectors.events import CLIENT, SERVER, StreamReset, Transaction
from tests.analyzer.timeline.dialogue import Dialogue, at, frame


def messages(d: Dialogue, **choice: Any) -> list[Message]:
    """All messages that come out, in their order."""
    by_name: dict[str, list[Message]] = {}
    written: list[str] = []

    def keep(some: list[Message]) -> str:
        name = str(len(by_name))
        by_name[name] = some
        return name

    decoder = Decoder(Choice(**choice), keep, written.append)
    decoder.begin("made.pcap")
    for event in d.events:
        decoder.add(event)
    decoder.finish()
    return [message for name in written for message in by_name[name]]


def answers(d: Dialogue, **choice: Any) -> list[Message]:
    return [message for message in messages(d, **choice) if message.side == "response"]


def two_devices() -> Dialogue:
    d = Dialogue()
    anna, ben = d.connect(), d.connect()
    anna.ping(10, 480, answer=(490, 1))
    anna.sync(491, {"5": "1"}, answered_at=492, received={"5": ("2", 1)})
    ben.ping(20, 480, answer=(30, 2), changed=("5",), device="DEV2", user="ben")
    anna.end(600)
    ben.end(600)
    return d


def test_messages_come_in_order_of_the_requests_start() -> None:
    found = messages(two_devices())
    assert [(m.connection_id, m.side, m.command) for m in found] == [
        (1, "request", "Ping"), (1, "response", "Ping"), (2, "request", "Ping"), (2, "response", "Ping"),
        (1, "request", "Sync"), (1, "response", "Sync"),
    ]  # fmt: skip


def test_a_message_tells_frames_times_sizes_and_what_its_status_means() -> None:
    asked, said = messages(two_devices())[2:4]
    assert (asked.start_ns, asked.first_frame, asked.method, asked.status) == (at(20), frame(20), "POST", None)
    assert (said.start_ns, said.after_request_ns, said.status) == (at(30), 10 * 10**9, 200)
    assert (said.eas_status, said.eas_status_meaning) == (2, status.meaning("Ping", 2))
    assert said.sizes is not None
    assert said.sizes.wire == said.sizes.tls + said.sizes.head + said.sizes.body == 300


def test_neither_the_user_nor_the_query_is_told() -> None:
    for message in messages(two_devices()):
        assert "anna" not in str(message)
        assert "ben" not in str(message)
        assert message.path in (None, "/Microsoft-Server-ActiveSync")


@pytest.mark.parametrize("wanted", ["dev2", "DEV2", "ben"])
def test_a_device_is_chosen_by_its_id_or_its_user(wanted: str) -> None:
    assert {m.device_id for m in messages(two_devices(), devices=[wanted])} == {"DEV2"}


def test_a_command_is_chosen_in_any_case_and_several_may_be() -> None:
    assert {m.command for m in messages(two_devices(), commands=["sYNC"])} == {"Sync"}
    assert {m.command for m in messages(two_devices(), commands=["sync", "ping"])} == {"Sync", "Ping"}


def test_a_frame_chooses_the_transaction_with_it_on_either_side() -> None:
    for seconds in (20, 30):
        assert {m.connection_id for m in messages(two_devices(), frames=[frame(seconds)])} == {2}
    assert messages(two_devices(), frames=[frame(25)]) == []  # between request and response


@pytest.mark.parametrize(
    ("choice", "message", "hint"),
    [
        ({"devices": ["nobody"]}, "no device nobody in these captures", "there are: DEV1 and DEV2"),
        ({"commands": ["Pong"]}, "no Pong in these captures", "did you mean Ping? there are: Ping (2) and Sync (1)"),
        (
            {"frames": [frame(31)]},
            f"no part of an Exchange ActiveSync message that could be read is in frame {frame(31)}",
            f"the nearest is in frame {frame(30):,}: Ping answer",
        ),
        (
            {"commands": ["Sync"], "devices": ["DEV2"]},
            "nothing that was asked for is among 3 transactions",
            "there are: Ping (2) and Sync (1)",
        ),
    ],
)
def test_when_nothing_was_found_it_says_what_is_there(choice: dict[str, Any], message: str, hint: str) -> None:
    chosen = Choice(**choice)
    decoder = Decoder(chosen, lambda some: "", lambda text: None)
    for event in two_devices().events:
        decoder.add(event)
    decoder.finish()
    assert (chosen.found, chosen.nothing()) == (0, (message, hint))


def test_a_capture_without_any_message_says_so() -> None:
    assert Choice(commands=["Ping"]).nothing()[0].startswith("no Exchange ActiveSync message could be read")


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (
            {"first_close": "rst", "side": SERVER},
            "the connection was reset, with the server's address, in frame 250001, 240 s after the request",
        ),
        (
            {"first_close": "fin", "side": CLIENT},
            "the client closed the connection in frame 250001, 240 s after the request",
        ),
        ({}, "the connection's last packet is frame 250001, 240 s after the request"),
    ],
)
def test_a_request_without_answer_says_what_became_of_its_connection(end: dict[str, Any], words: str) -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480)
    link.end(250, **end)
    (said,) = answers(d)
    assert said.missing == f"no answer in this capture: {words}"
    assert (said.status, said.sizes, said.body) == (None, None, None)


def test_a_connection_that_began_to_close_before_the_request_is_not_its_end() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480)
    end = link.end(250, first_close="fin", side=SERVER)
    d.events[-1] = end._replace(first_close_ns=at(5), first_close_frame=77)
    assert answers(d)[0].missing == "no answer in this capture: the connection had begun to close in frame 77"


def test_a_capture_that_ends_with_the_request_says_no_more() -> None:
    d = Dialogue()
    d.connect().ping(10, 480)
    assert answers(d)[0].missing == "no answer in this capture"


def test_a_reset_stream_is_told_without_its_connection() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480, version="2")
    t = d.events[0]
    assert isinstance(t, Transaction)
    d.events[0] = t._replace(stream_id=7, stream_reset=StreamReset(CLIENT, 99, at(12), 8))
    (said,) = answers(d)
    assert said.missing == (
        "no answer in this capture: the client reset the stream in frame 99, 2 s after the request (CANCEL)"
    )
    assert said.stream_id == 7


def test_an_answer_without_its_request_is_shown() -> None:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480, answer=(490, 1))
    t = d.events[0]
    assert isinstance(t, Transaction)
    d.events[0] = t._replace(request=None)
    asked, said = messages(d)
    assert asked.missing == "the request is not in this capture"
    assert (said.command, said.eas_status, said.missing) == ("Ping", 1, None)


def test_what_is_no_activesync_is_left_out() -> None:
    d = Dialogue()
    d.connect().transaction(None, 1, b"", 2, b"", path="/owa")
    assert messages(d) == []


def test_an_empty_ping_says_what_it_means() -> None:
    d = Dialogue()
    d.connect().ping(10, answer=(490, 1))
    asked = messages(d)[0]
    assert asked.body is not None
    assert asked.body.said == "no body: the interval and the folders that the server has stored"


def test_a_block_is_what_a_person_reads() -> None:
    d = Dialogue()
    d.connect().ping(20, 480, answer=(30, 1), device="DEV2")
    asked, said = messages(d)
    assert block([asked, said]).splitlines() == [
        "Ping  2023-11-14 22:13:40.000000000 UTC  connection 1, request 1  device DEV2 (iPhone)  protocol 14.1",
        "> POST /Microsoft-Server-ActiveSync  Cmd=Ping  HTTP/1.1",
        "  frame 20001  2023-11-14 22:13:40.000000000",
        "  500 bytes TCP payload = 40 TLS + 445 HTTP head + 15 body",
        "  User-Agent: Phone/1",
        "  MS-ASProtocolVersion: 14.1",
        "  Content-Type: application/vnd.ms-sync.wbxml",
        "  Host: mail.example.com",
        "",
        '  <Ping xmlns="Ping">',
        "    <HeartbeatInterval>480</HeartbeatInterval>",
        "  </Ping>",
        "< HTTP/1.1 200",
        "  frame 30001  2023-11-14 22:13:50.000000000, 10 s after the request",
        "  300 bytes TCP payload = 40 TLS + 247 HTTP head + 13 body",
        "  Content-Type: application/vnd.ms-sync.wbxml",
        "  MS-Server-ActiveSync: 15.1",
        f"  status 1: {status.meaning('Ping', 1)}",
        "",
        '  <Ping xmlns="Ping">',
        "    <Status>1</Status>",
        "  </Ping>",
        "",
    ]


def test_a_message_of_several_frames_tells_the_day_once() -> None:
    d = Dialogue()
    d.connect().ping(20, 480, answer=(30, 1))
    t = d.events[0]
    assert isinstance(t, Transaction)
    assert t.request is not None
    for seconds, words in ((21, "22:13:41.000000000"), (20_000, "2023-11-15 03:46:40.000000000")):
        d.events[0] = t._replace(request=t.request._replace(end_ns=at(seconds), last_frame=frame(seconds)))
        line = block(messages(d)).splitlines()[2]
        assert line == f"  frames 20001-{frame(seconds)}  2023-11-14 22:13:40.000000000 to {words}"


def test_order_is_kept_while_something_earlier_may_come() -> None:
    order = InOrder(hold_ns=100)
    assert list(order.add(50, 60, 1, "b")) == []
    assert list(order.add(10, 90, 2, "a")) == []  # began earlier, was answered later
    assert list(order.add(140, 150, 3, "c")) == ["a"]  # nothing that begins before 50 can follow
    assert list(order.finish()) == ["b", "c"]


def test_order_holds_no_more_bytes_than_its_limit() -> None:
    order = InOrder(hold_ns=10**18, max_held_bytes=10)
    out = [text for n in range(100) for text in order.add(1000 - n, 1000, n, "«abc»")]  # 7 bytes of UTF-8
    assert len(out) == 99
    assert list(order.finish()) == ["«abc»"]
