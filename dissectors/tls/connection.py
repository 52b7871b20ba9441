"""TLS of one TCP connection: bytes of both sides in, plaintext and handshake facts out (RFC 6101 to RFC 8446).

What happens to a record:

    framing     cuts the stream into records and survives gaps
    hold        protected records wait until the other side's hello is there, early data until it is accepted
    direction   finds the protection and sequence number that open it
    content     application data becomes a `Piece`; handshake messages move the state; alerts are noted

Decrypted are SSL 3.0 to TLS 1.3 with the suites of `ciphers`, from key logs and RSA private keys, with resumption,
HelloRetryRequest, early data, KeyUpdate, renegotiation and authentication after the handshake. Left out: SSL 2.0,
compression, DTLS.
"""

from typing import Final

from dissectors.events import CLIENT, SERVER
from dissectors.tls import reasons
from dissectors.tls.cut import CutRecord, is_cut_finished, read_cut
from dissectors.tls.direction import NONE_HELD, Direction
from dissectors.tls.framing import Bad, Event, Lost, Record
from dissectors.tls.handshake import TLS_1_3
from dissectors.tls.old_hello import is_old_hello
from dissectors.tls.piece import Piece, Span
from dissectors.tls.protection import Opened
from dissectors.tls.searching import HEADER_BYTES, RECORD_LIMIT
from dissectors.tls.session import Session

HELD_LIMIT: Final = 128 * 1024  # bytes of records kept per side until the other side's hello is there
FAILURES_LIMIT: Final = 8  # records in a row that cannot be authenticated, then the direction is given up
SKIPPED_LIMIT: Final = 64  # the same while such records are expected
LIKELY_TICKETS: Final = 4  # records that a server sends before any answer, besides its handshake

_CHANGE_CIPHER_SPEC: Final = 20
_ALERT: Final = 21
_HANDSHAKE: Final = 22
_APPLICATION: Final = 23


_new = tuple.__new__  # of a named tuple: half the time of calling the class


