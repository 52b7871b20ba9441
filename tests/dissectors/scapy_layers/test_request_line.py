"""EasRequestLine: both forms of the query, what our parser says of what was built, and lines that are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.config import conf
from scapy.layers.http import HTTP, HTTPRequest
from scapy.layers.inet import IP, TCP
from scapy.packet import Raw, fuzz

from dissectors.eas.query import COMMAND_CODES, parse_query
from dissectors.scapy_layers import EasBody, EasRequestLine, element, request_line
from tests.dissectors.scapy_layers.told import halves

# The example of MS-ASHTTP 2.2.1.1.1.1: version 14.0, Sync, en-US, "v140Device", no policy key, "SmartPhone".
EXAMPLE = b"POST /Microsoft-Server-ActiveSync?jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l HTTP/1.1\r\n"
PLAIN = (
    b"POST /Microsoft-Server-ActiveSync?User=anna&DeviceId=6F24&DeviceType=iPhone&Cmd=Ping HTTP/1.1\r\n"  # iOS's order
)

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
ids = st.text("ABCDEFabcdef0123456789", min_size=1, max_size=32)


@pytest.fixture(autouse=True)
def _errors_of_dissectors_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conf, "debug_dissector", True)


def test_the_plain_form_is_built_in_the_order_of_the_specification() -> None:
    line = EasRequestLine(cmd="Sync", user="anna", device_id="6F24", device_type="PocketPC")
    assert bytes(line) == (
        b"POST /Microsoft-Server-ActiveSync?Cmd=Sync&User=anna&DeviceId=6F24&DeviceType=PocketPC HTTP/1.1\r\n"
    )


def test_the_example_of_the_specification_is_read_and_built() -> None:
    line = EasRequestLine(EXAMPLE)
    assert (line.form, line.cmd, line.protocol_version, line.locale) == (b"base64", b"Sync", b"14.0", 0x0409)
    assert (line.device_id, line.device_type, line.policy_key) == (b"v140Device", b"SmartPhone", b"")
    made = EasRequestLine(
        form="base64", cmd="Sync", protocol_version="14.0", device_id="v140Device", device_type="SmartPhone"
    )
    assert bytes(made) == bytes(line) == EXAMPLE


def test_one_form_becomes_the_other() -> None:
    line = EasRequestLine(EXAMPLE)
    line.form = "plain"
    assert line.target == b"/Microsoft-Server-ActiveSync?Cmd=Sync&DeviceId=v140Device&DeviceType=SmartPhone"
    line.form = "base64"
    assert bytes(line) == EXAMPLE


def test_parameters_may_stand_in_any_order_and_an_edit_keeps_them() -> None:
    line = EasRequestLine(PLAIN)
    assert bytes(line) == PLAIN
    assert (line.cmd, line.user) == (b"Ping", b"anna")
    line.cmd = "SmartReply"
    line.parameters.append(("ItemId", "5:1"))
    assert line.target == (
        b"/Microsoft-Server-ActiveSync?Cmd=SmartReply&User=anna&DeviceId=6F24&DeviceType=iPhone&ItemId=5:1"
    )


def test_a_parameter_changed_in_place_is_built() -> None:
    line = EasRequestLine(PLAIN.replace(b" HTTP", b"&CollectionId=5 HTTP"))
    line.parameters[0] = ("CollectionId", "6")
    assert b"CollectionId=6" in bytes(line)


def test_a_request_without_query_has_none() -> None:
    line = EasRequestLine(b"OPTIONS /Microsoft-Server-ActiveSync HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (line.form, line.cmd, line.method) == (b"none", b"", b"OPTIONS")
    assert line.payload.load == b"Host: a\r\n\r\n"
    line.path = "/Microsoft-Server-ActiveSync/default.eas"
    assert line.target == b"/Microsoft-Server-ActiveSync/default.eas"


def test_the_policy_key_is_built_and_not_shown() -> None:
    line = EasRequestLine(form="base64", device_id="A", device_type="B", policy_key=b"\x13\x37\xbe\xef")
    again = EasRequestLine(bytes(line))
    again.cmd = "Sync"
    shown = again.show(dump=True) + repr(again)
    assert "(secret)" in shown
    assert "x13" not in shown
    assert EasRequestLine(bytes(again)).policy_key == b"\x13\x37\xbe\xef"
    query = parse_query(again.target.decode())
    assert query is not None
    assert query.policy_key_set is True


def test_a_guid_stays_binary_in_the_base64_form_and_is_hexadecimal_in_the_plain_one() -> None:
    line = EasRequestLine(bytes(EasRequestLine(form="base64", device_id=bytes(range(16)), device_type="B")))
    line.user = "anna"
    assert EasRequestLine(bytes(line)).device_id == bytes(range(16))
    line.form = "plain"
    assert b"DeviceId=000102030405060708090A0B0C0D0E0F&" in line.target


@given(
    st.sampled_from(sorted(COMMAND_CODES.values())),
    words,
    ids,
    st.sampled_from(["12.1", "14.1", "16.1"]),
    st.integers(0, 0xFFFF),
    st.lists(
        st.tuples(
            st.sampled_from(
                ["AttachmentName", "CollectionId", "CollectionName", "ItemId", "LongId", "ParentId", "Tag-9"]
            ),
            words,
        ),
        max_size=3,
    ),
    st.booleans(),
)
def test_our_parser_reads_what_was_built(
    command: str, user: str, device: str, version: str, locale: int, extra: list[tuple[str, str]], save: bool
) -> None:
    parameters = [(name, value) for name, value in extra if value] + [("SaveInSent", "T")] * save
    for form in ("plain", "base64"):
        line = EasRequestLine(
            form=form, cmd=command, user=user, device_id=device, device_type="iPhone",
            protocol_version=version, locale=locale, parameters=parameters,
        )  # fmt: skip
        query = parse_query(line.target.decode())
        assert query is not None
        assert (query.form, query.command, query.device_id, query.oddities) == (form, command, device, ())
        assert (query.user or "", query.device_type, query.parameters) == (user, "iPhone", tuple(parameters))
        if form == "base64":
            assert (query.protocol_version, query.locale) == (version, locale)
        again = EasRequestLine(bytes(line))
        assert (again.user.decode(), again.cmd.decode()) == (user, command)
        again.http_version = "HTTP/1.0"  # as an edit does: what was captured is forgotten
        assert parse_query(again.target.decode()) == query


@pytest.mark.parametrize("name", ["healthy", "hanging_sync", "frontend_healthy"])
def test_request_lines_of_the_samples_say_the_same(name: str) -> None:
    targets = {half.target for half in halves(name) if hasattr(half, "target")}
    read = [target for target in targets if parse_query(target) is not None]
    assert read
    for target in read:
        line, query = EasRequestLine(f"POST {target} HTTP/1.1\r\n".encode()), parse_query(target)
        assert query is not None
        assert (line.cmd.decode(), line.device_id.decode()) == (query.command or "", query.device_id or "")
        line.http_version = "HTTP/1.1"
        built = parse_query(line.target.decode())
        assert built == query


def test_the_line_of_a_request_is_read_from_a_packet_and_put_back() -> None:
    packet = IP() / TCP(dport=80) / HTTP() / HTTPRequest(Path=EasRequestLine(EXAMPLE).target) / EasBody()
    packet = IP(bytes(packet / b"")) if EasBody not in packet else packet
    line = request_line(packet)
    assert line is not None
    assert line.cmd == b"Sync"
    line.cmd = "Ping"
    packet[HTTPRequest].Path = line.target
    again = request_line(packet)
    assert again is not None
    assert (again.cmd, again.summary()) == (b"Ping", "EAS Ping")


def test_other_packets_have_no_such_line() -> None:
    assert request_line(IP() / TCP()) is None
    assert request_line(HTTP() / HTTPRequest(Path="/index.html")) is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cmd": "Notify"}, "command 'Notify'"),
        ({"protocol_version": "new"}, "protocol version"),
        ({"parameters": [("Colour", "blue")]}, "parameter 'Colour'"),
        ({"parameters": [("Tag-256", "blue")]}, "parameter 'Tag-256'"),
        ({"user": "a" * 256}, "256 bytes"),
    ],
)
def test_what_the_base64_form_cannot_say_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        bytes(EasRequestLine(form="base64", **fields))


@pytest.mark.parametrize(
    "line",
    [b"POST /owa HTTP/1.1\r\n", b"\x16\x03\x01", b"POST", b"/Microsoft-Server-ActiveSync?Cmd=Ping\r\n", b"\xff\xfe"],
)
def test_what_is_no_request_of_eas_is_raw(line: bytes) -> None:
    assert isinstance(EasRequestLine(line), Raw)


@given(st.binary(max_size=120))
def test_any_bytes_are_built_as_they_came(data: bytes) -> None:
    for line in (data or b"P", b"POST /Microsoft-Server-ActiveSync?" + data, EXAMPLE[:50] + data):
        packet = EasRequestLine(line)
        assert bytes(packet) == line
        packet.show(dump=True)


def test_a_base64_query_that_is_cut_is_read_as_far_as_it_goes() -> None:
    whole = EasRequestLine(form="base64", device_id="A", device_type="B", parameters=[("CollectionId", "5")])
    for size in range(1, len(bytes(whole))):
        cut = bytes(whole)[:size]
        assert bytes(EasRequestLine(cut)) == cut


def test_fuzz_of_scapy_builds() -> None:
    for _ in range(50):
        assert bytes(fuzz(EasRequestLine())).endswith(b"\r\n")


def test_a_body_and_its_line_travel_together() -> None:
    line = EasRequestLine(cmd="Ping", user="anna", device_id="6F24", device_type="iPhone")
    made = IP() / TCP(dport=80) / HTTP() / HTTPRequest(Path=line.target) / EasBody(root=element("Ping:Ping"))
    packet = IP(bytes(made))
    found = request_line(packet)
    assert found is not None
    assert (found.device_type, packet[EasBody].root.name) == (b"iPhone", "Ping")
