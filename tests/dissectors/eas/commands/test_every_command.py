"""What must hold for each command: any bytes, cut bodies, other roots, and that nothing personal leaves."""

import random
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors.eas import codepages
from dissectors.eas.commands import Message, all_readers, reader_of
from dissectors.eas.privacy import kind_of
from dissectors.eas.query import COMMAND_CODES, NO_QUERY
from dissectors.eas.wbxml import Element
from dissectors.eas.wbxml_encode import element, encode

READERS = all_readers()

ROOTS = {
    **{
        name: name for name in ("Sync", "Ping", "Provision", "Settings", "Search", "Find", "ItemOperations", "SendMail")
    },
    **{
        name: name
        for name in ("SmartReply", "SmartForward", "MoveItems", "GetItemEstimate", "MeetingResponse", "Notify")
    },
    **{name: name for name in ("ResolveRecipients", "ValidateCert", "FolderSync", "FolderCreate", "FolderDelete")},
    **{"FolderUpdate": "FolderUpdate", "GetHierarchy": "Folders"},
    **{f"{action}Collection": "Response" for action in ("Create", "Delete", "Move")},
}
PAGES = {
    "Sync": "AirSync", "Notify": "AirNotify", "MoveItems": "Move", "Folders": "FolderHierarchy",
    "Response": "FolderHierarchy", "SendMail": "ComposeMail", "SmartReply": "ComposeMail",
    "SmartForward": "ComposeMail",
}  # fmt: skip
WITHOUT_WBXML = {"OPTIONS", "GetAttachment", "Autodiscover"}


def root_of(command: str) -> Element:
    root = ROOTS[command]
    return element(f"{'FolderHierarchy' if root.startswith('Folder') else PAGES.get(root, root)}:{root}")


def both(command: str, body: bytes) -> list[Message]:
    reader = READERS[command]
    found = [reader.read_request(body, NO_QUERY, {}), reader.read_response(body, NO_QUERY, {})]
    return [message for message in found if message is not None]


def test_every_command_of_the_query_has_a_file_and_every_file_a_command() -> None:
    assert set(COMMAND_CODES.values()) | {"Notify", "OPTIONS", "Autodiscover"} == set(READERS)
    assert set(ROOTS) | WITHOUT_WBXML == set(READERS)
    for command, module in READERS.items():
        assert reader_of(command) is module
        assert Path(str(module.__file__)).stem == command.lower()  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", ROOTS)
def test_another_root_is_not_this_command(command: str) -> None:
    mine = root_of(command)
    for other in ROOTS:
        theirs = root_of(other)
        if theirs.key != mine.key and not (command.endswith("Collection") and other == "GetHierarchy"):
            assert READERS[command].read_response(encode(theirs), NO_QUERY, {}) is None


@pytest.mark.parametrize("command", ROOTS)
def test_error_pages_are_not_a_response(command: str) -> None:
    for page in (b"<html>Please log in</html>", b"HTTP Error 503", b"{}"):
        assert READERS[command].read_response(page, NO_QUERY, {}) is None


@pytest.mark.parametrize("command", ROOTS)
def test_a_body_cut_anywhere_is_not_complete(command: str) -> None:
    tree = root_of(command)
    tree.children = [Element(tree.page, token, text="12") for token in codepages.PAGES[tree.page].tags]
    body = encode(tree)
    for length in range(5, len(body)):
        for message in both(command, body[:length]):
            assert message.complete is (type(message).__name__ in ("CollectionRequest",))


@pytest.mark.parametrize("command", ROOTS)
def test_bytes_behind_the_root_are_noted(command: str) -> None:
    message = READERS[command].read_response(encode(root_of(command)) + b"!", NO_QUERY, {})
    assert message is not None
    assert [oddity.code for oddity in message.oddities] == ["wbxml_trailing_bytes"]


HIDDEN = "anna@example"


def any_element(chance: random.Random, keys: list[int], depth: int) -> Element:
    """A tree of these tags, in which everything that must stay behind has the same text."""
    key = chance.choice(keys)
    found = Element(key >> 8, key & 0xFF)
    if depth and chance.random() < 0.6:
        found.children = [any_element(chance, keys, depth - 1) for _ in range(chance.randrange(5))]
    elif kind_of(found.page, found.token) == "open":
        found.text = chance.choice(["0", "1", "480", "0-9", "x"])
    else:
        found.text = HIDDEN
    return found


# FolderSync left out: its answers are read for the names of the folders.
@pytest.mark.parametrize("command", sorted(set(ROOTS) - {"FolderSync"}))
def test_nothing_personal_and_no_secret_is_told(command: str) -> None:
    chance = random.Random(command)
    root = root_of(command)
    keys = [key for key in codepages.NAMES if key >> 8 == root.page and key != root.key]
    keys += [codepages.key(name) for name in ("AirSync:CollectionId", "AirSyncBase:Data", "GAL:Data", "Settings:Set")]
    for _ in range(100):
        root.children = [any_element(chance, keys, 4) for _ in range(6)]
        for message in both(command, encode(root)):
            assert HIDDEN not in repr(message)


@settings(max_examples=300)
@given(st.sampled_from(sorted(READERS)), st.binary(max_size=120))
def test_any_bytes_are_read(command: str, inside: bytes) -> None:
    bodies = [inside, b"\x03\x01\x6a\x00" + inside]
    if command in ROOTS:  # inside of its own root, too: header, page switch, tag with content
        bodies.append(encode(root_of(command))[:-1] + bytes((root_of(command).token | 0x40,)) + inside)
    for body in bodies:
        for message in both(command, body):
            assert isinstance(message.complete, bool)
            assert len(message.oddities) < 20


@pytest.mark.parametrize("command", sorted(ROOTS))
def test_hostile_bodies_take_time_in_proportion(command: str) -> None:
    """Many children of one tag, then many of another: whoever looks for the second anew each time is squared."""
    root = root_of(command)
    tokens = sorted(codepages.PAGES[root.page].tags)

    def seconds(count: int) -> float:
        root.children = [Element(root.page, token, text="1") for token in tokens[:4] for _ in range(count)]
        nested = Element(root.page, root.token, children=root.children)
        root.children = [*root.children, nested]
        body = encode(root)
        begin = time.process_time()
        both(command, body)
        return time.process_time() - begin

    seconds(10)
    few, many = (min(seconds(count) for _ in range(3)) for count in (300, 1500))  # others use the machine too
    assert many < 12 * few + 0.1  # five times the bytes; squared would be 25 times
