"""The hosts of the made samples and what happens between them; each thing that happens is written down as truth.

Times are seconds from the beginning of the story, to the microsecond. A device waits at the front-end, which watches
its folders at the mailbox server:

    stage = Stage()
    stage.sign_in(0.0)
    wait = stage.wait(2.0, 480)                  # Ping, and SUBSCRIBE for each of its folders
    stage.notify(65.25, [wait.ids["5"]])         # the mailbox server's datagram
    stage.answer(65.281, wait, changed=["5"])    # of the Ping
    stage.sync(65.9, ["5"], took=0.35)
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from samples.made import dav, eas
from samples.made.wire import SECOND_US, Host, Tcp, Wire

START_US = 1_150_000_000 * SECOND_US  # 2006-06-11, when this was new

DEVICE = Host("10.9.0.20", "02:00:00:00:09:20", 61)  # behind the carrier and the proxy that ends TLS
FRONT_END = Host("10.0.0.4", "02:00:00:00:00:04")
MAILBOX_SERVER = Host("10.0.0.5", "02:00:00:00:00:05")
FIREWALL = Host("10.0.0.1", "02:00:00:00:00:01", 64)

PROHIBITED, PORT_UNREACHABLE, HOST_UNREACHABLE = 13, 3, 1  # ICMP codes of "destination unreachable"
NOTIFY_FROM_PORT = 1046  # of the mailbox server


@dataclass
class Wait:
    """One Ping that the front-end holds, and the subscriptions it made for it: folder → id."""

    at: float
    folders: list[str]
    ids: dict[str, int] = field(default_factory=dict)
    row: dict[str, Any] = field(default_factory=dict)


@dataclass
class Stage:
    """What has happened so far, as packets and as truth."""

    port: int = dav.NOTIFY_PORT
    user: str = eas.USER
    lifetime_s: int = 3600
    seen: str = "one capture point that sees the front-end's traffic with the device and with the mailbox server"
    wire: Wire = field(default_factory=Wire)
    waits: list[dict[str, Any]] = field(default_factory=list)
    subscriptions: list[dict[str, Any]] = field(default_factory=list)
    notifications: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    next_id: int = 17
    keys: dict[str, int] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)  # truth of other kinds
    device_leg: Tcp | None = None
    server_leg: Tcp | None = None

    @property
    def call_back(self) -> str:
        return f"httpu://{dav.FRONT_END}:{self.port}/42"

    def sign_in(self, at: float) -> None:
        """Both connections, the folders, and what is in them."""
        self.device_leg = Tcp(self.wire, DEVICE, FRONT_END, 80, _us(at), latency_us=45_000)
        self.server_leg = Tcp(self.wire, FRONT_END, MAILBOX_SERVER, 80, _us(at) + 5_000)
        asked, said = eas.folder_sync()
        self._device(at + 0.2, at + 0.31, "FolderSync", asked, said)
        self.keys = dict.fromkeys(eas.FOLDERS, 1)
        self.sync(at + 0.5, list(eas.FOLDERS), took=0.21)

    def sync(self, at: float, folders: list[str], *, took: float, items: int = 1) -> None:
        """The device fetches what is new in these folders."""
        asked, said = eas.sync({folder: self.keys[folder] for folder in folders}, dict.fromkeys(folders, items))
        for folder in folders:
            self.keys[folder] += 1
        self._device(at, at + took, "Sync", asked, said)

    def wait(self, at: float, interval_s: int, folders: tuple[str, ...] = ("5", "1"), *, watch: bool = True) -> Wait:
        """The device pings; the front-end subscribes to each folder 40 ms later, one after the other."""
        assert self.device_leg is not None
        wait = Wait(at, list(folders))
        body = eas.ping(interval_s if not self.waits else None, wait.folders)
        self.device_leg.say(_us(at), DEVICE, eas.request("Ping", body, self.user))
        wait.row = {"start": _time(at), "requested_s": interval_s, "folders": wait.folders, "subscriptions": []}
        self.waits.append(wait.row)
        for place, folder in enumerate(wait.folders if watch else ()):
            wait.ids[folder] = self.subscribe(round(at + 0.04 + 0.02 * place, 6), folder)
        wait.row["subscriptions"] = list(wait.ids.values())
        return wait

    def answer(self, at: float, wait: Wait, *, changed: tuple[str, ...] | list[str] = ()) -> None:
        """The front-end answers the Ping: some folders changed, or none did."""
        assert self.device_leg is not None
        status = eas.CHANGES if changed else eas.EXPIRED
        self.device_leg.say(_us(at), FRONT_END, eas.response(eas.ping_answer(status, list(changed))))
        wait.row |= {"answered": _time(at), "status": status, "held_s": round(at - wait.at, 6), "changed": [*changed]}

    def subscribe(self, at: float, folder: str) -> int:
        """The front-end watches a folder; answered 7 ms later."""
        number, path = self.next_id, self.path(folder)
        self.next_id += 1
        self.between_servers(
            at,
            at + 0.007,
            dav.subscribe(path, self.call_back, self.lifetime_s),
            dav.subscribed(path, [number], self.lifetime_s),
        )
        self.subscriptions.append(
            {
                "id": number,
                "folder": path,
                "start": _time(at + 0.007),
                "end": None,
                "renewals": 0,
                "polls": 0,
                "call_back": self.call_back,
            }
        )
        return number

    def renew(self, at: float, ids: list[int]) -> None:
        path = self.path("5")
        self.between_servers(
            at, at + 0.004, dav.renew(path, ids, self.lifetime_s), dav.subscribed(path, ids, self.lifetime_s)
        )
        for number in ids:
            self._subscription(number)["renewals"] += 1

    def poll(self, at: float, ids: list[int], events: list[int]) -> None:
        """The front-end asks what has happened; answered 3 ms later."""
        path = self.path("5")
        statuses = {number: 200 if number in events else 204 for number in ids}
        self.between_servers(at, at + 0.003, dav.poll(path, ids), dav.multistatus(path, statuses))
        for number in ids:
            self._subscription(number)["polls"] += 1

    def unsubscribe(self, at: float, ids: list[int]) -> None:
        path = self.path("5")
        self.between_servers(at, at + 0.003, dav.unsubscribe(path, ids), dav.multistatus(path, dict.fromkeys(ids, 200)))
        for number in ids:
            self._subscription(number)["end"] = _time(at + 0.003)

    def notify(self, at: float, ids: list[int], *, refused: tuple[Host, int] | None = None, seen: bool = True) -> None:
        """The mailbox server's datagram; `refused`: by whom and with which ICMP code; not `seen`: it got lost before
        the capture point."""
        payload = dav.notify(self.call_back, ids)
        if seen:
            ports = (NOTIFY_FROM_PORT, self.port)
            quote = self.wire.udp(_us(at), MAILBOX_SERVER, FRONT_END, ports, payload)
            if refused is not None:
                self.wire.refuse(_us(at + 0.0004), refused[0], MAILBOX_SERVER, refused[1], quote)
        self.notifications.append(
            {
                "time": _time(at),
                "ids": ids,
                "source": MAILBOX_SERVER.ip,
                "destination": FRONT_END.ip,
                "port": self.port,
                "captured": seen,
                "refused_by": refused and refused[0].ip,
            }
        )

    def delivery(self, at: float, outcome: str, *, answer: float | None = None, **sync: float | None) -> None:
        """What the analysis must find. `at`: the notification, or the answer to the POLL that showed the change;
        `answer`: the Ping's; `sync` and `done`: the request that fetched it, and the end of its answer."""
        asked, done = sync.get("sync"), sync.get("done")

        def span(begin: float | None, end: float | None) -> float | None:
            return None if begin is None or end is None else round(end - begin, 6)

        self.deliveries.append(
            {
                "time": _time(at),
                "outcome": outcome,
                "notify_to_ping_s": span(at, answer) if sync.get("notified", 1) else None,
                "ping_to_sync_s": span(answer, asked),
                "sync_done_s": span(asked, done),
                "total_s": span(at, done),
            }
        )

    def path(self, folder: str) -> str:
        return f"/exchange/{self.user}/{eas.FOLDERS[folder][0]}/"

    def _subscription(self, number: int) -> dict[str, Any]:
        return next(row for row in self.subscriptions if row["id"] == number)

    def _device(self, asked_at: float, said_at: float, command: str, asked: bytes, said: bytes) -> None:
        assert self.device_leg is not None
        self.device_leg.say(_us(asked_at), DEVICE, eas.request(command, asked, self.user))
        self.device_leg.say(_us(said_at), FRONT_END, eas.response(said))

    def between_servers(self, asked_at: float, said_at: float, asked: bytes, said: bytes) -> None:
        """Any request of the front-end to the mailbox server, and its answer."""
        assert self.server_leg is not None
        self.server_leg.say(_us(asked_at), FRONT_END, asked)
        self.server_leg.say(_us(said_at), MAILBOX_SERVER, said)


