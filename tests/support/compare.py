"""Hold the analyzer's tables against what the logs say (`tests.support.truth`).

`Comparison` pairs requests with rows of `transactions` once; each of its methods then answers one question and
returns the mismatches as sentences, none when all is well. A test asserts `== []` and so prints every mismatch at
once.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

from tests.support.truth import Expected, connections_used, device_of, expected

START_TOLERANCE_S = 0.1  # between the client's "written" and the frame; a connection made by hand is 0.05 s slower
HELD_TOLERANCE_S = 0.3  # the issue's own figure
EMPTY = 0  # a body that is not there has no bytes, whichever word the table uses for it

Row = dict[str, Any]


def rows(frame: Any) -> list[Row]:
    """A pandas table as plain rows: absent values are None, times are Unix seconds."""
    import pandas as pd

    def plain(value: Any) -> Any:
        if isinstance(value, pd.Timestamp):
            return value.value / 1e9
        if value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
            return None
        return value.item() if hasattr(value, "item") else value

    return [{name: plain(value) for name, value in row.items()} for row in frame.to_dict("records")]


class Comparison:
    """One analysed capture and its truth."""

    def __init__(
        self,
        analysis: Any,
        truth: dict[str, Any],
        point: str,
        *,
        start_tolerance_s: float = START_TOLERANCE_S,
        held_tolerance_s: float = HELD_TOLERANCE_S,
    ):
        self.analysis = analysis
        self.truth = truth
        self.device = device_of(truth)
        self.wanted, self.unsent = expected(truth, point)
        self.start_tolerance_s = start_tolerance_s
        self.held_tolerance_s = held_tolerance_s
        self.transactions = rows(analysis.transactions)
        self.heartbeats = rows(analysis.heartbeats)
        self.teardowns = rows(analysis.teardowns)
        self.sync_sizes = rows(analysis.sync_sizes)
        self.sessions = rows(analysis.sessions)
        self.connections = rows(analysis.connections)

    @cached_property
    def _pairing(self) -> tuple[list[tuple[Expected, Row]], list[Expected], list[Row]]:
        left = [row for row in self.transactions if row["request_start"] is not None and not row["inferred"]]
        pairs, missing = [], []
        for wanted in self.wanted:
            near = [row for row in left if self._is_request(row, wanted)]
            if near:
                row = min(near, key=lambda row: abs(row["request_start"] - wanted.start_s))
                pairs.append((wanted, row))
                left.remove(row)
            else:
                missing.append(wanted)
        return pairs, missing, left

    def _is_request(self, row: Row, wanted: Expected) -> bool:
        same = row["method"] == "OPTIONS" if wanted.command == "OPTIONS" else row["command"] == wanted.command
        return same and abs(row["request_start"] - wanted.start_s) < self.start_tolerance_s

    @property
    def pairs(self) -> list[tuple[Expected, Row]]:
        """Each request that was found, with its row."""
        return self._pairing[0]

    @cached_property
    def waits(self) -> list[tuple[Expected, Row]]:
        """Each wait that was found, with its row of `heartbeats`."""
        by_transaction = {row["transaction_id"]: row for row in self.heartbeats}
        return [
            (wanted, by_transaction[row["transaction_id"]])
            for wanted, row in self.pairs
            if wanted.is_wait and row["transaction_id"] in by_transaction
        ]

    def requests(self) -> list[str]:
        """Is each request that reached the wire found exactly once, and nothing else?"""
        _, missing, extra = self._pairing
        return [f"{wanted} at {wanted.start_s:.3f} is not found" for wanted in missing] + [
            f"transaction {row['transaction_id']} ({row['command']} at {row['request_start']:.3f}, "
            f"frame {row['request_frame']}) is in nobody's log"
            for row in extra
        ]

    def devices(self) -> list[str]:
        """Does each belong to the right user and device?"""
        by_id = {row["session_id"]: row for row in self.sessions}
        wrong = []
        for wanted, row in self.pairs:
            session = by_id.get(row["session_id"])
            if wanted.device_id is not None and (session is None or session["device_id"] != wanted.device_id):
                wrong.append(f"{wanted} belongs to {wanted.device_id}, not to {session and session['device_id']}")
        return wrong

    def statuses(self) -> list[str]:
        """Is the HTTP status that of the answer which passed the capture point?"""
        return _unequal((wanted, "status", wanted.status, row["status"]) for wanted, row in self.pairs)

    def sizes(self) -> list[str]:
        """Are the bodies' sizes right to the byte, compressed and decoded?"""
        return _unequal(
            (wanted, column, size, row[column] or EMPTY)
            for wanted, row in self.pairs
            if row["response_start"] is not None
            for column, size in (wanted.sizes | wanted.folder_sizes).items()
        )

    def folders(self) -> list[str]:
        """Has each Sync of one folder exactly that folder's row, and has it the folder's name?"""
        wrong = []
        for wanted, row in self.pairs:
            if wanted.folder is None:
                continue
            found = [size for size in self.sync_sizes if size["transaction_id"] == row["transaction_id"]]
            if [size["collection_id"] for size in found] != [wanted.folder]:
                wrong.append(f"{wanted}: {wanted.folder} expected, {[size['collection_id'] for size in found]} found")
                continue
            name = self.device["folders"].get(wanted.folder)
            if found[0]["folder_name"] != name:
                wrong.append(f"{wanted}: folder {wanted.folder} is {name!r}, not {found[0]['folder_name']!r}")
        return wrong

    def collections(self) -> list[str]:
        """Are key, status, number of items and "more" those that the client read in the answer?"""
        wrong = []
        for wanted, row in self.pairs:
            found = {
                size["collection_id"]: size
                for size in self.sync_sizes
                if size["transaction_id"] == row["transaction_id"]
            }
            for collection in wanted.collections:
                size = found.get(collection["CollectionId"])
                if size is None:
                    wrong.append(f"{wanted}: collection {collection['CollectionId']} is not found")
                    continue
                items = collection.get("n_Commands", collection.get("n_Add", 0))
                got = (
                    size["sync_key_received"],
                    str(size["status"]),
                    sum(size[kind] or 0 for kind in ("adds", "changes", "deletes")),
                    bool(size["more_available"]),
                )
                want = (collection["SyncKey"], collection["Status"], items, collection.get("MoreAvailable", False))
                if got != want:
                    wrong.append(f"{wanted}: collection {collection['CollectionId']} is {want}, not {got}")
        return wrong

    def waits_found(self) -> list[str]:
        """Is each wait a heartbeat, and each heartbeat a wait?"""
        found = {id(wanted) for wanted, _ in self.waits}
        known = {row["heartbeat_id"] for _, row in self.waits}
        return [
            f"{wanted} is no heartbeat" for wanted, _ in self.pairs if wanted.is_wait and id(wanted) not in found
        ] + [
            f"heartbeat {row['heartbeat_id']} ({row['kind']}, {row['held_s']} s) is no wait"
            for row in self.heartbeats
            if row["heartbeat_id"] not in known and row["kind"] != "inferred"
        ]

    def requested(self) -> list[str]:
        """Is the interval what the client asked for, or the last one it had asked for?"""
        return _unequal(
            (wanted, "requested_s", wanted.requested_s, row["requested_s"]) for wanted, row in self.waits
        ) + [
            f"{wanted}: requested_source is {row['requested_source']!r}"
            for wanted, row in self.waits
            if (row["requested_source"] == "inherited") != wanted.inherited
        ]

    def held(self) -> list[str]:
        """Is the time that it was held the one in the log?"""
        return [
            f"{wanted}: held {row['held_s']} s, {wanted.held_s:.3f} s by the log"
            for wanted, row in self.waits
            if wanted.held_s is None
            or row["held_s"] is None
            or abs(row["held_s"] - wanted.held_s) > self.held_tolerance_s
        ]

    def outcomes(self) -> list[str]:
        """Did it end as the log says?"""
        return [
            f"{wanted}: {row['outcome']!r}, expected one of {sorted(wanted.outcomes)}"
            for wanted, row in self.waits
            if row["outcome"] not in wanted.outcomes
        ]

    def premature(self) -> list[str]:
        """Is every wait that others ended a premature teardown, once, and nothing else?"""
        accused = [row for row in self.teardowns if row["premature"]]
        by_heartbeat = {row["heartbeat_id"]: wanted for wanted, row in self.waits}
        wrong = []
        for wanted, row in self.waits:
            count = sum(teardown["heartbeat_id"] == row["heartbeat_id"] for teardown in accused)
            if count != int(wanted.premature):
                wrong.append(f"{wanted}: {count} premature teardowns, expected {int(wanted.premature)}")
        return wrong + [
            f"teardown {row['teardown_id']} ({row['mechanism']} at {row['time']:.3f}) is premature without a wait"
            for row in accused
            if row["heartbeat_id"] not in by_heartbeat
        ]

    def session(self) -> list[str]:
        """Is there one session: this user, this device, all its waits?"""
        asked = [each.get("req_MS-ASProtocolVersion") for each in self.device["exchanges"]]
        version = next((version for version in reversed(asked) if version), None)
        waits = sum(wanted.is_wait for wanted in self.wanted)
        want = [(self.device["device_id"], self.device["user"], version, waits)]
        got = [
            (row["device_id"], row["user"], row["protocol_version"] if version else None, row["heartbeats"])
            for row in self.sessions
        ]
        return [] if got == want else [f"sessions are {got}, expected {want}"]

    def readable(self) -> list[str]:
        """Is every connection that carried a request decrypted, and none of them counted twice?"""
        used = {row["connection_id"] for _, row in self.pairs}
        by_id = {row["connection_id"]: row for row in self.connections}
        wrong = [
            f"connection {number} is {by_id[number]['decryption']}: {by_id[number]['why_encrypted']}"
            for number in sorted(used)
            if by_id[number]["decryption"] != "decrypted"
        ]
        if len(used) != connections_used(self.truth):
            wrong.append(f"{len(used)} connections carried requests, {connections_used(self.truth)} by the logs")
        return wrong


QUESTIONS = (
    *("requests", "devices", "statuses", "sizes", "folders", "collections", "waits_found"),
    *("requested", "held", "outcomes", "premature", "session", "readable"),
)


def _unequal(comparisons: Any) -> list[str]:
    return [f"{who}: {what} is {want}, not {got}" for who, what, want, got in comparisons if got != want]
