"""Encrypted connections as an engine yields them: who spoke when, and how much. Times in seconds, sizes with records.

d = Dialogue()
w = Whisper(d.connect(), name="mail.example.com")
w.ask(10, 499, 305, takes=480)      # at 10 s a request of 499 bytes, 480 s later an answer of 305
w.say(CLIENT, 500, 499)             # never answered
w.end(900, first_close="rst", side=SERVER)
"""

from __future__ import annotations

from typing import Any

from dissectors.events import CLIENT, SERVER, Connection, TlsFacts, Turn
from tests.analyzer.timeline.dialogue import Dialogue, Link, at, frame

GCM, CBC = "TLS_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA256"
ASKS, RAN_OUT, CHANGED = 499, 305, 312  # a Ping and its two answers, as TLS 1.3 carries them


class Whisper:
    """One connection, after its handshake unless `opening` is False."""

    def __init__(
        self,
        link: Link,
        *,
        name: str | None = "mail.example.com",
        version: str = "TLS 1.3",
        cipher: str = GCM,
        port: int = 443,
        opening: bool = True,
    ) -> None:
        self.link, self.port, self.version, self.cipher, self.name = link, port, version, cipher, name
        self.turns: list[Turn] = []
        start = link.start
        if opening and version == "TLS 1.3":
            self.say(CLIENT, start, 517, 22).say(SERVER, start + 0.02, 1400, 22)
            self.say(CLIENT, start + 0.04, 64, 20).say(SERVER, start + 0.06, 542)  # Finished; two tickets
        elif opening:
            self.say(CLIENT, start, 200, 22).say(SERVER, start + 0.02, 3000, 22)
            self.say(CLIENT, start + 0.04, 120, 22).say(SERVER, start + 0.06, 51, 20)

    def say(self, who: int, when: float, size: int, first_byte: int = 23) -> Whisper:
        self.turns.append(Turn(who, at(when), at(when), frame(when), frame(when), size, 1, first_byte))
        return self

    def ask(self, when: float, request: int, answer: int, takes: float = 0.05) -> Whisper:
        return self.say(CLIENT, when, request).say(SERVER, when + takes, answer)

    def pings(self, when: float, waits: int = 4, interval: float = 480.0) -> float:
        """A device that pings, and syncs after a change, which the second wait brings. Returns when the last answer
        came."""
        for place in range(waits):
            changes = place == 1
            held = interval / 3 if changes else interval
            self.ask(when, ASKS, CHANGED if changes else RAN_OUT, held)
            when += held + 0.05
            if changes:
                self.ask(when, 526, 2928)
                when += 0.1
        return when - 0.05

    def end(self, seconds: float, *, server: dict[str, Any] | None = None, **more: Any) -> Connection:
        tls = TlsFacts(
            version=self.version, cipher=self.cipher, sni=self.name, alpn=None, resumed=False, client_random=None,
            close_notify_ns=(None, None), close_notify_frame=(None, None), alerts=(),
        )  # fmt: skip
        return self.link.end(
            seconds, turns=tuple(self.turns), tls=tls, decryption="encrypted", why_encrypted="no_key",
            server={"port": self.port} | (server or {}), **more,
        )  # fmt: skip


__all__ = ["ASKS", "CBC", "CHANGED", "CLIENT", "GCM", "RAN_OUT", "SERVER", "Dialogue", "Whisper", "at", "frame"]