def save(stage: Stage, directory: Path, name: str, about: str) -> tuple[Path, Path]:
    """Writes NAME.pcap and NAME.truth.json."""
    directory.mkdir(parents=True, exist_ok=True)
    capture, truth = directory / f"{name}.pcap", directory / f"{name}.truth.json"
    stage.wire.write(capture)
    record = {
        "sample": name,
        "description": about,
        "made_by": "python -m samples.made",
        "capture_point": stage.seen,
        "hosts": {
            "device": DEVICE.ip,
            "front_end": FRONT_END.ip,
            "mailbox_server": MAILBOX_SERVER.ip,
            "firewall": FIREWALL.ip,
        },
        "waits": stage.waits,
        "subscriptions": stage.subscriptions,
        "notifications": stage.notifications,
        "deliveries": stage.deliveries,
    } | stage.more
    truth.write_text(_json(record))
    return capture, truth


def _json(record: dict[str, Any]) -> str:
    """JSON with one event a line: short, and readable in a diff."""
    parts = []
    for key, value in record.items():
        if isinstance(value, list) and value:
            rows = ",\n".join(f"    {json.dumps(row)}" for row in value)
            parts.append(f'  "{key}": [\n{rows}\n  ]')
        else:
            parts.append(f'  "{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _us(seconds: float) -> int:
    return START_US + round(seconds * SECOND_US)


def _time(seconds: float) -> float:
    """Unix seconds."""
    return _us(seconds) / SECOND_US
