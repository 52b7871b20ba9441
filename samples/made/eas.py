"""What the device and the front-end say to each other: Exchange ActiveSync 2.5 in plain HTTP.

As it is behind the proxy that ends TLS. Bodies come from our own encoder (MS-ASWBXML), the grammar from MS-ASCMD, the
headers from MS-ASHTTP; who speaks is invented.
"""

from __future__ import annotations

from dissectors.eas.wbxml import Element
from dissectors.eas.wbxml_encode import element, encode

USER = "anna"
DEVICE_ID = "6F24CAD599A5BF1A690246B8C68FAE8D"
HOST = "mail.corp.example"
FOLDERS = {"5": ("Inbox", 2, "Email"), "1": ("Calendar", 8, "Calendar")}
EXPIRED, CHANGES = 1, 2


def request(command: str, body: bytes, user: str = USER, device_id: str = DEVICE_ID) -> bytes:
    """The password in it is invented, too: it says so."""
    head = (
        f"POST /Microsoft-Server-ActiveSync?User={user}&DeviceId={device_id}&DeviceType=PocketPC&Cmd={command} "
        "HTTP/1.1\r\n"
        f"Host: {HOST}\r\n"
        "Content-Type: application/vnd.ms-sync.wbxml\r\n"
        "MS-ASProtocolVersion: 2.5\r\n"
        "User-Agent: MSFT-PPC/5.1.2301\r\n"
        "Authorization: Basic Y29ycFxpbnZlbnRlZDppbnZlbnRlZA==\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def response(body: bytes) -> bytes:
    head = (
        "HTTP/1.1 200 OK\r\n"
        "Server: Microsoft-IIS/6.0\r\n"
        "MS-Server-ActiveSync: 6.5.7638.1\r\n"
        "Content-Type: application/vnd.ms-sync.wbxml\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def folder_sync() -> tuple[bytes, bytes]:
    """Bodies of request and answer: all folders."""
    adds = [
        element(
            "FolderHierarchy:Add",
            element("FolderHierarchy:ServerId", number),
            element("FolderHierarchy:ParentId", "0"),
            element("FolderHierarchy:DisplayName", name),
            element("FolderHierarchy:Type", kind),
        )
        for number, (name, kind, _) in FOLDERS.items()
    ]
    answer = element(
        "FolderHierarchy:FolderSync",
        element("FolderHierarchy:Status", 1),
        element("FolderHierarchy:SyncKey", 1),
        element("FolderHierarchy:Changes", element("FolderHierarchy:Count", len(adds)), *adds),
    )
    asked = element("FolderHierarchy:FolderSync", element("FolderHierarchy:SyncKey", 0))
    return encode(asked), encode(answer)


def ping(interval_s: int | None, folders: list[str]) -> bytes:
    """The first Ping says all; later ones have an empty body (MS-ASCMD 2.2.1.13)."""
    if interval_s is None:
        return b""
    inside = [
        element("Ping:Folder", element("Ping:Id", folder), element("Ping:Class", FOLDERS[folder][2]))
        for folder in folders
    ]
    return encode(element("Ping:Ping", element("Ping:HeartbeatInterval", interval_s), element("Ping:Folders", *inside)))


def ping_answer(status: int, changed: list[str]) -> bytes:
    folders = [element("Ping:Folders", *[element("Ping:Folder", folder) for folder in changed])] if changed else []
    return encode(element("Ping:Ping", element("Ping:Status", status), *folders))


def sync(keys: dict[str, int], items: dict[str, int]) -> tuple[bytes, bytes]:
    """Bodies of request and answer of a Sync: folders with their keys, and how many new items each has."""
    asked, said = [], []
    for folder, sync_key in keys.items():
        kind = FOLDERS[folder][2]
        asked.append(
            element(
                "AirSync:Collection",
                element("AirSync:Class", kind),
                element("AirSync:SyncKey", sync_key),
                element("AirSync:CollectionId", folder),
                element("AirSync:GetChanges"),
                element("AirSync:WindowSize", 50),
            )
        )
        adds = [_item(folder, sync_key, number) for number in range(items.get(folder, 0))]
        said.append(
            element(
                "AirSync:Collection",
                element("AirSync:Class", kind),
                element("AirSync:SyncKey", sync_key + 1),
                element("AirSync:CollectionId", folder),
                element("AirSync:Status", 1),
                *([element("AirSync:Commands", *adds)] if adds else []),
            )
        )
    return (
        encode(element("AirSync:Sync", element("AirSync:Collections", *asked))),
        encode(element("AirSync:Sync", element("AirSync:Collections", *said))),
    )


def _item(folder: str, sync_key: int, number: int) -> Element:
    if FOLDERS[folder][2] == "Calendar":
        data = [element("Calendar:Subject", f"Invented meeting {sync_key}"), element("Calendar:Location", "Room 3")]
    else:
        data = [element("Email:From", "ben@corp.example"), element("Email:Subject", f"Invented mail {sync_key}")]
    return element(
        "AirSync:Add",
        element("AirSync:ServerId", f"{folder}:{sync_key}{number}"),
        element("AirSync:ApplicationData", *data),
    )
