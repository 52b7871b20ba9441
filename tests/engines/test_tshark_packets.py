"""The door of the tshark engine: what tshark prints, as it prints it, becomes our own types, whatever is in it."""

import json
import random
from typing import Any

import pytest

from analyzer.engines.tshark.lives import Lives
from analyzer.engines.tshark.packets import packet
from dissectors.events import Connection
from dissectors.tls import KeyLog

FILTERED = {"filtered": "tcp.checksum"}  # what was not asked for

SYN: dict[str, Any] = {
    "frame": {
        "frame_frame_number": "7",
        "frame_frame_time_epoch": "1795302990.616650001",
        "frame_frame_len": "74",
        "frame_frame_cap_len": "74",
        "frame_frame_encap_type": "1",
        "frame_frame_protocols": "eth:ethertype:ip:tcp",
    },
    "eth": {"eth_eth_src": "32:84:d1:d1:85:d9", "eth_eth_dst": FILTERED},
    "ip": {"ip_ip_src": "192.0.2.1", "ip_ip_dst": "203.0.113.10", "ip_ip_ttl": "63", "ip_ip_id": "0xdf65"},
    "tcp": {
        "tcp_tcp_stream": "0",
        "tcp_tcp_srcport": "50864",
        "tcp_tcp_dstport": "443",
        "tcp_tcp_flags": "0x0002",
        "tcp_tcp_seq_raw": "865527940",
        "tcp_tcp_ack_raw": "0",
        "tcp_tcp_len": "0",
        "tcp_tcp_window_size_value": "64240",
        "tcp_tcp_checksum": FILTERED,
    },
}


def changed(layer: str, **fields: Any) -> dict[str, Any]:
    """The SYN with other fields in one layer."""
    return {**SYN, layer: {**SYN.get(layer, {}), **fields}}


def test_numbers_are_cast_whichever_way_they_are_written() -> None:
    found = packet(SYN)
    assert found is not None
    assert found.tcp is not None
    assert (found.frame, found.length, found.ttl, found.ip_id, found.mac) == (7, 74, 63, 0xDF65, "32:84:d1:d1:85:d9")
    assert (found.tcp.flags, found.tcp.seq, found.tcp.window, found.tcp.length) == (2, 865527940, 64240, 0)


@pytest.mark.parametrize(
    "text",
    ["1795302990.616650001", "2026-11-21T23:16:30.616650001Z"],  # until 4.0, and later
)
def test_times_are_exact_to_the_nanosecond(text: str) -> None:
    found = packet(changed("frame", frame_frame_time_epoch=text))
    assert found is not None
    assert found.time_ns == 1_795_302_990_616_650_001


def test_a_field_that_was_filtered_out_is_not_there() -> None:
    assert packet(changed("tcp", tcp_tcp_stream=FILTERED)).tcp is None  # type: ignore[union-attr]


def test_of_a_tunnel_the_inner_addresses_count() -> None:
    inside = {"ip_ip_src": "10.0.0.1", "ip_ip_dst": "10.0.0.2", "ip_ip_ttl": "5", "ip_ip_id": "0x0001"}
    found = packet({**SYN, "ip": [SYN["ip"], inside]})
    assert found is not None
    assert (found.source, found.destination, found.ttl) == ("10.0.0.1", "10.0.0.2", 5)


def test_two_messages_in_one_packet_keep_their_own_headers_and_bodies() -> None:
    first = {
        "http_http_response_code": "401",
        "http_http_response_version": "HTTP/1.1",
        "http_http_response_line": ["WWW-Authenticate: Basic\r\n", "Content-Length: 2\r\n"],
        "http_http_content_length_header": "2",
    }
    second = {
        "http_http_response_code": "200",
        "http_http_response_version": "HTTP/1.1",
        "http_http_response_line": "Transfer-Encoding: chunked\r\n",
        "http_http_chunk_size": ["3", "0"],
        "data": {"data_data_data": "1f:8b:08"},  # compressed: inside the layer
    }
    found = packet({**SYN, "http": [first, second], "media": {"media_media_type": "03:01"}})
    assert found is not None
    assert [(each.status, each.body_bytes, each.body) for each in found.http] == [
        (401, 2, b"\x03\x01"),
        (200, 3, b"\x1f\x8b\x08"),
    ]


def test_body_that_tshark_does_not_show_whole_is_not_taken() -> None:
    message = {
        "http_http_response_code": "200",
        "http_http_response_version": "HTTP/1.1",
        "http_http_content_length_header": "5",
    }
    found = packet({**SYN, "http": message, "media": {"media_media_type": "03:01"}})
    assert found is not None
    assert (found.http[0].body_bytes, found.http[0].body) == (5, None)


def test_records_of_tls_1_3_that_stayed_closed_are_counted_as_hidden() -> None:
    tls = {"tls_tls_record_opaque_type": ["23", "23"], "tls_tls_record_length": ["27", "842"]}
    found = packet({**SYN, "tls": tls})
    assert found is not None
    assert found.tls is not None
    assert (found.tls.lengths, found.tls.contents, found.tls.hidden) == ((27, 842), (), 2)


def test_icmp_error_is_no_packet_of_the_connection_that_it_quotes() -> None:
    icmp = {"icmp_icmp_type": "3", "icmp_icmp_code": "13", "ip": SYN["ip"], "tcp": SYN["tcp"]}
    outside = {name: layer for name, layer in SYN.items() if name != "tcp"}
    found = packet({**outside, "icmp": icmp})
    assert found is not None
    assert found.tcp is None
    assert found.quote is not None
    assert (found.quote.kind, found.quote.code, found.quote.source_port, found.quote.seq) == (3, 13, 50864, 865527940)


def test_any_value_in_any_field_is_taken_or_left_out() -> None:
    """Hostile captures reach tshark's output: no value may break the door or what is behind it."""
    rng = random.Random(7)
    values: list[Any] = [
        *("", "x", "-1", "0x", "99999999999999999999", "1.5", "T", "2026-13-99T99:99:99Z", "0xZZ", "é\u0000"),
        *(None, True, {}, FILTERED, [], ["1", "x"], [None], [[]], 7, "03:0", "/" * 5000),
    ]
    names = json.dumps([*SYN, "http", "http2", "tls", "media", "data", "udp", "ipv6", "icmp", "icmpv6", "sll"])
    extra = {
        "http": ["http_http_request_method", "http_http_request_line", "http_http_content_length_header"],
        "http2": ["http2_http2_type", "http2_http2_streamid", "http2_http2_flags", "http2_http2_header_name"],
        "tls": ["tls_tls_record_length", "tls_tls_record_content_type", "tls_tls_handshake_type"],
        "udp": ["udp_udp_srcport", "udp_udp_dstport", "udp_udp_length", "udp_udp_payload"],
    }
    lives = Lives(KeyLog(), 0, 1, (2883,))
    read = 0
    for _ in range(3000):
        layers = {name: dict(layer) for name, layer in SYN.items()}
        for name in rng.sample(json.loads(names), 3):
            fields = [*layers.get(name, {}), *extra.get(name, [])] or [f"{name}_{name}_type"]
            layers.setdefault(name, {})[rng.choice(fields)] = rng.choice(values)
        found = packet(layers)
        if found is not None:
            read += 1
            lives.take(found)
    events = lives.finish()
    assert read > 1000
    assert any(isinstance(event, Connection) for event in events)
