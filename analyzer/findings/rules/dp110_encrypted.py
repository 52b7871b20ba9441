"""Connections stayed encrypted.

What it means
    Connections that may carry Exchange ActiveSync could not be decrypted, or not as a whole. Their waits are
    missing from the tables, or were inferred from the sizes and times of the encrypted packets: long polls that
    repeat to the byte, last equally long and are followed by what follows a Ping. Inferred rows say so (kind,
    eas_evidence), and hold no user, folder or status. Below a threshold of evidence nothing is inferred.

Why it hurts
    What is in them is not judged. A verdict over the rest can miss the very device that has the trouble. Who ended
    an inferred wait and what idle timer the path has is seen without keys, too; which folder changed and what it
    cost is not.

What to do
    Bring the TLS key log of the client or of the proxy that ends TLS (environment variable SSLKEYLOGFILE for most
    programs), written while the capture ran, and give it with --keylog. Or capture behind the proxy, where it is
    plain HTTP.

When it is wrong
    Connections to the same port that have nothing to do with Exchange are counted too, when nothing tells them
    apart. Another service that polls over HTTPS and never has any news looks like a Ping; IMAP IDLE, push services,
    WebSocket, event streams, MAPI/HTTP and chats are told by rules of their own.

References
    The NSS key log format; RFC 8446 (TLS 1.3); RFC 5246 (TLS 1.2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from analyzer.findings import Finding
from analyzer.findings.about import CONNECTIONS, FRAMES, one_filter
from analyzer.findings.case import Case
from analyzer.findings.words import counted, of_all
from analyzer.tables import read
from analyzer.tables.builder import NAT
from dissectors.tls.reasons import FORWARD_SECRET, KEY_DOES_NOT_FIT, NO_HANDSHAKE, NO_KEY, WHY

CODE = "DP110"
TITLE = "Connections stayed encrypted"

BRING_KEYS = "Give the TLS key log that was written while the capture ran: --keylog FILE."
BEGIN_EARLIER = "Begin the capture before the devices connect, so that their TLS handshakes are in it."


def check(case: Case) -> Iterator[Finding]:
    connections = case.source("connections")
    places = np.flatnonzero(read.among(connections, "decryption", "encrypted", "partial"))
    if not len(places):
        return
    reason, reasons = read.codes(connections, "why_encrypted")
    counts = Counter(reasons[code] if code >= 0 else "" for code in reason[places].tolist())
    said = ((WHY.get(str(name), "Why is not known.").rstrip("."), times) for name, times in counts.most_common())
    why = [f"{words} ({counted(times, 'connection')})." for words, times in said]
    inferred = int(read.among(connections, "eas_evidence", "inferred")[places].sum())
    if inferred:
        carry = "carries" if inferred == 1 else "carry"
        why.append(
            f"{inferred:,} of them {carry} long polls, most likely Exchange ActiveSync: their waits are inferred."
        )
    advice = None
    if {NO_KEY, KEY_DOES_NOT_FIT, FORWARD_SECRET} & set(counts):
        advice = BRING_KEYS
    elif NO_HANDSHAKE in counts:
        advice = BEGIN_EARLIER
    frames, start = read.ints(connections, "first_frame")[places], read.times(connections, "start")[places]
    start = start[start != NAT]
    which = of_all(len(places), len(connections), "connection")
    yield Finding(
        code=CODE,
        severity="info",
        title=f"{which[:1].upper()}{which[1:]} stayed encrypted.",
        detail=" ".join(why),
        advice=advice,
        start=int(start.min()) if len(start) else None,
        end=int(read.times(connections, "end")[places].max()) if len(start) else None,
        confidence="proven",
        frames=tuple(frames[frames >= 0][:FRAMES].tolist()),
        display_filter=one_filter(read.firsts(connections, "display_filter", places, CONNECTIONS)),
    )
