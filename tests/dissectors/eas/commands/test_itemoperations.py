"""ItemOperations: fetches inline and multipart, emptied folders, moved conversations."""

import struct

import pytest

from dissectors.eas.commands import itemoperations
from dissectors.eas.commands.itemoperations import EmptyRequest, EmptyResponse, FetchRequest, MoveRequest
from dissectors.eas.query import NO_QUERY
from dissectors.eas.wbxml import Element
from dissectors.eas.wbxml_encode import element, encode

REQUEST = (
    b"\x03\x01\x6a\x00\x00\x14"  # page ItemOperations
    b"\x45"  # <ItemOperations>
    b"\x46"  # <Fetch>
    b"\x47\x03Mailbox\x00\x01"  # Store
    b"\x00\x00\x52\x035\x00\x01\x4d\x035:7\x00\x01"  # page AirSync: CollectionId, ServerId
    b"\x01"
    b"\x00\x14\x46"  # page ItemOperations: <Fetch>
    b"\x47\x03Mailbox\x00\x01"
    b"\x00\x11\x51\x035:7:0\x00\x01"  # page AirSyncBase: FileReference
    b"\x00\x14\x48\x49\x030-1023\x00\x01\x01"  # page ItemOperations: Options { Range }
    b"\x01"
    b"\x52"  # <EmptyFolderContents>
    b"\x00\x00\x52\x034\x00\x01"  # page AirSync: CollectionId
    b"\x00\x14\x48\x13\x01"  # page ItemOperations: Options { DeleteSubFolders }
    b"\x01"
    b"\x56\x58\xc3\x02\x01\x02\x01\x57\x036\x00\x01"  # <Move> ConversationId, DstFldId
    b"\x48\x19\x01\x01"  # Options { MoveAlways } </Move>
    b"\x01"
)


def test_a_request_lists_what_to_do() -> None:
    found = itemoperations.read_request(REQUEST)
    assert found is not None
    item = FetchRequest("Mailbox", "5", "5:7", None, None, False, None, False, False)
    attachment = FetchRequest("Mailbox", None, None, None, "5:7:0", False, (0, 1023), False, False)
    assert found.fetches == (item, attachment)
    assert found.empties == (EmptyRequest("4", True),)
    assert found.moves == (MoveRequest("6", True),)
    assert (found.accept_multipart, found.complete, found.oddities) == (False, True, ())


def test_multipart_is_asked_for_in_a_header_or_in_the_query() -> None:
    for headers, query, expected in (
        ({"ms-asacceptmultipart": "T"}, NO_QUERY, True),
        ({"ms-asacceptmultipart": "F"}, NO_QUERY, False),
        ({}, NO_QUERY._replace(parameters=(("AcceptMultiPart", "T"),)), True),
    ):
        found = itemoperations.read_request(REQUEST, query, headers)
        assert found is not None
        assert found.accept_multipart is expected


def test_a_file_of_a_library_is_told_without_its_address() -> None:
    fetch = element(
        "ItemOperations:Fetch",
        element("DocumentLibrary:LinkId", "\\\\server\\plans.doc"),
        element("ItemOperations:Options", element("ItemOperations:Password", "hunter2")),
    )
    found = itemoperations.read_request(encode(element("ItemOperations:ItemOperations", fetch)))
    assert found is not None
    assert (found.fetches[0].link, found.fetches[0].credentials) == (True, True)
    assert "plans" not in repr(found)
    assert "hunter2" not in repr(found)


def document(*properties: Element) -> bytes:
    fetch = element(
        "ItemOperations:Fetch",
        element("ItemOperations:Status", 1),
        element("AirSyncBase:FileReference", "5:7:0"),
        element("AirSync:Class", "Email"),
        element("ItemOperations:Properties", *properties),
    )
    return encode(
        element(
            "ItemOperations:ItemOperations",
            element("ItemOperations:Status", 1),
            element(
                "ItemOperations:Response",
                fetch,
                element(
                    "ItemOperations:EmptyFolderContents",
                    element("ItemOperations:Status", 3),
                    element("AirSync:CollectionId", "4"),
                ),
                element("ItemOperations:Move", element("ItemOperations:Status", 6)),
            ),
        )
    )


def test_what_is_fetched_inline_is_sized() -> None:
    body = document(
        element("ItemOperations:Range", "0-5"),
        element("ItemOperations:Total", 4096),
        element("ItemOperations:Data", "UGxhbnM="),
    )
    found = itemoperations.read_response(body)
    assert found is not None
    (fetch,) = found.fetches
    assert (fetch.status, fetch.file_reference, fetch.item_class) == (1, "5:7:0", "Email")
    assert (fetch.range, fetch.total, fetch.inline_bytes, fetch.parts) == ((0, 5), 4096, 12, ())
    assert found.empties == (EmptyResponse(3, "4"),)
    assert found.moves == (6,)
    assert found.parts is None
    assert "UGxhbnM" not in repr(found)


def multipart(wbxml: bytes, *parts: bytes) -> bytes:
    """PartsCount, then offset and length of each part, all little-endian; then the parts."""
    offset = 4 + 8 * (1 + len(parts))
    table = b""
    for part in (wbxml, *parts):
        table += struct.pack("<II", offset, len(part))
        offset += len(part)
    return struct.pack("<I", 1 + len(parts)) + table + wbxml + b"".join(parts)


def test_what_is_fetched_in_further_parts_is_sized() -> None:
    wbxml = document(element("AirSyncBase:Body", element("ItemOperations:Part", 1)), element("ItemOperations:Part", 2))
    found = itemoperations.read_response(multipart(wbxml, b"x" * 100, b"\x89PNG"))
    assert found is not None
    assert found.parts == (len(wbxml), 100, 4)
    assert (found.fetches[0].parts, found.fetches[0].part_bytes, found.fetches[0].inline_bytes) == ((1, 2), 104, 0)
    assert found.complete
    assert found.oddities == ()


@pytest.mark.parametrize("part", [0, 2, 4_000_000_000])
def test_a_part_that_is_not_there_is_noted(part: int) -> None:
    found = itemoperations.read_response(multipart(document(element("ItemOperations:Part", part)), b"x"))
    assert found is not None
    assert found.fetches[0].part_bytes == 0
    assert [oddity.code for oddity in found.oddities] == ["eas_multipart_table"]


def test_a_multipart_body_that_is_cut_is_not_complete() -> None:
    body = multipart(document(element("ItemOperations:Part", 1)), b"x" * 100)
    found = itemoperations.read_response(body[:-1])
    assert found is not None
    assert not found.complete
    assert found.fetches[0].part_bytes == 100  # as its table says
