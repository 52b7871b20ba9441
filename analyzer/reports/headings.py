"""What the headings of the printed tables mean and which columns they are made of: `directpush explain asked`.

A heading is a short word for several columns or for a part of one. Its meaning is said here, theirs in the catalog.
"""

from __future__ import annotations

from typing import NamedTuple


class Heading(NamedTuple):
    """One heading."""

    words: tuple[str, ...]  # what people may ask for; the first is the heading itself
    of: str  # the table it stands over
    meaning: str
    columns: tuple[str, ...]  # "table.column" or "table" that it is made from


_DEVICES = "the summary's devices"
_FOLDERS = "the summary's folders"
_WAITS = "the summary's waits, --verbose"
_PAIRS = "directpush pair"
_ITEMS = ("adds", "changes", "deletes", "client_adds", "client_changes", "client_deletes")

HEADINGS: tuple[Heading, ...] = (
    Heading(
        ("device", "devices"),
        _DEVICES,
        "What a person would call it: its type, and its user or the end of its id. Where the traffic stayed encrypted "
        "it is the address.",
        ("sessions.device_type", "sessions.user", "sessions.device_id"),
    ),
    Heading(
        ("push waits", "waits", "push wait"),
        _DEVICES,
        "How many requests of the device the server was asked to hold, of any kind.",
        ("heartbeats.kind", "heartbeats"),
    ),
    Heading(
        ("asked → lived", "asked", "asked -> lived"),
        _DEVICES,
        "Asked: the longest time that the device asked the server to hold a wait. A question mark: not known.",
        ("heartbeats.requested_s",),
    ),
    Heading(
        ("asked → lived", "lived", "asked -> lived"),
        _DEVICES,
        "Lived: the longest of its waits that was answered. Much less than asked, and waits that died: something cuts "
        "them. Less, and none died: mail came first.",
        ("heartbeats.held_s", "heartbeats.outcome"),
    ),
    Heading(
        ("died",),
        _DEVICES,
        "How many of its waits were cut before they were answered.",
        ("teardowns.premature",),
    ),
    Heading(
        ("ended by",),
        _DEVICES,
        "Who ended the waits that died and how, the most frequent first; in brackets how sure that is. A dash: none "
        "died.",
        ("teardowns.ended_by", "teardowns.mechanism", "teardowns.evidence_grade"),
    ),
    Heading(
        ("timer", "timers", "idle timer"),
        _DEVICES,
        "The idle timer of the path on which the device waited, as the waits of all devices on that path tell it: it "
        "lies in this interval. With > none died, with < none lived, a dash: nothing tells. The whole row is in the "
        "table idle_timeouts.",
        ("heartbeats.path", "idle_timeouts.low_s", "idle_timeouts.high_s"),
    ),
    Heading(
        ("folder", "folders"),
        _FOLDERS,
        "Name of the folder; its id where the capture does not show the name.",
        ("sync_sizes.folder_name", "sync_sizes.collection_id"),
    ),
    Heading(("syncs", "sync"), _FOLDERS, "How many Syncs named the folder.", ("sync_sizes",)),
    Heading(
        ("items",),
        _FOLDERS,
        "Items that either side added, changed or deleted.",
        tuple(f"sync_sizes.{name}" for name in _ITEMS),
    ),
    Heading(
        ("down (wire → decoded)", "down", "wire", "decoded", "wire → decoded", "wire -> decoded"),
        _FOLDERS,
        "What the server sent for the folder: on the wire, encrypted and perhaps compressed, and decoded.",
        ("sync_sizes.download_wire_bytes", "sync_sizes.download_bytes"),
    ),
    Heading(
        ("up",),
        _FOLDERS,
        "What the device sent for the folder, decoded.",
        ("sync_sizes.upload_bytes",),
    ),
    Heading(
        ("largest",),
        _FOLDERS,
        "The largest single answer for the folder, decoded; when it was asked for, and the frame it begins in.",
        ("sync_sizes.download_bytes", "sync_sizes.time", "sync_sizes.response_frame"),
    ),
    Heading(("wait",), _WAITS, "Number of the wait.", ("heartbeats.heartbeat_id",)),
    Heading(("start (UTC)", "start"), _WAITS, "When the wait began, in UTC.", ("heartbeats.start",)),
    Heading(("asked",), _WAITS, "How long the wait was asked for.", ("heartbeats.requested_s",)),
    Heading(("held",), _WAITS, "How long it was held.", ("heartbeats.held_s",)),
    Heading(("outcome",), _WAITS, "What became of it.", ("heartbeats.outcome",)),
    Heading(
        ("frames",),
        _WAITS,
        "The frame that ends the request, and the one that ends the wait.",
        ("heartbeats.request_frame", "heartbeats.end_frame"),
    ),
    Heading(
        ("device's side", "server's side"),
        _PAIRS,
        "The same connection as each capture shows it: the client's address and port there.",
        (),
    ),
    Heading(
        ("same by",), _PAIRS, "What shows that the two are one connection: TLS, TCP, or what was sent through it.", ()
    ),
    Heading(
        ("up", "down"),
        _PAIRS,
        "Packets from the device (up) and from the server (down): how many arrived of how many were sent. With a "
        "bar: the packets on each side of a proxy.",
        (),
    ),
    Heading(("silence",), _PAIRS, "How long nothing was sent before the connection ended. A dash: not known.", ()),
    Heading(("ended by",), _PAIRS, "Who ended the connection, as both captures together show it, and how sure.", ()),
)


def about(word: str) -> list[Heading]:
    """The headings that are, or hold, this word (in lower case)."""
    return [heading for heading in HEADINGS if word in (known.lower() for known in heading.words)]
