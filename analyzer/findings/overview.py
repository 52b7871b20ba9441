"""The two tables under the verdict: a row for each device, a row for each folder of a device; and the words below them:
what was opened and what stayed closed, and what compression saved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer.findings import timers
from analyzer.findings.about import commonest
from analyzer.findings.case import (
    CLOSED,
    DEVICE,
    DIED,
    FATES,
    LIVED,
    PROXY,
    RESET,
    SILENT,
    WAYS,
    Case,
)
from analyzer.findings.words import counted, listed, plain, size
from analyzer.tables import read
from analyzer.tables.builder import NAT

if TYPE_CHECKING:
    import numpy.typing as npt

REASONS = 3  # why connections stayed closed: so many are named
WORTH_SAYING = 10_000  # bytes of answers below which nothing is said about compression

# MS-ASCMD 2.2.3.68, FilterType
_AGES = {
    "0": "all",
    "1": "1 day back",
    "2": "3 days back",
    "3": "1 week back",
    "4": "2 weeks back",
    "5": "1 month back",
    "6": "3 months back",
    "7": "6 months back",
    "8": "incomplete tasks",
}

# Short for the reasons of `dissectors.tls.reasons.WHY`, which `directpush explain` explains.
_WHY_CLOSED = {
    "not_tls": "no TLS where it was expected",
    "no_handshake": "handshake not in the capture",
    "handshake_incomplete": "handshake not finished",
    "no_key": "no key for their client random",
    "forward_secret": "forward secrecy, a server's key is not enough",
    "key_does_not_fit": "key does not fit",
    "unsupported_version": "TLS version not supported",
    "unsupported_cipher": "cipher not supported",
    "gap": "bytes missing in the capture",
    "snapped": "packets cut by the snap length",
    "damaged": "TLS records damaged",
}

_TLS = ("decrypted", "partial", "encrypted")  # values of `decryption` that only TLS has

_WAYS = {SILENT: "silent", RESET: "reset", PROXY: "error page", CLOSED: "closed", DEVICE: "device went away"}
_ENDERS = {"server_side": "server's side", "middlebox": "a box on the way", "path": "path", "client": "device"}


class DeviceRow(NamedTuple):
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
    timer: str  # of the path it waited on: "298-302 s", "> 480 s", "-"
    timer_sure: str  # how sure that is: "at least 90 % sure" or nothing
    timer_ran_out: bool  # waits on that path died of it


class FolderRow(NamedTuple):
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
    settings: str | None = None  # how far back and how much of texts it asked for last: "1 month back, html 33 KB"


def devices(case: Case) -> Iterator[DeviceRow]:
    """Those with most deaths first, then those with most waits."""
    facts, names = case.facts, case.speakers
    who, count = facts.who, len(names)
    beats = case.source("heartbeats")
    lived, died = facts.fate == FATES.index(LIVED), facts.fate == FATES.index(DIED)
    waits = np.bincount(who, minlength=count)
    fates = np.bincount(who * len(FATES) + facts.fate, minlength=count * len(FATES)).reshape(count, len(FATES))
    asked = _extremes(np.fmax, who, read.floats(beats, "requested_s")[facts.row], count)
    held = _extremes(np.fmax, who, np.where(lived, read.floats(beats, "held_s")[facts.row], np.nan), count)
    timer_of = timers.of_speakers(case)
    ends = _ends(case, np.flatnonzero(died))
    deaths = fates[:, FATES.index(DIED)]
    order = np.lexsort((-waits, -deaths))
    for n in order[waits[order] > 0].tolist():
        lived_n, died_n, own, _, unknown = fates[n].tolist()
        name, (ended_by, grade), timer = names[n], ends.get(n, ("-", "")), timer_of.get(n, timers.NONE)
        yield DeviceRow(
            session_id=name if isinstance(name, int) else None,
            device=case.device(name),
            waits=int(waits[n]),
            lived=lived_n,
            died=died_n,
            ended_itself=own,
            unknown=unknown,
            asked_s=_number(asked[n]),
            lived_s=_number(held[n]),
            ended_by=ended_by,
            grade=grade,
            timer=timer.words,
            timer_sure=timer.sure,
            timer_ran_out=timer.ran_out,
        )


def folders(case: Case) -> Iterator[FolderRow]:
    """Those that brought most bytes first."""
    sizes = case.source("sync_sizes")
    if not len(sizes):
        return
    session, (collection, ids) = read.ints(sizes, "session_id"), read.codes(sizes, "collection_id")
    group, firsts = _grouped(session, collection, ids)
    count = len(firsts)
    moved = ("adds", "changes", "deletes", "client_adds", "client_changes", "client_deletes")
    numbers = [read.ints(sizes, name) for name in moved]
    items = np.where(np.any([n >= 0 for n in numbers], axis=0), np.sum([n.clip(0) for n in numbers], axis=0), -1)
    down, frame = read.ints(sizes, "download_bytes"), read.ints(sizes, "response_frame")
    time = read.times(sizes, "time")
    wire, up = read.ints(sizes, "download_wire_bytes"), read.ints(sizes, "upload_bytes")
    syncs = np.bincount(group, minlength=count).tolist()
    sums = [_sums(group, values, count) for values in (items, wire, down, up)]
    by_size = np.lexsort((-down, group))  # stable: of equal ones the first
    largest = by_size[np.searchsorted(group[by_size], np.arange(count))].tolist()
    names, classes, cuts = (
        _newest(group, *read.codes(sizes, name), count) for name in ("folder_name", "folder_class", "truncation")
    )
    ages = _newest(group, read.ints(sizes, "filter_type"), range(1 << 62), count)  # a number is its own text
    rows = []
    for n, first in enumerate(firsts.tolist()):
        row, known = largest[n], bool(down[largest[n]] >= 0)
        who = int(session[first]) if session[first] >= 0 else None
        name, folder_class = names[n], classes[n]
        rows.append(
            FolderRow(
                session_id=who,
                device=case.device(who),
                folder=_unnamed(ids, int(collection[first])) if name is None else plain(name),
                folder_class=None if folder_class is None else plain(folder_class),
                syncs=syncs[n],
                items=sums[0][n],
                down_wire_bytes=sums[1][n],
                down_bytes=sums[2][n],
                up_bytes=sums[3][n],
                largest_bytes=int(down[row]) if known else None,
                largest_time_ns=int(time[row]) if known and time[row] != NAT else None,
                largest_frame=int(frame[row]) if known and frame[row] >= 0 else None,
                settings=_settings(ages[n], cuts[n]),
            )
        )
    yield from sorted(rows, key=lambda row: -(row.down_bytes or 0))


def opened(case: Case) -> list[str]:
    """What could be read, for the line that begins "Read:": 3 of 5 TLS connections opened (1.2 MB of 1.4 MB), 3
    connections with Exchange ActiveSync, 84 waits (2 of them inferred).

    The same connection seen at a second point of the path counts once.
    """
    links, beats = case.source("connections"), case.source("heartbeats")
    once, moved = read.ints(links, "duplicate_of") < 0, _moved(case)
    clear = once & read.among(links, "decryption", "plaintext")
    tls = once & ((read.codes(links, "tls_version")[0] >= 0) | read.among(links, "decryption", *_TLS)) & ~clear
    open_ = tls & ~read.among(links, "decryption", "encrypted")
    parts = []
    if tls.any():
        total, number = int(tls.sum()), int(open_.sum())
        share = "" if number in (0, total) else f" ({size(moved[open_].sum())} of {size(moved[tls].sum())})"
        beyond = int(read.ints(case.source("captures"), "opened_by_tshark").clip(0).sum())
        parts.append(f"{_of_links(number, total)} opened{share}" + (f", {beyond:,} by tshark" if beyond else ""))
    if clear.any():
        parts.append(counted(int(clear.sum()), "connection with plain HTTP", "connections with plain HTTP"))
    if not parts:
        parts.append(f"neither TLS nor HTTP in {counted(int(once.sum()), 'TCP connection')}")
    eas, likely = (int((once & read.among(links, "eas_evidence", kind)).sum()) for kind in ("decoded", "inferred"))
    if eas and likely:
        parts.append(f"{eas:,} with Exchange ActiveSync and {likely:,} most likely")
    elif likely:
        parts.append(f"{likely:,} most likely with Exchange ActiveSync")
    else:
        parts.append(f"{eas:,} with Exchange ActiveSync" if eas else "no Exchange ActiveSync")
    inferred = int(read.among(beats, "kind", "inferred").sum())
    waits = counted(len(case), "wait") if len(case) else "no wait"
    parts.append(f"{waits} ({inferred:,} inferred)" if inferred else waits)
    return parts


def closed(case: Case) -> list[str]:
    """What could not be read and why, a sentence for what is encrypted and one for what is so in part."""
    links, moved = case.source("connections"), _moved(case)
    once = read.ints(links, "duplicate_of") < 0
    reason, reasons = read.codes(links, "why_encrypted")
    said = []
    for kind, words in (("encrypted", "stayed encrypted"), ("partial", "could be decrypted only in part")):
        places = np.flatnonzero(once & read.among(links, "decryption", kind))
        if not len(places):
            continue
        counts = Counter(reasons[code] if code >= 0 else "" for code in reason[places].tolist())
        why = [f"{_WHY_CLOSED.get(str(name), 'why is not known')} ({n:,})" for name, n in counts.most_common()]
        amount = f" ({size(moved[places].sum())})" if kind == "encrypted" else ""
        said.append(
            f"{counted(len(places), 'connection')} {words}{amount}: {listed(why, REASONS)}; "
            f"see directpush explain {next((str(name) for name in counts if name), 'why_encrypted')}."
        )
    return said


def saved(case: Case) -> str | None:
    """What compression saved, or that there was none; None where that is not worth a line."""
    sent = case.source("transactions")
    ours = read.ints(sent, "session_id") >= 0
    decoded, body = (read.ints(sent, f"response_{what}_bytes")[ours] for what in ("decoded", "body"))
    known = (decoded >= 0) & (body >= 0)
    if (whole := int(decoded[known].sum())) < WORTH_SAYING:
        return None
    less = whole - int(body[known].sum())
    if less > 0:
        return f"Compression saved {size(less)} of {size(whole)} in the server's answers."
    coded = read.codes(sent, "content_encoding")[0][ours] >= 0
    return None if coded.any() else f"The server's answers were not compressed ({size(whole)})."


def _of_links(number: int, total: int) -> str:
    """3 of 5 TLS connections, all 5 TLS connections, 1 TLS connection, none of 5 TLS connections."""
    links = counted(total, "TLS connection")
    if number == total:
        return links if total == 1 else f"all {links}"
    return f"{number:,} of {links}" if number else f"none of {links}"


def _moved(case: Case) -> npt.NDArray[np.int64]:
    """TCP payload of each connection, both ways."""
    links = case.source("connections")
    up, down = (read.ints(links, f"bytes_{side}").clip(0).astype(np.int64) for side in ("client", "server"))
    return up + down


def _ends(case: Case, died: npt.NDArray[Any]) -> dict[int, tuple[str, str]]:
    """By who: "path, silent", the ways in which the waits died, most frequent first; and the commonest grade."""
    facts, ends = case.facts, case.source("teardowns")
    enders, grades = (read.codes(ends, name) for name in ("ended_by", "evidence_grade"))
    said = [_ENDERS.get(str(value), "unknown") for value in enders[1]] + ["unknown"]
    ways: dict[int, Counter[str]] = {}
    sure: dict[int, Counter[str]] = {}
    end = facts.end[died]
    columns = (facts.who[died], facts.way[died], enders[0][end], grades[0][end])
    for who, way, ender, grade in zip(*(column.tolist() for column in columns), strict=True):
        ways.setdefault(who, Counter())[f"{said[ender]}, {_WAYS[WAYS[way]]}"] += 1
        if grade >= 0:
            sure.setdefault(who, Counter())[str(grades[1][grade])] += 1
    return {
        who: (listed((way for way, _ in counts.most_common()), 2), commonest(sure.get(who, Counter())))
        for who, counts in ways.items()
    }


def _extremes(
    which: np.ufunc, group: npt.NDArray[Any], values: npt.NDArray[np.float64], count: int
) -> npt.NDArray[np.float64]:
    """The largest (fmax) or smallest (fmin) value of each group; NaN where it has none."""
    found = np.full(count, np.nan)
    which.at(found, group, values)
    return found


def _grouped(
    session: npt.NDArray[Any], collection: npt.NDArray[Any], ids: list[Any]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Number the pairs, in order of session, then of collection; absent ones last. Returns each row's number, and the
    first row of each."""
    order = sorted(range(len(ids)), key=ids.__getitem__)
    place = np.full(len(ids) + 1, len(ids), dtype=np.int64)
    place[order] = np.arange(len(ids))
    sessions = np.where(session < 0, session.max(initial=0) + 1, session).astype(np.int64)
    _, firsts, group = np.unique(sessions * (len(ids) + 1) + place[collection], return_index=True, return_inverse=True)
    return group, firsts


