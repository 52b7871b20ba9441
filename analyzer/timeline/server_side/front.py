"""The devices' side, as the tables show it: which waits of whom were pending when, and which Syncs came when."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import NamedTuple

from analyzer.tables import read
from analyzer.timeline.names import bare

LOOK_BACK = 8  # waits of one device before a moment that can still be pending then (HTTP/2, several connections)


class HeldWait(NamedTuple):
    """One wait."""

    start_ns: int
    end_ns: int  # of the capture, where its end is not visible
    heartbeat_id: int
    session: int
    connection_id: int
    outcome: str | None
    woke: bool  # a Ping that was answered because of a change
    folders: tuple[str, ...]  # ids that it watches


class FetchedSync(NamedTuple):
    """One Sync."""

    start_ns: int
    done_ns: int | None  # end of its answer
    transaction_id: int
    items: int  # that it brought


class Front:
    """Waits and Syncs by session, and who the sessions are."""

    def __init__(self, tables: Mapping[str, read.Source], end_ns: int) -> None:
        self.waits: dict[int, list[HeldWait]] = {}  # by session, in order of start
        self._starts: dict[int, list[int]] = {}
        self.syncs: dict[int, list[FetchedSync]] = {}
        self._sync_starts: dict[int, list[int]] = {}
        self._with_items: dict[int, list[FetchedSync]] = {}
        self.users: dict[str, list[int]] = {}  # bare name → sessions
        self.began: list[HeldWait] = []  # all waits in order of start
        self.wakes: list[tuple[int, int]] = []  # (time of the answer, session) of all that told of changes, in order
        self._names: dict[tuple[int, str], str] = {}  # (session, collection) → lower-case name
        self._read_waits(tables["heartbeats"], end_ns)
        self._read_syncs(tables["transactions"], tables["sync_sizes"])
        sessions = tables["sessions"]
        for number, user in zip(read.values(sessions, "session_id"), read.values(sessions, "user"), strict=True):
            name = bare(user)
            if name is not None and number in self.waits:
                self.users.setdefault(name, []).append(number)
        self.began_ns = [wait.start_ns for wait in self.began]
        self.wakes_ns = [time for time, _ in self.wakes]

    def pending(self, session: int, time_ns: int, grace_ns: int = 0) -> HeldWait | None:
        """The wait of a session that was pending at a time, or began so soon after it: the newest of several."""
        waits, starts = self.waits.get(session, []), self._starts.get(session, [])
        place = bisect_right(starts, time_ns + grace_ns)
        for wait in reversed(waits[max(0, place - LOOK_BACK) : place]):
            if wait.end_ns >= time_ns:
                return wait
        return None

    def sync_after(self, session: int, time_ns: int) -> FetchedSync | None:
        """The first Sync from a time on, if no other wait begins before it."""
        syncs = self.syncs.get(session, [])
        place = bisect_left(self._sync_starts.get(session, []), time_ns)
        if place == len(syncs):
            return None
        waits = self._starts.get(session, [])
        later = bisect_right(waits, time_ns)
        return None if later < len(waits) and waits[later] < syncs[place].start_ns else syncs[place]

    def items_after(self, session: int, time_ns: int) -> FetchedSync | None:
        """The first Sync from a time on that brought something."""
        syncs = self._with_items.get(session, [])
        place = bisect_left(syncs, time_ns, key=lambda sync: sync.start_ns)
        return syncs[place] if place < len(syncs) else None

    def watches(self, wait: HeldWait, folder_name: str) -> bool:
        """Whether the wait watches a folder of this name; folders without a known name do not count."""
        return any(self._names.get((wait.session, folder)) == folder_name for folder in wait.folders)

    def knows_names(self, wait: HeldWait) -> bool:
        """Whether all folders that it watches have known names."""
        return bool(wait.folders) and all((wait.session, folder) in self._names for folder in wait.folders)

    def _read_waits(self, beats: read.Source, end_ns: int) -> None:
        names = (
            "start",
            "end",
            "heartbeat_id",
            "session_id",
            "connection_id",
            "outcome",
            "kind",
            "monitored_folders",
        )
        for start, end, number, session, connection, outcome, kind, folders in zip(
            *(read.values(beats, name) for name in names), strict=True
        ):
            if session is None or start is None:
                continue
            woke = outcome == "changes" and kind == "ping"
            end = end_ns if end is None else end
            wait = HeldWait(start, end, number, session, connection, outcome, woke, tuple(folders or ()))
            self.waits.setdefault(session, []).append(wait)
            self.began.append(wait)
            if woke:
                self.wakes.append((end, session))
        self.began.sort()
        self.wakes.sort()
        for session, waits in self.waits.items():
            waits.sort()
            self._starts[session] = [wait.start_ns for wait in waits]

    def _read_syncs(self, sent: read.Source, sizes: read.Source) -> None:
        items: dict[int, int] = {}
        names = ("transaction_id", "session_id", "collection_id", "folder_name", "adds", "changes", "deletes")
        for number, session, folder, name, *counts in zip(*(read.values(sizes, name) for name in names), strict=True):
            items[number] = items.get(number, 0) + sum(count or 0 for count in counts)
            if name and folder and session is not None:
                self._names[session, folder] = name.lower()
        asked = ("request_start", "response_end", "transaction_id", "session_id", "command")
        for start, done, number, session, command in zip(*(read.values(sent, name) for name in asked), strict=True):
            if command == "Sync" and session is not None and start is not None:
                sync = FetchedSync(start, done, number, items.get(number, 0))
                self.syncs.setdefault(session, []).append(sync)
        for session, syncs in self.syncs.items():
            syncs.sort(key=lambda sync: sync.start_ns)
            self._sync_starts[session] = [sync.start_ns for sync in syncs]
            self._with_items[session] = [sync for sync in syncs if sync.items]
