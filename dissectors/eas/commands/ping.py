"""Ping: the wait of Direct Push. The device asks to be told of changes in some folders within a time.

Specification: MS-ASCMD 2.2.1.13; 2.2.3.177.11 for the status. Every part of the request may be left out after the first
one, even the body: the server then uses what it has stored for this user and device.

Pings are most of the traffic and mostly the same few bodies: small ones are parsed once and remembered.
"""

from functools import lru_cache
from typing import NamedTuple

from dissectors.eas.codepages import key
from dissectors.eas.numbers import number
from dissectors.eas.oddity import Oddity
from dissectors.eas.walk import CLOSE, OPEN, Walk

MAX_CACHED_BYTES = 1024  # of a body; larger ones are parsed each time
MAX_CACHED_BODIES = 4096

PING = key("Ping:Ping")
STATUS = key("Ping:Status")
HEARTBEAT_INTERVAL = key("Ping:HeartbeatInterval")
FOLDERS = key("Ping:Folders")
FOLDER = key("Ping:Folder")
ID = key("Ping:Id")
CLASS = key("Ping:Class")
MAX_FOLDERS = key("Ping:MaxFolders")


class PingFolder(NamedTuple):
    """A folder to watch."""

    id: str | None
    folder_class: str | None  # Email, Calendar, Contacts, Tasks, Notes


class PingRequest(NamedTuple):
    """What the device asks for; None: not said, the stored value holds."""

    heartbeat_s: int | None
    folders: tuple[PingFolder, ...] | None
    empty: bool  # no body at all
    complete: bool
    oddities: tuple[Oddity, ...]


class PingResponse(NamedTuple):
    """What the server answers."""

    status: int | None
    changed: tuple[str, ...]  # ids of the folders with changes
    heartbeat_s: int | None  # with status 5: the nearest interval it allows
    max_folders: int | None  # with status 6
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "Ping"


def read_request(body: bytes) -> PingRequest | None:
    """The request in a body; None when the body is not a Ping."""
    return _cached_request(body) if len(body) <= MAX_CACHED_BYTES else _read_request(body)


def read_response(body: bytes) -> PingResponse | None:
    """The response in a body; None when the body is not a Ping."""
    return _cached_response(body) if len(body) <= MAX_CACHED_BYTES else _read_response(body)


def _read_request(body: bytes) -> PingRequest | None:
    if not body:
        return PingRequest(None, None, True, True, ())
    events = Walk(body)
    heartbeat_s: int | None = None
    folders: list[PingFolder] | None = None
    folder_id = folder_class = None
    for kind, depth, tag, text, _, start, _ in events:
        if depth == 1:
            if tag != PING:
                return None
        elif depth == 2:
            if tag == FOLDERS:
                folders = [] if folders is None else folders
            elif tag == HEARTBEAT_INTERVAL and kind != OPEN:
                heartbeat_s = number(events, text, start)
        elif depth == 3:
            if tag == FOLDER and kind == CLOSE and folders is not None:
                folders.append(PingFolder(folder_id, folder_class))
                folder_id = folder_class = None
        elif depth == 4 and kind != OPEN:
            if tag == ID:
                folder_id = events.text(text)
            elif tag == CLASS:
                folder_class = events.text(text)
    watched = None if folders is None else tuple(folders)
    return PingRequest(heartbeat_s, watched, False, events.complete, events.oddities)


def _read_response(body: bytes) -> PingResponse | None:
    if not body:
        return PingResponse(None, (), None, None, True, (Oddity("eas_ping_without_answer", "an empty Ping answer"),))
    events = Walk(body)
    status: int | None = None
    heartbeat_s: int | None = None
    max_folders: int | None = None
    changed: list[str] = []
    for kind, depth, tag, text, _, start, _ in events:
        if depth == 1:
            if tag != PING:
                return None
        elif kind == OPEN:
            continue
        elif tag == FOLDER:
            if folder := events.text(text):
                changed.append(folder)
        elif tag == STATUS:
            status = number(events, text, start)
        elif tag == HEARTBEAT_INTERVAL:
            heartbeat_s = number(events, text, start)
        elif tag == MAX_FOLDERS:
            max_folders = number(events, text, start)
    return PingResponse(status, tuple(changed), heartbeat_s, max_folders, events.complete, events.oddities)


_cached_request = lru_cache(MAX_CACHED_BODIES)(_read_request)
_cached_response = lru_cache(MAX_CACHED_BODIES)(_read_response)
