"""A device connects anew again and again.

What it means
    The device needs a few connections at a time, and had them; but they ended, and each new one had to be set up from
    the start: TCP, TLS, and where the server asks for it the sign-in. A connection that is kept needs none of that.

Why it hurts
    Each of these costs round trips before the first byte of mail, kilobytes of certificates, and battery.

What to do
    Let the server keep connections (HTTP keep-alive, a connection timeout of several minutes, no `Connection: close`),
    and let TLS sessions be resumed. If the connections were cut on the way, see DP101 and DP102.

When it is wrong
    A device that moves between networks must connect anew. The time of setting up includes what the device itself did
    before it sent its first request.

References
    RFC 9112 9.3 (persistence); RFC 8446 2 and RFC 5246 7.3 (round trips of TLS); MS-ASHTTP 2.2.1.1.2 (Authorization on
    every request).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.findings import Finding
from analyzer.findings.case import Case, at, grouped, places_of
from analyzer.findings.words import counted, of_all, size, span
from analyzer.tables import read

if TYPE_CHECKING:
    import numpy.typing as npt

CODE = "DP131"
TITLE = "A device connects anew again and again"
ENOUGH = 5  # reconnects of one session
KEPT_S = 300.0  # nobody would have kept a connection that was not used for longer
FRAMES = 8


def check(case: Case) -> Iterator[Finding]:
    table = case.source("reconnects")
    session = read.ints(table, "session_id")
    rows = np.flatnonzero((read.floats(table, "gap_s") <= KEPT_S) & (session >= 0))
    columns = _columns(case)
    for number, places in grouped(session[rows]):
        if len(places) >= ENOUGH:
            yield _about(case, number, {name: column[rows[places]] for name, column in columns.items()})


def _columns(case: Case) -> dict[str, npt.NDArray[Any]]:
    """What is told of reconnects, a value each; the row of its connection in `connections`, and where that begins."""
    table, links = case.source("reconnects"), case.source("connections")
    row = places_of(read.ints(links, "connection_id"), read.ints(table, "connection_id"))
    return {
        **{name: read.ints(table, name) for name in ("round_trips", "auth_rounds", "setup_bytes", "auth_bytes")},
        **{name: read.floats(table, name) for name in ("setup_ms", "auth_ms")},
        "full_handshake": read.bools(table, "full_handshake"),
        "start": read.times(table, "start"),
        "connection": row,
        "frame": at(read.ints(links, "first_frame"), row, -1),
    }


def _about(case: Case, session: int, of: dict[str, npt.NDArray[Any]]) -> Finding:
    name, count = case.device(session), len(of["start"])
    trips, rounds, setup_ms, auth_ms = of["round_trips"], of["auth_rounds"], of["setup_ms"], of["auth_ms"]
    bytes_, auth = (int(of[column].clip(0).sum()) for column in ("setup_bytes", "auth_bytes"))
    full = int(of["full_handshake"].sum())
    known = trips[trips >= 0]
    steps = ["TCP"] + ["TLS"] * bool(bytes_) + ["sign-in"] * bool(rounds.clip(0).sum())
    each = f"about {counted(round(float(np.median(known))), 'round trip')}" if len(known) else "some round trips"
    each += f" ({', '.join(steps)})"
    spent = float(np.nansum(setup_ms) + np.nansum(auth_ms)) / 1e3
    parts = [f"{of_all(full, count)} with a full TLS handshake"] if full else []
    if rounds.clip(0).sum():
        parts.append(f"{counted(int(rounds.clip(0).sum()), 'request')} answered by 401 first")
    detail = f"{counted(count, 'connection')} took the place of one that had ended"
    detail += f": {', '.join(parts)}. " if parts else ". "
    detail += f"Each cost {each}"
    together = [size(bytes_ + auth)] * bool(bytes_ + auth) + [span(spent)] * bool(spent)
    detail += f"; together {' and '.join(together)}. " if together else ". "
    detail += "Kept connections would have cost none of it."
    frames = of["frame"][np.argsort(of["connection"])]
    return Finding(
        code=CODE,
        severity="info",
        title=f"{name} set up {counted(count, 'connection')} that a kept one would have saved.",
        detail=detail,
        advice="See in `teardowns` who ends them; a server should keep connections, and resume TLS sessions.",
        session_id=session,
        start=int(of["start"][0]),
        end=int(of["start"][-1]),
        confidence="likely",
        frames=tuple(frames[frames >= 0][:FRAMES].tolist()),
    )
