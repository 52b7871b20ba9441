"""The WBXML decoder: published examples, every kind of token, cut and hostile bodies."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectors.eas import codepages
from dissectors.eas.wbxml import Document, Element, decode
from dissectors.eas.wbxml_encode import encode

PING = (
    b"\x03\x01\x6a\x00"  # WBXML 1.3, unknown public id, UTF-8, no string table
    b"\x00\x0d"  # SWITCH_PAGE Ping
    b"\x45"  # Ping
    b"\x48\x03480\x00\x01"  # HeartbeatInterval "480"
    b"\x49"  # Folders
    b"\x4a\x4b\x035\x00\x01\x4c\x03Email\x00\x01\x01"  # Folder {Id "5", Class "Email"}
    b"\x01\x01"  # END Folders, END Ping
)


def outline(element: Element | None) -> str:
    """A tree in one line: Ping(Status='1' Folders(...))."""
    if element is None:
        return "nothing"
    inside = " ".join(outline(child) for child in element.children)
    text = "" if element.text is None else f"={element.text!r}"
    opaque = "" if element.opaque is None else f"={element.opaque!r}"
    return f"{element.name}{text}{opaque}" + (f"({inside})" if inside else "")


def codes(document: Document) -> set[str]:
    return {oddity.code for oddity in document.anomalies}


def test_a_ping_request_is_decoded_with_its_spans() -> None:
    document = decode(PING)
    assert outline(document.root) == "Ping(HeartbeatInterval='480' Folders(Folder(Id='5' Class='Email')))"
    assert document.complete
    assert not document.anomalies
    assert (document.version, document.public_id, document.charset) == (3, 1, 106)
    assert document.root is not None
    assert (document.root.start, document.root.end) == (6, len(PING))  # from its tag byte, not from the page switch
    folders = document.root.find("Folders")
    assert folders is not None
    assert PING[folders.start : folders.end] == PING[14:-1]
    assert folders.namespace == "Ping"


def test_the_simple_example_of_the_specification_is_decoded() -> None:
    # WBXML specification, first example, in US-ASCII: <XYZ><CARD> X & Y<BR/> X&nbsp;=&nbsp;1 </CARD></XYZ>
    # with BR 5, CARD 6, XYZ 7
    body = b"\x01\x01\x03\x00\x47\x46\x03 X & Y\x00\x05\x03 X\x00\x02\x81\x20\x03=\x00\x02\x81\x20\x031 \x00\x01\x01"
    document = decode(body)
    assert document.complete
    assert document.root is not None
    assert document.root.token == 7
    (card,) = document.root.children
    assert (card.token, card.text) == (6, " X & Y X\xa0=\xa01 ")
    assert [child.token for child in card.children] == [5]
    assert codes(document) == {"wbxml_entity"}


def test_the_expanded_example_of_the_specification_is_decoded() -> None:
    # WBXML specification, second example: string table, attributes; CARD 5, INPUT 6, XYZ 7, DO 8
    # <XYZ><CARD NAME="abc" STYLE="LIST"><DO TYPE="ACCEPT" URL="http://xyz.org/s"/> Enter name: <INPUT/></CARD></XYZ>
    body = (
        b"\x01\x01\x6a\x12abc\x00 Enter name: \x00"  # version 1.1, 18 bytes of string table
        b"\x47\xc5\x09\x83\x00\x05\x01"  # XYZ, CARD NAME= STR_T 0, STYLE="LIST", END of attributes
        b"\x88\x06\x86\x08\x03xyz\x00\x85\x03/s\x00\x01"  # DO TYPE= "ACCEPT" URL="http://" "xyz" ".org" "/s"
        b"\x83\x04"  # STR_T 4
        b"\x86\x07\x0a\x03N\x00\x01"  # INPUT TYPE="TEXT" KEY="N"
        b"\x01\x01"
    )
    document = decode(body)
    assert document.complete
    assert document.string_table == b"abc\x00 Enter name: \x00"
    assert document.root is not None
    (card,) = document.root.children
    assert (card.token, card.text, [child.token for child in card.children]) == (5, " Enter name: ", [8, 6])
    assert codes(document) == {"wbxml_attributes", "wbxml_string_table"}


@pytest.mark.parametrize(
    ("inside", "expected", "odd"),
    [
        (b"\x03a\x00\x03b\x00", "Sync='ab'", set()),  # two strings in a row
        (b"\x03a\x00\xc3\x02\x00\x01\x03b\x00", "Sync='ab'=b'\\x00\\x01'", set()),  # opaque between strings
        (b"\xc3\x00", "Sync=b''", set()),  # opaque of no bytes
        (b"\xc3\x81\x00" + b"x" * 128, f"Sync={b'x' * 128!r}", set()),  # a length of two bytes
        (b"\x03\x00", "Sync=''", set()),  # an empty string is not no string
        (b"", "Sync", set()),
        (b"\x02\x84\x60", "Sync='\u0260'", {"wbxml_entity"}),
        (b"\x04\x00", "Sync(abc)", {"wbxml_literal"}),  # LITERAL
        (b"\x44\x00\x03x\x00\x01", "Sync(abc='x')", {"wbxml_literal"}),  # LITERAL_C
        (b"\x84\x00\x05\x01", "Sync(abc)", {"wbxml_literal", "wbxml_attributes"}),  # LITERAL_A
        (b"\xc4\x00\x05\x85\x01\x03x\x00\x01", "Sync(abc='x')", {"wbxml_literal", "wbxml_attributes"}),  # LITERAL_AC
        (b"\x83\x00", "Sync='abc'", {"wbxml_string_table"}),
        (b"\x83\x40", "Sync=''", {"wbxml_string_table", "wbxml_string_table_range"}),
        (b"\x43\x05\x03x\x00\x01", "Sync", {"wbxml_instruction"}),
        (b"\x40abc\x00", "Sync", {"wbxml_extension"}),  # EXT_I_0
        (b"\x80\x81\x00", "Sync", {"wbxml_extension"}),  # EXT_T_0
        (b"\xc2", "Sync", {"wbxml_extension"}),  # EXT_2
        (b"\x00\xfe\x05", "Sync(Unknown-0x05)", {"wbxml_unknown_tag"}),  # Horde's page of its own
        (b"\x7f\x03x\x00\x01", "Sync(Unknown-0x3F='x')", {"wbxml_unknown_tag"}),
        (b"\x00\x00\x00\x00\x0e", "Sync(Status)", set()),  # needless page switches
        (b"\x4e\x03\xff\xfe\x00\x01", "Sync(Status='\ufffd\ufffd')", {"wbxml_bad_text"}),
        (b"\xce\x00\x01\x05\x83\x01\x86\x04\x00\xc3\x01\x01\x02\x05\x01\x01", "Sync(Status)", {"wbxml_attributes"}),
    ],
)  # fmt: skip
def test_every_kind_of_token_is_read(inside: bytes, expected: str, odd: set[str]) -> None:
    document = decode(b"\x03\x01\x6a\x04abc\x00\x45" + inside + b"\x01")
    assert outline(document.root) == expected
    assert codes(document) == odd
    assert document.complete


def test_an_entity_that_is_no_character_becomes_the_replacement_character() -> None:
    document = decode(b"\x03\x01\x6a\x00\x45\x02\x83\xb0\x00\x02\x8f\xff\xff\xff\x7f\x01")  # 0xD800, 0xFFFFFFFF
    assert document.root is not None
    assert document.root.text == "\ufffd\ufffd"


@pytest.mark.parametrize(
    ("header", "charset", "text"),
    [
        (b"\x03\x01\x6a\x00", 106, "é"),
        (b"\x03\x00\x00\x6a\x02-\x00", 106, "é"),  # public id by index into the string table
        (b"\x01\x01\x04\x00", 4, "Ã©"),  # version 1.1, ISO 8859-1
        (b"\x00\x01\x00", 0, "é"),  # version 1.0 has no charset
        (b"\x03\x01\x87\x68\x00", 1000, "é"),  # an unknown charset is read as UTF-8
    ],
)
def test_headers_of_all_forms_are_read(header: bytes, charset: int, text: str) -> None:
    document = decode(header + b"\x45\x03\xc3\xa9\x00\x01")
    assert document.root is not None
    assert (document.charset, document.root.text, document.complete) == (charset, text, True)


def test_the_example_of_ms_aswbxml_is_decoded() -> None:
    # MS-ASWBXML, "Examples": the answer to a Sync that creates a contact
    body = bytes.fromhex(
        "03016A00455C4F5003436F6E746163747300014B033200015203320001"  # Sync Collections Collection Class SyncKey ...
        "4E0331000156474D03323A3100015D"  # Status Commands Add ServerId ApplicationData
        "00114A46033100014C033000014D0331000101"  # AirSyncBase Body
        "00015E0346756E6B2C20446F6E00015F03446F6E0001690346756E6B0001"  # Contacts FileAs FirstName LastName
        "0011560331000101010101" + "0101"  # AirSyncBase NativeBodyType, six ENDs
    )
    document = decode(body)
    assert document.complete
    assert document.anomalies == ()
    assert outline(document.root) == (
        "Sync(Collections(Collection(Class='Contacts' SyncKey='2' CollectionId='2' Status='1' Commands(Add("
        "ServerId='2:1' ApplicationData(Body(Type='1' EstimatedDataSize='0' Truncated='1') FileAs='Funk, Don' "
        "FirstName='Don' LastName='Funk' NativeBodyType='1'))))))"
    )
    assert encode(document) == body  # byte for byte what Microsoft's encoder writes


def test_an_entity_outside_of_the_charset_is_kept_readable() -> None:
    document = decode(b"\x03\x01\x04\x00\x45\x03a\x00\x02\x84\x60\x01")  # ISO 8859-1, U+0260
    assert document.root is not None
    assert document.root.text == "a&#608;"


def test_what_follows_the_root_is_noted() -> None:
    assert codes(decode(PING + b"\x00")) == {"wbxml_trailing_bytes"}
    assert decode(PING + b"\x00").complete


def test_what_stands_outside_of_the_root_is_noted() -> None:
    document = decode(b"\x03\x01\x6a\x00\x01\x03x\x00" + PING[4:])
    assert codes(document) == {"wbxml_stray_token"}
    assert outline(document.root) == outline(decode(PING).root)


@pytest.mark.parametrize("body", [b"", b"MIME-Version: 1.0\r\n", b"<html>", b"\x1f\x8b\x08", b"\xff"])
def test_other_bodies_are_not_taken_for_wbxml(body: bytes) -> None:
    document = decode(body)
    assert document.root is None
    assert not document.complete
    assert codes(document) == {"wbxml_not"}


def test_a_body_cut_anywhere_gives_what_was_there() -> None:
    whole = outline(decode(PING).root)
    for length in range(1, len(PING)):
        document = decode(PING[:length])
        assert not document.complete
        assert codes(document) == {"wbxml_truncated"}
        if document.root is not None:
            assert document.root.end == length  # cut elements reach to where the body ends
            names = outline(document.root).replace("(", " ").replace(")", " ").split()
            assert all(name.partition("=")[0] in whole for name in names)
    assert outline(decode(PING[:-10]).root) == "Ping(HeartbeatInterval='480' Folders(Folder(Id='5' Class)))"


@pytest.mark.parametrize(
    "cut",
    [
        b"\x45\x03abc",  # a string without its NUL
        b"\x45\xc3\x05abc",  # opaque data beyond the end
        b"\x45\xc3\x8f\xff\xff\xff\x7f",  # 4 GB of opaque data
        b"\x45\xc3\x81",  # its length is cut
        b"\x45\x00",  # a page switch without page
        b"\xc5\x05",  # attributes without END
        b"\x45\x43\x05",  # an instruction without END
        b"\x45\x40abc",  # an extension without NUL
    ],
)
def test_tokens_that_reach_beyond_the_end_are_truncation(cut: bytes) -> None:
    document = decode(b"\x03\x01\x6a\x00" + cut)
    assert not document.complete
    assert "wbxml_truncated" in codes(document)


def test_a_number_of_more_than_five_bytes_ends_the_reading() -> None:
    document = decode(b"\x03\x01\x6a\x00\x45\x0b\xc3\x80\x80\x80\x80\x80\x01\x01")
    assert outline(document.root) == "Sync(SyncKey)"
    assert codes(document) == {"wbxml_bad_integer"}
    assert not document.complete


def test_nesting_beyond_the_limit_is_sized_but_not_looked_into() -> None:
    deep = b"\x03\x01\x6a\x00" + b"\x45" * 100 + b"\x03x\x00" + b"\x01" * 100
    document = decode(deep, max_depth=10)
    assert codes(document) == {"wbxml_depth_limit"}
    assert document.complete
    level, element = 1, document.root
    while element is not None and element.children:
        (element,) = element.children
        level += 1
    assert element is not None
    assert level == 11
    assert (element.start, element.end) == (14, len(deep) - 10)


def test_elements_beyond_the_limit_are_sized_but_not_looked_into() -> None:
    many = b"\x03\x01\x6a\x00\x45\x5c" + b"\x4f\x4b\x03k\x00\x01\x01" * 1000 + b"\x01\x0e\x01"
    document = decode(many, max_elements=102)
    assert codes(document) == {"wbxml_element_limit"}
    assert document.complete
    assert document.root is not None
    (collections,) = document.root.children
    assert len(collections.children) == 50
    assert (collections.start, collections.end) == (5, len(many) - 2)
    assert document.root.end == len(many)


def test_more_than_512_siblings_are_all_decoded() -> None:
    document = decode(b"\x03\x01\x6a\x00\x45" + b"\x47\x4d\x03x\x00\x01\x01" * 2000 + b"\x01")
    assert document.complete
    assert document.root is not None
    assert len(document.root.children) == 2000


@pytest.mark.parametrize(
    "bomb",
    [b"\x45", b"\x45\x01", b"\x05", b"\x01", b"\x03\x00", b"\x45\x03\x00", b"\x00\x01", b"\xc5\x05\x01", b"\x02\x05",
     b"\xc3\x00", b"\x43\x01", b"\x45\x03a", b"\x44\x00"],
)  # fmt: skip
def test_bombs_take_time_in_proportion_to_their_size(bomb: bytes) -> None:
    def seconds(size: int) -> float:
        body = b"\x03\x01\x6a\x00\x45" + bomb * (size // len(bomb))
        best = 1e9
        for _ in range(3):
            begin = time.process_time()
            decode(body, max_elements=1000)
            best = min(best, time.process_time() - begin)
        return best

    small, large = seconds(10_000), seconds(100_000)
    assert large < 30 * small + 0.01  # ten times the bytes; squared would be a hundred times


def test_a_million_open_tags_do_not_recurse() -> None:
    document = decode(b"\x03\x01\x6a\x00" + b"\x45" * 1_000_000)
    assert codes(document) == {"wbxml_depth_limit", "wbxml_truncated"}
    assert document.root is not None
    assert document.root.end == 1_000_004


@given(st.binary(max_size=300))
def test_any_bytes_give_a_document(body: bytes) -> None:
    for header in (b"", b"\x03\x01\x6a\x00", b"\x03\x01\x6a\x04abc\x00\x45"):
        document = decode(header + body)
        pending = [document.root] if document.root else []
        while pending:
            element = pending.pop()
            assert 0 <= element.start < element.end <= len(header) + len(body)
            spans = [(child.start, child.end) for child in element.children]
            assert spans == sorted(spans)
            assert all(element.start < start and end <= element.end for start, end in spans)
            assert all(before[1] <= after[0] for before, after in pairwise(spans))
            pending += element.children


@given(
    st.lists(
        st.sampled_from([0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x43, 0x45, 0x4F, 0x83, 0xC3, 0xC4, 0xC5]), max_size=80
    )
)
def test_any_tokens_give_a_document(tokens: list[int]) -> None:
    document = decode(b"\x03\x01\x6a\x04abc\x00\x45" + bytes(tokens))
    assert document.root is not None
    assert document.complete or codes(document) & {"wbxml_truncated", "wbxml_bad_integer"}


def test_all_tags_of_all_pages_are_named() -> None:
    for page in codepages.PAGES.values():
        body = b"\x03\x01\x6a\x00\x45\x00" + bytes([page.number]) + bytes(sorted(page.tags)) + b"\x01"
        document = decode(body)
        assert not document.anomalies
        assert document.root is not None
        assert [child.name for child in document.root.children] == [page.tags[token] for token in sorted(page.tags)]
