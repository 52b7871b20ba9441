"""The handshake of one TLS connection, followed passively: its messages put keys in force.

`connection.TlsConnection` adds the records. The two call each other: records bring messages, and a hello releases
the records that waited for it.
"""

from abc import ABC, abstractmethod
from typing import Final

from dissectors.errors import Truncated
from dissectors.events import CLIENT, SERVER, Decryption, TlsFacts
from dissectors.tls import handshake, reasons
from dissectors.tls.aead import Tls13Protection
from dissectors.tls.direction import NONE_HELD, Direction
from dissectors.tls.framing import Record
from dissectors.tls.handshake import TLS_1_2, TLS_1_3
from dissectors.tls.keylog import KeyLog
from dissectors.tls.messages import Message
from dissectors.tls.negotiation import Negotiation
from dissectors.tls.notes import Notes
from dissectors.tls.old_hello import modern_form
from dissectors.tls.piece import Piece, Span
from dissectors.tls.searching import HEADER_BYTES

_HANDSHAKE: Final = 22


class Session(ABC):
    """Handshake state of a connection, and what came of it."""

    __slots__ = (
        "_directions",
        "_doomed",
        "_gap_reason",
        "_keys_ready",
        "_negotiation",
        "_notes",
        "_partial",
        "_retried",
        "_why",
        "anomalies",
        "hopeless",
    )

    def __init__(self, keylog: KeyLog) -> None:
        self._directions = (Direction(CLIENT), Direction(SERVER))
        self._negotiation = Negotiation(keylog)
        self._keys_ready = False  # the server's word is known, and protections were made where there are keys
        self._retried = False  # a HelloRetryRequest was seen
        self._gap_reason: str = reasons.GAP
        self._partial: str | None = None  # why some of what could be opened is missing
        self._doomed: str | None = None  # why no key will come; the handshake is still followed for its facts
        self._why: str | None = None
        self._notes = Notes()
        self.hopeless = False  # no plaintext can come any more: stop feeding
        self.anomalies = self._notes.anomalies  # the caller takes them out

    # ------------------------------------------------------------------ results

    @property
    def client_random(self) -> bytes | None:
        """Of the first ClientHello."""
        hello = self._negotiation.first_client
        return hello.random if hello else None

    @property
    def alpn(self) -> str | None:
        """The protocol that the sides agreed on, so far."""
        return self._negotiation.alpn

    @property
    def server_random(self) -> bytes | None:
        """Of the latest ServerHello."""
        hello = self._negotiation.server
        return hello.random if hello else None

    @property
    def decryption(self) -> Decryption:
        """How much of the connection's application data could be read."""
        if self._why == reasons.NOT_TLS:
            return "not_http"
        client, server = self._directions
        opens = client.opens or server.opens
        if not opens and (self._why or self._doomed or not (client.finished and server.finished)):
            return "encrypted"
        lost = self._why or client.why or server.why or not (client.framer.in_step and server.framer.in_step)
        if opens:
            return "partial" if lost or self._partial else "decrypted"
        # a handshake with no data behind it leaves nothing closed
        return "encrypted" if lost or any(self.sealed_bytes) else "decrypted"

    @property
    def why_encrypted(self) -> str | None:
        """Why not all of it, one of `reasons.WHY`; None when it is decrypted."""
        if self.decryption == "decrypted":
            return None
        if self._why:
            return self._why
        causes = [self._doomed, *(d.why for d in self._directions), self._partial]
        out_of_step = any(not d.framer.in_step for d in self._directions)
        return next(filter(None, causes), None) or (self._gap_reason if out_of_step else reasons.HANDSHAKE_INCOMPLETE)

    @property
    def overhead_bytes(self) -> list[int]:
        """By side: wire bytes of records that hold no application data (handshake, alerts, tickets)."""
        return [direction.overhead_bytes for direction in self._directions]

    @property
    def sealed_bytes(self) -> list[int]:
        """By side: wire bytes in the capture that could not be opened."""
        return [direction.sealed_bytes for direction in self._directions]

    @property
    def certificates(self) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        """Of the client and of the server: DER, leaf first, as sent; at most `handshake.CHAIN_LIMIT` bytes a side."""
        agreed = self._negotiation
        return agreed.certificates(CLIENT), agreed.certificates(SERVER)

    def facts(self) -> TlsFacts:
        """What the handshake and the alerts said."""
        return self._notes.facts(self._negotiation, self._directions)

    # ------------------------------------------------------------------ handshake

    @abstractmethod
    def _release(self, direction: Direction, pieces: list[Piece]) -> None:
        """Takes up the records of a direction that wait."""

    def _begins_well(self, direction: Direction, record: Record) -> bool:
        """Whether a side's first record begins a handshake; a client's first may be an alert only after one."""
        kind = record.data[record.start]
        first = record.data[record.start + HEADER_BYTES] if record.end - record.start > HEADER_BYTES else -1
        hello = handshake.CLIENT_HELLO if direction.side == CLIENT else handshake.SERVER_HELLO
        if kind == _HANDSHAKE and first == hello:
            return True
        if direction.side == SERVER and self._negotiation.client is not None:
            return True  # an alert in answer to the ClientHello, or behind a gap
        self._give_up(reasons.NO_HANDSHAKE)
        direction.sealed_bytes += record.end - record.start
        return False

    def _old_hello(self, direction: Direction, record: Record, pieces: list[Piece]) -> None:
        """A ClientHello in SSL 2.0 format."""
        direction.started = True
        direction.overhead_bytes += record.end - record.start
        try:
            if direction.side != CLIENT or record.holes:
                raise Truncated("not whole")
            hello = Message(handshake.CLIENT_HELLO, modern_form(record.data[record.start : record.end]))
        except Truncated:
            self._give_up(reasons.NO_HANDSHAKE)
        else:
            self._message(direction, hello, record.span, pieces)

    def _handshake(self, direction: Direction, content: bytes, span: Span, pieces: list[Piece]) -> None:
        for message in direction.messages.feed(content):
            if message.too_long:
                self._notes.anomaly(reasons.HANDSHAKE_TOO_LONG, span[0], span[1], f"{message.too_long} bytes")
            else:
                self._message(direction, message, span, pieces)

    def _message(self, direction: Direction, message: Message, span: Span, pieces: list[Piece]) -> None:
        side, kind, body = direction.side, message.kind, message.body
        agreed = self._negotiation
        tls13 = agreed.version == TLS_1_3
        if not tls13:
            agreed.note(side, kind, body, begins=kind == handshake.CLIENT_HELLO and side == CLIENT)
        try:
            if kind == handshake.CLIENT_HELLO and side == CLIENT:
                self._client_hello(message, span, pieces)
            elif kind == handshake.SERVER_HELLO and side == SERVER:
                self._server_hello(message, span, pieces)
            elif kind == handshake.ENCRYPTED_EXTENSIONS and side == SERVER and tls13:
                alpn, early_accepted = handshake.encrypted_extensions(body)
                agreed.alpn = alpn or agreed.alpn
                if early_accepted and not (agreed.secrets and agreed.secrets.early):
                    self._partial = self._partial or reasons.NO_KEY
                self._settle_early_data(early_accepted, pieces)
            elif kind in (handshake.CERTIFICATE, handshake.SERVER_HELLO_DONE):
                if side == SERVER and not tls13:
                    agreed.full = True
                    agreed.resumed = False
                if kind == handshake.CERTIFICATE:
                    agreed.take_certificates(side, body)
            elif kind == handshake.CLIENT_KEY_EXCHANGE and side == CLIENT and not tls13:
                agreed.full = True
                agreed.resumed = False
                if agreed.server is not None and not self._keys_ready:
                    self._install(pieces)
            elif kind == handshake.NEW_SESSION_TICKET and side == SERVER and not tls13:
                agreed.learn_ticket(handshake.session_ticket(body))
            elif kind == handshake.END_OF_EARLY_DATA and side == CLIENT and tls13:
                direction.advance("handshake")
            elif kind == handshake.FINISHED:
                self._finish(direction)
                if side == SERVER:
                    self._settle_early_data(True, pieces)
            elif kind == handshake.KEY_UPDATE and isinstance(direction.protection, Tls13Protection):
                direction.use(direction.protection.updated())
        except Truncated as error:
            self._notes.anomaly(reasons.HANDSHAKE_MALFORMED, span[0], span[1], f"message type {kind}: {error}")

    def _client_hello(self, message: Message, span: Span, pieces: list[Piece]) -> None:
        hello = handshake.client_hello(message.body)
        if not hello.complete and not message.cut:
            self._notes.anomaly(reasons.HANDSHAKE_MALFORMED, span[0], span[1], "ClientHello")
        if hello.random is None:
            if self._negotiation.client is None:
                self._give_up(reasons.NO_HANDSHAKE)
            return
        first = self._negotiation.client is None
        self._negotiation.take_client(hello)
        if first and self._negotiation.server is not None:  # the server's answer stands before it in the capture
            self._agree(pieces)

    def _server_hello(self, message: Message, span: Span, pieces: list[Piece]) -> None:
        hello = handshake.server_hello(message.body)
        if not hello.complete and not message.cut:
            self._notes.anomaly(reasons.HANDSHAKE_MALFORMED, span[0], span[1], "ServerHello")
        agreed = self._negotiation
        agreed.take_server(hello)
        if hello.retry:
            self._retried = True
            self._release(self._directions[CLIENT], pieces)
        elif agreed.client is None:
            return
        elif agreed.version is None or agreed.cipher is None:
            self._conclude(pieces)
        else:
            self._agree(pieces)

    def _agree(self, pieces: list[Piece]) -> None:
        """Both hellos are known."""
        obstacle = self._negotiation.obstacle()
        if obstacle is None:
            if self._keys_ready or not self._negotiation.awaits_exchange:
                self._install(pieces)
            return
        self._doomed = obstacle
        for direction in reversed(self._directions):
            self._release(direction, pieces)

    def _install(self, pieces: list[Piece]) -> None:
        """Makes the protections and takes up what waited for them."""
        version = min(self._negotiation.version or TLS_1_2, TLS_1_2)  # as TLS 1.3 writes it, too
        for direction in self._directions:
            direction.framer.minor = version & 0xFF
        if self._negotiation.version == TLS_1_3 and not self._keys_ready:
            hello = self._negotiation.client
            early = hello is not None and hello.early_data
            client, server = self._directions
            for direction in self._directions:
                direction.install(self._negotiation.tls13_chain(direction.side))
            if client.protection is None and server.protection is None:
                self._doomed = reasons.KEY_DOES_NOT_FIT
            if client.protection is not None and client.protection.epoch == "early":
                if self._retried:  # RFC 8446 4.2.10
                    client.advance("handshake")
                else:
                    client.waiting = server.protection is not None and server.protection.epoch == "handshake"
            if early and client.protection is not None and client.protection.epoch != "early":
                client.skipping = True
        self._keys_ready = True
        for direction in reversed(self._directions):
            if direction.changed_cipher and direction.protection is None and self._negotiation.version != TLS_1_3:
                self._start_legacy(direction)
            self._release(direction, pieces)

    def _change_cipher_spec(self, direction: Direction, pieces: list[Piece]) -> None:
        agreed = self._negotiation
        if agreed.version == TLS_1_3:
            return  # sent for old middleboxes only (RFC 8446 D.4)
        direction.changed_cipher = True
        if self._keys_ready:
            self._start_legacy(direction)
        elif agreed.awaits_exchange and (direction.side == CLIENT or not agreed.full):
            self._install(pieces)  # no ClientKeyExchange comes: it is lost, or a session is resumed

    def _start_legacy(self, direction: Direction) -> None:
        agreed = self._negotiation
        if direction.side == SERVER and agreed.resumed is None and not direction.gapped:
            agreed.resumed = not agreed.full
        direction.install(agreed.legacy_chain(direction.side))
        if direction.protection is None:
            self._doomed = self._doomed or agreed.why_no_master()

    def _finish(self, direction: Direction) -> None:
        direction.finished = True
        protection = direction.protection
        if self._negotiation.version == TLS_1_3 and not (protection and protection.epoch == "application"):
            direction.advance("application")  # not after authentication behind the handshake (RFC 8446 4.6.2)

    def _settle_early_data(self, accepted: bool, pieces: list[Piece]) -> None:
        """The server said whether it takes early data; what waited for that goes on."""
        client = self._directions[CLIENT]
        if client.waiting:
            client.waiting = False
            if not accepted:
                client.advance("handshake")
                client.skipping = True
            self._release(client, pieces)

    def _conclude(self, pieces: list[Piece]) -> None:
        """The ServerHello will not come: goes on with what can be concluded without it."""
        obstacle = self._doomed or self._negotiation.conclude()
        if obstacle:
            self._give_up(obstacle)
        else:
            self._install(pieces)

    # ------------------------------------------------------------------ ends

    def _lose(self, direction: Direction) -> None:
        """Bytes of a side are missing, or cannot be relied on."""
        direction.lose()
        self._negotiation.lose()

    def _fail(self, direction: Direction, why: str) -> None:
        """Nothing of a direction can be opened any more; without anything opened in the other, of the connection."""
        direction.dead = True
        direction.why = why
        direction.opened = direction.opens
        direction.protection = None
        direction.sealed_bytes += sum(record.end - record.start for record in direction.held)
        direction.held = NONE_HELD
        other = self._directions[1 - direction.side]
        if other.dead or (why == reasons.KEY_DOES_NOT_FIT and not (other.protection and other.protection.proven)):
            self._give_up(why)

    def _give_up(self, why: str) -> None:
        self._why = self._why or why
        self.hopeless = True
        for direction in self._directions:
            direction.opened = direction.opens
            direction.sealed_bytes += sum(record.end - record.start for record in direction.held)
            direction.held = NONE_HELD
            direction.messages.gap()