def _sums(group: npt.NDArray[Any], values: npt.NDArray[Any], count: int) -> list[int | None]:
    """The sum of each group's values; None where none is known (-1)."""
    total = np.zeros(count, dtype=np.int64)
    np.add.at(total, group, values.clip(0))
    known = np.bincount(group[values >= 0], minlength=count)
    return [number if times else None for number, times in zip(total.tolist(), known.tolist(), strict=True)]


def _settings(age: str | None, cuts: str | None) -> str | None:
    """Filter and truncation as a person says them; `cuts` as in the column truncation: "html:32768, mime:all"."""
    said = [] if age is None else [_AGES.get(age, f"filter {age}")]
    for cut in cuts.split(", ") if cuts else ():
        kind, _, limit = cut.partition(":")
        said.append(f"{kind} {size(int(limit)) if limit.isdecimal() else plain(limit)}")
    return ", ".join(said) or None


def _newest(group: npt.NDArray[Any], codes: npt.NDArray[Any], values: Sequence[Any], count: int) -> list[str | None]:
    """The last known text of each group."""
    rows = np.flatnonzero(codes >= 0)
    last = np.full(count, -1, dtype=np.int64)
    np.maximum.at(last, group[rows], rows)
    return [str(values[codes[row]]) if row >= 0 else None for row in last.tolist()]


def _unnamed(ids: list[Any], code: int) -> str:
    return f"folder {plain(str(ids[code]))}" if code >= 0 else "folder without id"


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
