"""JSON lines have the keys that are explained, and no other."""

import json

from analyzer.decode.chosen import Choice
from analyzer.decode.decoder import Decoder
from analyzer.decode.headers import of_interest
from analyzer.decode.lines import KEYS, SCHEMA_VERSION, lines
from tests.analyzer.timeline.dialogue import Dialogue


def rows() -> list[dict[str, object]]:
    d = Dialogue()
    link = d.connect()
    link.ping(10, 480, folders=["5"], answer=(490, 1))
    link.ping(500, 480)
    link.end(600)
    written: list[str] = []
    decoder = Decoder(Choice(), lines, written.append)
    decoder.begin("a b.pcap")
    for event in d.events:
        decoder.add(event)
    decoder.finish()
    return [json.loads(line) for text in written for line in text.splitlines()]


def test_a_line_a_message_with_the_explained_keys_in_their_order() -> None:
    found = rows()
    assert [row["side"] for row in found] == ["request", "response"] * 2
    for row in found:
        assert list(row) == list(KEYS)
        assert (row["schema_version"], row["capture"]) == (SCHEMA_VERSION, "a b.pcap")


def test_times_are_rfc_3339_with_nanoseconds_and_what_is_not_there_is_null() -> None:
    found = rows()
    assert found[0]["start"] == "2023-11-14T22:13:30.000000000Z"
    assert found[1]["after_request_ns"] == 480 * 10**9
    for name in ("start", "first_frame", "status", "wire_bytes", "body", "body_kind"):
        assert found[3][name] is None
    assert (
        found[3]["missing"]
        == "no answer in this capture: the connection's last packet is frame 600001, 100 s after the request"
    )


def test_headers_of_interest_in_their_usual_spelling_without_people() -> None:
    shown = of_interest(
        {
            "ms-asprotocolversion": "14.1",
            "x-ms-asthrottle": "CommandFrequency",
            "x-ms-location": "https://mail.example.com/Microsoft-Server-ActiveSync?User=anna",
            "x-ms-mailbox-owner": "anna",
            "cookie": "(12 bytes)",
            "x-anything": "else",
            "server": "nginx\x1b[2J",
        }
    )
    assert shown == {
        "MS-ASProtocolVersion": "14.1",
        "X-MS-ASThrottle": "CommandFrequency",
        "X-MS-Location": "https://mail.example.com/Microsoft-Server-ActiveSync?...",
        "x-ms-mailbox-owner": "«4 characters»",
        "Server": "nginx\ufffd[2J",
    }
