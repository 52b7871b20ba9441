"""The answer in words: what the terminal says first and the page says too.

Everything comes from the tables and the findings; nothing is judged here that a rule has not judged. What the deaths
cost is counted in `cost.py`, the two tables under the words are made in `overview.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from analyzer.findings import cost, notified, overview, surer
from analyzer.findings.case import DIED, ERROR, LIVED, OWN, UNKNOWN, Case
from analyzer.findings.deaths import SEVERE_SHARE
from analyzer.findings.overview import DeviceRow, FolderRow
from analyzer.findings.words import counted, listed, of_all, plain, size, span
from analyzer.tables import read
from analyzer.tables.builder import NAT

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

FILE_ODDITIES = 3  # oddities of whole files that are named; the others are in `anomalies`
DEVICES_NAMED = 5  # with a sentence each; findings and the table of devices have all
SENTENCE = 300  # characters of one
DOUBTFUL_SHARE = 0.4  # of all waits could not be judged: then the others say too little
LONG = 1000  # of a title and its explanation
WORTH_A_RATE = 100_000  # packets; with fewer, starting the program is what takes the time

Level = Literal["ok", "info", "warning", "error"]

__all__ = ["DeviceRow", "FolderRow", "Verdict", "build"]


class Verdict(NamedTuple):
    """Sentences in the order in which they are to be read, and the two tables under them."""

    severity: Level
    headline: str  # one sentence: the answer
    reasons: tuple[str, ...]  # why it is so, with counts and certainty
    advice: tuple[str, ...]  # what to do; shown with an arrow
    cost: tuple[str, ...]  # what it cost
    unseen: tuple[str, ...]  # what the capture cannot tell, each said once
    next_steps: tuple[str, ...]  # what would make it surer
    devices: tuple[DeviceRow, ...]
    folders: tuple[FolderRow, ...]
    saved: str | None  # what compression saved
    read: str  # "3 of 3 connections with Exchange ActiveSync decoded, 84 waits, 6.2 hours, 1.2 GB in 0.9 s."


def build(tables: Mapping[str, pd.DataFrame], elapsed_s: float | None = None) -> Verdict:
    """The verdict on these tables; `tables["findings"]` must be filled (see `analyzer.findings.run`)."""
    case = Case(tables)
    findings = read.rows(case.source("findings"))
    dead = [finding for finding in findings if finding["code"] in ("DP101", "DP102", "DP103", "DP104")]
    errors = [finding for finding in findings if finding["code"] == "DP106" and finding["severity"] != "info"]
    own, gone, adapting = (
        [finding for finding in findings if finding["code"] == code] for code in ("DP105", "DP107", "DP108")
    )
    servers = [finding for finding in findings if finding["code"] in ("DP120", "DP121", "DP122", "DP123")]
    beside = [finding for finding in findings if _says_more(case, finding)]
    severity, headline = _headline(case, dead, errors, servers + beside)
    reasons = [str(finding["detail"]) for finding in dead]
    for of_devices in (errors, adapting, own, gone):
        reasons += _few(of_devices)
    if line := notified.line(case):
        reasons.append(line)
    reasons += _few(servers)
    for finding in beside[:DEVICES_NAMED]:
        title = "" if finding["title"] == headline else f"{finding['title']} "
        reasons.append(plain(f"{title}{finding['detail']}", LONG))
    reasons += _guessed(case)
    advice = list(
        dict.fromkeys(str(finding["advice"]) for finding in dead + errors + servers + beside if finding["advice"])
    )
    unseen, next_steps = _unseen(case, findings), _next_steps(case, findings)
    if not len(case) and not len(case.source("sessions")):
        reasons, unseen, advice, next_steps = unseen, [], next_steps, []  # then this is the answer, and not a footnote
    return Verdict(
        severity=severity,
        headline=headline,
        reasons=tuple(reasons),
        advice=tuple(advice),
        cost=tuple(cost.words(case)),
        unseen=tuple(unseen),
        next_steps=tuple(next_steps),
        devices=tuple(overview.devices(case)),
        folders=tuple(overview.folders(case)),
        saved=overview.saved(case),
        read=_read(case, elapsed_s),
    )


def _guessed(case: Case) -> list[str]:
    """What was not read but inferred."""
    inferred = int(read.among(case.source("heartbeats"), "kind", "inferred").sum())
    if not inferred:
        return []
    which, one = of_all(inferred, len(case), "wait"), inferred == 1
    return [
        f"{which[:1].upper()}{which[1:]} {'was' if one else 'were'} inferred from the sizes and times of packets: "
        f"{'a long poll' if one else 'long polls'}, most likely ActiveSync."
    ]


def _says_more(case: Case, finding: dict[str, Any]) -> bool:
    """Whether a finding about what is beside push belongs into the verdict: how a device that does not wait gets its
    mail; sign-ins, the directory and certificates only where something is wrong with them.
    """
    code = str(finding["code"])
    if code in ("DP130", "DP132") and not len(case):
        return True
    return code.startswith(("DP13", "DP14")) and finding["severity"] != "info"


def _few(found: list[dict[str, Any]]) -> list[str]:
    """What was found of each device, for the first few."""
    said = [str(finding["detail"]) for finding in found[:DEVICES_NAMED]]
    rest = len(found) - len(said)
    return [*said, f"The same goes for {counted(rest, 'more device')}."] if rest else said


def _headline(
    case: Case, dead: list[dict[str, Any]], errors: list[dict[str, Any]], others: list[dict[str, Any]]
) -> tuple[Level, str]:
    total, lived, died = len(case), case.count(LIVED), case.count(DIED)
    if dead:
        first = dead[0]
        if died < SEVERE_SHARE * total:
            return "warning", f"Push works mostly: {of_all(died, total, 'wait')} died early."
        return ("error" if first["severity"] == "error" else "warning"), str(first["title"])
    if errors:
        return "warning", str(errors[0]["title"])
    if worst := [finding for finding in others if finding["severity"] != "info"]:
        return ("error" if worst[0]["severity"] == "error" else "warning"), str(worst[0]["title"])
    if total == 0:
        return _nothing_held(case)
    if lived:
        idle = case.facts.x_s[case.facts.survived]
        idle = idle[~np.isnan(idle)]
        longest = f", the longest idle that survived was {span(float(idle.max()))}" if len(idle) else ""
        judged = total - case.count(UNKNOWN)
        doubtful = len(_not_understood(case))
        if doubtful >= DOUBTFUL_SHARE * total:
            return "warning", (
                f"Whether push is healthy cannot be told: {of_all(doubtful, total, 'wait')} ended in a way that could "
                "not be read."
            )
        return "ok", f"Push is healthy: {counted(judged, 'wait')}, none died early{longest}."
    if case.count(OWN) == total:
        return "ok", f"Nothing cut push: the device itself ended {of_all(total, total, 'wait')}."
    if failed := case.count(ERROR):
        return "warning", f"Push does not get going: an error answered {of_all(failed, total, 'wait')}."
    return "info", f"Whether push is healthy cannot be told: {counted(total, 'wait')}, and the end of none was seen."


def _nothing_held(case: Case) -> tuple[Level, str]:
    """The words for a capture without a single wait."""
    connections = case.source("connections")
    sessions = len(case.source("sessions"))
    closed = int(read.among(connections, "decryption", "encrypted", "partial").sum())
    if sessions:
        requests = int(read.ints(case.source("sessions"), "transactions").clip(0).sum())
        more = f"; {counted(closed, 'connection')} stayed encrypted" if closed else ""
        return "info", (
            f"No push wait in this capture: {counted(sessions, 'device')} made {counted(requests, 'request')}, "
            f"none of which asked the server to wait{more}."
        )
    if closed:
        return (
            "warning",
            f"Nothing can be said about push: {of_all(closed, len(connections), 'connection')} stayed encrypted.",
        )
    return "warning", "No Exchange ActiveSync in this capture."


def _not_understood(case: Case) -> npt.NDArray[np.int64]:
    """Rows of `heartbeats` whose outcome is unknown for another reason than that the capture ended."""
    rows: npt.NDArray[np.int64] = case.facts.row[case.having(UNKNOWN)]
    return rows[~read.among(case.source("heartbeats"), "outcome", "capture_end")[rows]]


def _unseen(case: Case, findings: list[dict[str, Any]]) -> list[str]:
    said = []
    beats, unknown = case.source("heartbeats"), case.having(UNKNOWN)
    if len(unknown):
        running = int(read.among(beats, "outcome", "capture_end")[case.facts.row[unknown]].sum())
        why = []
        if running:
            why.append(f"{running:,} still waiting when the capture ended")
        answered = int((~np.isnan(read.floats(beats, "held_s")[_not_understood(case)])).sum())
        if answered:
            why.append(f"{answered:,} answered or ended by something that could not be read")
        if len(unknown) > running + answered:
            why.append(f"{len(unknown) - running - answered:,} whose end the capture does not show")
        said.append(f"{counted(len(unknown), 'wait')} cannot be judged: {listed(why)}.")
    if not len(case.source("sessions")) and not len(case):
        said.append(_looked_for(case))
    said += _twice(case)
    odd = case.source("anomalies")
    link = read.ints(odd, "connection_id")
    found, details = read.codes(odd, "detail")
    of_files = dict.fromkeys(found[(link < 0) & (read.ints(odd, "frame") < 0) & (found >= 0)].tolist())
    said += [f"{plain(str(details[code]), SENTENCE)}." for code in list(of_files)[:FILE_ODDITIES]]
    said += overview.closed(case)
    said += [f"{finding['title']} {finding['detail']}" for finding in findings if finding["code"] == "DP111"]
    return said


def _twice(case: Case) -> list[str]:
    """Captures that show the same connections: each counts twice here, and a pair of them tells more."""
    if len(case.source("captures")) < 2:
        return []
    from analyzer.pair.recognise import same_connections

    pairs = Counter(seen.captures for seen in same_connections(case.source("connections")))
    return [
        f"{plain(one, SENTENCE)} and {plain(other, SENTENCE)} both show {counted(times, 'connection')}, which "
        f"{'counts' if times == 1 else 'count'} twice here: directpush pair tells what became of the packets between."
        for (one, other), times in pairs.most_common(DEVICES_NAMED)
    ]


def _looked_for(case: Case) -> str:
    connections = case.source("connections")
    readable = int(read.among(connections, "decryption", "decrypted", "plaintext").sum())
    return (
        f"Looked for requests to /Microsoft-Server-ActiveSync in {counted(len(connections), 'TCP connection')}, "
        f"{readable:,} of which could be read."
    )


def _next_steps(case: Case, findings: list[dict[str, Any]]) -> list[str]:
    codes = {finding["code"] for finding in findings}
    steps = [
        str(finding["advice"]) for finding in findings if finding["code"] in ("DP110", "DP111") and finding["advice"]
    ]
    steps = surer.steps(case, findings) + steps
    if not len(case.source("sessions")) and not len(case) and "DP110" not in codes:
        steps.append(
            "Bring a capture, taken at the device's network or at the server, in which a phone waits for mail, and the "
            "TLS key log that goes with it."
        )
    return steps


def _read(case: Case, elapsed_s: float | None) -> str:
    captures = case.source("captures")
    parts = overview.opened(case)
    start, end = (read.times(captures, name) for name in ("start", "end"))
    if len(start := start[start != NAT]):
        length = int(end.max() - start.min()) / 1e9
        parts.append(f"{length / 3600:.1f} hours" if length >= 5400 else span(length))
    frames = int(read.ints(captures, "frames").clip(0).sum())
    amount = f"{size(int(read.ints(captures, 'bytes').clip(0).sum()))} ({counted(frames, 'packet')})"
    if elapsed_s is None:
        return f"{', '.join(parts)}, {amount}."
    speed = f", {frames / elapsed_s:,.0f} packets/s" if frames >= WORTH_A_RATE else ""
    return f"{', '.join(parts)}, {amount} in {span(elapsed_s)}{speed}."
