"""Notify: the documented datagram and its allowed forms, built and dissected by scapy; tshark sees the same lines."""

import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.config import conf
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw, fuzz
from scapy.utils import rdpcap, wrpcap

from dissectors.notify import Notification, read_notify
from dissectors.scapy_layers import NOTIFY_PORT, Notify
from tests.dissectors.notify.test_hostile import mutated
from tests.dissectors.notify.test_httpu import DOCUMENTED
from tests.dissectors.scapy_layers.told import datagrams
from tests.support.places import SAMPLES

ALLOWED = [
    DOCUMENTED,
    DOCUMENTED[:-2],  # the shape in MSDN has no empty line
    DOCUMENTED.replace(b"\r\n", b"\n"),
    DOCUMENTED.replace(b"\r\n", b"\r"),
    DOCUMENTED.replace(b"Subscription-id: 17", b"sUBSCRIPTION-iD:17 ,18"),
    DOCUMENTED.replace(b"17\r\n", b"17,\r\n 18\r\nHost: fe1\r\n"),
    b"\r\n" + DOCUMENTED,
    DOCUMENTED.replace(b"NOTIFY ", b"notify  "),
    DOCUMENTED.replace(b" HTTP/1.1", b""),
    DOCUMENTED.replace(b"Subscription-id: 17\r\n", b""),
    DOCUMENTED + b"a body",
]


@pytest.fixture(autouse=True)
def _errors_of_dissectors_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conf, "debug_dissector", True)


def on_the_wire(payload: bytes, port: int = NOTIFY_PORT) -> IP:
    return IP(bytes(IP() / UDP(sport=1046, dport=port) / payload))


def test_the_documented_datagram_is_built() -> None:
    assert bytes(Notify(uri="httpu://fe1.corp.example:2883/42", subscription_ids=[17])) == DOCUMENTED


def test_a_crafted_one_goes_to_the_port_of_notifications() -> None:
    assert (IP() / UDP() / Notify())[UDP].dport == NOTIFY_PORT


def test_a_datagram_to_the_port_is_dissected() -> None:
    packet = on_the_wire(DOCUMENTED.replace(b"17", b"1, 18, 243"))
    assert packet[Notify].uri == b"httpu://fe1.corp.example:2883/42"
    assert packet[Notify].subscription_ids == [b"1", b"18", b"243"]
    assert packet.summary().endswith("NOTIFY 1, 18, 243")
    assert Notify not in on_the_wire(DOCUMENTED, port=2884)


@pytest.mark.parametrize("payload", ALLOWED)
def test_allowed_forms_say_what_our_reader_says_and_are_built_to_the_byte(payload: bytes) -> None:
    packet = on_the_wire(payload)
    found = read_notify(payload)
    assert isinstance(found, Notification)
    assert [number.decode() for number in packet[Notify].subscription_ids] == list(found.subscription_ids)
    assert packet[Notify].uri.decode() == found.target
    assert bytes(packet[UDP].payload) == bytes(packet.copy()[UDP].payload) == payload


@pytest.mark.parametrize("payload", ALLOWED)
def test_an_edited_one_has_the_new_ids_and_keeps_the_rest(payload: bytes) -> None:
    packet = on_the_wire(payload)
    packet[Notify].subscription_ids.append(99)  # in place, and a number
    again = Notify(bytes(packet[Notify]))
    assert again.subscription_ids == [*Notify(payload).subscription_ids, b"99"]
    assert again.headers == Notify(payload).headers
    assert again.uri == Notify(payload).uri
    assert (b"a body" in bytes(again)) == (b"a body" in payload)


def test_an_unsolicited_one_has_no_ids() -> None:
    packet = Notify(DOCUMENTED.replace(b"Subscription-id: 17\r\n", b""))
    assert packet.subscription_ids == []
    assert packet.summary() == "NOTIFY, unsolicited"


