"""Mails that look like triggers of an SMS → rows of `sms_triggers`, each with the Sync that it caused.

Nothing on the wire joins the two: the mail names a telephone, the Sync a device. What joins them is time, and habit. A
telephone belongs to the session that began a round of Syncs within WITHIN_S of most of its triggers, if exactly one
session did so more often than all others, and that session keeps no wait at the server: a device in Direct Push
synchronises all the time, and not for a trigger's sake. Devices wait three minutes at most before they follow a trigger
(they swallow those that queued up).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from analyzer.tables import read
from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import sms_triggers
from analyzer.timeline.columns import NS
from analyzer.timeline.rounds import Round, rounds_of
from dissectors.events import TriggerMail

WITHIN_S = 180.0
MOST = 0.5  # of a telephone's triggers


def rows(mails: Sequence[TriggerMail], built: Mapping[str, Any]) -> TableBuilder:
    """The table, in order of time."""
    builder = TableBuilder(sms_triggers.TABLE)
    if not mails:
        return builder
    links = built["connections"]
    ends = zip(*(read.values(links, name) for name in ("connection_id", "client_ip", "server_ip")), strict=True)
    address = {number: (client, server) for number, client, server in ends}
    rounds = rounds_of(built)
    owner = _owners(mails, rounds)
    for number, mail in enumerate(sorted(mails, key=lambda m: (m.time_ns, m.connection_id, m.frame)), 1):
        session = owner.get(mail.recipient)
        caused = None if session is None else _after(rounds[session], mail.time_ns)
        builder.append(
            (
                number,
                mail.time_ns,
                mail.connection_id,
                *address.get(mail.connection_id, (None, None)),
                mail.recipient,
                mail.recipient.rpartition("@")[2].lower() or None,
                mail.numeric,
                mail.gateway,
                mail.from_exchange,
                mail.message_bytes,
                mail.accepted,
                "likely" if mail.numeric and (mail.from_exchange or mail.gateway) else "possible",
                session,
                None if caused is None else caused.transaction_id,
                None if caused is None else (caused.start_ns - mail.time_ns) / NS,
                mail.frame,
            )
        )
    return builder


def _owners(mails: Sequence[TriggerMail], rounds: Mapping[int, Sequence[Round]]) -> dict[str, int]:
    """Telephone → session_id."""
    times: dict[str, list[int]] = {}
    for mail in mails:
        if mail.accepted is not False:
            times.setdefault(mail.recipient, []).append(mail.time_ns)
    found = {}
    for recipient, sent in times.items():
        hits = {session: sum(_after(own, at) is not None for at in sent) for session, own in rounds.items()}
        most = max(hits.values(), default=0)
        best = [session for session, count in hits.items() if count == most]
        if len(best) == 1 and most > len(sent) * MOST:
            found[recipient] = best[0]
    return found


def _after(rounds: Sequence[Round], at_ns: int) -> Round | None:
    """The first round that begins within WITHIN_S."""
    place = bisect_left(rounds, at_ns, key=lambda each: each.start_ns)
    if place < len(rounds) and rounds[place].start_ns - at_ns <= WITHIN_S * NS:
        return rounds[place]
    return None
