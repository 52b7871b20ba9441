"""What each Sync moved for each collection → rows of `sync_sizes`.

A row a collection that the request or the answer names. They are matched by collection id (by class in the oldest
protocols, which send no id). Decoded bytes are counted by the decoder, from the Collection's tag to its END.
Compression and TLS mix the bytes of all collections, so those of the body as sent and of the wire are divided in
proportion to the decoded ones: the shares of all collections and of the rest, the envelope, add up to the whole,
exactly.

An empty answer says that nothing changed: rows of its request's collections have zero there. An empty request with an
empty answer names no collection and makes no row.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import sync_sizes
from analyzer.timeline.columns import Bools, Codes, Ints, ints
from analyzer.timeline.folders import Folders, kind_of, told_at
from dissectors.eas import EasMessage
from dissectors.eas.commands.sync import (
    SyncCollectionRequest,
    SyncCollectionResponse,
    SyncRequest,
    SyncResponse,
)
from dissectors.events import Transaction


class SyncSizes:
    """The rows so far, with their transaction row and provisional session."""

    def __init__(self) -> None:
        self.builder = TableBuilder(sync_sizes.TABLE)
        self._row = array("q")
        self._session = array("q")
        self._time = array("q")
        self._class: list[str | None] = []

    def add(self, row: int, session: int, t: Transaction, message: EasMessage) -> None:
        request, response = t.request, t.response
        half = request or response
        asked = message.request if isinstance(message.request, SyncRequest) else None
        said = message.response if isinstance(message.response, SyncResponse) else None
        if half is None or (asked is None and said is None):
            return
        pairs = _pairs(asked.collections if asked else (), said.collections if said else ())
        up_wire = up_body = down_wire = down_body = None
        if asked is not None and request is not None:
            parts = [a.upload_bytes if a else 0 for a, _ in pairs]
            rest = asked.header_bytes + asked.envelope_bytes
            up_wire, up_body = shares(request.wire_bytes, parts, rest), shares(request.body_bytes, parts, rest)
        if said is not None and response is not None:
            parts = [s.download_bytes if s else 0 for _, s in pairs]
            rest = said.header_bytes + said.envelope_bytes
            down_wire, down_body = shares(response.wire_bytes, parts, rest), shares(response.body_bytes, parts, rest)
        status = said.status if said else None
        coding = response.headers.get("content-encoding") if response is not None else None
        for n, (a, s) in enumerate(pairs):
            self._row.append(row)
            self._session.append(session)
            self._time.append(half.start_ns)
            self._class.append((a and a.collection_class) or (s and s.collection_class) or None)
            self.builder.append(
                (
                    None,
                    None,
                    half.start_ns,
                    (a and a.collection_id) or (s and s.collection_id) or None,
                    None,
                    None,
                    a and a.sync_key,
                    s and s.sync_key,
                    s.status if s is not None and s.status is not None else status,
                    *_received(said, s),
                    None if a is None or asked is None else (a.window_size or asked.window_size),
                    a and a.filter_type,
                    a and a.truncation,
                    None if asked is None else (a.upload_bytes if a else 0),
                    None if said is None else (s.download_bytes if s else 0),
                    up_wire and up_wire[n],
                    down_wire and down_wire[n],
                    up_body and up_body[n],
                    down_body and down_body[n],
                    *_sent(asked, a),
                    (s.largest_item_bytes or None) if s else None,
                    None if said is None else (s.items_bytes if s else 0),
                    coding,
                    None if a is None or a.sync_key is None else a.sync_key == "0",
                    False,
                    request and request.first_frame,
                    response and response.first_frame,
                )
            )

    def finish(
        self, sessions: Ints, session_ids: Ints, transaction_ids: Codes, held_rows: Codes, folders: Folders
    ) -> TableBuilder:
        """Complete the rows and put them in order. `sessions`: provisional → joined number; `session_ids`:
        provisional → session_id; `held_rows`: transaction rows of the Syncs that are waits.
        """
        builder = self.builder
        if not len(self._row):
            return builder
        rows, times = ints(self._row), ints(self._time)
        provisional = ints(self._session)
        joined, ids = sessions[provisional], session_ids[provisional]
        names: list[str | None] = []
        kinds: list[str | None] = []
        collections = builder.column("collection_id").tolist()
        for session, folder_id, time_ns, stated in zip(
            joined.tolist(), collections, times.tolist(), self._class, strict=True
        ):
            told = told_at(folders.tellings(session, folder_id), time_ns)
            names.append(told.name if told else None)
            kinds.append(kind_of(told, stated))
        held: Bools = np.isin(rows, held_rows)
        builder.replace("transaction_id", transaction_ids[rows])
        builder.replace("session_id", ids, ids == 0)
        builder.replace("folder_name", names)
        builder.replace("folder_class", kinds)
        builder.replace("held", held.astype(np.int8))
        builder.reorder(np.argsort(transaction_ids[rows], kind="stable"))
        return builder


def shares(total: int, parts: Sequence[int], rest: int) -> list[int]:
    """Divide `total` among `parts` and `rest` in proportion to them, by largest remainder; what is not in the result
    is the rest's share. Equal remainders: the earlier part first, the rest last.
    """
    whole = sum(parts) + rest
    if not whole:
        return [0] * len(parts)
    sizes = (*parts, rest)
    divided = [total * size // whole for size in sizes]
    left = total - sum(divided)
    by_remainder = sorted(range(len(sizes)), key=lambda n: -(total * sizes[n] % whole))
    for n in by_remainder[:left]:
        divided[n] += 1
    return divided[:-1]


def _pairs(
    asked: Sequence[SyncCollectionRequest], said: Sequence[SyncCollectionResponse]
) -> list[tuple[SyncCollectionRequest | None, SyncCollectionResponse | None]]:
    """The collections of request and answer, matched, in the order of the request; then those that only the answer
    names."""
    answers: dict[str | None, list[SyncCollectionResponse]] = {}
    for s in said:
        answers.setdefault(s.collection_id or s.collection_class, []).append(s)
    pairs: list[tuple[SyncCollectionRequest | None, SyncCollectionResponse | None]] = []
    for a in asked:
        found = answers.get(a.collection_id or a.collection_class)
        pairs.append((a, found.pop(0) if found else None))
    pairs += [(None, s) for left in answers.values() for s in left]
    return pairs


def _received(said: SyncResponse | None, s: SyncCollectionResponse | None) -> tuple[object, ...]:
    """adds, changes, deletes, more_available"""
    if said is None:
        return (None, None, None, None)
    return (s.adds, s.changes, s.deletes + s.soft_deletes, s.more_available) if s else (0, 0, 0, False)


def _sent(asked: SyncRequest | None, a: SyncCollectionRequest | None) -> tuple[object, ...]:
    """client_adds, client_changes, client_deletes, client_fetches"""
    if asked is None:
        return (None, None, None, None)
    return (a.adds, a.changes, a.deletes, a.fetches) if a else (0, 0, 0, 0)
