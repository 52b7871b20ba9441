"""Ping: the wait of Direct Push. The device asks to be told of changes in some folders within a time.

Specification: MS-ASCMD 2.2.1.13; 2.2.3.177.11 for the status. Every part of the request may be left out after the first
one, even the body: the server then uses what it has stored for this user and device.

Pings are most of the traffic. So small bodies are parsed once and remembered, and those that hold nothing but the usual
elements in the usual order are read by a pattern instead of a walk.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from dissectors.eas.codepages import key
from dissectors.eas.numbers import number
from dissectors.eas.oddity import Oddity
from dissectors.eas.walk import CLOSE, END, HAS_CONTENT, OPEN, STR_I, SWITCH_PAGE, USUAL_HEADER, Walk, is_wbxml

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


def _opening(tag: int) -> bytes:
    return re.escape(bytes((tag & 0xFF | HAS_CONTENT,)))


def _string(tag: int, text: bytes) -> bytes:
    """An element that holds one string."""
    return _opening(tag) + re.escape(bytes((STR_I,))) + text + re.escape(bytes((0, END)))


def _folder(text: bytes) -> bytes:
    """A folder of a request."""
    return _opening(FOLDER) + _string(ID, text) + b"(?:" + _string(CLASS, text) + b")?+" + _END


def _folders_of(one: bytes) -> bytes:
    """All folders, if there are any, as a group."""
    return b"(?:" + _opening(FOLDERS) + b"((?:" + one + b")++)" + _END + b")?+"


_END = re.escape(bytes((END,)))
_START = re.escape(USUAL_HEADER + bytes((SWITCH_PAGE, PING >> 8))) + _opening(PING)
_DIGITS, _TEXT = rb"([0-9]{1,10}+)", rb"[!-~]++"
_INTERVAL = b"(?:" + _string(HEARTBEAT_INTERVAL, _DIGITS) + b")?+"
_usual_request = re.compile(_START + _INTERVAL + _folders_of(_folder(_TEXT)) + _END).fullmatch
_usual_response = re.compile(_START + _string(STATUS, _DIGITS) + _folders_of(_string(FOLDER, _TEXT)) + _END).fullmatch
_each_folder = re.compile(_folder(b"(" + _TEXT + b")")).findall
_each_change = re.compile(_string(FOLDER, b"(" + _TEXT + b")")).findall


def read_request(body: bytes, *_ignored: object) -> PingRequest | None:
    """The request in a body; None when the body is not a Ping."""
    return _cached_request(body) if len(body) <= MAX_CACHED_BYTES else _read_request(body)


def read_response(body: bytes, *_ignored: object) -> PingResponse | None:
    """The response in a body; None when the body is not a Ping."""
    return _cached_response(body) if len(body) <= MAX_CACHED_BYTES else _read_response(body)


def _read_request(body: bytes) -> PingRequest | None:
    if not body:
        return PingRequest(None, None, True, True, ())
    if usual := _usual_request(body):
        interval, listed = usual.groups()
        return PingRequest(int(interval) if interval else None, _folders(listed) if listed else None, False, True, ())
    return _walk_request(body)


@lru_cache(MAX_CACHED_BODIES)
def _folders(listed: bytes) -> tuple[PingFolder, ...]:
    """The folders in the part of a usual request that lists them."""
    return tuple([PingFolder(name.decode(), kind.decode() or None) for name, kind in _each_folder(listed)])


def _walk_request(body: bytes) -> PingRequest | None:
    if not is_wbxml(body):
        return None
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
    if usual := _usual_response(body):
        status, listed = usual.groups()
        changed = tuple([name.decode() for name in _each_change(listed)]) if listed else ()
        return PingResponse(int(status), changed, None, None, True, ())
    return _walk_response(body)


def _walk_response(body: bytes) -> PingResponse | None:
    if not is_wbxml(body):
        return None
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
