"""Trees as XML text; the standard library's parser says whether it is XML."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from dissectors.eas.wbxml import Element, decode
from dissectors.eas.wbxml_encode import element
from dissectors.eas.xml import render


def test_a_tree_is_indented_and_names_its_namespaces() -> None:
    sync = element(
        "AirSync:Sync",
        element("AirSync:Status", 1),
        element("AirSync:MoreAvailable"),
        element("AirSyncBase:Body", element("AirSyncBase:Data", "a < b & c")),
        element("ComposeMail:Mime", b"\x00\x01"),
    )
    assert render(sync) == "\n".join(
        [
            '<Sync xmlns="AirSync">',
            "  <Status>1</Status>",
            "  <MoreAvailable/>",
            '  <Body xmlns="AirSyncBase">',
            "    <Data>a &lt; b &amp; c</Data>",
            "  </Body>",
            '  <Mime xmlns="ComposeMail"><!-- 2 opaque bytes --></Mime>',
            "</Sync>",
        ]
    )


def test_text_can_be_masked() -> None:
    tree = element("Email:Subject", "a secret plan")
    assert render(tree, lambda found: "*" * len(found.text or "")) == '<Subject xmlns="Email">*************</Subject>'


def test_nothing_is_an_empty_text() -> None:
    assert render(decode(b"")) == ""


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert render(Element(0, 0x0B, text="\x1b[31m\x07")) == '<SyncKey xmlns="AirSync">\ufffd[31m\ufffd</SyncKey>'


@given(st.binary(max_size=200))
def test_any_tree_is_well_formed(inside: bytes) -> None:
    xml = render(decode(b"\x03\x01\x6a\x06a<b c\x00\x45" + inside))
    assert ElementTree.fromstring(xml).tag == "{AirSync}Sync"
