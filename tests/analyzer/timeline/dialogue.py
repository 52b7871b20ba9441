"""A dialogue between phones and a server, as the events that an engine would yield: real EAS bodies, times in seconds.

d = Dialogue()
link = d.connect()
link.ping(10, 480, folders=["5"], answer=(490, 1))
link.ping(490, 480)                                  # never answered
link.end(560, first_close="fin", side=CLIENT)
tables = d.tables(until=600)
"""

from __future__ import annotations

from typing import Any

from analyzer.timeline import CaptureFacts, Timeline
from dissectors.eas.wbxml_encode import element, encode
from dissectors.events import (
    CLIENT,
    SERVER,
    Anomaly,
    Connection,
    Event,
    PacketNote,
    Request,
    Reset,
    Response,
    Side,
    StreamReset,
    TlsFacts,
    Transaction,
)

NS = 1_000_000_000
START_NS = 1_700_000_000 * NS
WBXML = "application/vnd.ms-sync.wbxml"
RST, ACK, FIN = 0x04, 0x10, 0x01


def at(seconds: float) -> int:
    return START_NS + round(seconds * NS)


def frame(seconds: float) -> int:
    """Frame numbers grow with time: one a millisecond."""
    return round(seconds * 1000) + 1


class Link:
    """One connection."""

    def __init__(self, dialogue: Dialogue, number: int, start: float, client_ip: str, server_ip: str) -> None:
        self.dialogue = dialogue
        self.number = number
        self.start = start
        self.client_ip = client_ip
        self.server_ip = server_ip
        self.count = 0
        self.notes: list[PacketNote] = []
        self.resets: list[Reset] = []

    def transaction(
        self,
        command: str | None,
        sent_at: float | None,
        body: bytes | None = b"",
        answered_at: float | None = None,
        answer: bytes | None = b"",
        *,
        status: int = 200,
        user: str | None = "anna",
        device: str | None = "DEV1",
        host: str | None = "mail.example.com",
        method: str = "POST",
        path: str = "/Microsoft-Server-ActiveSync",
        server_header: bool = True,
        wire: tuple[int, int] = (500, 300),
        compressed: int | None = None,
        agent: str = "Phone/1",
        version: str = "1.1",
        said: dict[str, str] | None = None,
        cancelled: tuple[float, int] | None = None,
    ) -> Transaction:
        """Any transaction; `compressed` is the size of the answer's body as sent, `said` more headers of the answer,
        `cancelled` when and by whom its HTTP/2 stream was reset."""
        query = f"?Cmd={command}" if command else ""
        query += f"&User={user}" if user and query else ""
        query += f"&DeviceId={device}&DeviceType=iPhone" if device and query else ""
        headers = {"user-agent": agent, "ms-asprotocolversion": "14.1", "content-type": WBXML}
        if host:
            headers["host"] = host
        request = response = None
        if sent_at is not None:
            request = Request(
                at(sent_at), at(sent_at), frame(sent_at), frame(sent_at), method, path + query, version, headers, None,
                wire[0], wire[0] - 40, len(body or b""), len(body or b""), body, body is not None,
            )  # fmt: skip
        if answered_at is not None:
            answer_headers = {"content-type": WBXML} | ({"ms-server-activesync": "15.1"} if server_header else {})
            answer_headers |= said or {}
            sent = len(answer or b"") if compressed is None else compressed
            if compressed is not None:
                answer_headers["content-encoding"] = "gzip"
            response = Response(
                at(answered_at), at(answered_at), frame(answered_at), frame(answered_at), status, "", version,
                answer_headers, wire[1], wire[1] - 40, sent, len(answer or b""), answer, answer is not None,
            )  # fmt: skip
        self.count += 1
        stream = None if version != "2" else 2 * self.count - 1
        reset = None if cancelled is None else StreamReset(cancelled[1], frame(cancelled[0]), at(cancelled[0]), 8)
        event = Transaction(self.number, self.count, request, response, stream, reset)
        self.dialogue.events.append(event)
        return event

    def ping(
        self,
        sent_at: float,
        interval: int | None = None,
        *,
        folders: list[str] | None = None,
        answer: tuple[float, int] | None = None,
        changed: tuple[str, ...] = (),
        limit: int | None = None,
        **more: Any,
    ) -> None:
        """A Ping; without interval and folders it has no body. `answer`: time and status."""
        parts = [element("Ping:HeartbeatInterval", str(interval))] if interval is not None else []
        if folders is not None:
            inside = [element("Ping:Folder", element("Ping:Id", f), element("Ping:Class", "Email")) for f in folders]
            parts.append(element("Ping:Folders", *inside))
        body = encode(element("Ping:Ping", *parts)) if parts else b""
        if answer is None:
            self.transaction("Ping", sent_at, body, **more)
            return
        said = [element("Ping:Status", str(answer[1]))]
        if changed:
            said.append(element("Ping:Folders", *[element("Ping:Folder", f) for f in changed]))
        if limit is not None:
            said.append(element("Ping:HeartbeatInterval", str(limit)))
        self.transaction("Ping", sent_at, body, answer[0], encode(element("Ping:Ping", *said)), **more)

    def sync(
        self,
        sent_at: float,
        keys: dict[str, str] | None = None,
        *,
        interval: int | None = None,
        wait_min: int | None = None,
        answered_at: float | None = None,
        received: dict[str, tuple[str, int]] | None = None,
        **more: Any,
    ) -> None:
        """A Sync; without keys it has no body. `received`: new key and number of items of each folder; None: empty."""
        body = b""
        if keys is not None:
            parts = [element("AirSync:Wait", str(wait_min))] if wait_min is not None else []
            parts += [element("AirSync:HeartbeatInterval", str(interval))] if interval is not None else []
            collections = [
                element("AirSync:Collection", element("AirSync:SyncKey", key), element("AirSync:CollectionId", folder))
                for folder, key in keys.items()
            ]
            body = encode(element("AirSync:Sync", *parts, element("AirSync:Collections", *collections)))
        answer = b""
        if received is not None:
            collections = []
            for folder, (key, items) in received.items():
                adds = [element("AirSync:Add", element("AirSync:ServerId", f"{folder}:{n}")) for n in range(items)]
                collections.append(
                    element(
                        "AirSync:Collection",
                        element("AirSync:SyncKey", key),
                        element("AirSync:CollectionId", folder),
                        element("AirSync:Status", "1"),
                        *([element("AirSync:Commands", *adds)] if adds else []),
                    )
                )
            answer = encode(element("AirSync:Sync", element("AirSync:Collections", *collections)))
        self.transaction("Sync", sent_at, body, answered_at, answer, **more)

    def folder_sync(self, sent_at: float, folders: dict[str, tuple[str, int]]) -> None:
        """FolderSync that tells name and type of folders."""
        adds = [
            element(
                "FolderHierarchy:Add",
                element("FolderHierarchy:ServerId", folder),
                element("FolderHierarchy:ParentId", "0"),
                element("FolderHierarchy:DisplayName", name),
                element("FolderHierarchy:Type", str(kind)),
            )
            for folder, (name, kind) in folders.items()
        ]
        changes = element("FolderHierarchy:Changes", element("FolderHierarchy:Count", str(len(adds))), *adds)
        status = element("FolderHierarchy:Status", "1")
        asked = encode(element("FolderHierarchy:FolderSync", element("FolderHierarchy:SyncKey", "0")))
        self.transaction(
            "FolderSync", sent_at, asked, sent_at + 0.1, encode(element("FolderHierarchy:FolderSync", status, changes))
        )

    def packet(self, seconds: float, side: int, flags: int = ACK) -> None:
        note = PacketNote(
            side=side, frame=frame(seconds), time_ns=at(seconds), flags=flags, relative_seq=0, payload_bytes=0, ttl=63
        )
        self.notes.append(note)

    def rst(
        self,
        seconds: float,
        side: int,
        *,
        ttl: int = 63,
        after_side: int | None = None,
        after: float | None = None,
        has_ack: bool = False,
    ) -> None:
        self.resets.append(
            Reset(
                side=side, frame=frame(seconds), time_ns=at(seconds), has_ack=has_ack, ttl=ttl, mac=None, window=0,
                payload_bytes=0, after_frame=None, after_side=after_side,
                after_ns=None if after is None else round(after * NS),
            )
        )  # fmt: skip
        self.packet(seconds, side, RST)

    def end(
        self,
        seconds: float,
        *,
        first_close: str | None = None,
        side: int | None = None,
        closed_at: float | None = None,
        close_notify: float | None = None,
        conn_state: str = "SF",
        client: dict[str, Any] | None = None,
        server: dict[str, Any] | None = None,
        **more: Any,
    ) -> Connection:
        """The connection ends; `seconds` is its last packet and, with `first_close`, what closed it unless
        `closed_at` says when that was."""
        tls = None
        if close_notify is not None:
            times = (at(close_notify), None) if side == CLIENT else (None, at(close_notify))
            frames = (frame(close_notify), None) if side == CLIENT else (None, frame(close_notify))
            tls = TlsFacts(
                version="TLS 1.3", cipher=None, sni=None, alpn=None, resumed=False, client_random=None,
                close_notify_ns=times, close_notify_frame=frames, alerts=(),
            )  # fmt: skip
        event = Connection(
            connection_id=self.number, capture=0, start_ns=at(self.start), end_ns=at(seconds),
            first_frame=frame(self.start), last_frame=frame(seconds),
            client=_side(self.client_ip, 40_000 + self.number, client),
            server=_side(self.server_ip, 443, server),
            handshake_ns=1_000_000, from_start=True, conn_state=conn_state, history="ShADad",
            first_close=None, first_close_side=None, first_close_ns=None, first_close_frame=None,
            resets=tuple(self.resets), last_packets=tuple(self.notes), evicted=False, tls=tls,
            decryption="decrypted", why_encrypted=None, duplicate_of=None,
        )  # fmt: skip
        if first_close:
            more |= {"first_close": first_close, "first_close_side": side}
            when = seconds if closed_at is None else closed_at
            more |= {"first_close_ns": at(when), "first_close_frame": frame(when)}
        event = event._replace(**more)
        self.dialogue.events.append(event)
        return event


