"""Picking values from trees."""

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.wbxml import Element
from dissectors.eas.wbxml_encode import element, encode

PING, STATUS, FOLDERS, FOLDER, ID = (key(f"Ping:{tag}") for tag in ("Ping", "Status", "Folders", "Folder", "Id"))


def read(*content: Element) -> tree.Tree:
    found = tree.read(encode(element("Ping:Ping", *content)), PING)
    assert found is not None
    return found


def test_children_are_found_by_their_keys() -> None:
    found = read(element("AirSync:Status", 7), element("Ping:Status", 1), element("Ping:Status", 2))
    assert found.number(found.root, STATUS) == 1
    assert [child.text for child in found.children(found.root, STATUS)] == ["1", "2"]
    assert found.text(found.root, FOLDERS) is None


def test_paths_lead_down_and_end_where_something_is_missing() -> None:
    found = read(element("Ping:Folders", element("Ping:Folder", element("Ping:Id", 5))))
    assert found.number(found.root, FOLDERS, FOLDER, ID) == 5
    assert found.number(found.root, FOLDER, FOLDERS, ID) is None
    assert found.number(None, ID) is None
    assert found.children(None, ID) == []
    assert found.texts(None, ID) == ()


def test_elements_on_any_level_come_in_the_order_of_the_body() -> None:
    found = read(
        element("Ping:Id", 1),
        element("Ping:Folders", element("Ping:Id", 2), element("Ping:Folder", element("Ping:Id", 3))),
    )
    assert found.texts(found.root, ID) == ("1", "2", "3")


def test_a_flag_is_true_unless_it_says_0() -> None:
    for text, expected in (("0", False), (" 0", False), ("1", True), ("", True)):
        found = read(element("Ping:Status", text))
        assert found.flag(found.root, STATUS) is expected
    assert read(element("Ping:Status")).flag(read(element("Ping:Status")).root, STATUS)
    assert not read().flag(read().root, STATUS)


def test_a_number_that_is_none_is_noted_once() -> None:
    found = read(element("Ping:Status", "x"), element("Ping:Id", "y"))
    assert (found.number(found.root, STATUS), found.number(found.root, ID)) == (None, None)
    assert [oddity.code for oddity in found.oddities] == ["eas_bad_number"]


def test_only_the_wanted_root_is_read() -> None:
    body = encode(element("AirSync:Sync"))
    assert tree.read(body, PING) is None
    assert tree.read(body, PING, key("AirSync:Sync")) is not None
    assert tree.read(b"<html>", PING) is None
    assert tree.read(b"", PING) is None


def test_a_body_cut_before_its_root_has_nothing_and_says_so() -> None:
    found = tree.read(b"\x03\x01\x6a\x00", PING)
    assert found is not None
    assert (found.root, found.complete) == (None, False)
    assert [oddity.code for oddity in found.oddities] == ["wbxml_truncated"]


def test_sizes_are_those_in_the_body() -> None:
    found = read(element("Ping:Id", "12345"))
    assert tree.size(found.child(found.root, ID)) == 9
    assert tree.size(None) is None
