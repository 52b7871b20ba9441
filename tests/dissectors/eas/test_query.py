"""The request target: both forms of the query, as sent by devices and by those who do not care."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectors.eas.query import COMMAND_CODES, NO_QUERY, EasQuery, parse_query

PATH = "/Microsoft-Server-ActiveSync"


def parsed(target: str) -> EasQuery:
    query = parse_query(target)
    assert query is not None
    return query


@pytest.mark.parametrize(
    "query",
    [
        "Cmd=Ping&User=anna&DeviceId=ABC&DeviceType=iPhone",
        "User=anna&DeviceId=ABC&DeviceType=iPhone&Cmd=Ping",  # the order of iOS
        "cmd=ping&USER=anna&deviceid=ABC&devicetype=iPhone",
        "Cmd=PING&User=%61nna&DeviceId=ABC&DeviceType=i%50hone&",
    ],
)
def test_the_plain_form_is_read_in_any_order_and_case(query: str) -> None:
    found = parsed(f"{PATH}?{query}")
    assert (found.form, found.command, found.command_code) == ("plain", "Ping", 18)
    assert (found.user, found.device_id, found.device_type) == ("anna", "ABC", "iPhone")
    assert found.oddities == ()


def test_the_commands_own_parameters_are_kept_in_order() -> None:
    found = parsed(f"{PATH}?Cmd=SmartForward&ItemId=5%3a1&CollectionId=i%2F1&SaveInSent=T&User=DOM%5Canna&DeviceId=A")
    assert found.parameters == (("ItemId", "5:1"), ("CollectionId", "i/1"), ("SaveInSent", "T"))
    assert found.user == "DOM\\anna"


def test_the_published_base64_example_is_read() -> None:
    # MS-ASHTTP: version 14.0, Sync, en-US, "v140Device", no policy key, "SmartPhone"
    found = parsed(f"{PATH}?jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l")
    assert found == EasQuery(
        form="base64",
        command="Sync",
        command_code=0,
        user=None,
        device_id="v140Device",
        device_type="SmartPhone",
        protocol_version="14.0",
        locale=0x0409,
        policy_key_set=False,
        parameters=(),
        oddities=(),
    )


def binary_query(
    *, version: int = 141, code: int = 18, device: bytes = b"DEV", key: bytes = b"", parameters: bytes = b""
) -> bytes:
    return (
        bytes([version, code])
        + b"\x07\x04"  # de-DE, little-endian
        + bytes([len(device)])
        + device
        + bytes([len(key)])
        + key
        + b"\x02WP"
        + parameters
    )


def from_bytes(raw: bytes) -> EasQuery:
    return parsed(f"{PATH}?{base64.b64encode(raw).decode()}")


def test_base64_parameters_have_their_plain_names() -> None:
    found = from_bytes(
        binary_query(code=2, parameters=b"\x01\x03i/1" + b"\x03\x035:1" + b"\x07\x01\x03" + b"\x08\x04anna")
    )
    assert found.command == "SmartForward"
    assert found.user == "anna"
    assert found.parameters == (
        ("CollectionId", "i/1"),
        ("ItemId", "5:1"),
        ("SaveInSent", "T"),
        ("AcceptMultiPart", "T"),
    )
    assert (found.locale, found.protocol_version, found.device_type) == (0x0407, "14.1", "WP")


def test_the_policy_key_itself_is_never_told() -> None:
    found = from_bytes(binary_query(key=b"\xde\xad\xbe\xef"))
    assert found.policy_key_set is True
    assert "3735928559" not in repr(found)
    assert "4022250974" not in repr(found)
    assert "dead" not in repr(found).lower()
    assert from_bytes(binary_query(key=bytes(4))).policy_key_set is False  # "0" before provisioning


def test_a_binary_device_id_is_shown_as_hexadecimal() -> None:
    assert from_bytes(binary_query(device=bytes(range(16)))).device_id == bytes(range(16)).hex()


@pytest.mark.parametrize("how", ["no padding", "url-safe", "percent", "newline"])
def test_base64_is_read_however_it_is_dressed(how: str) -> None:
    raw = binary_query(device=b"\xfb\xff\xfe\x3e\x3f")  # makes + and / in base64
    text = base64.b64encode(raw).decode()
    assert "+" in text or "/" in text
    dressed = {
        "no padding": text.rstrip("="),
        "url-safe": text.translate(str.maketrans("+/", "-_")),
        "percent": quote(text, safe=""),
        "newline": text + "%0A",
    }[how]
    assert parsed(f"{PATH}?{dressed}") == from_bytes(raw)


def test_options_with_a_length_of_zero_are_read_all_the_same() -> None:
    assert from_bytes(binary_query(parameters=b"\x07\x00\x01")).parameters == (("SaveInSent", "T"),)


@pytest.mark.parametrize(
    ("tag", "name"),
    [(0, "AttachmentName"), (1, "CollectionId"), (2, "CollectionName"), (3, "ItemId"), (4, "LongId"), (5, "ParentId"),
     (6, "Occurrence"), (9, "Tag-9"), (255, "Tag-255")],
)  # fmt: skip
def test_every_parameter_tag_has_its_plain_name(tag: int, name: str) -> None:
    found = from_bytes(binary_query(parameters=bytes((tag, 4)) + b"5:10" + bytes((tag, 0))))
    assert found.parameters == ((name, "5:10"), (name, ""))
    assert found.oddities == ()


@pytest.mark.parametrize(
    ("bits", "names"),
    [(0, []), (1, ["SaveInSent"]), (2, ["AcceptMultiPart"]), (3, ["SaveInSent", "AcceptMultiPart"]),
     (0xFC, []), (0xFF, ["SaveInSent", "AcceptMultiPart"])],
)  # fmt: skip
def test_each_bit_of_the_options_is_a_parameter(bits: int, names: list[str]) -> None:
    found = from_bytes(binary_query(parameters=bytes((7, 1, bits))))
    assert found.parameters == tuple((name, "T") for name in names)


@pytest.mark.parametrize(
    ("parameters", "oddity"),
    [
        (b"\x08\x04anna\x08\x03bob", "eas_query_repeated_parameter"),
        (b"\x01\x00" * 200, "eas_query_too_many_parameters"),
        (b"\x01", "eas_query_truncated"),  # a tag without length
        (b"\x01\xff5", "eas_query_truncated"),
        (b"\x07\x05\x01", "eas_query_truncated"),
    ],
)
def test_hostile_parameters_are_bounded_and_noted(parameters: bytes, oddity: str) -> None:
    found = from_bytes(binary_query(parameters=parameters))
    assert found.oddities == (oddity,)
    assert found.user in (None, "anna")
    assert len(found.parameters) <= 64


def test_options_at_the_very_end_may_have_no_bits() -> None:
    found = from_bytes(binary_query(parameters=b"\x07\x00"))
    assert (found.parameters, found.oddities) == ((), ())


def test_values_that_are_no_text_are_kept_readable() -> None:
    found = from_bytes(binary_query(parameters=b"\x08\x03a\xff\x00\x01\x02\x1b["))
    assert (found.user, found.parameters) == ("a\ufffd\x00", (("CollectionId", "\x1b["),))


@pytest.mark.parametrize("length", [1, 3, 5, 255])
def test_a_policy_key_of_a_wrong_length_is_noted(length: int) -> None:
    found = from_bytes(binary_query(key=b"\x01" * length))
    assert (found.policy_key_set, found.oddities) == (True, ("eas_query_policy_key",))


def test_every_command_code_is_known_in_both_forms() -> None:
    for code, name in COMMAND_CODES.items():
        assert from_bytes(binary_query(code=code)).command == name
        assert parsed(f"{PATH}?Cmd={name.upper()}").command_code == code


def test_unknown_commands_and_versions_are_kept_and_noted() -> None:
    assert parsed(f"{PATH}?Cmd=Frobnicate").command == "Frobnicate"
    assert parsed(f"{PATH}?Cmd=Frobnicate").oddities == ("eas_query_unknown_command",)
    assert from_bytes(binary_query(code=99)).command == "unknown (99)"
    assert from_bytes(binary_query(version=170)).protocol_version == "17.0"
    assert from_bytes(binary_query(version=170)).oddities == ("eas_query_unknown_version",)


def test_cut_base64_parameters_are_noted() -> None:
    found = from_bytes(binary_query(parameters=b"\x01\x09i/1"))
    assert (found.command, found.oddities) == ("Ping", ("eas_query_truncated",))


def test_a_query_that_is_neither_form_is_noted() -> None:
    found = parsed(f"{PATH}?hello")
    assert (found.form, found.command, found.oddities) == ("plain", None, ("eas_query_unreadable",))


@pytest.mark.parametrize(
    "target",
    [PATH, PATH + "/", PATH + "?", PATH.lower(), PATH.upper(), "https://mail.example.com" + PATH, "/proxy" + PATH,
     PATH + "/default.eas", "/Microsoft%2DServer%2DActiveSync"],
)  # fmt: skip
def test_the_path_is_recognised_however_it_is_written(target: str) -> None:
    assert parse_query(target) == NO_QUERY


@pytest.mark.parametrize(
    "target",
    ["/", "*", "", "/owa/", "/Microsoft-Server-ActiveSyncX", "/x?u=/Microsoft-Server-ActiveSync", "/activesync",
     "mail.example.com:443", "/autodiscover/autodiscover.xml"],
)  # fmt: skip
def test_other_targets_are_not_eas(target: str) -> None:
    assert parse_query(target) is None


def test_the_number_of_parameters_is_bounded_and_that_is_noted() -> None:
    found = parsed(f"{PATH}?Cmd=Ping&" + "&".join(f"a{number}=1" for number in range(1000)))
    assert len(found.parameters) < 100
    assert found.oddities == ("eas_query_too_many_parameters",)


@given(st.text(max_size=100))
def test_any_query_gives_an_answer(text: str) -> None:
    found = parsed(f"{PATH}?{text}")
    assert found.form in ("plain", "base64", "none")


@given(st.binary(max_size=60))
def test_any_binary_query_gives_an_answer(raw: bytes) -> None:
    found = from_bytes(binary_query(parameters=raw))
    assert (found.form, found.command) == ("base64", "Ping")
    assert from_bytes(raw or b"\0").form in ("plain", "base64")
