"""Odd bytes → rows of `anomalies`: those that the engine found, and those that the EAS decoder notes on its
messages."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import anomalies
from analyzer.timeline.columns import ints
from dissectors.eas import EasMessage
from dissectors.events import Anomaly, Transaction

MAX_REMEMBERED = 1_000_000  # (connection, code) pairs; beyond, repeated oddities of messages make rows again


class Anomalies:
    """The rows so far. An oddity of EAS messages makes one row a connection and code: some servers have it in every
    message."""

    def __init__(self) -> None:
        self.builder = TableBuilder(anomalies.TABLE)
        self._captures = array("q")
        self._seen: set[tuple[int, str]] = set()

    def add(self, a: Anomaly) -> None:
        self._captures.append(a.capture)
        self.builder.append((a.code, a.connection_id, a.frame, a.time_ns, a.detail, None))

    def add_oddities(self, t: Transaction, message: EasMessage) -> None:
        for odd in message.oddities:
            if (t.connection_id, odd.code) in self._seen:
                continue
            if len(self._seen) < MAX_REMEMBERED:
                self._seen.add((t.connection_id, odd.code))
            answered = message.response is not None and odd in message.response.oddities
            half = (t.response if answered else None) or t.request or t.response
            assert half is not None
            self._captures.append(-1)
            self.builder.append((odd.code, t.connection_id, half.first_frame, half.start_ns, odd.detail, None))

    def finish(self, capture_names: Sequence[str], capture_of_connection: dict[int, int]) -> TableBuilder:
        builder = self.builder
        numbers = ints(self._captures)
        for row in np.flatnonzero(numbers < 0).tolist():
            numbers[row] = capture_of_connection.get(int(builder.column("connection_id")[row]), -1)
        names = np.array([*capture_names, None], dtype=object)
        builder.replace("capture", names[np.where(numbers < len(capture_names), numbers, -1)])
        builder.reorder(np.lexsort((builder.column("code"), builder.column("frame"), builder.column("time"))))
        return builder
