"""GetHierarchy: all folders for mail, up to 12.1; FolderSync does it from 2.1 on.

Specification: MS-ASCMD 2.2.1.8 (of the issues that still had it). The request has no body; a failure is an HTTP 500.
The names of the folders stay behind.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity

FOLDERS = key("FolderHierarchy:Folders")
FOLDER = key("FolderHierarchy:Folder")
SERVER_ID = key("FolderHierarchy:ServerId")
PARENT_ID = key("FolderHierarchy:ParentId")
TYPE = key("FolderHierarchy:Type")


class HierarchyFolder(NamedTuple):
    """A folder."""

    server_id: str | None
    parent_id: str | None  # "0": at the top
    folder_type: int | None  # see foldersync.FOLDER_TYPES


class GetHierarchyRequest(NamedTuple):
    """Says nothing but that it asks."""

    empty: bool
    complete: bool
    oddities: tuple[Oddity, ...]


class GetHierarchyResponse(NamedTuple):
    """All folders."""

    folders: tuple[HierarchyFolder, ...]
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "GetHierarchy"


def read_request(body: bytes, *_ignored: object) -> GetHierarchyRequest | None:
    """The request; None when there is a body, which it must not have."""
    return None if body else GetHierarchyRequest(empty=True, complete=True, oddities=())


def read_response(body: bytes, *_ignored: object) -> GetHierarchyResponse | None:
    """The response in a body; None when the body is not a list of folders."""
    found = tree.read(body, FOLDERS)
    if found is None:
        return None
    folders = [
        HierarchyFolder(found.text(each, SERVER_ID), found.text(each, PARENT_ID), found.number(each, TYPE))
        for each in found.children(found.root, FOLDER)
    ]
    return GetHierarchyResponse(folders=tuple(folders), complete=found.complete, oddities=found.oddities)
