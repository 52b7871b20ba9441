"""Tables made by hand, through the real catalog and builder, so that columns and types are the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import TABLES

if TYPE_CHECKING:
    import pandas as pd

S = 1_000_000_000
START = 1_795_262_400 * S  # 2026-11-21 12:00:00 UTC


PATH = "192.0.2.0/24 → 203.0.113.10"


class Made:
    """A capture in the making: one device on one connection unless told otherwise."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in TABLES}
        self.now = 0.0
        self.capture()

    def capture(self, **row: Any) -> Made:
        base = {
            "capture": "office.pcap",
            "engine": "builtin",
            "opened_by_tshark": 0,
            "frames": 1000,
            "bytes": 1_200_000,
            "start": START,
            "end": START + 3600 * S,
            "link_types": ["ethernet"],
            "secrets": 0,
            "truncated_frames": 0,
            "missing_bytes": 0,
            "complete": True,
        }
        self.rows["captures"] = [base | row]
        return self

    def session(self, **row: Any) -> int:
        number = len(self.rows["sessions"]) + 1
        base = {
            "session_id": number,
            "server": "mail.example.com",
            "user": "anna",
            "device_id": f"DEVICE{number:04}",
            "device_type": "iPhone",
            "sync_mode": "direct_push",
            "transactions": 1,
        }
        self.rows["sessions"].append(base | row)
        return number

    def connection(self, **row: Any) -> int:
        number = len(self.rows["connections"]) + 1
        base = {
            "connection_id": number,
            "capture": "office.pcap",
            "start": self._at(self.now),
            "end": self._at(self.now),
            "client_ip": "192.168.10.20",
            "client_port": 40000 + number,
            "server_ip": "203.0.113.10",
            "server_port": 443,
            "bytes_client": 3000,
            "bytes_server": 5000,
            "keepalives": 0,
            "tls_version": "TLS 1.3",
            "decryption": "decrypted",
            "eas_evidence": "decoded",
            "sni": "mail.example.com",
            "first_frame": number * 100,
            "display_filter": f"tcp.port=={40000 + number}",
        }
        self.rows["connections"].append(base | row)
        return number

    def wait(
        self,
        held: float,
        outcome: str = "expired",
        *,
        asked: float | None = None,
        end: dict[str, Any] | None = None,
        **row: Any,
    ) -> int:
        """One wait; `end` makes the row of `teardowns` that cut it (premature unless it says otherwise)."""
        number = len(self.rows["heartbeats"]) + 1
        if not self.rows["sessions"] and "session_id" not in row:
            self.session()
        if not self.rows["connections"] and "connection_id" not in row:
            self.connection()
        begin, self.now = self.now, self.now + held
        base = {
            "heartbeat_id": number,
            "session_id": 1,
            "connection_id": len(self.rows["connections"]),
            "transaction_id": number,
            "kind": "ping",
            "start": self._at(begin),
            "end": self._at(self.now),
            "requested_s": asked or held,
            "requested_source": "body",
            "held_s": held,
            "outcome": outcome,
            "path": PATH,
            "request_frame": number * 10,
            "end_frame": number * 10 + 1,
            "response_frame": number * 10 + 1,
        }
        self.rows["heartbeats"].append(base | row)
        self.rows["transactions"].append(
            {
                "transaction_id": number,
                "connection_id": base["connection_id"],
                "session_id": 1,
                "command": "Ping",
                "request_wire_bytes": 400,
                "response_wire_bytes": 0 if end else 300,
            }
        )
        if end is not None:
            tear = {
                "teardown_id": len(self.rows["teardowns"]) + 1,
                "connection_id": base["connection_id"],
                "heartbeat_id": number,
                "time": self._at(self.now),
                "mechanism": "silent",
                "ended_by": "path",
                "cause": "idle_timeout",
                "premature": True,
                "idle_s": held,
                "evidence_grade": "likely",
                "evidence": [
                    {"kind": "unanswered", "detail": "3 packets went unanswered", "frames": [number * 10 + 1]}
                ],
            }
            self.rows["teardowns"].append(tear | end)
            self.connection()
            self.now += 2.0
        return number

    def add(self, table: str, **row: Any) -> Made:
        self.rows[table].append(row)
        return self

    def tables(self, *, judged: bool = True) -> dict[str, pd.DataFrame]:
        """The tables; with `judged` the rules have filled `findings`."""
        frames = {table.name: self._frame(table.name) for table in TABLES}
        if judged:
            from analyzer.findings import run

            self.rows["findings"] = [
                {column.name: getattr(finding, column.name) for column in TABLES[-1].columns} for finding in run(frames)
            ]
            frames["findings"] = self._frame("findings")
        return frames

    def _frame(self, name: str) -> pd.DataFrame:
        table = next(table for table in TABLES if table.name == name)
        unknown = {key for row in self.rows[name] for key in row} - {column.name for column in table.columns}
        assert not unknown, f"{name} has no column {unknown}"
        builder = TableBuilder(table)
        for row in self.rows[name]:
            builder.append(tuple(row.get(column.name) for column in table.columns))
        return builder.frame()

    @staticmethod
    def _at(seconds: float) -> int:
        return START + round(seconds * S)


def silent_firewall() -> Made:
    """Waits of 15 and 20 s live, waits of 50 s die in silence; the device gives up after 62 s."""
    made = Made()
    for held in (15.5, 20.4, 15.2, 20.6):
        made.wait(held, asked=held - 0.4)
    for _ in range(3):
        made.wait(62.0, "torn_down", asked=50.0, end={"idle_s": 62.0})
        made.wait(20.1, asked=20.0)
    made.add("idle_timeouts", path=PATH, clients=1, server_ip="203.0.113.10", low_s=20.6, high_s=62.0, deaths=3)
    return made


def healthy() -> Made:
    made = Made()
    for held in (480.2, 900.1, 133.0, 2880.4):
        made.wait(held, "changes" if held == 133.0 else "expired", asked=900.0)
    return made
