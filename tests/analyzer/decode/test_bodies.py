"""Bodies for people: masked by what their elements hold, whole or as far as they could be read."""

import gzip
from collections.abc import Mapping
from typing import Any

import pytest

from analyzer.decode.bodies import SECRET, SHORT_OPAQUE, Body, read_body
from dissectors.eas.wbxml_encode import element, encode
from dissectors.events import Response

WBXML = "application/vnd.ms-sync.wbxml"
MAIL = encode(
    element(
        "AirSync:Sync",
        element("AirSync:Status", "1"),
        element("Email:Subject", "Lunch on Friday"),
        element("ItemOperations:Password", "hunter2"),
        element("AirSyncBase:Data", b"\x00\x01" * 206),
        element("AirSyncBase:EstimatedDataSize", "412"),
    )
)


def response(
    body: bytes | None, content_type: str = WBXML, *, complete: bool = True, sent: int | None = None, coding: str = ""
) -> Response:
    headers: Mapping[str, str] = {"content-type": content_type} | ({"content-encoding": coding} if coding else {})
    size = len(body or b"") if sent is None else sent
    decoded = None if body is None else len(body)
    return Response(0, 0, 2, 2, 200, "OK", "1.1", headers, size + 250, size + 228, size, decoded, body, complete)


def read(*arguments: Any, show_content: bool = False, **more: Any) -> Body:
    return read_body(response(*arguments, **more), show_content=show_content)


def test_personal_text_is_its_length_and_opaque_data_its_size_while_the_rest_is_shown() -> None:
    xml = read(MAIL).content
    assert xml is not None
    assert "«15 characters»</Subject>" in xml
    assert "«412 bytes»</Data>" in xml
    assert "<Status>1</Status>" in xml
    assert ">412</EstimatedDataSize>" in xml


@pytest.mark.parametrize("show_content", [False, True])
def test_a_secret_is_never_shown_and_neither_is_its_length(show_content: bool) -> None:
    xml = read(MAIL, show_content=show_content).content
    assert xml is not None
    assert f">{SECRET}</Password>" in xml
    assert "hunter2" not in xml


def test_with_content_the_text_is_there() -> None:
    xml = read(MAIL, show_content=True).content
    assert xml is not None
    assert "Lunch on Friday</Subject>" in xml


@pytest.mark.parametrize(
    ("opaque", "shown"),
    [
        (b"From: a\r\nTo: <b>\r\n", "From: a\nTo: &lt;b&gt;\n"),  # text
        (b"\xfe\xed", "feed"),  # short binary data
        (b"\xfe" * (SHORT_OPAQUE + 1), f"«{SHORT_OPAQUE + 1} bytes»"),
    ],
)
def test_opaque_data_with_content_is_text_or_hexadecimal_or_a_size(opaque: bytes, shown: str) -> None:
    body = encode(element("ComposeMail:SendMail", element("ComposeMail:Mime", opaque)))
    xml = read(body, show_content=True).content
    assert xml is not None
    assert f"<Mime>{shown}</Mime>" in xml


def test_an_id_in_binary_is_shown_because_it_names_nobody() -> None:
    body = encode(element("AirSync:Sync", element("Email2:ConversationId", b"\xca\xfe\x00\x01")))
    assert "cafe0001" in str(read(body).content)


def test_control_characters_and_direction_marks_do_not_reach_the_terminal() -> None:
    body = encode(
        element("AirSync:Sync", element("AirSync:SyncKey", "\x1b[2J\u202eyek"), element("AirSync:Status", "1"))
    )
    xml = str(read(body).content)
    assert "\x1b" not in xml
    assert "\u202e" not in xml
    assert "[2J\ufffdyek" in xml


def test_unknown_tokens_stay_visible_and_are_masked() -> None:
    #       WBXML 1.3, page 0, <Sync> with content, token 0x3E with content: "who?"
    body = b"\x03\x01\x6a\x00" + b"\x45" + b"\x7e\x03who?\x00\x01" + b"\x01"
    found = read(body)
    assert "<Unknown-0x3E>«4 characters»</Unknown-0x3E>" in str(found.content)
    assert [odd.code for odd in found.oddities] == ["wbxml_unknown_tag"]
    assert found.stopped_at is None


