"""The two tables under the verdict: a row for each device, a row for each folder of a device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyzer.findings.about import grade_of, nanoseconds
from analyzer.findings.case import CLOSED, DEVICE, DIED, LIVED, OWN, PROXY, RESET, SILENT, UNKNOWN, Case
from analyzer.findings.words import listed, plain, span, spans

if TYPE_CHECKING:
    import pandas as pd

_WAYS = {SILENT: "silent", RESET: "reset", PROXY: "error page", CLOSED: "closed", DEVICE: "device went away"}
_ENDERS = {"server_side": "server's side", "middlebox": "a box on the way", "path": "path", "client": "device"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """One session (a user and device on one server), or one address whose traffic stayed encrypted."""

    session_id: int | None
    device: str  # what a person calls it: type and user or the end of its id, or its address
    waits: int  # push waits of any kind
    lived: int  # answered: expired or changes
    died: int  # premature teardown
    ended_itself: int  # the device gave the wait up for reasons of its own
    unknown: int  # no saying: capture ended, bytes missing, encrypted
    asked_s: float | None  # the longest interval it asked for
    lived_s: float | None  # the longest of its waits that was answered
    ended_by: str  # who ended the dead ones and how, in words; "-" when none died
    grade: str  # how sure that is: "proven", "likely", "possible", "unknown"; "" when none died
    timer_low_s: float | None  # longest idle wait that survived
    timer_high_s: float | None  # shortest idle that did not; None: none died
    timer: str  # the two as words: "298-302 s", "> 480 s", "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderRow:
    """One folder of one session."""

    session_id: int | None
    device: str
    folder: str  # its name, or its id where no FolderSync gave the name
    folder_class: str | None
    syncs: int
    items: int | None  # added, changed and deleted by either side
    down_wire_bytes: int | None
    down_bytes: int | None  # decoded
    up_bytes: int | None  # decoded
    largest_bytes: int | None  # the largest single answer, decoded
    largest_time_ns: int | None
    largest_frame: int | None


def devices(case: Case) -> Iterator[DeviceRow]:
    """Those with most deaths first, then those with most waits."""
    names = ["who", "fate", "way", "x_s", "requested_s", "held_s", "ended_by", "evidence_grade"]
    groups = [(who, waits) for who, waits in case.waits[names].groupby("who", dropna=False)]
    for who, waits in sorted(groups, key=lambda group: (-int((group[1]["fate"] == DIED).sum()), -len(group[1]))):
        fates = waits["fate"].value_counts()
        died = waits[waits["fate"] == DIED]
        low = waits[waits["fate"] == LIVED]["x_s"].max()
        high = died[~died["way"].isin([DEVICE, CLOSED])]["x_s"].min()  # those are no timer's work
        yield DeviceRow(
            session_id=who if isinstance(who, int) else None,
            device=case.device(who),
            waits=len(waits),
            lived=int(fates.get(LIVED, 0)),
            died=len(died),
            ended_itself=int(fates.get(OWN, 0)),
            unknown=int(fates.get(UNKNOWN, 0)),
            asked_s=_number(waits["requested_s"].max()),
            lived_s=_number(waits[waits["fate"] == LIVED]["held_s"].max()),
            ended_by=_ended_by(died),
            grade=grade_of(died) if len(died) else "",
            timer_low_s=_number(low),
            timer_high_s=_number(high),
            timer=_timer(_number(low), _number(high)),
        )


def folders(case: Case) -> Iterator[FolderRow]:
    """Those that brought most bytes first."""
    import pandas as pd

    sizes = case.tables["sync_sizes"]
    if not len(sizes):
        return
    names = ["adds", "changes", "deletes", "client_adds", "client_changes", "client_deletes"]
    keys = [sizes["session_id"].astype(object), sizes["collection_id"].astype(object)]
    items = sizes[names].fillna(0).sum(axis=1).where(sizes[names].notna().any(axis=1))
    rows = []
    shown = ["folder_name", "folder_class", "download_wire_bytes", "download_bytes", "upload_bytes"]
    sizes = sizes[[*shown, "time", "response_frame"]].assign(items=items)
    parts: list[tuple[Any, pd.DataFrame]] = list(sizes.groupby(keys, dropna=False))
    for (session, collection), part in parts:
        largest = frame = None
        if part["download_bytes"].notna().any():
            largest = part.iloc[int(part["download_bytes"].fillna(-1).to_numpy(dtype="int64").argmax())]
            frame = largest["response_frame"]
        folder_names = part["folder_name"].dropna()
        classes = part["folder_class"].dropna()
        rows.append(
            FolderRow(
                session_id=None if pd.isna(session) else int(session),
                device=case.device(session),
                folder=plain(str(folder_names.iloc[-1])) if len(folder_names) else _unnamed(collection),
                folder_class=plain(str(classes.iloc[-1])) if len(classes) else None,
                syncs=len(part),
                items=_sum(part["items"]),
                down_wire_bytes=_sum(part["download_wire_bytes"]),
                down_bytes=_sum(part["download_bytes"]),
                up_bytes=_sum(part["upload_bytes"]),
                largest_bytes=None if largest is None else int(largest["download_bytes"]),
                largest_time_ns=None if largest is None else nanoseconds(largest["time"]),
                largest_frame=None if frame is None or pd.isna(frame) else int(frame),
            )
        )
    yield from sorted(rows, key=lambda row: -(row.down_bytes or 0))


def _ended_by(died: pd.DataFrame) -> str:
    """path, silent; server's side, closed: the ways in which waits died, most frequent first."""
    if not len(died):
        return "-"
    enders = died["ended_by"].astype(object).map(_ENDERS).fillna("unknown")
    pairs = (enders + ", " + died["way"].map(_WAYS).astype(object)).value_counts()
    return listed(pairs.index, 2)


def _timer(low: float | None, high: float | None) -> str:
    if high is None:
        return "-" if low is None else f"> {span(low)}"
    if low is None:
        return f"< {span(high)}"
    return spans(low, high) if low <= high else "no single timer"


def _unnamed(collection: Any) -> str:
    return f"folder {plain(collection)}" if isinstance(collection, str) else "folder without id"


def _number(value: Any) -> float | None:
    import pandas as pd

    return None if pd.isna(value) else float(value)


def _sum(column: pd.Series[Any]) -> int | None:
    return int(column.sum()) if column.notna().any() else None
