"""Bodies without a reader of their own."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from dissectors.eas.commands import generic
from dissectors.eas.wbxml_encode import element, encode

WBXML = "application/vnd.ms-sync.wbxml"
SETTINGS = encode(
    element(
        "Settings:Settings",
        element("Settings:Status", 1),
        element("Settings:Oof", element("Settings:Status", 2), element("Settings:Get")),
    )
)


def test_a_message_has_its_root_status_and_sizes() -> None:
    found = generic.read(SETTINGS, WBXML)
    assert (found.root, found.status, found.elements, found.size_bytes) == ("Settings", 1, 5, len(SETTINGS))
    assert found.complete


def test_a_status_further_down_is_not_the_messages() -> None:
    body = encode(element("Settings:Settings", element("Settings:Oof", element("Settings:Status", 2))))
    assert generic.read(body, WBXML).status is None


def test_mime_and_attachments_have_only_a_size() -> None:
    for body, content_type in ((b"MIME-Version: 1.0\r\n\r\nHi", "message/rfc822"), (b"\x00\x01\x02", "image/png")):
        found = generic.read(body, content_type)
        assert (found.root, found.elements, found.size_bytes, found.oddities) == (None, 0, len(body), ())


def test_wbxml_under_a_wrong_content_type_is_recognised() -> None:
    assert generic.read(SETTINGS, "text/html").root == "Settings"


def test_the_first_part_of_a_multipart_body_is_the_message() -> None:
    operations = encode(element("ItemOperations:ItemOperations", element("ItemOperations:Status", 1)))
    attachment = b"\x89PNG"
    body = struct.pack("<IIIII", 2, 20, len(operations), 20 + len(operations), 4) + operations + attachment
    found = generic.read(body, "application/vnd.ms-sync.multipart")
    assert (found.root, found.status, found.parts, found.size_bytes) == ("ItemOperations", 1, 2, len(body))
    assert generic.read(operations, "application/vnd.ms-sync.multipart").root == "ItemOperations"


@given(st.binary(max_size=100))
def test_any_bytes_are_read(body: bytes) -> None:
    for content_type in ("", WBXML, "application/vnd.ms-sync.multipart", "text/html"):
        assert generic.read(body, content_type).size_bytes == len(body)