@pytest.mark.parametrize(
    "payload",
    [
        b"\x16\x03\x01\x00\x05hello",
        b"NOTIFY * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\n\r\n",  # SSDP
        b"NOTIFY sip:a@b SIP/2.0\r\n\r\n",
        b"NOTIFY",
        b"NOTIFY\xa0httpu://a:1/\xa0HTTP/1.1 x y",
    ],
)
def test_what_is_no_notify_is_raw(payload: bytes) -> None:
    packet = on_the_wire(payload)
    assert isinstance(packet[UDP].payload, Raw)
    assert bytes(packet[UDP].payload) == payload


@given(st.binary(max_size=120))
def test_any_bytes_are_built_as_they_came(data: bytes) -> None:
    for payload in (data, b"NOTIFY httpu://a:1/" + data, b"NOTIFY httpu://a:1/ HTTP/1.1\r\n" + data):
        packet = on_the_wire(payload)
        assert bytes(packet[UDP].payload) == payload
        packet.show(dump=True)


@pytest.mark.parametrize("count", [1000, pytest.param(20_000, marks=pytest.mark.slow)])
def test_mutated_datagrams_never_raise_and_are_built_as_they_came(count: int) -> None:
    rng = random.Random(2883)
    found = 0
    for _ in range(count):
        payload = mutated(rng.choice(ALLOWED), rng)[:60_000]
        packet = on_the_wire(payload)
        found += Notify in packet
        assert bytes(packet[UDP].payload) == payload
        if Notify in packet:
            packet[Notify].subscription_ids = [7]
            assert Notify(bytes(packet[Notify])).subscription_ids == [b"7"]
    assert 0.1 * count < found < count


def test_fuzz_of_scapy_builds() -> None:
    for _ in range(50):
        assert bytes(fuzz(Notify())).endswith(b"\r\n\r\n")


@pytest.mark.parametrize("name", ["frontend_healthy", "frontend_blocked", "frontend_lost"])
def test_notifications_of_the_samples_say_the_same(name: str) -> None:
    ours = [read_notify(datagram.payload) for datagram in datagrams(name)]
    theirs = [packet[Notify] for packet in rdpcap(str(SAMPLES / f"{name}.pcap")) if UDP in packet and Notify in packet]
    assert len(ours) == len(theirs) > 0
    for found, packet in zip(ours, theirs, strict=True):
        assert isinstance(found, Notification)
        assert (found.target, found.subscription_ids) == (
            packet.uri.decode(),
            tuple(number.decode() for number in packet.subscription_ids),
        )


@pytest.mark.tshark
def test_tshark_shows_the_same_lines(tmp_path: Path) -> None:
    """tshark does not know the port: it is told to decode it as SSDP, its name for HTTP over UDP."""
    made = [
        Notify(uri="httpu://fe1.corp.example:2883/42", subscription_ids=[17]),
        Notify(uri="httpu://10.0.0.4:2883", subscription_ids=["1", 18, b"243"], headers=["Host: fe1"]),
    ]
    capture = tmp_path / "notify.pcap"
    wrpcap(str(capture), [Ether() / IP(src="10.0.0.5", dst="10.0.0.4") / UDP(sport=1046) / each for each in made])
    command = ["tshark", "-r", str(capture), "-d", f"udp.port=={NOTIFY_PORT},ssdp", "-O", "ssdp"]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    shown = [line.strip().removesuffix("\\r\\n") for line in run.stdout.splitlines()]
    assert [line for line in shown if line.startswith(("NOTIFY ", "Host: ", "Subscription-id: "))] == [
        "NOTIFY httpu://fe1.corp.example:2883/42 HTTP/1.1",
        "Subscription-id: 17",
        "NOTIFY httpu://10.0.0.4:2883 HTTP/1.1",
        "Host: fe1",
        "Subscription-id: 1, 18, 243",
    ]
    assert shown.count("Request Method: NOTIFY") == len(made)
