"""What tshark says of a connection's TLS: the handshake's facts, alerts, and how much was decrypted."""

from analyzer.engines.tshark.packets import Tls
from dissectors.events import CLIENT, SERVER, Decryption, TlsFacts
from dissectors.tls import KeyLog
from dissectors.tls.ciphers import cipher_name
from dissectors.tls.handshake import version_name
from dissectors.tls.reasons import DAMAGED, GAP, HANDSHAKE_INCOMPLETE, KEY_DOES_NOT_FIT, NO_HANDSHAKE, NO_KEY

CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, SERVER_HELLO_DONE, FINISHED = 1, 2, 11, 14, 20
APPLICATION_DATA = 23
RECORD_HEADER_BYTES = 5
TLS_1_2 = 0x0303
MAX_ALERTS = 32


class Handshake:
    """The TLS of one connection."""

    __slots__ = (
        "_alerts",
        "_alpn",
        "_cipher",
        "_close_frame",
        "_close_ns",
        "_finished",
        "_offered_session",
        "_resumed",
        "_sni",
        "_version",
        "closed",
        "opened",
        "random",
    )

    def __init__(self) -> None:
        self.random: str | None = None
        self.opened = 0  # packets with application data that was decrypted
        self.closed = 0  # and that was not
        self._version: int | None = None
        self._cipher: int | None = None
        self._sni: str | None = None
        self._alpn: str | None = None
        self._resumed: bool | None = None
        self._offered_session = ""
        self._finished = [False, False]
        self._alerts: list[tuple[int, int, int, int]] = []
        self._close_ns: list[int | None] = [None, None]
        self._close_frame: list[int | None] = [None, None]

    def take(self, side: int, tls: Tls, frame: int, time_ns: int) -> None:
        """The records of one packet; `frame` is the one with the end of its last alert."""
        for hello in tls.hellos:
            if hello.kind == CLIENT_HELLO:
                if self.random is None:
                    self.random, self._sni = hello.random, hello.sni
                self._offered_session = hello.session_id
            elif hello.kind == SERVER_HELLO:
                self._version, self._cipher = hello.version, hello.cipher
                if self._version is not None and self._version > TLS_1_2:
                    self._resumed = hello.pre_shared_key
                elif hello.session_id and hello.session_id == self._offered_session:
                    self._resumed = True
            self._alpn = hello.alpn or self._alpn
        self._finished[side] |= FINISHED in tls.handshakes
        for level, description in tls.alerts:
            if description == 0:
                if self._close_frame[side] is None:
                    self._close_frame[side], self._close_ns[side] = frame, time_ns
            elif len(self._alerts) < MAX_ALERTS:
                self._alerts.append((side, frame, level, description))
        if self._resumed is None and {CERTIFICATE, SERVER_HELLO_DONE} & set(tls.handshakes):
            self._resumed = False
        if tls.hidden and len(tls.contents) < len(tls.lengths):
            self.closed += 1  # of TLS 1.3, what is inside is only known of what was decrypted
        elif APPLICATION_DATA in tls.contents:
            opened = bool(tls.hidden) or tls.opened
            self.opened += opened
            self.closed += not opened

    @property
    def overhead(self) -> int | None:
        """What a record adds to its plaintext: header, explicit nonce, content type, tag. None: it differs."""
        name = cipher_name(self._cipher) if self._cipher is not None else None
        if name is None or not ("GCM" in name or "CCM" in name or "CHACHA20" in name):
            return None
        tag = 8 if name.endswith("CCM_8") else 16
        if self._version is not None and self._version > TLS_1_2:
            return RECORD_HEADER_BYTES + 1 + tag  # RFC 8446 5.2; padding is not seen
        return RECORD_HEADER_BYTES + tag + (0 if "CHACHA20" in name else 8)  # RFC 5288 3, RFC 7905 2

    def judge(self, keylog: KeyLog, holes: bool) -> tuple[Decryption, str | None]:
        """How much was read, and why not all of it: one of the built-in engine's words where tshark shows as much."""
        if self.opened:
            return ("partial", GAP if holes else DAMAGED) if self.closed or holes else ("decrypted", None)
        if not self.closed and all(self._finished):
            return "decrypted", None  # a handshake and nothing behind it; Finished is only shown where it was decrypted
        if self.random is None:
            return "encrypted", NO_HANDSHAKE
        if bytes.fromhex(self.random) not in keylog:
            return "encrypted", NO_KEY
        return "encrypted", KEY_DOES_NOT_FIT if self.closed else HANDSHAKE_INCOMPLETE

    def facts(self) -> TlsFacts:
        return TlsFacts(
            version=None if self._version is None else version_name(self._version),
            cipher=None if self._cipher is None else cipher_name(self._cipher),
            sni=self._sni,
            alpn=self._alpn,
            resumed=self._resumed,
            client_random=self.random,
            close_notify_ns=(self._close_ns[CLIENT], self._close_ns[SERVER]),
            close_notify_frame=(self._close_frame[CLIENT], self._close_frame[SERVER]),
            alerts=tuple(self._alerts),
        )
