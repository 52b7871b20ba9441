"""Invented captures as tables, for the page: built by the catalog, so that columns and dtypes are the real ones."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from analyzer.findings.verdict import DeviceRow, FolderRow, Verdict
from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import TABLES

S = 1_000_000_000
PATH = "198.51.100.0/24 → 203.0.113.10"
NOON = 1_795_262_400 * S  # 2026-11-21 12:00:00 UTC


@dataclass
class Story:
    """Rows by table, added wait by wait."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {table.name: [] for table in TABLES})
    verdict: Verdict | None = None

    def add(self, table: str, **row: Any) -> int:
        self.rows[table].append(row)
        return len(self.rows[table])

    def tables(self) -> dict[str, Any]:
        frames = {}
        for table in TABLES:
            builder = TableBuilder(table)
            for row in self.rows[table.name]:
                builder.append(tuple(row.get(column.name) for column in table.columns))
            frames[table.name] = builder.frame()
        return frames

    def session(self, *, device_id: str, device_type: str = "iPhone", user: str = "anna") -> int:
        number = len(self.rows["sessions"]) + 1
        return self.add(
            "sessions",
            session_id=number,
            device_id=device_id,
            device_type=device_type,
            user=user,
            server="mail.example.com",
        )

    def connection(self, *, start: float, end: float, client: str = "198.51.100.7") -> int:
        number = len(self.rows["connections"]) + 1
        return self.add(
            "connections",
            connection_id=number,
            capture="office.pcapng",
            start=NOON + int(start * S),
            end=NOON + int(end * S),
            client_ip=client,
            client_port=40000 + number % 20000,
            server_ip="203.0.113.10",
            server_port=443,
            keepalives=0,
            tls_version="TLS 1.2",
            first_frame=number * 100,
            last_frame=number * 100 + 99,
            eas_evidence="decoded",
            display_filter=f"ip.addr=={client} && tcp.port=={40000 + number % 20000} && tcp.port==443",
        )

    def wait(
        self,
        *,
        session: int | None,
        connection: int,
        start: float,
        held: float,
        requested: float | None,
        outcome: str,
        mechanism: str = "silent",
        path: str = PATH,
    ) -> int:
        number = len(self.rows["heartbeats"]) + 1
        begin, end = NOON + int(start * S), NOON + int((start + held) * S)
        frame = connection * 100 + 10 + number % 40
        died = outcome == "torn_down"
        self.add(
            "transactions",
            transaction_id=number,
            connection_id=connection,
            session_id=session,
            command="Ping",
            request_frame=frame,
            response_frame=None if died else frame + 1,
        )
        self.add(
            "heartbeats",
            heartbeat_id=number,
            session_id=session,
            connection_id=connection,
            transaction_id=number,
            kind="ping",
            start=begin,
            end=end,
            requested_s=requested,
            requested_source="body",
            held_s=held,
            outcome=outcome,
            path=path,
            request_frame=frame,
            end_frame=None if died else frame + 1,
        )
        if died:
            self.add(
                "teardowns",
                teardown_id=len(self.rows["teardowns"]) + 1,
                connection_id=connection,
                heartbeat_id=number,
                time=end,
                mechanism=mechanism,
                ended_by="path" if mechanism == "silent" else "middlebox",
                cause="idle_timeout",
                premature=True,
                idle_s=held,
                age_s=held + 3,
                evidence_grade="likely",
                first_frame=frame + 1,
                session_id=session,
                evidence=[
                    {
                        "kind": "retransmission",
                        "detail": "The device repeated its last packet 5 times without an answer.",
                        "frames": [frame + 1, frame + 2],
                    }
                ],
            )
        return number

    def sync(self, *, session: int, connection: int, time: float, folder: str, down: int) -> None:
        number = 1_000_000 + len(self.rows["sync_sizes"])
        frame = connection * 100 + 60
        self.add(
            "transactions",
            transaction_id=number,
            connection_id=connection,
            session_id=session,
            command="Sync",
            request_frame=frame,
            response_frame=frame + 2,
        )
        self.add(
            "sync_sizes",
            transaction_id=number,
            session_id=session,
            time=NOON + int(time * S),
            collection_id=str(len(folder)),
            folder_name=folder,
            folder_class="Email",
            adds=1 + down // 40_000,
            changes=0,
            deletes=0,
            upload_bytes=310,
            download_bytes=down,
            upload_wire_bytes=420,
            download_wire_bytes=int(down * 0.45),
            request_frame=frame,
            response_frame=frame + 2,
        )


