"""Names and kinds of folders, as the FolderSyncs of each session tell them over time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from dissectors.eas.commands.foldersync import FOLDER_TYPES, Folder, FolderSyncResponse

UNTOLD_TYPES = frozenset((1, 18))  # "user folder" and "unknown": the Sync's own Class says more
MAX_TOLD = 1_000_000  # folder names kept; beyond, later FolderSyncs are not used


class Told(NamedTuple):
    """What one FolderSync said of one folder."""

    time_ns: int
    name: str | None
    folder_type: int | None


class Folders:
    """What was told, by session and folder id. A deleted folder keeps its name for the Syncs before."""

    def __init__(self) -> None:
        self._told: list[tuple[int, str, Told]] = []
        self._by_folder: dict[tuple[int, str], list[Told]] = {}

    def add(self, session: int, time_ns: int, answer: FolderSyncResponse) -> None:
        for folder in (*answer.added, *answer.updated):
            self._add(session, time_ns, folder)

    def _add(self, session: int, time_ns: int, folder: Folder) -> None:
        if folder.server_id is not None and len(self._told) < MAX_TOLD:
            self._told.append((session, folder.server_id, Told(time_ns, folder.name, folder.folder_type)))

    def join(self, sessions: Sequence[int]) -> None:
        """Put the tellings in order. `sessions`: provisional → joined number."""
        for session, folder_id, told in sorted(self._told, key=lambda item: item[2].time_ns):
            self._by_folder.setdefault((sessions[session], folder_id), []).append(told)
        self._told.clear()

    def tellings(self, session: int, folder_id: str | None) -> list[Told]:
        """What was told of a folder, in order of time."""
        return self._by_folder.get((session, folder_id), []) if folder_id is not None else []


def told_at(tellings: list[Told], time_ns: int) -> Told | None:
    """The newest telling up to a time, else the first one after: a folder rarely changes its name."""
    if not tellings:
        return None
    return tellings[max(0, bisect_right(tellings, time_ns, key=lambda told: told.time_ns) - 1)]


def kind_of(told: Told | None, folder_class: str | None) -> str | None:
    """The kind of a folder in words: from its type, else from the Class that a Sync states."""
    stated = folder_class.lower() if folder_class else None
    if told is None or told.folder_type is None or (told.folder_type in UNTOLD_TYPES and stated):
        return stated
    return FOLDER_TYPES.get(told.folder_type, f"unknown ({told.folder_type})")
