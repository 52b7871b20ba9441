"""Connections stayed encrypted.

What it means
    Connections that may carry Exchange ActiveSync could not be decrypted, or not as a whole. Their waits are
    missing from the tables, or were inferred from the sizes and times of the encrypted packets.

Why it hurts
    What is in them is not judged. A verdict over the rest can miss the very device that has the trouble.

What to do
    Bring the TLS key log of the client or of the proxy that ends TLS (environment variable SSLKEYLOGFILE for most
    programs), written while the capture ran, and give it with --keylog. Or capture behind the proxy, where it is
    plain HTTP.

When it is wrong
    Connections to the same port that have nothing to do with Exchange are counted too, when nothing tells them
    apart.

References
    The NSS key log format; RFC 8446 (TLS 1.3); RFC 5246 (TLS 1.2).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analyzer.findings import Finding
from analyzer.findings.about import filter_of, nanoseconds
from analyzer.findings.case import Case
from analyzer.findings.words import counted, of_all
from analyzer.tables import read
from dissectors.tls.reasons import KEY_DOES_NOT_FIT, NO_HANDSHAKE, NO_KEY, WHY

CODE = "DP110"
TITLE = "Connections stayed encrypted"
_COLUMNS = ("why_encrypted", "eas_evidence", "start", "end", "first_frame", "display_filter")

BRING_KEYS = "Give the TLS key log that was written while the capture ran: --keylog FILE."
BEGIN_EARLIER = "Begin the capture before the devices connect, so that their TLS handshakes are in it."


def check(case: Case) -> Iterator[Finding]:
    connections = case.source("connections")
    places = np.flatnonzero(read.among(connections, "decryption", "encrypted", "partial"))
    if not len(places):
        return
    closed = read.part(connections, _COLUMNS, places)
    reasons = closed["why_encrypted"].astype(object).fillna("").value_counts()
    said = ((WHY.get(str(reason), "Why is not known.").rstrip("."), int(times)) for reason, times in reasons.items())
    why = [f"{words} ({counted(times, 'connection')})." for words, times in said]
    inferred = int((closed["eas_evidence"].astype(object) == "inferred").sum())
    if inferred:
        why.append(f"{inferred:,} look like Exchange ActiveSync; their waits were inferred from sizes and times.")
    advice = None
    if {NO_KEY, KEY_DOES_NOT_FIT} & set(reasons.index):
        advice = BRING_KEYS
    elif NO_HANDSHAKE in reasons.index:
        advice = BEGIN_EARLIER
    which = of_all(len(closed), len(connections), "connection")
    yield Finding(
        code=CODE,
        severity="info",
        title=f"{which[:1].upper()}{which[1:]} stayed encrypted.",
        detail=" ".join(why),
        advice=advice,
        start=nanoseconds(closed["start"].min()),
        end=nanoseconds(closed["end"].max()),
        confidence="proven",
        frames=tuple(int(frame) for frame in closed["first_frame"].dropna()[:8]),
        display_filter=filter_of(closed),
    )
