"""The answer in words: what the terminal says first and the page says too.

Everything comes from the tables and the findings; nothing is judged here that a rule has not judged. What the deaths
cost is counted in `cost.py`, the two tables under the words are made in `overview.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from analyzer.findings import cost, overview
from analyzer.findings.case import ERROR, LIVED, OWN, UNKNOWN, Case, rows
from analyzer.findings.deaths import SEVERE_SHARE
from analyzer.findings.overview import DeviceRow, FolderRow
from analyzer.findings.words import counted, listed, of_all, plain, size, span

if TYPE_CHECKING:
    import pandas as pd

FILE_ODDITIES = 3  # oddities of whole files that are named; the others are in `anomalies`
SENTENCE = 300  # characters of one

Level = Literal["ok", "info", "warning", "error"]

__all__ = ["DeviceRow", "FolderRow", "Verdict", "build"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
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
    read: str  # "3 of 3 connections with Exchange ActiveSync decoded, 84 waits, 6.2 hours, 1.2 GB in 0.9 s."


def build(tables: Mapping[str, pd.DataFrame], elapsed_s: float | None = None) -> Verdict:
    """The verdict on these tables; `tables["findings"]` must be filled (see `analyzer.findings.run`)."""
    case = Case(tables)
    findings = rows(tables["findings"])
    dead = [finding for finding in findings if finding["code"] in ("DP101", "DP102", "DP103", "DP104")]
    errors = [finding for finding in findings if finding["code"] == "DP106" and finding["severity"] != "info"]
    told = dead + errors + [finding for finding in findings if finding["code"] in ("DP105", "DP107")]
    severity, headline = _headline(case, dead, errors)
    reasons = [str(finding["detail"]) for finding in told]
    advice = list(dict.fromkeys(str(finding["advice"]) for finding in dead + errors if finding["advice"]))
    unseen, next_steps = _unseen(case, findings), _next_steps(case, findings)
    if not len(case.waits) and not len(case.tables["sessions"]):
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
        read=_read(case, elapsed_s),
    )


def _headline(case: Case, dead: list[dict[str, Any]], errors: list[dict[str, Any]]) -> tuple[Level, str]:
    waits = case.waits
    fates = waits["fate"].value_counts()
    total, lived, died = len(waits), int(fates.get(LIVED, 0)), len(case.died)
    if dead:
        first = dead[0]
        if died < SEVERE_SHARE * total:
            return "warning", f"Push works mostly: {of_all(died, total, 'wait')} died early."
        return ("error" if first["severity"] == "error" else "warning"), str(first["title"])
    if errors:
        return "warning", str(errors[0]["title"])
    if total == 0:
        return _nothing_held(case)
    if lived:
        idle = waits[waits["fate"] == LIVED]["x_s"].dropna()
        longest = f", the longest idle that survived was {span(idle.max())}" if len(idle) else ""
        judged = total - int(fates.get(UNKNOWN, 0))
        return "ok", f"Push is healthy: {counted(judged, 'wait')}, none died early{longest}."
    if fates.get(OWN, 0) == total:
        return "ok", f"Nothing cut push: the device itself ended {of_all(total, total, 'wait')}."
    if fates.get(ERROR, 0):
        return (
            "warning",
            f"Push does not get going: an error answered {of_all(int(fates[ERROR]), total, 'wait')}.",
        )
    return "info", f"Whether push is healthy cannot be told: {counted(total, 'wait')}, and the end of none was seen."


def _nothing_held(case: Case) -> tuple[Level, str]:
    """The words for a capture without a single wait."""
    connections = case.tables["connections"]
    sessions = len(case.tables["sessions"])
    closed = int(connections["decryption"].astype(object).isin(["encrypted", "partial"]).sum())
    if sessions:
        requests = int(case.tables["sessions"]["transactions"].fillna(0).sum())
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


def _unseen(case: Case, findings: list[dict[str, Any]]) -> list[str]:
    said = []
    unknown = case.waits[case.waits["fate"] == UNKNOWN]
    if len(unknown):
        running = int((unknown["outcome"].astype(object) == "capture_end").sum())
        why = []
        if running:
            why.append(f"{running:,} still waiting when the capture ended")
        if len(unknown) > running:
            why.append(f"{len(unknown) - running:,} whose end the capture does not show")
        said.append(f"{counted(len(unknown), 'wait')} cannot be judged: {listed(why)}.")
    inferred = int((case.waits["kind"].astype(object) == "inferred").sum())
    if inferred:
        said.append(f"{of_all(inferred, len(case.waits), 'wait').capitalize()} inferred from encrypted traffic.")
    if not len(case.tables["sessions"]) and not len(case.waits):
        said.append(_looked_for(case))
    odd = case.tables["anomalies"]
    of_files = odd[odd["connection_id"].isna() & (odd["frame"].isna())]["detail"].dropna().astype(object).unique()
    said += [f"{plain(str(detail), SENTENCE)}." for detail in of_files[:FILE_ODDITIES]]
    other = odd[odd["code"].astype(object) == "http2"]["connection_id"].nunique()
    if other:
        said.append(f"{counted(other, 'connection')} could be decrypted but not read: HTTP/2.")
    said += [f"{finding['title']} {finding['detail']}" for finding in findings if finding["code"] in ("DP110", "DP111")]
    return said


def _looked_for(case: Case) -> str:
    connections = case.tables["connections"]
    read = int(connections["decryption"].astype(object).isin(["decrypted", "plaintext"]).sum())
    return (
        f"Looked for requests to /Microsoft-Server-ActiveSync in {counted(len(connections), 'TCP connection')}, "
        f"{read:,} of which could be read."
    )


def _next_steps(case: Case, findings: list[dict[str, Any]]) -> list[str]:
    codes = {finding["code"] for finding in findings}
    steps = [
        str(finding["advice"]) for finding in findings if finding["code"] in ("DP110", "DP111") and finding["advice"]
    ]
    if codes & {"DP101", "DP102"} and not any(
        "Capture at the server" in str(finding["advice"]) for finding in findings
    ):
        steps.insert(0, "Capture on the other side of the suspected box at the same time.")
    if not len(case.tables["sessions"]) and not len(case.waits) and "DP110" not in codes:
        steps.append(
            "Bring a capture, taken at the device's network or at the server, in which a phone waits for mail, and the "
            "TLS key log that goes with it."
        )
    return steps


def _read(case: Case, elapsed_s: float | None) -> str:
    captures, connections = case.tables["captures"], case.tables["connections"]
    evidence = connections["eas_evidence"].astype(object)
    decoded, inferred = int((evidence == "decoded").sum()), int((evidence == "inferred").sum())
    if decoded + inferred:
        parts = [f"{decoded:,} of {counted(decoded + inferred, 'connection')} with Exchange ActiveSync decoded"]
    else:
        parts = [f"no Exchange ActiveSync seen in {counted(len(connections), 'TCP connection')}"]
    parts.append(counted(len(case.waits), "wait"))
    if captures["start"].notna().any():
        length = (captures["end"].max() - captures["start"].min()).total_seconds()
        parts.append(f"{length / 3600:.1f} hours" if length >= 5400 else span(length))
    frames = int(captures["frames"].fillna(0).sum())
    amount = f"{size(int(captures['bytes'].fillna(0).sum()))} ({counted(frames, 'packet')})"
    if elapsed_s is None:
        return f"{', '.join(parts)}, {amount}."
    speed = f", {frames / elapsed_s:,.0f} packets/s" if elapsed_s > 0.05 and frames else ""
    return f"{', '.join(parts)}, {amount} in {span(elapsed_s)}{speed}."
