"""Autodiscover: the examples of MS-ASCMD 4.2, and XML that means harm."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectors.eas.commands import autodiscover

MOBILE = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync"
REQUEST = f"""<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="{MOBILE}/requestschema/2006">
  <Request>
    <EMailAddress>chris@woodgrovebank.com</EMailAddress>
    <AcceptableResponseSchema>{MOBILE}/responseschema/2006</AcceptableResponseSchema>
  </Request>
</Autodiscover>"""


def answer(inside: str) -> bytes:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="{MOBILE}/responseschema/2006">
    <Culture>en:us</Culture>
    <User><DisplayName>Chris Gray</DisplayName><EMailAddress>chris@woodgrovebank.com</EMailAddress></User>
    {inside}
  </Response>
</Autodiscover>""".encode()


def test_a_request_for_a_device_is_told_by_its_schema() -> None:
    found = autodiscover.read_request(REQUEST.encode())
    assert found is not None
    assert (found.size_bytes, found.complete, found.oddities) == (len(REQUEST), True, ())
    assert "chris" not in repr(found)
    assert autodiscover.read_request(REQUEST.replace("mobilesync", "outlook").encode()) is None
    assert autodiscover.read_request(REQUEST.replace('"utf-8"', '"utf-16"').encode("utf-16")) is not None


def test_settings_name_the_servers() -> None:
    found = autodiscover.read_response(
        answer(
            "<Action><Settings><Server><Type>MobileSync</Type>"
            "<Url>https://loandept.woodgrovebank.com/Microsoft-Server-ActiveSync</Url>"
            "<Name>https://loandept.woodgrovebank.com/Microsoft-Server-ActiveSync</Name></Server>"
            "<Server><Type>CertEnroll</Type><Url>https://cert.woodgrovebank.com/CertEnroll</Url>"
            "<ServerData>CertEnrollTemplate</ServerData></Server></Settings></Action>"
        )
    )
    assert found is not None
    assert found.action == "settings"
    assert found.servers == (("MobileSync", "loandept.woodgrovebank.com"), ("CertEnroll", "cert.woodgrovebank.com"))
    assert (found.status, found.error_code, found.complete) == (None, None, True)
    assert "hris" not in repr(found)


def test_a_redirect_is_told_without_its_address() -> None:
    found = autodiscover.read_response(answer("<Action><Redirect>chris@loandept.woodgrovebank.com</Redirect></Action>"))
    assert found is not None
    assert (found.action, found.servers) == ("redirect", ())
    assert "chris" not in repr(found)


def test_an_error_has_a_status_or_a_code() -> None:
    inside = "<Action><Error><Status>2</Status><Message>The directory could not be reached</Message></Error></Action>"
    found = autodiscover.read_response(answer(inside))
    assert found is not None
    assert (found.action, found.status, found.error_code) == ("error", 2, None)
    found = autodiscover.read_response(answer('<Error Time="16:56:32"><ErrorCode>600</ErrorCode></Error>'))
    assert found is not None
    assert (found.action, found.status, found.error_code) == ("error", None, 600)


LAUGHS = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><a>&b;</a>'
FETCHES = b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'


@pytest.mark.parametrize("body", [LAUGHS, FETCHES])
def test_a_document_type_ends_the_reading(body: bytes) -> None:
    # expat calls the handler before any entity is declared, so there is none to expand.
    found = autodiscover._Reading(body)
    assert [oddity.detail for oddity in found.oddities] == ["the XML of Autodiscover is odd: a document type"]
    assert (found.texts, found.complete) == ({}, False)
    assert autodiscover.read_request(body) is None


def test_what_is_cut_or_broken_is_noted() -> None:
    found = autodiscover.read_request(REQUEST.encode()[:-20])
    assert found is not None
    assert not found.complete
    assert [oddity.code for oddity in found.oddities] == ["eas_bad_xml"]


def test_numbers_that_are_none_are_not_said() -> None:
    for text in ("", "two", "٢", "9" * 30):
        found = autodiscover.read_response(answer(f"<Action><Error><Status>{text}</Status></Error></Action>"))
        assert found is not None
        assert found.status is None


def test_large_and_many_things_are_bounded() -> None:
    servers = "<Server><Url>https://a</Url></Server>" * 100
    found = autodiscover.read_response(answer(servers))
    assert found is not None
    assert len(found.servers) == autodiscover.MAX_SERVERS
    begin = time.process_time()
    for bomb in (b"<a>" * 5_000_000, b"<!--" * 5_000_000, b"<a " + b"b='c' " * 3_000_000, b"<a>" + b"x" * 10_000_000):
        autodiscover.read_response(bomb)
    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/autodiscover/autodiscover.xml", True),
        ("https://autodiscover.example.com/AutoDiscover/AutoDiscover.xml", True),
        ("/autodiscover/autodiscover.json", False),
        ("/autodiscover.xml", False),
        ("", False),
    ],
)
def test_the_address_of_autodiscover(target: str, expected: bool) -> None:
    assert autodiscover.is_target(target) is expected


@given(st.binary(max_size=200))
def test_any_bytes_are_read(inside: bytes) -> None:
    for start in (b"", b"<?xml", REQUEST.encode()[:200], answer("")[:250]):
        autodiscover.read_request(start + inside)
        autodiscover.read_response(start + inside)