def office(
    names: tuple[str, ...] = ("iPhone Anna", "Android Ben", "iPhone Chris"),
    folders: tuple[str, ...] = ("Inbox", "Calendar", "Contacts", "Sent Items"),
) -> Story:
    """Six hours: two phones ask for 15 minutes and lose waits to a 300 s timer, one asks for less and lives."""
    story = Story()
    chance = random.Random(7)
    devices = []
    for place, name in enumerate(names):
        session = story.session(device_id=name, device_type=name, user="")
        asked = (900, 240, 900)[place % 3]
        now, died, waits = 5.0 + 40 * place, 0, 0
        connection, begun = 0, now
        while now < 6.2 * 3600:
            if not connection:
                begun = now
                connection = story.connection(start=now, end=now, client=f"198.51.100.{7 + place}")
                now += 2
            waits += 1
            if chance.random() < 0.55 or (asked == 240 and chance.random() < 0.4):
                held = chance.uniform(8, 290 if asked == 900 else 200)
                story.wait(
                    session=session, connection=connection, start=now, held=held, requested=asked, outcome="changes"
                )
                now += held + 1
                story.sync(
                    session=session,
                    connection=connection,
                    time=now,
                    folder=chance.choice(folders),
                    down=int(10 ** chance.uniform(2.2, 5.8)),
                )
                now += 3
            elif asked == 240:
                story.wait(
                    session=session,
                    connection=connection,
                    start=now,
                    held=240,
                    requested=240,
                    outcome=chance.choice(["expired"] * 9 + ["replaced"]),
                )
                now += 241
            else:
                held = chance.uniform(905, 960) if place != 2 else chance.uniform(301, 320)
                story.wait(
                    session=session,
                    connection=connection,
                    start=now,
                    held=held,
                    requested=asked,
                    outcome="torn_down",
                    mechanism="silent" if place != 2 else "rst",
                )
                story.rows["connections"][connection - 1].update(
                    start=NOON + int(begun * S), end=NOON + int((now + held) * S)
                )
                died += 1
                now += held + chance.uniform(3, 60)
                connection = 0
                continue
            story.rows["connections"][connection - 1].update(start=NOON + int(begun * S), end=NOON + int(now * S))
        devices.append(
            DeviceRow(
                session_id=session,
                device=name,
                waits=waits,
                lived=waits - died,
                died=died,
                ended_itself=0,
                unknown=0,
                asked_s=float(asked),
                lived_s=240.0,
                ended_by="path, silent" if died else "-",
                grade="likely" if died else "",
                timer="290-301 s" if died else "> 240 s",
                timer_sure="",
                timer_ran_out=died > 0,
            )
        )
    story.add(
        "captures",
        capture="office.pcapng",
        engine="builtin",
        frames=4000,
        bytes=1_200_000_000,
        start=NOON,
        end=NOON + int(6.2 * 3600 * S),
        complete=True,
    )
    story.add(
        "idle_timeouts",
        path=PATH,
        clients=3,
        server_ip="203.0.113.10",
        low_s=290.0,
        high_s=301.0,
        behaviour="silent",
        deaths=31,
        survivals=53,
    )
    rows = tuple(
        FolderRow(
            session_id=1,
            device=names[0],
            folder=folder,
            folder_class="Email",
            syncs=61 - 9 * place,
            items=140 // (place + 1),
            down_wire_bytes=2_100_000 // (place + 1) ** 2,
            down_bytes=4_800_000 // (place + 1) ** 2,
            up_bytes=38_000 * (place + 1),
            largest_bytes=1_400_000,
            largest_time_ns=NOON + 7_331 * S,
            largest_frame=2207,
        )
        for place, folder in enumerate(folders)
    )
    story.verdict = verdict(devices=tuple(devices), folders=rows)
    return story


