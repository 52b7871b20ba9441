"""The WBXML encoder: known bytes, and round trips of random trees of all pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectors.eas import codepages
from dissectors.eas.wbxml import Element, decode
from dissectors.eas.wbxml_encode import element, encode, integer


def plain(tree: Element) -> tuple[object, ...]:
    """What a tree says, without the places of its bytes."""
    return (tree.page, tree.token, tree.text, tree.opaque, tuple(plain(child) for child in tree.children))


keys = st.sampled_from(sorted(codepages.NAMES))
texts = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


def branch(children: st.SearchStrategy[list[Element]]) -> st.SearchStrategy[Element]:
    return st.builds(
        lambda key, text, opaque, below: Element(key >> 8, key & 0xFF, children=below, text=text, opaque=opaque),
        keys,
        texts,
        st.none() | st.binary(max_size=200),
        children,
    )


trees = st.recursive(branch(st.builds(list)), lambda below: branch(st.lists(below, max_size=4)), max_leaves=30)


def test_a_ping_is_encoded_as_devices_send_it() -> None:
    ping = element(
        "Ping:Ping",
        element("Ping:HeartbeatInterval", 480),
        element("Ping:Folders", element("Ping:Folder", element("Ping:Id", "5"), element("Ping:Class", "Email"))),
    )
    assert encode(ping) == (
        b"\x03\x01\x6a\x00\x00\x0d\x45\x48\x03480\x00\x01\x49\x4a\x4b\x035\x00\x01\x4c\x03Email\x00\x01\x01\x01\x01"
    )


def test_pages_are_switched_only_where_they_change() -> None:
    sync = element("AirSync:Sync", element("Email:To", "a"), element("Email:Cc", "b"), element("AirSync:Status", 1))
    assert (
        encode(sync) == b"\x03\x01\x6a\x00\x45\x00\x02\x56\x03a\x00\x01\x57\x03b\x00\x01\x00\x00\x4e\x031\x00\x01\x01"
    )


@given(trees)
def test_any_tree_comes_back_from_its_bytes(tree: Element) -> None:
    document = decode(encode(tree))
    assert document.root is not None
    assert plain(document.root) == plain(tree)
    assert document.complete
    assert not document.anomalies
    assert encode(document) == encode(tree)


def test_a_deep_tree_is_encoded_without_recursion() -> None:
    tree = element("AirSync:Sync")
    for _ in range(5000):
        tree = element("AirSync:Add", tree)
    assert len(encode(tree)) == 4 + 5000 * 2 + 1


@pytest.mark.parametrize(
    "wrong",
    [Element(0, 0x04), Element(0, 0x40), Element(256, 0x05), Element(0, 0x05, text="a\0b")],
)
def test_what_wbxml_cannot_say_is_refused(wrong: Element) -> None:
    with pytest.raises(ValueError):
        encode(wrong)


def test_a_document_without_root_is_refused() -> None:
    with pytest.raises(ValueError):
        encode(decode(b""))


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(KeyError):
        element("Ping:Pong")


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, b"\x00"), (127, b"\x7f"), (128, b"\x81\x00"), (0xA0, b"\x81\x20"), (2**32 - 1, b"\x8f\xff\xff\xff\x7f")],
)
def test_integers_have_seven_bits_a_byte(value: int, expected: bytes) -> None:
    assert integer(value) == expected
