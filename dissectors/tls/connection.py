"""TLS of one TCP connection: bytes of both sides in, plaintext and handshake facts out (RFC 5246, RFC 8446).

What happens to a record:

    framing     cuts the stream into records and survives gaps
    hold        protected records wait until the other side's hello is there; early data until the server says whether it takes it
    direction   finds the protection and sequence number that open it
    content     application data becomes a `Piece`; handshake messages move the state; alerts are noted

Decrypted are AEAD suites of TLS 1.2 and 1.3 from key log secrets, with resumption, HelloRetryRequest, early data, KeyUpdate and
renegotiation. Left out so far: SSL 3.0 to TLS 1.1, CBC and stream ciphers, RSA private keys, certificates.
"""

from typing import Final

from dissectors.errors import Truncated
from dissectors.events import CLIENT, SERVER, Anomaly, Decryption, TlsFacts
from dissectors.tls import handshake, reasons
from dissectors.tls.ciphers import cipher_name
from dissectors.tls.cut import CutRecord, is_cut_finished, read_cut
from dissectors.tls.direction import Direction
from dissectors.tls.framing import HEADER_BYTES, RECORD_LIMIT, Bad, Event, Lost, Record
from dissectors.tls.handshake import TLS_1_2, TLS_1_3
from dissectors.tls.keylog import KeyLog
from dissectors.tls.messages import Message
from dissectors.tls.negotiation import Negotiation
from dissectors.tls.piece import Piece, Span
from dissectors.tls.protection import Tls13Protection

HELD_LIMIT: Final = 128 * 1024  # bytes of records kept per side until the other side's hello is there
ANOMALIES_LIMIT: Final = 32  # per connection
ALERTS_LIMIT: Final = 32
FAILURES_LIMIT: Final = 8  # records in a row that cannot be authenticated, then the direction is given up
SKIPPED_LIMIT: Final = 64  # the same while such records are expected
LIKELY_TICKETS: Final = 4  # records that a server sends before any answer, besides its handshake

_CHANGE_CIPHER_SPEC: Final = 20
_ALERT: Final = 21
_HANDSHAKE: Final = 22
_APPLICATION: Final = 23


_new = tuple.__new__  # of a named tuple: half the time of calling the class


