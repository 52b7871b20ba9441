"""Phones are woken by mails that become SMS.

What it means
    Before Exchange 2003 SP2 the server had no Direct Push: it sent a small mail with a GUID to the gateway of the
    mobile operator, which made an SMS of it, and the phone synchronised within three minutes (always-up-to-date,
    version 1). Such mails were seen, and perhaps the Syncs that followed them.

Why it hurts
    Each change costs an SMS, and mail comes as late as the gateway and the SMS are. A gateway that refuses these mails
    ends push without any error on the phone.

What to do
    Devices and servers that know Direct Push should use it. Where the gateway refuses mails, ask the operator.

When it is wrong
    The form of these mails was never published. They are recognised by a telephone number or gateway as only recipient
    and a GUID as body; that a telephone and a session belong together is concluded from time alone.

References
    Exchange team blog, 2004-04-26; TechNet cc164312; MS-ASWBXML, code page 3 (AirNotify).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from analyzer.findings import Finding
from analyzer.findings.case import Case
from analyzer.findings.words import counted, of_all, plain, span
from analyzer.tables import read

CODE = "DP132"
TITLE = "Phones are woken by mails that become SMS"
FRAMES = 8


def check(case: Case) -> Iterator[Finding]:
    by_phone: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in read.rows(case.source("sms_triggers")):
        by_phone[row["recipient"]].append(row)
    registered = _registered(case)
    for recipient, mails in by_phone.items():
        yield _about(case, recipient, mails, registered)
    followed = {mail["session_id"] for mails in by_phone.values() for mail in mails}
    for session, (times, frame) in registered.items():
        if session not in followed:
            name = case.device(session)
            yield Finding(
                code=CODE,
                severity="info",
                title=f"{name} registered to be woken by SMS.",
                detail=f"{counted(times, 'Notify command')}; no trigger mail that fits is in this capture.",
                advice=None,
                session_id=session,
                confidence="possible",
                frames=(frame,),
            )


def _registered(case: Case) -> dict[int, tuple[int, int]]:
    """Sessions that sent Notify: how often, and the frame of the first."""
    table = case.source("transactions")
    found: dict[int, tuple[int, int]] = {}
    rows = np.flatnonzero(read.among(table, "command", "Notify"))
    sessions, frames = (read.ints(table, name)[rows].tolist() for name in ("session_id", "request_frame"))
    for session, frame in zip(sessions, frames, strict=True):
        times, first = found.get(session, (0, frame))
        if session >= 0:
            found[session] = (times + 1, first)
    return found


def _about(
    case: Case, recipient: str, mails: list[dict[str, Any]], registered: Mapping[int, tuple[int, int]]
) -> Finding:
    refused = sum(mail["accepted"] is False for mail in mails)
    session = next((mail["session_id"] for mail in mails if mail["session_id"] is not None), None)
    delays = [mail["trigger_to_sync_s"] for mail in mails if mail["trigger_to_sync_s"] is not None]
    who = plain(recipient) if session is None else case.device(session)
    grade = "likely" if any(mail["evidence_grade"] == "likely" for mail in mails) else "possible"
    detail = f"{counted(len(mails), 'mail')} to {plain(recipient)} with a GUID and hardly anything else."
    if refused:
        detail += f" The gateway refused {of_all(refused, len(mails))}."
    if delays:
        detail += f" {of_all(len(delays), len(mails))} were followed by a Sync within three minutes, after "
        detail += f"{span(delays[0])}." if len(delays) == 1 else f"{span(float(np.median(delays)))} in the median."
    if session in registered:
        detail += " It had registered for them (Notify)."
    if session is None:
        detail += " No device in this capture follows them: its traffic may be elsewhere."
    return Finding(
        code=CODE,
        severity="warning" if refused else "info",
        title=f"{who} is to be woken by mails that become SMS."
        if not delays
        else f"{who} is most likely woken by SMS, not by push.",
        detail=detail,
        advice="Ask the operator why its gateway refuses them." if refused else None,
        session_id=session,
        connection_id=mails[0]["connection_id"],
        start=mails[0]["time"],
        end=mails[-1]["time"],
        confidence=grade,
        frames=tuple(mail["frame"] for mail in mails[:FRAMES]),
    )
