"""How a device learns of new mail → `sessions.sync_mode`. Said only where the capture shows it beyond doubt.

direct_push     it keeps waits at the server
sms_triggered   most of its rounds of synchronisation follow a trigger mail (`sms_triggers`)
scheduled       its rounds come at one period of MIN_PERIOD_S or more: at least MIN_INTERVALS times in a row of one
                period each, give or take TOLERANCE (and no more than MAX_OFF_S). A missed round (the device was
                off) and a round between (the user asked) are forgiven; what fits neither may be one interval in ten
manual          at least MANUAL_ROUNDS rounds over MANUAL_SPAN_S or more, so irregular that no schedule makes them
unknown         anything else. So too when the same device has connections that stayed encrypted: its waits may be
                on them
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from analyzer.tables import read
from analyzer.tables.builder import TableBuilder
from analyzer.timeline.columns import NS
from analyzer.timeline.rounds import Round, rounds_of

MIN_PERIOD_S = 300.0  # the shortest that devices offer
MIN_INTERVALS = 3
TOLERANCE = 0.1  # of the period
MAX_OFF_S = 60.0
MAX_MISSED = 3  # rounds in a row
MAX_MISFITS = 0.1  # of all intervals
MANUAL_ROUNDS = 5
MANUAL_SPAN_S = 3600.0
IRREGULAR = 0.5  # standard deviation of the intervals, of their mean


class Mode(NamedTuple):
    """What is known of one session."""

    mode: str
    period_s: float | None = None


def modes(built: Mapping[str, Any], triggers: Any) -> list[Mode]:
    """The mode of each row of `sessions`. `triggers`: the table `sms_triggers`."""
    sessions = built["sessions"]
    numbers, waits = read.ints(sessions, "session_id").tolist(), read.ints(sessions, "heartbeats").tolist()
    if all(waits):
        return [Mode("direct_push")] * len(numbers)
    rounds = rounds_of(built)
    hidden = _partly_hidden(built)
    woken: dict[int, set[int]] = {}
    caused = zip(read.values(triggers, "session_id"), read.values(triggers, "transaction_id"), strict=True)
    for session, transaction in caused:
        if session is not None and transaction is not None:
            woken.setdefault(session, set()).add(transaction)
    found = []
    for number, waiting in zip(numbers, waits, strict=True):
        if waiting:
            found.append(Mode("direct_push"))
        elif number in hidden:
            found.append(Mode("unknown"))
        else:
            found.append(mode(rounds.get(number, []), woken.get(number, set())))
    return found


def fill(sessions: TableBuilder, built: Mapping[str, Any]) -> None:
    """Writes the modes into the table."""
    if len(sessions):
        found = modes(built, built["sms_triggers"])
        sessions.replace("sync_mode", [each.mode for each in found])
        sessions.replace("scheduled_period_s", [each.period_s for each in found])


def mode(rounds: Sequence[Round], woken: set[int]) -> Mode:
    """The mode of a session without waits. `woken`: transaction_ids of first Syncs that followed a trigger."""
    followed = sum(each.transaction_id in woken for each in rounds)
    if followed >= 2 and 2 * followed >= len(rounds):
        return Mode("sms_triggered")
    starts_s = [(each.start_ns - rounds[0].start_ns) / NS for each in rounds]
    period_s = period(starts_s)
    if period_s is not None:
        return Mode("scheduled", period_s)
    if len(rounds) >= MANUAL_ROUNDS and starts_s[-1] >= MANUAL_SPAN_S and not followed and _irregular(starts_s):
        return Mode("manual")
    return Mode("unknown")


def period(starts_s: Sequence[float]) -> float | None:
    """The period of these times in seconds, None where there is none beyond doubt."""
    intervals = np.diff(starts_s)
    long = intervals[intervals >= MIN_PERIOD_S * (1 - TOLERANCE)]
    if len(long) < MIN_INTERVALS:
        return None
    guess = float(np.median(long))
    off = min(guess * TOLERANCE, MAX_OFF_S)
    single: list[float] = []
    missed = between = misfits = 0
    anchor = starts_s[0]
    for at in starts_s[1:]:
        passed = at - anchor
        times = round(passed / guess)
        if 1 <= times <= MAX_MISSED + 1 and abs(passed - times * guess) <= off * times:
            if times == 1:
                single.append(passed)
            else:
                missed += 1
        elif passed < guess - off:
            between += 1
            continue
        else:
            misfits += 1
        anchor = at
    regular = len(single)
    if regular < MIN_INTERVALS or missed + between > regular / 2 or misfits > MAX_MISFITS * len(intervals):
        return None
    found = float(np.mean(single))
    return found if found >= MIN_PERIOD_S * (1 - TOLERANCE / 2) else None


def _irregular(starts_s: Sequence[float]) -> bool:
    intervals = np.diff(starts_s)
    return float(intervals.std()) > IRREGULAR * float(intervals.mean())


def _partly_hidden(built: Mapping[str, Any]) -> set[int]:
    """Sessions of clients that also have connections to the same server which could not be read."""
    links, table = built["connections"], built["transactions"]
    clients, servers = read.codes(links, "client_ip")[0], read.codes(links, "server_ip")[0]
    pair = clients.astype(np.int64) * (int(servers.max(initial=0)) + 1) + servers
    closed = read.among(links, "decryption", "encrypted", "partial") & (read.ints(links, "duplicate_of") < 0)
    # a connection without any payload of the client hides nothing
    closed &= read.ints(links, "bytes_client") > 0
    ids = read.ints(links, "connection_id")[np.isin(pair, pair[closed])]
    of_rows = read.ints(table, "session_id")
    return set(of_rows[np.isin(read.ints(table, "connection_id"), ids)].tolist())