class TlsConnection:
    """Decrypts one TCP connection. Feed both sides in the order of the capture; then `close`."""

    def __init__(self, keylog: KeyLog) -> None:
        self._directions = (Direction(CLIENT), Direction(SERVER))
        self._negotiation = Negotiation(keylog)
        self._keys_ready = False  # the server's word is known, and protections were made where there are keys
        self._retried = False  # a HelloRetryRequest was seen
        self._finished = [False, False]
        self._gap_reason: str = reasons.GAP
        self._partial: str | None = None  # why some of what could be opened is missing
        self._doomed: str | None = None  # why no key will come; the handshake is still followed for its facts
        self._why: str | None = None
        self._anomaly_count = 0
        self._alerts: list[tuple[int, int, int, int]] = []
        self._close_ns: list[int | None] = [None, None]
        self._close_frame: list[int | None] = [None, None]
        self.hopeless = False  # no plaintext can come any more: stop feeding
        self.anomalies: list[Anomaly] = []  # the caller takes them out

    # ------------------------------------------------------------------ input

    def feed(self, side: int, data: bytes, ends: list[int], frames: list[int], times: list[int]) -> list[Piece]:
        """In-order bytes of one side; segment k covers data[ends[k-1]:ends[k]] and came in frames[k] at times[k] (ns)."""
        pieces: list[Piece] = []
        direction = self._directions[side]
        if not data:
            return pieces
        if self.hopeless or direction.dead:
            direction.sealed_bytes += len(data)
            return pieces
        framer = direction.framer
        if framer.needed:
            if framer.take_all(data, frames[-1], times[-1]):
                return pieces
            framer.load(data, ends, frames, times)
        else:
            framer.load(data, ends, frames, times)
            if direction.protection is not None and self._open_run(direction, pieces):
                return pieces
        while True:
            event = framer.next()
            if event is None:
                return pieces
            self._take(direction, event, pieces)
            if self.hopeless or direction.dead:
                direction.sealed_bytes += len(framer.data) - framer.position
                return pieces
            if self._open_run(direction, pieces):
                return pieces

    def gap(self, side: int, length: int, frame: int, time_ns: int) -> list[Piece]:
        """`length` bytes after those fed are not in the capture.

        `frame` is the frame that a snap length cut (the one fed last), or for loss the frame behind the gap.
        """
        pieces: list[Piece] = []
        direction = self._directions[side]
        if self.hopeless or direction.dead or length <= 0:
            return pieces
        framer = direction.framer
        self._gap_reason = reasons.SNAPPED if frame == framer.last_frame and framer.fed else reasons.GAP
        for event in framer.gap(length):
            self._take(direction, event, pieces)
            if self.hopeless or direction.dead:
                return pieces
        if framer.in_step:
            return pieces  # inside a record, which comes with a hole in it
        direction.lose()
        if self._negotiation.version == TLS_1_2 and self._keys_ready and direction.protection is None:
            direction.chain = self._negotiation.tls12_chain(side)  # ChangeCipherSpec may be what is lost
        if side == SERVER:
            self._settle_early_data(True, pieces)
        if side == CLIENT and self._negotiation.client is None:
            self._give_up(reasons.NO_HANDSHAKE)
        elif side == SERVER and not self._keys_ready:
            self._conclude(pieces)
        return pieces

    def close(self) -> list[Piece]:
        """The connection's end: what can be seen of records that never became whole."""
        pieces: list[Piece] = []
        for direction in self._directions:
            missing = direction.framer.remaining
            if missing and not self.hopeless and not direction.dead:
                self._gap_reason = reasons.GAP
                for event in direction.framer.gap(missing):
                    self._take(direction, event, pieces)
            direction.sealed_bytes += sum(record.end - record.start for record in direction.held)
            direction.held.clear()
        return pieces

    # ------------------------------------------------------------------ results

    @property
    def client_random(self) -> bytes | None:
        """Of the first ClientHello."""
        hello = self._negotiation.first_client
        return hello.random if hello else None

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
        lost = self._why or any(d.why or not d.framer.in_step for d in self._directions)
        if any(d.opens for d in self._directions):
            return "partial" if lost or self._partial else "decrypted"
        whole = all(self._finished) and not lost and not self._doomed and not any(self.sealed_bytes)
        return "decrypted" if whole else "encrypted"  # a handshake with no data behind it leaves nothing closed

    @property
    def why_encrypted(self) -> str | None:
        """Why not all of it, one of `reasons.WHY`; None when it is decrypted."""
        if self.decryption == "decrypted":
            return None
        causes = [self._why, self._doomed, *(d.why for d in self._directions), self._partial]
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

    def facts(self) -> TlsFacts:
        """What the handshake and the alerts said."""
        agreed = self._negotiation
        hello = agreed.first_client
        cipher = None if agreed.cipher is None else cipher_name(agreed.cipher)
        if cipher is None:  # the ServerHello is not in the capture; the key that fits tells
            cipher = next((d.protection.suite.name for d in self._directions if d.protection and d.opens), None)
        return TlsFacts(
            version=None if agreed.version is None else handshake.version_name(agreed.version),
            cipher=cipher,
            sni=hello.sni if hello else None,
            alpn=agreed.alpn,
            resumed=agreed.resumed,
            client_random=hello.random.hex() if hello and hello.random else None,
            close_notify_ns=(self._close_ns[0], self._close_ns[1]),
            close_notify_frame=(self._close_frame[0], self._close_frame[1]),
            alerts=tuple(self._alerts),
        )

    # ------------------------------------------------------------------ records

    def _open_run(self, direction: Direction, pieces: list[Piece]) -> bool:
        """The usual case without an object per record: whole records of application data, one after the other.

        Stops at whatever is not that. True when the chunk is used up.
        """
        framer, protection = direction.framer, direction.protection
        if protection is None or framer.needed or not framer.in_step or direction.held or direction.waiting:
            return False
        side, open_record = direction.side, protection.open
        data, position, index = framer.data, framer.position, framer.index
        ends, frames, times = framer.ends, framer.frames, framer.times
        size = len(data)
        while position + HEADER_BYTES <= size and data[position] == _APPLICATION:
            end = position + HEADER_BYTES + (data[position + 3] << 8) + data[position + 4]
            if end > size or end - position > HEADER_BYTES + RECORD_LIMIT:
                break
            opened = open_record(data, position, end)
            if opened is None:
                break
            while ends[index] <= position:
                index += 1
            frame, time_ns = frames[index], times[index]
            while ends[index] < end:
                index += 1
            kind, plain = opened
            if kind != _APPLICATION or not plain:
                framer.position, framer.index = end, index
                span = (frame, time_ns, frames[index], times[index])
                self._content(direction, kind, plain, span, end - position, pieces)
                return False
            pieces.append(
                _new(Piece, (side, plain, frame, time_ns, frames[index], times[index], end - position, True, 0))
            )
            position = end
        framer.position, framer.index = position, index
        return position == size

    def _take(self, direction: Direction, event: Event, pieces: list[Piece]) -> None:
        if isinstance(event, Record):
            self._record(direction, event, pieces)
            if event.holes:
                direction.lose()
        elif isinstance(event, Lost):
            self._found_again(direction, event, pieces)
        else:
            self._bad_header(direction, event)

    def _record(self, direction: Direction, record: Record, pieces: list[Piece]) -> None:
        kind = record.data[record.start]
        if not direction.started and not self._begins_well(direction, record):
            return
        direction.started = True
        if self._must_wait(direction, kind):
            self._hold(direction, record, pieces)
            return
        if self._is_protected(direction, kind):
            self._protected(direction, record, pieces)
            return
        visible_end = record.start + record.holes[0][0] if record.holes else record.end
        content = record.data[record.start + HEADER_BYTES : visible_end]
        direction.overhead_bytes += record.end - record.start
        span = _span(record)
        if kind == _HANDSHAKE:
            self._handshake(direction, content, span, pieces)
            hello = direction.messages.cut_hello() if record.holes else None
            if hello:
                self._message(direction, hello, span, pieces)
        elif kind == _ALERT:
            self._alert(direction, content, span)
        elif kind == _CHANGE_CIPHER_SPEC:
            self._change_cipher_spec(direction)
        if self._doomed and direction.side == CLIENT and kind != _HANDSHAKE:
            self._give_up(self._doomed)

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

    def _is_protected(self, direction: Direction, kind: int) -> bool:
        if self._negotiation.version == TLS_1_3:
            return kind == _APPLICATION
        return direction.changed_cipher or kind == _APPLICATION

    def _must_wait(self, direction: Direction, kind: int) -> bool:
        if direction.held:
            return True
        if not self._is_protected(direction, kind) or self._doomed:
            return False
        return not self._keys_ready or direction.waiting

    def _hold(self, direction: Direction, record: Record, pieces: list[Piece]) -> None:
        size = record.end - record.start
        direction.held_bytes += size
        direction.held.append(record._replace(data=record.data[record.start : record.end], start=0, end=size))
        if direction.held_bytes > HELD_LIMIT:
            self._anomaly(
                reasons.BUFFER_LIMIT, record.first_frame, record.first_ns, f"more than {HELD_LIMIT} bytes wait"
            )
            if direction.waiting:
                self._settle_early_data(False, pieces)
            else:
                self._conclude(pieces)

    def _release(self, direction: Direction, pieces: list[Piece]) -> None:
        """Takes up the records held; what must wait again comes back to the queue in order."""
        held = list(direction.held)
        direction.held.clear()
        direction.held_bytes = 0
        for record in held:
            if self.hopeless or direction.dead:
                direction.sealed_bytes += record.end - record.start
            else:
                self._record(direction, record, pieces)

    def _protected(self, direction: Direction, record: Record, pieces: list[Piece]) -> None:
        data, start, end = record.data, record.start, record.end
        size = end - start
        protection = direction.protection
        if protection is None:
            direction.sealed_bytes += size
            if self._doomed and (direction.side == CLIENT or direction.sealed_bytes > HELD_LIMIT):
                self._give_up(self._doomed)
            elif direction.out_of_keys:
                self._fail(direction, reasons.NO_KEY)
            return
        if record.holes:
            self._cut(direction, record, pieces)
            return
        opened = protection.open(data, start, end)
        if opened is None and direction.fits(data[start:end], 0) and direction.protection is not None:
            opened = direction.protection.open(data, start, end)
        span = _span(record)
        if opened is None:
            self._not_authentic(direction, record, pieces)
            return
        direction.failures = 0
        self._content(direction, opened[0], opened[1], span, size, pieces)

    def _content(
        self, direction: Direction, kind: int, plain: bytes, span: Span, size: int, pieces: list[Piece]
    ) -> None:
        """What an authenticated record held."""
        if kind == _APPLICATION and plain:
            pieces.append(Piece(direction.side, plain, *span, size))
            return
        direction.overhead_bytes += size
        if kind == _HANDSHAKE:
            self._handshake(direction, plain, span, pieces)
        elif kind == _ALERT:
            self._alert(direction, plain, span)
        elif kind == _CHANGE_CIPHER_SPEC:
            self._change_cipher_spec(direction)  # TLS 1.2 renegotiation
        elif kind != _APPLICATION:
            self._anomaly(reasons.RECORD_MALFORMED, span[0], span[1], f"content type {kind} inside a protected record")

    def _not_authentic(self, direction: Direction, record: Record, pieces: list[Piece]) -> None:
        size = record.end - record.start
        direction.sealed_bytes += size
        direction.failures += 1
        if direction.skipping:
            if direction.failures > SKIPPED_LIMIT:
                self._fail(direction, reasons.KEY_DOES_NOT_FIT)
            return
        self._anomaly(reasons.RECORD_NOT_AUTHENTIC, record.first_frame, record.first_ns, f"{size} bytes")
        protection = direction.protection
        if protection is None or not (protection.proven or direction.opens):
            self._fail(direction, self._gap_reason if direction.slack else reasons.KEY_DOES_NOT_FIT)
            return
        self._partial = self._partial or reasons.DAMAGED
        direction.slack += 1  # the sender counted it; whether the next record is the same one again is not known
        self._missing(direction, max(1, size - HEADER_BYTES - protection.overhead), record, pieces)
        if direction.failures >= FAILURES_LIMIT:
            self._fail(direction, reasons.DAMAGED)

    # ------------------------------------------------------------------ loss

    def _cut(self, direction: Direction, record: Record, pieces: list[Piece]) -> None:
        """A protected record with holes: cannot be authenticated, but what is visible can be read if the key is certain."""
        protection = direction.protection
        assert protection is not None
        size = record.end - record.start
        if is_cut_finished(protection, record):
            direction.overhead_bytes += size
            self._finish(direction)
            return
        if protection.epoch != "application" or not direction.certain:
            direction.looks_right(record.data[record.start : record.start + record.holes[0][0]], 0)
            protection = direction.protection or protection
        seen = CutRecord(None, [])
        if direction.certain:
            seen = read_cut(protection, record)
            protection.sequence += 1
        else:
            direction.slack += 1
        if seen.kind is not None and seen.kind != _APPLICATION:
            direction.overhead_bytes += size
            return
        if protection.epoch != "handshake":
            self._partial = self._partial or self._gap_reason
        if seen.kind is None:
            direction.sealed_bytes += size - sum(end - start for start, end in record.holes)
            if protection.epoch == "application" and record.data[record.start] == _APPLICATION:
                self._missing(direction, max(1, size - HEADER_BYTES - protection.overhead), record, pieces)
            return
        direction.opened = True
        span = _span(record)
        for number, (data, missing) in enumerate(seen.runs):
            pieces.append(Piece(direction.side, data, *span, 0 if number else size, False, missing))

    def _found_again(self, direction: Direction, lost: Lost, pieces: list[Piece]) -> None:
        """The stream is in step again behind lost records."""
        direction.started = True
        protection = direction.protection
        if protection is None or protection.epoch != "application":
            return
        records = direction.leapt
        if direction.fresh and records <= (LIKELY_TICKETS if direction.side == SERVER else 0):
            return  # nothing but handshake and tickets need have been lost
        self._anomaly(reasons.RECORDS_LOST, lost.frame, lost.time_ns, f"{lost.wire_bytes} bytes, {records} records")
        self._partial = self._partial or self._gap_reason
        missing = max(1, lost.wire_bytes - records * (HEADER_BYTES + protection.overhead))
        pieces.append(Piece(direction.side, b"", lost.frame, lost.time_ns, lost.frame, lost.time_ns, 0, False, missing))

    def _bad_header(self, direction: Direction, bad: Bad) -> None:
        if not direction.started:
            if direction.side == SERVER and self._negotiation.client is not None:
                self._anomaly(bad.code, bad.frame, bad.time_ns, "the server's answer is not TLS")
                self._give_up(reasons.HANDSHAKE_INCOMPLETE)
            else:
                self._give_up(reasons.UNSUPPORTED_VERSION if _is_sslv2_hello(bad.header) else reasons.NOT_TLS)
            direction.sealed_bytes += len(bad.header)
            return
        self._anomaly(bad.code, bad.frame, bad.time_ns, f"header {bad.header.hex()}")
        self._partial = self._partial or reasons.DAMAGED
        self._gap_reason = reasons.DAMAGED
        direction.lose()
        if direction.protection is None:
            self._fail(direction, reasons.DAMAGED)

    def _conclude(self, pieces: list[Piece]) -> None:
        """The ServerHello will not come: goes on with what can be concluded without it."""
        obstacle = self._doomed or self._negotiation.conclude()
        if obstacle:
            self._give_up(obstacle)
        else:
            self._install(pieces)

    def _missing(self, direction: Direction, missing: int, record: Record, pieces: list[Piece]) -> None:
        pieces.append(Piece(direction.side, b"", *_span(record), record.end - record.start, False, missing))

    # ------------------------------------------------------------------ handshake

    def _handshake(self, direction: Direction, content: bytes, span: Span, pieces: list[Piece]) -> None:
        for message in direction.messages.feed(content):
            if message.too_long:
                self._anomaly(reasons.HANDSHAKE_TOO_LONG, span[0], span[1], f"{message.too_long} bytes")
            else:
                self._message(direction, message, span, pieces)

    def _message(self, direction: Direction, message: Message, span: Span, pieces: list[Piece]) -> None:
        side, kind, body = direction.side, message.kind, message.body
        agreed = self._negotiation
        tls13 = agreed.version == TLS_1_3
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
            elif kind in (handshake.CERTIFICATE, handshake.SERVER_HELLO_DONE) and side == SERVER and not tls13:
                agreed.full = True
                agreed.resumed = False
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
            self._anomaly(reasons.HANDSHAKE_MALFORMED, span[0], span[1], f"message type {kind}: {error}")

    def _client_hello(self, message: Message, span: Span, pieces: list[Piece]) -> None:
        hello = handshake.client_hello(message.body)
        if not hello.complete and not message.cut:
            self._anomaly(reasons.HANDSHAKE_MALFORMED, span[0], span[1], "ClientHello")
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
            self._anomaly(reasons.HANDSHAKE_MALFORMED, span[0], span[1], "ServerHello")
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
            self._install(pieces)
            return
        self._doomed = obstacle
        for direction in reversed(self._directions):
            self._release(direction, pieces)

    def _install(self, pieces: list[Piece]) -> None:
        """Makes the protections and takes up what waited for them."""
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
            if direction.changed_cipher and direction.protection is None and self._negotiation.version == TLS_1_2:
                self._start_tls12(direction)
            self._release(direction, pieces)

    def _change_cipher_spec(self, direction: Direction) -> None:
        if self._negotiation.version == TLS_1_3:
            return  # sent for old middleboxes only (RFC 8446 D.4)
        direction.changed_cipher = True
        if self._keys_ready:
            self._start_tls12(direction)

    def _start_tls12(self, direction: Direction) -> None:
        agreed = self._negotiation
        if direction.side == SERVER and agreed.resumed is None and not direction.gapped:
            agreed.resumed = not agreed.full
        direction.install(agreed.tls12_chain(direction.side))
        if direction.protection is None:
            self._doomed = self._doomed or reasons.NO_KEY

    def _finish(self, direction: Direction) -> None:
        self._finished[direction.side] = True
        if self._negotiation.version == TLS_1_3:
            direction.advance("application")

    def _settle_early_data(self, accepted: bool, pieces: list[Piece]) -> None:
        """The server said whether it takes early data; what waited for that goes on."""
        client = self._directions[CLIENT]
        if client.waiting:
            client.waiting = False
            if not accepted:
                client.advance("handshake")
                client.skipping = True
            self._release(client, pieces)

    def _alert(self, direction: Direction, content: bytes, span: Span) -> None:
        if len(content) != 2:
            return
        level, description = content
        if description == 0:
            if self._close_frame[direction.side] is None:
                self._close_frame[direction.side], self._close_ns[direction.side] = span[2], span[3]
        elif len(self._alerts) < ALERTS_LIMIT:
            self._alerts.append((direction.side, span[2], level, description))

    # ------------------------------------------------------------------ ends

    def _fail(self, direction: Direction, why: str) -> None:
        """Nothing of a direction can be opened any more; without anything opened in the other, of the connection."""
        direction.dead = True
        direction.why = why
        direction.opened = direction.opens
        direction.protection = None
        direction.sealed_bytes += sum(record.end - record.start for record in direction.held)
        direction.held.clear()
        other = self._directions[1 - direction.side]
        if other.dead or (why == reasons.KEY_DOES_NOT_FIT and not (other.protection and other.protection.proven)):
            self._give_up(why)

    def _give_up(self, why: str) -> None:
        self._why = self._why or why
        self.hopeless = True
        for direction in self._directions:
            direction.opened = direction.opens
            direction.sealed_bytes += sum(record.end - record.start for record in direction.held)
            direction.held.clear()
            direction.messages.gap()

    def _anomaly(self, code: str, frame: int, time_ns: int, detail: str) -> None:
        self._anomaly_count += 1
        if self._anomaly_count <= ANOMALIES_LIMIT:
            self.anomalies.append(Anomaly(code=code, frame=frame, time_ns=time_ns, detail=detail))


def _span(record: Record) -> Span:
    return record.first_frame, record.first_ns, record.last_frame, record.last_ns


def _is_sslv2_hello(header: bytes) -> bool:
    """Whether a stream begins with a ClientHello in SSL 2.0 format (RFC 5246 E.2)."""
    return header[0] >= 0x80 and header[2] == handshake.CLIENT_HELLO and (header[3] == 3 or header[3:5] == b"\x00\x02")
