"""What the lab's device and server say to each other: Exchange ActiveSync bodies (MS-ASCMD), made with our own encoder.

Only what a wait needs: FolderSync, Sync (also one that hangs) and Ping. Everything in a body is invented.
"""

from __future__ import annotations

from dissectors.eas.wbxml import Element, decode
from dissectors.eas.wbxml_encode import element, encode

PATH = "/Microsoft-Server-ActiveSync"
CONTENT_TYPE = "application/vnd.ms-sync.wbxml"
FOLDERS = {"5": ("Inbox", 2), "6": ("Sent", 5), "7": ("Calendar", 8)}
EXPIRED, CHANGED = 1, 2


def foldersync_request() -> bytes:
    return encode(element("FolderHierarchy:FolderSync", element("FolderHierarchy:SyncKey", "0")))


def foldersync_response() -> bytes:
    adds = [
        element(
            "FolderHierarchy:Add",
            element("FolderHierarchy:ServerId", number),
            element("FolderHierarchy:ParentId", "0"),
            element("FolderHierarchy:DisplayName", name),
            element("FolderHierarchy:Type", kind),
        )
        for number, (name, kind) in FOLDERS.items()
    ]
    changes = element("FolderHierarchy:Changes", element("FolderHierarchy:Count", len(adds)), *adds)
    return encode(
        element(
            "FolderHierarchy:FolderSync",
            element("FolderHierarchy:Status", 1),
            element("FolderHierarchy:SyncKey", "1"),
            changes,
        )
    )


def sync_request(folder: str, key: str, interval_s: int | None) -> bytes:
    """A Sync of one folder; with an interval the server is asked to hold it until something changes."""
    collection = element(
        "AirSync:Collection",
        element("AirSync:SyncKey", key),
        element("AirSync:CollectionId", folder),
        element("AirSync:GetChanges"),
        element("AirSync:WindowSize", 25),
    )
    held = [] if interval_s is None else [element("AirSync:HeartbeatInterval", interval_s)]
    return encode(element("AirSync:Sync", element("AirSync:Collections", collection), *held))


def sync_response(folder: str, key: str, mails: int) -> bytes:
    adds = [
        element(
            "AirSync:Add",
            element("AirSync:ServerId", f"{folder}:{key}{number}"),
            element(
                "AirSync:ApplicationData",
                element("Email:From", "lab@example.test"),
                element("Email:Subject", f"Invented mail {number} " + "x" * (300 * number % 1700)),
            ),
        )
        for number in range(mails)
    ]
    commands = [element("AirSync:Commands", *adds)] if adds else []
    collection = element(
        "AirSync:Collection",
        element("AirSync:SyncKey", key),
        element("AirSync:CollectionId", folder),
        element("AirSync:Status", 1),
        *commands,
    )
    return encode(element("AirSync:Sync", element("AirSync:Collections", collection)))


def ping_request(interval_s: int, folders: list[str]) -> bytes:
    watched = [element("Ping:Folder", element("Ping:Id", number), element("Ping:Class", "Email")) for number in folders]
    return encode(
        element("Ping:Ping", element("Ping:HeartbeatInterval", interval_s), element("Ping:Folders", *watched))
    )


def ping_response(status: int, folders: list[str]) -> bytes:
    changed = [element("Ping:Folders", *(element("Ping:Folder", number) for number in folders))] if folders else []
    return encode(element("Ping:Ping", element("Ping:Status", status), *changed))


def text_of(body: bytes, name: str) -> str | None:
    """The text of the first element of that name, at any depth."""
    root = decode(body).root
    waiting: list[Element] = [] if root is None else [root]
    while waiting:
        tree = waiting.pop(0)
        if tree.name == name:
            return tree.text
        waiting += tree.children
    return None
