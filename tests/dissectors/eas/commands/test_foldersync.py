"""FolderSync: the whole hierarchy, changes, odd answers."""

from hypothesis import given
from hypothesis import strategies as st

from dissectors.eas.commands import foldersync
from dissectors.eas.commands.foldersync import Folder, FolderSyncResponse
from dissectors.eas.wbxml import Element
from dissectors.eas.wbxml_encode import element, encode


def e(name: str, *content: Element | str | int) -> Element:
    return element(f"FolderHierarchy:{name}", *content)


def folder(change: str, server_id: str, name: str, folder_type: int) -> Element:
    return e(change, e("ServerId", server_id), e("ParentId", "0"), e("DisplayName", name), e("Type", folder_type))


def response(*content: Element) -> FolderSyncResponse:
    found = foldersync.read_response(encode(e("FolderSync", *content)))
    assert found is not None
    return found


def test_a_request_has_its_key() -> None:
    found = foldersync.read_request(encode(e("FolderSync", e("SyncKey", "0"))))
    assert found is not None
    assert (found.sync_key, found.empty, found.complete) == ("0", False, True)


def test_an_answer_lists_what_was_added_updated_and_deleted() -> None:
    found = response(
        e("Status", 1),
        e("SyncKey", "{g}2"),
        e(
            "Changes",
            e("Count", 3),
            folder("Add", "i/1", "Inbox & more", 2),
            folder("Update", "i/2", "Projekte", 12),
            e("Delete", e("ServerId", "i/3")),
        ),
    )
    assert (found.status, found.sync_key, found.count) == (1, "{g}2", 3)
    assert found.added == (Folder("i/1", "0", "Inbox & more", 2),)
    assert found.updated == (Folder("i/2", "0", "Projekte", 12),)
    assert found.deleted == ("i/3",)
    assert found.complete


def test_a_folder_does_not_inherit_from_the_one_before() -> None:
    found = response(e("Changes", folder("Add", "1", "Inbox", 2), e("Add", e("ServerId", "2"))))
    assert found.added[1] == Folder("2", None, None, None)


def test_a_refusal_has_only_its_status() -> None:
    found = response(e("Status", 9))
    assert (found.status, found.sync_key, found.count, found.added) == (9, None, None, ())


def test_another_root_is_not_a_foldersync() -> None:
    other = encode(e("FolderCreate", e("Status", 1)))
    assert foldersync.read_request(other) is None
    assert foldersync.read_response(other) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_read(inside: bytes) -> None:
    for start in (b"", b"\x03\x01\x6a\x00\x00\x07\x56", b"\x03\x01\x6a\x00\x00\x07\x56\x4e\x4f"):
        foldersync.read_request(start + inside)
        foldersync.read_response(start + inside)