def test_a_cut_body_shows_what_was_there_and_says_where_it_stopped() -> None:
    cut = MAIL[: MAIL.index(b"hunter2")]
    found = read(cut)
    assert "«15 characters»</Subject>" in str(found.content)
    assert found.stopped_at == len(cut)
    assert found.said == f"the WBXML was read up to byte {len(cut)} of {len(cut)}: the body ends too early"


def test_every_prefix_of_a_body_is_read_without_an_error() -> None:
    for length in range(1, len(MAIL)):
        found = read(MAIL[:length])
        assert found.stopped_at is not None
        assert "hunter2" not in str(found.content)
        assert "Lunch" not in str(found.content)


def test_a_body_with_lost_bytes_says_that_it_is_not_whole() -> None:
    found = read(None, complete=False, sent=900)
    assert (found.kind, found.content) == ("unread", None)
    assert found.said == "900 bytes of body, which is not whole in the capture (cut or lost): not decoded"


@pytest.mark.parametrize(
    ("coding", "words"),
    [
        ("br", "900 bytes of body with Content-Encoding br, which is not undone here: not decoded"),
        ("gzip", "900 bytes of body, but its gzip data is damaged or too large: not decoded"),
        ("", "900 bytes of body, counted but not kept"),
    ],
)
def test_a_body_that_was_not_decoded_says_why(coding: str, words: str) -> None:
    assert read(None, sent=900, coding=coding).said == words


@pytest.mark.parametrize(
    ("body", "content_type", "kind", "words"),
    [
        (b"From: anna@example.com\r\n\r\nhi", "message/rfc822", "mime", "MIME message of 28 bytes"),
        (b'<?xml version="1.0"?><Autodiscover/>', "text/xml", "xml", "XML of 36 bytes"),
        (b"<html>anna is not allowed</html>", "text/html; charset=utf-8", "html", "HTML page of 32 bytes"),
        (b"\n<!DOCTYPE html><p>", "", "html", "HTML page of 19 bytes"),
        (b"no", "text/plain", "text", "text of 2 bytes"),
    ],
)
def test_what_is_no_wbxml_is_named_and_shown_only_with_content(
    body: bytes, content_type: str, kind: str, words: str
) -> None:
    masked = read(body, content_type)
    assert (masked.kind, masked.content) == (kind, None)
    assert masked.said == f"{words}, not shown (--show-content)"
    shown = read(body, content_type, show_content=True)
    assert (shown.said, shown.content) == (words, body.decode().replace("\r\n", "\n"))


def test_binary_data_is_named_and_never_shown() -> None:
    found = read(b"\xff\xd8\xff\xe0" * 9, "image/jpeg", show_content=True)
    assert (found.kind, found.said, found.content) == ("other", "body of 36 bytes", None)


def test_a_multipart_body_shows_its_document_and_names_its_parts() -> None:
    document = encode(element("ItemOperations:ItemOperations", element("ItemOperations:Status", "1")))
    table = [(12 + 8, len(document)), (20 + len(document), 5)]
    #      number of parts, then offset and length of each
    body = b"".join(n.to_bytes(4, "little") for n in (2, *(n for part in table for n in part))) + document + b"hello"
    found = read(body, "application/vnd.ms-sync.multipart")
    assert (found.kind, found.stopped_at) == ("multipart", None)
    assert "<Status>1</Status>" in str(found.content)
    assert found.said == "multipart body, part 0 is shown; part 1: 5 bytes"
    assert "hello" not in str(found)


def test_an_empty_body_of_a_cut_message_says_that_nothing_of_it_is_there() -> None:
    for body in (b"", None):
        assert read(body, complete=False).said == "no byte of the body is in the capture"
    assert read(b"").said is None


def test_rubbish_of_any_kind_gives_a_body() -> None:
    for rubbish in (b"\x03", b"\x00" * 40, b"\x03\x01\x6a\x00\xff\xff", gzip.compress(b"x"), bytes(range(256))):
        for show_content in (False, True):
            found = read(rubbish, show_content=show_content)
            assert found.kind != "none"