class Dialogue:
    """What happened, connection by connection."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._links = 0

    def connect(self, start: float = 0.0, client: str = "10.0.0.7", server: str = "203.0.113.10") -> Link:
        self._links += 1
        return Link(self, self._links, start, client, server)

    def anomaly(self, **said: Any) -> None:
        self.events.append(Anomaly(**said))

    def tables(self, until: float = 10_000.0) -> dict[str, Any]:
        """The tables as pandas, for a capture that lasts until then."""
        timeline = Timeline()
        for event in self.events:
            timeline.add(event)
        facts = CaptureFacts(
            name="made.pcap",
            engine="builtin",
            frames=9,
            bytes=99,
            start_ns=at(0),
            end_ns=at(until),
            link_types=("Ethernet",),
        )
        return {name: builder.frame() for name, builder in timeline.finish([facts]).items()}

    def rows(self, table: str, until: float = 10_000.0) -> list[dict[str, Any]]:
        """The rows of one table with None for what is absent."""
        frame = self.tables(until)[table].astype(object)
        return frame.where(frame.notna(), None).to_dict("records")


def _side(ip: str, port: int, said: dict[str, Any] | None) -> Side:
    usual: dict[str, Any] = {
        "ip": ip, "port": port, "frames": 9, "payload_bytes": 900, "missing_bytes": 0, "retransmissions": 0,
        "duplicate_frames": 0, "keepalives": 0, "zero_windows": 0, "ttl_min": 63, "ttl_max": 63, "mac": None,
        "macs_differ": False, "first_ns": at(0), "last_ns": None, "last_frame": None, "last_data_ns": None,
        "last_data_frame": None, "fin_ns": None, "fin_frame": None, "rtt_ns": 10_000_000, "unacked_bytes": 0,
        "unanswered_retransmissions": 0, "unanswered_since_ns": None,
    }  # fmt: skip
    return Side(**(usual | (said or {})))


__all__ = ["ACK", "CLIENT", "FIN", "RST", "SERVER", "Dialogue", "Link", "at", "frame"]
