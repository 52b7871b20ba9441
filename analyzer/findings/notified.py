"""What rules and verdict say about notifications between servers: some deliveries, grouped, and the line for all.

Deliveries that only the devices' side shows are left alone here: without the servers' side nothing was to be judged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from analyzer.findings.about import FRAMES, address_filter
from analyzer.findings.case import Case
from analyzer.findings.picked import Picked, picked
from analyzer.findings.words import counted, listed, of_all, short, span
from analyzer.tables import read
from analyzer.texts import endpoint

_ENDS = ("source_ip", "destination_ip", "destination_port")
_SAID = (
    ("delivered", "delivered"),
    ("blocked", "refused"),
    ("lost", "lost"),
    ("missed", "woke nobody"),
    ("late", "came late"),
    ("unmatched", "fit no wait"),
)


@dataclass(frozen=True)
class Way:
    """Some deliveries from one mailbox server to one front-end."""

    source: str
    destination: str
    port: int | None
    rows: Picked
    total: int  # deliveries of all kinds between the two

    @property
    def between(self) -> str:
        """10.0.0.5 to 10.0.0.4:2883"""
        return f"{self.source} to {endpoint(self.destination, self.port)}"

    def share(self, noun: str) -> str:
        """3 of 4 notifications; All 3 notifications."""
        said = of_all(len(self.rows), self.total, noun)
        return said[:1].upper() + said[1:]

    @property
    def most(self) -> bool:
        return 2 * len(self.rows) >= self.total

    @cached_property
    def frames(self) -> tuple[int, ...]:
        found: list[int] = []
        for name in ("notification_frame", "refusal_frame", "poll_frame"):
            found += self.rows.known(name)[:FRAMES]
        return tuple(sorted(dict.fromkeys(found))[:FRAMES])

    @property
    def display_filter(self) -> str:
        """Shows the datagrams, and ICMP errors that quote them."""
        both = " && ".join(map(address_filter, (self.source, self.destination)))
        return both if self.port is None else f"{both} && udp.port == {self.port}"

    def later(self) -> str | None:
        """How much later the devices asked for it; None where no Sync is known."""
        totals, took = self.rows["total_s"], self.rows["sync_done_s"]
        waited = [total - (done or 0.0) for total, done in zip(totals, took, strict=True) if total is not None]
        if not waited:
            return None
        median, longest = float(np.median(waited)), max(waited)
        if len(waited) == 1:
            return f"The device asked for it {span(longest)} later."
        return f"Devices asked for it {span(median)} later (median; at most {span(longest)})."


def ways(case: Case, *outcomes: str, by: tuple[str, ...] = ()) -> Iterator[Way]:
    """The deliveries with these outcomes, by addresses and port, and by further columns; most of them first."""
    table = case.source("deliveries")
    ours = read.codes(table, "source_ip")[0] >= 0
    places = np.flatnonzero(ours & read.among(table, "outcome", *outcomes))
    if not len(places):
        return
    rows, total = picked(table, places), Counter(picked(table, np.flatnonzero(ours)).each(*_ENDS))
    groups: dict[tuple[Any, ...], list[int]] = {}
    for place, key in enumerate(rows.each(*_ENDS, *by)):
        groups.setdefault(key, []).append(place)
    for key, some in sorted(groups.items(), key=lambda group: -len(group[1])):
        source, destination, port = key[:3]
        yield Way(str(source), str(destination), port, rows.part(some), total[key[:3]])


def line(case: Case) -> str | None:
    """One line about all of them: Between the servers: 3 notifications, 1 delivered (median 36 ms to the Ping's answer,
    0.7 s from there to the Sync), 2 lost. None where nothing of the servers' side is in the capture."""
    table = case.source("deliveries")
    ours = read.codes(table, "source_ip")[0] >= 0
    total = int(ours.sum())
    if not total:
        return None
    delivered = ours & read.among(table, "outcome", "delivered")
    times = []
    for name, words in (("notify_to_ping_s", "to the Ping's answer"), ("ping_to_sync_s", "from there to the Sync")):
        values = read.floats(table, name)[delivered]
        values = values[~np.isnan(values)]
        if len(values):
            times.append(f"{short(float(np.median(values)))} {words}")
    counts = [(int((ours & read.among(table, "outcome", name)).sum()), words) for name, words in _SAID]
    counts.append((total - sum(number for number, _ in counts), "cannot be judged"))
    parts = [f"{'all' if number == total > 1 else f'{number:,}'} {words}" for number, words in counts if number]
    if delivered.any() and times:
        parts[0] += f" (median {', '.join(times)})"
    return f"Between the servers: {counted(total, 'notification')}, {listed(parts, len(parts))}."
