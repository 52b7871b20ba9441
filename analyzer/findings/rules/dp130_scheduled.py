"""A device synchronises by the clock instead of by push.

What it means
    The device keeps no request waiting at the server. It comes at a fixed interval, asks for everything, and goes.

Why it hurts
    Mail waits for the next round: half the interval on average. Rounds that find nothing cost as much as a wait in
    Direct Push would, and often a new connection each.

What to do
    Switch the account to push, if the device and the plan allow it. If push was switched off because of the battery,
    look first at what ends the waits of other devices on this path: it is mostly that, and not push, which costs.

When it is wrong
    The mode is read from the pattern of Syncs, and said only when at least four rounds keep one period. A device whose
    waits run over a connection that is not in the capture looks the same.

References
    Exchange 2003 SP2 and Exchange 2007 mobile messaging (scheduled sync, intervals of 5 minutes and more).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analyzer.findings import Finding
from analyzer.findings.case import Case
from analyzer.findings.words import counted, of_all, size, span
from analyzer.tables import read
from analyzer.timeline.rounds import Round, rounds_of

CODE = "DP130"
TITLE = "A device synchronises by the clock"
FRAMES = 8


def check(case: Case) -> Iterator[Finding]:
    sessions = case.source("sessions")
    scheduled = [row for row in read.rows(sessions) if row["sync_mode"] == "scheduled" and row["scheduled_period_s"]]
    if not scheduled:
        return
    rounds = rounds_of({name: case.source(name) for name in ("sessions", "transactions")})
    for row in scheduled:
        own = rounds.get(row["session_id"], [])
        if own:
            yield _about(case, row["session_id"], row["scheduled_period_s"], own, row["bytes_up"] + row["bytes_down"])


def _about(case: Case, session: int, period_s: float, rounds: list[Round], carried: int) -> Finding:
    name, every = case.device(session), span(period_s)
    anew = case.source("reconnects")
    mine = read.ints(anew, "session_id") == session
    setup = int(read.ints(anew, "setup_bytes")[mine].clip(0).sum())
    empty = _empty(case, session, rounds)
    detail = f"{counted(len(rounds), 'round')} in {span((rounds[-1].start_ns - rounds[0].start_ns) / 1e9)}, one every "
    detail += f"{every}; {of_all(empty, len(rounds))} brought nothing. " if empty else f"{every}. "
    detail += f"They cost {size(carried + setup)}"
    detail += f" and {counted(int(mine.sum()), 'further connection')}. " if mine.any() else ". "
    detail += f"Mail waits up to {every} for the next round, {span(period_s / 2)} on average."
    table = case.source("transactions")
    firsts = np.isin(read.ints(table, "transaction_id"), [each.transaction_id for each in rounds])
    return Finding(
        code=CODE,
        severity="info",
        title=f"{name} synchronises every {every} instead of by push.",
        detail=detail,
        advice=f"With Direct Push mail comes at once, and waits of {every} or more need no more requests than this.",
        session_id=session,
        start=rounds[0].start_ns,
        end=rounds[-1].start_ns,
        confidence="likely",
        frames=tuple(read.ints(table, "request_frame")[firsts][:FRAMES].tolist()),
    )


def _empty(case: Case, session: int, rounds: list[Round]) -> int:
    """Rounds whose Syncs moved no item."""
    sizes = case.source("sync_sizes")
    mine = read.ints(sizes, "session_id") == session
    moved = sum(read.ints(sizes, name)[mine].clip(0) for name in ("adds", "changes", "deletes"))
    begun = np.array([each.start_ns for each in rounds])
    place = np.searchsorted(begun, read.times(sizes, "time")[mine], side="right") - 1
    items = np.bincount(place.clip(0), weights=moved, minlength=len(rounds))
    return int((items == 0).sum())
