"""ICMP errors that quote a packet. scapy builds them: it is not ours."""

from __future__ import annotations

import random
from typing import Any

import pytest

from dissectors.events import Unreachable
from dissectors.net.icmp import unreachables
from dissectors.net.packets import PacketDecoder
from tests.dissectors.net.wire import RAW, START, Frame, columns

NOTIFY = b"NOTIFY httpu://10.0.0.4:2883/42 HTTP/1.1\r\nSubscription-id: 17\r\n\r\n"


def read(*packets: bytes) -> list[Unreachable]:
    block = columns([Frame(packet, START, link_type=RAW) for packet in packets])
    return list(unreachables(PacketDecoder().decode(block).icmp, capture=2))


def error4(number: int, code: int, quoted: Any) -> bytes:
    from scapy.all import ICMP, IP

    return bytes(IP(src="10.0.0.1", dst="10.0.0.5") / ICMP(type=number, code=code) / quoted)


def error6(number: int, code: int, quoted: Any) -> bytes:
    from scapy.all import ICMPv6DestUnreach, IPv6

    return bytes(IPv6(src="fd00::1", dst="fd00::5") / ICMPv6DestUnreach(type=number, code=code) / quoted)


def notify4() -> Any:
    from scapy.all import IP, UDP, Raw

    return IP(src="10.0.0.5", dst="10.0.0.4") / UDP(sport=1234, dport=2883) / Raw(NOTIFY)


def test_a_refused_datagram_is_told_with_who_refused_it() -> None:
    assert read(error4(3, 3, notify4())) == [
        Unreachable(
            capture=2,
            frame=1,
            time_ns=START,
            reporter_ip="10.0.0.1",
            kind="port_unreachable",
            protocol="udp",
            source_ip="10.0.0.5",
            source_port=1234,
            destination_ip="10.0.0.4",
            destination_port=2883,
            seq=None,
            payload=NOTIFY,
        )
    ]


@pytest.mark.parametrize(
    ("number", "code", "kind"),
    [
        (3, 0, "net_unreachable"),
        (3, 1, "host_unreachable"),
        (3, 4, "too_big"),
        (3, 13, "prohibited"),
        (3, 10, "prohibited"),
        (3, 7, "unreachable"),
        (11, 0, "time_exceeded"),
    ],
)
def test_codes_of_icmp_have_their_words(number: int, code: int, kind: str) -> None:
    assert [found.kind for found in read(error4(number, code, notify4()))] == [kind]


@pytest.mark.parametrize(
    ("code", "kind"), [(0, "net_unreachable"), (1, "prohibited"), (3, "host_unreachable"), (4, "port_unreachable")]
)
def test_codes_of_icmpv6_have_their_words(code: int, kind: str) -> None:
    from scapy.all import TCP, IPv6

    quoted = IPv6(src="fd00::5", dst="2001:db8::1") / TCP(sport=40000, dport=443, seq=77)
    (found,) = read(error6(1, code, quoted))
    assert (found.kind, found.protocol, found.seq, found.destination_ip, found.payload) == (
        kind,
        "tcp",
        77,
        "2001:db8::1",
        b"",
    )


def test_eight_bytes_of_the_quoted_header_are_enough() -> None:
    from scapy.all import IP, TCP, Raw

    quoted = bytes(IP(src="10.0.0.5", dst="10.0.0.4") / TCP(sport=40000, dport=443, seq=5))[:28]
    (found,) = read(error4(3, 13, Raw(quoted)))
    assert (found.source_port, found.destination_port, found.seq) == (40000, 443, 5)
    assert read(error4(3, 13, Raw(quoted[:27]))) == []


def test_options_in_the_quoted_header_are_skipped() -> None:
    from scapy.all import IP, UDP, IPOption, Raw

    quoted = (
        IP(src="10.0.0.5", dst="10.0.0.4", options=IPOption(b"\x94\x04\0\0")) / UDP(sport=7, dport=2883) / Raw(b"x")
    )
    assert [found.destination_port for found in read(error4(3, 3, quoted))] == [2883]


def test_echo_and_errors_about_other_protocols_are_passed_over() -> None:
    from scapy.all import ESP, ICMP, IP, ICMPv6EchoRequest, IPv6

    assert (
        read(
            bytes(IP() / ICMP() / NOTIFY),
            bytes(IPv6() / ICMPv6EchoRequest(data=NOTIFY)),
            error4(3, 3, IP() / ESP(b"12345678901234567890")),
            error4(5, 1, notify4()),
        )
        == []
    )


def test_a_later_fragment_in_the_quote_has_no_ports() -> None:
    from scapy.all import IP, Raw

    assert read(error4(3, 1, IP(proto=17, frag=185) / Raw(bytes(64)))) == []


def test_random_bytes_are_survived() -> None:
    randoms = random.Random(3)
    packet = error4(3, 3, notify4())
    for _ in range(300):
        changed = bytearray(packet)
        for _ in range(randoms.randrange(1, 8)):
            changed[randoms.randrange(20, len(changed))] = randoms.randrange(256)
        size = randoms.randrange(20, len(changed))
        assert len(read(bytes(changed[:size]), bytes(changed))) <= 2
