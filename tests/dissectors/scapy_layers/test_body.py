"""EasBody: the trees of our decoder, built and dissected by scapy, alone and under HTTP; and bytes that are none."""

import gzip
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.config import conf
from scapy.layers.http import HTTP, HTTPRequest, HTTPResponse
from scapy.layers.inet import IP, TCP
from scapy.packet import NoPayload, Raw, fuzz

from dissectors.eas.wbxml import Element, decode
from dissectors.eas.wbxml_encode import encode
from dissectors.scapy_layers import EasBody, element
from tests.dissectors.eas.test_wbxml_encode import plain, trees
from tests.dissectors.scapy_layers.told import halves

PING = element(
    "Ping:Ping",
    element("Ping:HeartbeatInterval", 480),
    element("Ping:Folders", element("Ping:Folder", element("Ping:Id", "5"), element("Ping:Class", "Email"))),
)
PING_BYTES = (  # as in MS-ASWBXML's own way: header, page 13, tags with content, inline strings
    b"\x03\x01\x6a\x00\x00\x0d\x45\x48\x03480\x00\x01\x49\x4a\x4b\x035\x00\x01\x4c\x03Email\x00\x01\x01\x01\x01"
)
SAMPLES = ["healthy", "hanging_sync", "empty_bodies", "http2", "frontend_healthy"]


@pytest.fixture(autouse=True)
def _errors_of_dissectors_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """scapy hides an exception behind a Raw layer unless told otherwise."""
    monkeypatch.setattr(conf, "debug_dissector", True)