def verdict(**changed: Any) -> Verdict:
    words: dict[str, Any] = {
        "severity": "error",
        "headline": "Push is being cut on the way.",
        "reasons": (
            "31 of 84 waits died before they were answered. All 31 went silent after more than 5 min idle; nothing "
            "idle longer than 298 s ever got through, everything shorter did (53 of 53).",
            "Something between 198.51.100.0/24 and mail.example.com (203.0.113.10) forgets idle TCP connections after "
            "298-302 s (31 deaths, 53 survivals).",
        ),
        "advice": ("Raise that timer to 30 min, or set the server's maximum heartbeat to 240 s until then.",),
        "cost": ("It cost 2 h 41 min without push, 31 new TLS handshakes and 1.9 MB on 3 devices in 6.2 hours.",),
        "unseen": ("4 connections stayed encrypted (no key): their waits are inferred.",),
        "next_steps": ("Capture on the server's side of the firewall for one hour.",),
        "devices": (),
        "folders": (),
        "saved": None,
        "read": "3 of 3 EAS connections' keys found, 84 waits, 6.2 hours, 1.2 GB in 0.9 s.",
        **changed,
    }
    return Verdict(**words)


def nothing() -> Story:
    story = Story()
    story.add("captures", capture="empty.pcap", frames=12, bytes=900, start=NOON, end=NOON + 60 * S, complete=True)
    story.verdict = verdict(
        severity="info", headline="No Direct Push traffic was found.", reasons=(), advice=(), cost=(), unseen=()
    )
    return story


def encrypted() -> Story:
    """No key: waits are inferred, no session, nothing is known of what was asked."""
    story = nothing()
    for number in range(14):
        connection = story.connection(start=320.0 * number, end=320.0 * number + 310)
        story.wait(
            session=None,
            connection=connection,
            start=320.0 * number + 2,
            held=290 + number,
            requested=None,
            outcome="torn_down" if number % 3 == 0 else "unknown",
        )
    story.verdict = verdict(
        headline="Push waits die after about 5 min, as far as encrypted traffic shows.", severity="warning"
    )
    return story


def single() -> Story:
    story = nothing()
    session = story.session(device_id="A1")
    story.wait(
        session=session,
        connection=story.connection(start=0, end=482),
        start=1,
        held=480.3,
        requested=480,
        outcome="expired",
    )
    story.verdict = verdict(
        severity="ok",
        headline="Push is healthy: 1 wait, it lasted its 480 s.",
        reasons=(),
        advice=(),
        cost=(),
        unseen=(),
    )
    return story


def crowd(devices: int = 6000, waits: int = 350_000) -> Story:
    """More than a page can draw."""
    story = Story()
    chance = random.Random(1)
    for number in range(devices):
        session = story.session(device_id=f"DEV{number:06}", user=f"user{number}")
        connection = story.connection(
            start=chance.uniform(0, 600),
            end=8 * 3600,
            client=f"10.{number // 65536}.{number // 256 % 256}.{number % 256}",
        )
        for turn in range(waits // devices):
            died = chance.random() < (0.3 if number % 97 == 0 else 0.004)
            held = chance.uniform(301, 330) if died else chance.uniform(5, 299)
            story.wait(
                session=session,
                connection=connection,
                start=turn * 8 * 3600 / (waits // devices) + chance.uniform(0, 200),
                held=held,
                requested=480,
                outcome="torn_down" if died else chance.choice(["changes", "expired"]),
            )
    story.verdict = verdict()
    return story