class TlsConnection(Session):
    """Decrypts one TCP connection. Feed both sides in the order of the capture; then `close`."""

    __slots__ = ()

    # ------------------------------------------------------------------ input

    def open_lone(self, side: int, data: bytes, frame: int, time_ns: int) -> bytes | None:
        """The plaintext of a segment that is one record of application data and no more, as most segments are.

        None: it is something else, and was not taken: `feed` it. Nothing but the protection moves here, so all that
        could be in the way is looked at once, behind what changes it, and not before each record (`Direction.lone`).
        """
        direction = self._directions[side]
        protection = direction.lone
        if (
            protection is None
            or len(data) <= HEADER_BYTES
            or not len(data) == HEADER_BYTES + (data[3] << 8) + data[4] <= HEADER_BYTES + RECORD_LIMIT
        ):
            return None
        plain = protection.open_data(data)
        if plain is not None:
            direction.lone_frame, direction.lone_ns = frame, time_ns
        return plain

    def feed(self, side: int, data: bytes, ends: list[int], frames: list[int], times: list[int]) -> list[Piece]:
        """In-order bytes of one side; segment k is data[ends[k-1]:ends[k]] and came in frames[k] at times[k] (ns)."""
        pieces: list[Piece] = []
        direction = self._directions[side]
        framer = direction.framer
        if not data:
            return pieces
        if self.hopeless or direction.dead:
            direction.sealed_bytes += len(data)
            return pieces
        if framer.needed and framer.take_all(data, frames[-1], times[-1]):
            return pieces
        direction.lone_frame = 0
        framer.load(data, ends, frames, times)
        self._read(direction, pieces)
        for either in self._directions:
            either.look_ahead(self.hopeless)
        return pieces

    def _read(self, direction: Direction, pieces: list[Piece]) -> None:
        """Takes the records of the chunk that is loaded."""
        framer = direction.framer
        if self._open_run(direction, pieces):
            framer.release()
            return
        while True:
            event = framer.next(direction)
            if event is None:
                if framer.stopped:
                    self._fail(direction, self._gap_reason)
                framer.release()
                return
            self._take(direction, event, pieces)
            if self.hopeless or direction.dead:
                direction.sealed_bytes += len(framer.data) - framer.position
                framer.release()
                return
            if self._open_run(direction, pieces):
                framer.release()
                return

    def gap(self, side: int, length: int, frame: int, time_ns: int) -> list[Piece]:
        """`length` bytes after those fed are not in the capture.

        `frame` is the frame that a snap length cut (the one fed last), or for loss the frame behind the gap.
        """
        pieces: list[Piece] = []
        direction = self._directions[side]
        if self.hopeless or direction.dead or length <= 0:
            return pieces
        framer = direction.framer
        if direction.lone_frame:
            framer.last_frame, framer.last_ns = direction.lone_frame, direction.lone_ns
            direction.lone_frame = 0
        self._lose_bytes(direction, length, frame, pieces)
        for either in self._directions:
            either.look_ahead(self.hopeless)
        return pieces

    def _lose_bytes(self, direction: Direction, length: int, frame: int, pieces: list[Piece]) -> None:
        """The gap is in a direction of which something can be opened."""
        framer, side = direction.framer, direction.side
        self._gap_reason = reasons.SNAPPED if frame == framer.last_frame and framer.fed else reasons.GAP
        for event in framer.gap(length, direction):
            self._take(direction, event, pieces)
            if self.hopeless or direction.dead:
                return
        if framer.in_step:
            return  # inside a record, which comes with a hole in it
        self._lose(direction)
        agreed = self._negotiation
        if agreed.version != TLS_1_3 and self._keys_ready and direction.protection is None:
            direction.chain = agreed.legacy_chain(side)  # ChangeCipherSpec may be what is lost
        if side == SERVER:
            self._settle_early_data(True, pieces)
        if side == CLIENT and agreed.client is None:
            self._give_up(reasons.NO_HANDSHAKE)
        elif side == SERVER and not self._keys_ready and not agreed.awaits_exchange:
            self._conclude(pieces)
        elif side == CLIENT and agreed.awaits_exchange:
            self._install(pieces)  # the ClientKeyExchange may be what is lost

    def close(self) -> list[Piece]:
        """The connection's end: what can be seen of records that never became whole."""
        pieces: list[Piece] = []
        for direction in self._directions:
            missing = direction.framer.remaining
            if missing and not self.hopeless and not direction.dead:
                self._gap_reason = reasons.GAP
                for event in direction.framer.gap(missing, direction):
                    self._take(direction, event, pieces)
            if not self.hopeless and not direction.dead:
                for event in direction.framer.finish(direction):
                    self._take(direction, event, pieces)
                self._never_found(direction, pieces)
            direction.sealed_bytes += sum(record.end - record.start for record in direction.held)
            direction.held = NONE_HELD
        return pieces

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
                self._content(direction, opened, span, end - position, pieces)
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
                self._lose(direction)
        elif isinstance(event, Lost):
            self._found_again(direction, event, pieces)
        else:
            self._bad_header(direction, event)

    def _record(self, direction: Direction, record: Record, pieces: list[Piece]) -> None:
        kind = record.data[record.start]
        if not direction.started:
            if kind >= 0x80:
                self._old_hello(direction, record, pieces)
                return
            if not self._begins_well(direction, record):
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
        span = record.span
        if kind == _HANDSHAKE:
            self._handshake(direction, content, span, pieces)
            hello = direction.messages.cut_hello() if record.holes else None
            if hello:
                self._message(direction, hello, span, pieces)
        elif kind == _ALERT:
            self._notes.alert(direction.side, content, span)
        elif kind == _CHANGE_CIPHER_SPEC:
            self._change_cipher_spec(direction, pieces)
        if self._doomed and kind != _HANDSHAKE and self._all_sealed(direction.side == CLIENT):
            self._give_up(self._doomed)

    def _all_sealed(self, by_client: bool) -> bool:
        """Whether nothing in clear follows; before TLS 1.3 that may be an alert until both sides changed cipher."""
        if self._negotiation.version == TLS_1_3:
            return by_client
        return all(direction.changed_cipher for direction in self._directions)

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
        if not direction.held:
            direction.held = []
        direction.held.append(record._replace(data=record.data[record.start : record.end], start=0, end=size))
        if direction.held_bytes > HELD_LIMIT:
            self._notes.anomaly(
                reasons.BUFFER_LIMIT, record.first_frame, record.first_ns, f"more than {HELD_LIMIT} bytes wait"
            )
            if direction.waiting:
                self._settle_early_data(False, pieces)
            else:
                self._conclude(pieces)

    def _release(self, direction: Direction, pieces: list[Piece]) -> None:
        """Takes up the records held; what must wait again comes back to the queue in order."""
        held, direction.held = direction.held, NONE_HELD
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
            by_client = direction.side == CLIENT
            talks = (by_client and data[start] == _APPLICATION) or direction.sealed_bytes > HELD_LIMIT
            if self._doomed and (talks or self._all_sealed(by_client)):
                self._give_up(self._doomed)
            elif direction.out_of_keys:
                self._fail(direction, reasons.NO_KEY)
            return
        if record.holes:
            self._cut(direction, record, pieces)
            return
        opened = protection.open(data, start, end)
        if opened is None and direction.fits(data[start:end], 0, b"") and direction.protection is not None:
            opened = direction.protection.open(data, start, end)
        span = record.span
        if opened is None:
            self._not_authentic(direction, record, pieces)
            return
        direction.failures = 0
        self._content(direction, opened, span, size, pieces)

    def _content(self, direction: Direction, opened: Opened, span: Span, size: int, pieces: list[Piece]) -> None:
        """What an authenticated record held."""
        kind, plain = opened
        if kind == _APPLICATION and plain:
            pieces.append(Piece(direction.side, plain, *span, size))
            return
        direction.overhead_bytes += size
        if kind == _HANDSHAKE:
            self._handshake(direction, plain, span, pieces)
        elif kind == _ALERT:
            self._notes.alert(direction.side, plain, span)
        elif kind == _CHANGE_CIPHER_SPEC:
            self._change_cipher_spec(direction, pieces)  # renegotiation before TLS 1.3
        elif kind != _APPLICATION:
            self._notes.anomaly(
                reasons.RECORD_MALFORMED, span[0], span[1], f"content type {kind} inside a protected record"
            )

    def _not_authentic(self, direction: Direction, record: Record, pieces: list[Piece]) -> None:
        data, start, end = record.data, record.start, record.end
        size = end - start
        direction.sealed_bytes += size
        direction.failures += 1
        if direction.skipping:
            if direction.failures > SKIPPED_LIMIT:
                self._fail(direction, reasons.KEY_DOES_NOT_FIT)
            return
        self._notes.anomaly(reasons.RECORD_NOT_AUTHENTIC, record.first_frame, record.first_ns, f"{size} bytes")
        protection = direction.protection
        if protection is None or not (protection.proven or direction.opens):
            self._fail(direction, self._gap_reason if direction.slack else reasons.KEY_DOES_NOT_FIT)
            return
        self._partial = self._partial or reasons.DAMAGED
        direction.slack += 1  # the sender counted it; whether the next record is the same one again is not known
        protection.pass_over_damaged(data[start + HEADER_BYTES : end])
        self._missing(direction, max(1, size - HEADER_BYTES - protection.overhead), record, pieces)
        if direction.failures >= FAILURES_LIMIT:
            self._fail(direction, reasons.DAMAGED)

    # ------------------------------------------------------------------ loss

    def _cut(self, direction: Direction, record: Record, pieces: list[Piece]) -> None:
        """A protected record with holes: no tag to verify, but its visible parts are read if the key is certain."""
        protection = direction.protection
        assert protection is not None
        size = record.end - record.start
        if is_cut_finished(protection, record):
            direction.overhead_bytes += size
            self._finish(direction)
            return
        if protection.epoch != "application" or not direction.certain:
            direction.looks_right(record.data[record.start : record.start + record.holes[0][0]], 0, b"")
            protection = direction.protection or protection
        seen = CutRecord(None, [])
        if direction.certain:
            seen = read_cut(protection, record)
            protection.sequence += 1
        else:
            direction.slack += 1
        protection.pass_over(size - HEADER_BYTES, record.data[record.start + record.holes[-1][1] : record.end])
        if seen.kind is not None and seen.kind != _APPLICATION:
            direction.overhead_bytes += size
            return
        self._partial = self._partial or self._gap_reason
        if seen.kind is None:
            direction.sealed_bytes += size - sum(end - start for start, end in record.holes)
            if protection.epoch == "application" and record.data[record.start] == _APPLICATION:
                self._missing(direction, max(1, size - HEADER_BYTES - protection.overhead), record, pieces)
            return
        direction.opened = True
        span = record.span
        for number, (data, missing) in enumerate(seen.runs):
            pieces.append(Piece(direction.side, data, *span, 0 if number else size, False, missing))

    def _found_again(self, direction: Direction, lost: Lost, pieces: list[Piece]) -> None:
        """The stream is in step again behind lost records."""
        direction.started = True
        protection = direction.protection
        if protection is None or protection.epoch != "application":
            return
        records = direction.leapt
        tickets = LIKELY_TICKETS if direction.side == SERVER else 0
        if direction.fresh and records <= (tickets if self._negotiation.version == TLS_1_3 else 1):
            return  # nothing but handshake and tickets, or before TLS 1.3 the Finished, need have been lost
        self._notes.anomaly(
            reasons.RECORDS_LOST, lost.frame, lost.time_ns, f"{lost.wire_bytes} bytes, {records} records"
        )
        self._partial = self._partial or self._gap_reason
        missing = max(1, lost.wire_bytes - records * (HEADER_BYTES + protection.overhead))
        pieces.append(Piece(direction.side, b"", lost.frame, lost.time_ns, lost.frame, lost.time_ns, 0, False, missing))

    def _never_found(self, direction: Direction, pieces: list[Piece]) -> None:
        """At the end: what came behind a loss and was not found to be any record."""
        unread = direction.framer.unread
        if not unread or not direction.opens or direction.dead:
            return
        frame, time_ns = direction.framer.last_frame, direction.framer.last_ns
        self._notes.anomaly(reasons.RECORDS_LOST, frame, time_ns, f"{unread} bytes at the end")
        pieces.append(Piece(direction.side, b"", frame, time_ns, frame, time_ns, 0, False, unread))

    def _bad_header(self, direction: Direction, bad: Bad) -> None:
        if not direction.started:
            if direction.side == SERVER and self._negotiation.client is not None:
                self._notes.anomaly(bad.code, bad.frame, bad.time_ns, "the server's answer is not TLS")
                self._give_up(reasons.HANDSHAKE_INCOMPLETE)
            else:
                self._give_up(reasons.UNSUPPORTED_VERSION if is_old_hello(bad.header) else reasons.NOT_TLS)
            direction.sealed_bytes += len(bad.header)
            return
        self._notes.anomaly(bad.code, bad.frame, bad.time_ns, f"header {bad.header.hex()}")
        self._partial = self._partial or reasons.DAMAGED
        self._gap_reason = reasons.DAMAGED
        self._lose(direction)
        if direction.protection is None:
            self._fail(direction, reasons.DAMAGED)

    def _missing(self, direction: Direction, missing: int, record: Record, pieces: list[Piece]) -> None:
        pieces.append(Piece(direction.side, b"", *record.span, record.end - record.start, False, missing))