def response(body: bytes, *lines: str) -> bytes:
    head = ["HTTP/1.1 200 OK", "Content-Type: application/vnd.ms-sync.wbxml", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


def chunked(body: bytes, size: int = 7) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x;a=b\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_a_tree_is_built_as_devices_send_it() -> None:
    assert bytes(EasBody(root=PING)) == PING_BYTES


def test_a_body_without_root_is_empty() -> None:
    assert bytes(EasBody()) == b""


def test_the_name_of_a_root_is_enough_for_an_empty_element() -> None:
    assert bytes(EasBody(root="FolderHierarchy:FolderSync")) == b"\x03\x01\x6a\x00\x00\x07\x16"
    with pytest.raises(TypeError, match="not int"):
        EasBody(root=5)


def test_show_prints_the_tree() -> None:
    shown = EasBody(PING_BYTES).show(dump=True)
    assert [line.strip() for line in shown.splitlines()][-9:] == [
        '<Ping xmlns="Ping">',
        "<HeartbeatInterval>480</HeartbeatInterval>",
        "<Folders>",
        "<Folder>",
        "<Id>5</Id>",
        "<Class>Email</Class>",
        "</Folder>",
        "</Folders>",
        "</Ping>",
    ]
    assert EasBody(PING_BYTES).summary() == "EAS Ping"
    assert "Ping:Ping" in repr(EasBody(PING_BYTES))


@given(trees)
def test_any_tree_comes_back_from_the_bytes_of_its_packet(tree: Element) -> None:
    packet = EasBody(bytes(EasBody(root=tree)))
    assert plain(packet.root) == plain(tree)
    assert bytes(packet) == encode(tree)
    assert packet == EasBody(root=tree)


@given(trees, st.data())
def test_an_edited_element_is_built_and_nothing_else_changes(tree: Element, data: st.DataObject) -> None:
    packet, untouched = EasBody(encode(tree)), EasBody(encode(tree))
    every = [packet.root]
    for item in every:
        every.extend(item.children)
    place = data.draw(st.integers(0, len(every) - 1))
    every[place].text = "edited"
    expected = packet.get_field("root").do_copy(packet.root)
    again = EasBody(bytes(packet))
    assert plain(again.root) == plain(expected)
    assert bytes(untouched) == encode(tree)


@pytest.mark.parametrize("name", SAMPLES)
def test_bodies_of_the_samples_say_the_same_and_are_built_to_the_byte(name: str) -> None:
    bodies = {half.body for half in halves(name) if half.body and half.body[0] == 3}
    assert bodies
    for body in bodies:
        packet = EasBody(body)
        document = decode(body)
        assert isinstance(packet, EasBody)
        assert document.root is not None
        assert plain(packet.root) == plain(document.root)
        assert bytes(packet) == bytes(packet.copy()) == body
        if document.complete and not document.anomalies:
            packet.root = packet.root  # as an edit does: what was captured is forgotten
            assert decode(bytes(packet)).root is not None
            assert plain(EasBody(bytes(packet)).root) == plain(document.root)


def test_an_odd_body_is_built_to_the_byte_until_it_is_edited() -> None:
    odd = b"\x03\x01\x6a\x00\x00\x00\x00\x0d\x45\x48\x034\x00\x0380\x00\x01\x01rest"  # needless page, text in two parts
    packet = EasBody(odd)
    assert bytes(packet) == odd
    assert packet.trailing == b"rest"
    assert packet.odd == ["wbxml_trailing_bytes: 4 bytes after the end of the root element"]
    packet.find("HeartbeatInterval").text = "900"
    assert bytes(packet) == b"\x03\x01\x6a\x00\x00\x0d\x45\x48\x03900\x00\x01\x01rest"


def test_header_fields_are_built_as_they_are_set() -> None:
    packet = EasBody(PING_BYTES)
    packet.version, packet.charset, packet.string_table = 2, 300, b"ab\0"
    assert bytes(packet)[:9] == b"\x02\x01\x82\x2c\x03ab\x00\x00"  # 300 as mb_u_int32, three bytes of table


def test_a_body_that_is_cut_shows_what_is_there() -> None:
    packet = EasBody(PING_BYTES[:15])
    assert packet.find("Ping:HeartbeatInterval").text == "480"
    assert packet.odd == ["wbxml_truncated: the body ends too early"]
    assert bytes(packet) == PING_BYTES[:15]


def test_find_takes_names_with_and_without_their_page() -> None:
    packet = EasBody(root=element("AirSync:Sync", element("Email:Status"), element("AirSync:Status", 1)))
    assert packet.find("AirSync:Status").text == "1"
    assert packet.find("Sync") is packet.root
    assert packet.find("Ping:Status") is None
    assert EasBody().find("Status") is None


def test_passwords_and_policy_keys_are_not_shown_and_are_built() -> None:
    tree = element("Provision:Provision", element("Provision:PolicyKey", "3942919513"))
    packet = EasBody(encode(tree))
    assert "3942919513" not in packet.show(dump=True) + packet.json() + packet.xml() + repr(packet)
    assert "(secret)" in packet.xml()
    assert b"3942919513" in bytes(packet)


def test_command_makes_the_same_body_again() -> None:
    packet = EasBody(root=PING)
    assert eval(packet.command()) == packet
    assert eval(EasBody().command()) == EasBody()


@pytest.mark.parametrize(
    "content_type",
    ["application/vnd.ms-sync.wbxml", "application/vnd.ms-sync", "Application/VND.MS-Sync.WBXML; charset=utf-8"],
)
def test_a_body_is_found_by_any_way_to_write_its_content_type(content_type: str) -> None:
    data = f"POST /x HTTP/1.1\r\nContent-Type: {content_type}\r\nContent-Length: 1\r\n\r\n".encode() + PING_BYTES
    assert EasBody in HTTP(data)
    assert bytes(HTTP(data)) == data


@pytest.mark.parametrize(
    "head", [b"GET /x HTTP/1.1\r\nContent-Type: application/vnd.ms-sync.wbxml", b"POST /x HTTP/1.1\r\nHost: a"]
)
def test_other_requests_keep_their_payload(head: bytes) -> None:
    assert EasBody not in HTTP(head + b"\r\n\r\n" + PING_BYTES)


def test_content_type_method_and_length_come_with_a_crafted_body() -> None:
    request = bytes(IP() / TCP(dport=80) / HTTP() / HTTPRequest(Path="/x") / EasBody(root=PING))[40:]
    assert request.startswith(b"POST /x HTTP/1.1\r\n")
    assert b"\r\nContent-Type: application/vnd.ms-sync.wbxml\r\n" in request
    assert b"\r\nContent-Length: 33\r\n" in request
    assert request.endswith(b"\r\n\r\n" + PING_BYTES)


CODED = {
    "plain": response(PING_BYTES, "Content-Length: 33"),
    "gzip": response(gzip.compress(PING_BYTES, mtime=7), "Content-Encoding: gzip"),
    "chunked": response(chunked(PING_BYTES), "Transfer-Encoding: chunked"),
    "only announced": response(PING_BYTES, "Content-Encoding: gzip"),
    "both": response(chunked(gzip.compress(PING_BYTES, 1)), "Transfer-Encoding: chunked", "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("coding", CODED)
def test_codings_of_http_are_undone_and_kept_to_the_byte(coding: str) -> None:
    packet = HTTP(CODED[coding])
    assert packet[EasBody].load == PING_BYTES
    assert isinstance(packet[EasBody].payload, NoPayload)
    assert bytes(packet) == bytes(packet.copy()) == CODED[coding]


@pytest.mark.parametrize("coding", CODED)
def test_an_edited_body_is_coded_again(coding: str) -> None:
    packet, other = HTTP(CODED[coding]), HTTP(CODED[coding])
    packet[EasBody].find("HeartbeatInterval").text = "2700"
    with_old_head = bytes(packet)
    del packet[HTTPResponse].Content_Length
    for built in (with_old_head, bytes(packet)):
        again = HTTP(built)
        assert again[EasBody].find("HeartbeatInterval").text == "2700"
        assert again[HTTPResponse].Content_Encoding == other[HTTPResponse].Content_Encoding
    assert bytes(other) == CODED[coding]


def test_a_packet_whose_codings_scapy_shall_keep_stays_raw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(conf.contribs["http"], "auto_compression", False)
    packet = HTTP(CODED["gzip"])
    assert EasBody not in packet
    assert bytes(packet) == CODED["gzip"]


@pytest.mark.parametrize("setting", ["auto_compression", "auto_chunk"])
@pytest.mark.parametrize("coding", CODED)
def test_no_setting_of_scapy_changes_the_bytes(setting: str, coding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(conf.contribs["http"], setting, False)
    assert bytes(HTTP(CODED[coding])) == CODED[coding]


@pytest.mark.parametrize(
    "body",
    [
        b"<?xml version='1.0'?><Ping/>",
        b"\x03",  # a header that ends too early
        b"\x03\x01\x6a\x00",  # a header and nothing
        b"\x00\x01\x00\x45\x01",  # WBXML 1.0
        b"\x03\x01\x04\x00\x00\x0d\x45\x01",  # Latin-1
        b"\x03\x00\x00\x6a\x00\x45\x01",  # a public identifier in the string table
        b"\x03\x01\x6a\x02a\x00\x44\x00\x01",  # the tag in the string table
        b"\x03\x01\x6a\x00" + b"\x45" * 65 + b"\x01" * 65,  # too deep
        b"\x1f\x8b\x08\x00",
    ],
)
def test_what_is_not_for_this_layer_is_raw(body: bytes) -> None:
    assert isinstance(EasBody(body), Raw)
    assert bytes(HTTP(response(body))) == response(body)
    assert EasBody not in HTTP(response(body))


@given(st.binary(max_size=200))
def test_any_bytes_are_built_as_they_came(data: bytes) -> None:
    for body in (data, b"\x03\x01\x6a\x00" + data):
        packet = EasBody(body)
        assert bytes(packet) == body
        packet.show(dump=True)
        packet.summary()


def mutated(seed: bytes, rng: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(data) + 1)
        if rng.random() < 0.5:
            data[at : at + rng.randrange(4)] = rng.randbytes(rng.randrange(4))
        else:
            data[at:at] = data[at : at + 9] * rng.randrange(1, 4)
    return bytes(data)


@pytest.mark.parametrize("count", [400, pytest.param(5_000, marks=pytest.mark.slow)])
def test_mutated_answers_never_raise_and_are_built_as_they_came(count: int) -> None:
    rng = random.Random(6)
    found = 0
    for _ in range(count):
        data = mutated(rng.choice(list(CODED.values())), rng)
        packet = IP(bytes(IP() / TCP(sport=80, dport=40000) / data))
        if EasBody in packet:
            found += 1
            assert bytes(packet[TCP].payload) == data
        packet.copy().show(dump=True)
    assert 0.1 * count < found < count  # a changed gzip body is seldom one


@settings(max_examples=20)
@given(st.integers(0, 2**32))
def test_fuzz_of_scapy_builds(seed: int) -> None:
    random.seed(seed)
    assert bytes(fuzz(EasBody(root=PING))).endswith(PING_BYTES[4:])


def test_a_tree_deeper_than_any_stack_is_built_and_copied() -> None:
    tree = element("AirSync:Sync")
    for _ in range(5000):
        tree = element("AirSync:Add", tree)
    packet = IP() / TCP() / HTTP() / HTTPRequest() / EasBody(root=tree)
    assert bytes(packet.copy())[-2:] == b"\x01\x01"
    assert len(packet[EasBody].load) == 4 + 5000 * 2 + 1
