"""Endings → rows of `teardowns`."""

from __future__ import annotations

from array import array

import numpy as np

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import teardowns
from analyzer.timeline.columns import Codes, Floats, Ints, ints, ranks, seconds
from analyzer.timeline.connections import display_filter
from analyzer.timeline.evidence import Ending
from dissectors.events import Connection


class Teardowns:
    """The rows so far, with the place of their wait in `Waits` and their provisional session, -1 for none."""

    def __init__(self) -> None:
        self.builder = TableBuilder(teardowns.TABLE)
        self._wait = array("q")
        self._session = array("q")
        self._time = array("q")
        self._connection = array("q")

    def add(self, c: Connection, ending: Ending, wait: int, session: int) -> None:
        idle_s = None
        if ending.idle_since_ns is not None:
            idle_s = max(0.0, seconds(ending.time_ns, ending.idle_since_ns))
        frames = [frame for evidence in ending.evidence for frame in evidence["frames"]]
        if ending.end_frame is not None:
            frames.append(ending.end_frame)
        self._wait.append(wait)
        self._session.append(session)
        self._time.append(ending.time_ns)
        self._connection.append(c.connection_id)
        self.builder.append(
            (
                None,
                c.connection_id,
                None,
                ending.time_ns,
                ending.mechanism,
                ending.ended_by,
                ending.cause,
                ending.premature,
                idle_s,
                max(0.0, seconds(ending.time_ns, c.start_ns)),
                ending.grade,
                ending.evidence,
                None,
                None,
                None,
                min(frames, default=None),
                display_filter(c),
            )
        )

    def finish(self, session_ids: Ints, heartbeat_ids: Codes, requested: Floats, held: Floats) -> TableBuilder:
        """Complete the rows and put them in order. `session_ids`: provisional session → session_id; the others by
        place of the wait.
        """
        waits, sessions = ints(self._wait), ints(self._session)
        has_wait, has_session = waits >= 0, sessions >= 0
        # One place more, so that -1 finds "nothing".
        heartbeat = np.append(heartbeat_ids, 0)[waits]
        session = np.append(session_ids, 0)[sessions]
        order = np.lexsort((ints(self._connection), ints(self._time)))
        builder = self.builder
        builder.replace("teardown_id", ranks(order) + 1)
        builder.replace("heartbeat_id", heartbeat, heartbeat == 0)
        builder.replace("session_id", session, ~has_session | (session == 0))
        builder.replace("requested_s", np.where(has_wait, np.append(requested, np.nan)[waits], np.nan))
        builder.replace("held_s", np.where(has_wait, np.append(held, np.nan)[waits], np.nan))
        builder.reorder(order)
        return builder
