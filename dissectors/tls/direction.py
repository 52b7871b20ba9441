"""What is kept for one direction of a TLS connection, and the search for the key and sequence number that fit a record.

A direction has one protection in force and a chain of those that may follow: early data, handshake, application (TLS
1.3), or the same for several cipher suites when the ServerHello is not in the capture. Usually handshake messages
say when to move on; when they are lost or unreadable, the record that only the next protection opens says it just as
well.

The sequence number is never sent. `slack` is how many records may have been lost since it was last certain; numbers
up to that far ahead are tried. All trials together are limited (`TRIAL_BYTES`), so that hostile input costs linear
time.
"""

import re
from typing import Final

from dissectors.tls.aead import Tls13Protection
from dissectors.tls.framing import Framer, Record
from dissectors.tls.messages import Messages
from dissectors.tls.protection import Mark, Protection
from dissectors.tls.searching import HEADER_BYTES

SLACK_LIMIT: Final = 1024  # sequence numbers tried ahead after loss
TRIAL_BYTES: Final = 16 << 20  # worth of failed trials without any success, then the direction is given up
TRIAL_COST: Final = 1024  # of one trial, in bytes, besides the record's own
PEEK_BYTES: Final = 16  # of plaintext that are judged
PEEK_SLACK_LIMIT: Final = 64  # sequence numbers tried ahead when only the plaintext's looks can tell

NONE_HELD: Final[list[Record]] = []  # shared, so never added to

# How an HTTP/1 request or response, an HTTP/2 client and an HTTP/2 server (its SETTINGS frame) begin.
_HTTP_START = re.compile(rb"[A-Z]{3,12} [/*h]|HTTP/1\.[01] \d|\x00\x00[\x00-\x7f]\x04[\x00\x01]\x00{4}", re.DOTALL)


class Direction:
    """State of one side's stream; `connection` decides, this keeps and tries."""

    __slots__ = (
        "anchored",
        "chain",
        "changed_cipher",
        "dead",
        "failures",
        "finished",
        "framer",
        "fresh",
        "gapped",
        "held",
        "held_bytes",
        "leapt",
        "lone",
        "lone_frame",
        "lone_ns",
        "messages",
        "opened",
        "out_of_keys",
        "overhead_bytes",
        "protection",
        "sealed_bytes",
        "side",
        "skipping",
        "slack",
        "started",
        "trial_budget",
        "waiting",
        "why",
    )  # fmt: skip

    def __init__(self, side: int) -> None:
        self.side = side
        self.framer = Framer()
        self.started = False  # a record was seen
        self.changed_cipher = False  # ChangeCipherSpec was seen
        self.finished = False  # Finished was seen
        self.protection: Protection | None = None
        self.chain: list[Protection] = []
        self.lone: Protection | None = None  # the same, while a segment that is one record needs nothing else
        self.lone_frame = self.lone_ns = 0  # of the last byte, if such a segment brought it; frame 0: the framer knows
        self.slack = 0
        self.leapt = 0  # sequence numbers passed over when the stream was found again
        self.fresh = True  # no application data had been opened before that
        self.gapped = False  # bytes were missing
        self.skipping = False  # records that no key opens are expected (rejected early data, handshake keys not logged)
        self.anchored = False  # plaintext of a cut record looked right, so key and sequence number are
        self.opened = False  # application data could be opened
        self.failures = 0  # records that could not be authenticated since the last that could
        self.trial_budget = TRIAL_BYTES
        self.out_of_keys = False  # the key log has no secret for what comes now
        self.waiting = False  # early data waits for the server's word on it
        self.held = NONE_HELD
        self.held_bytes = 0
        self.messages = Messages()
        self.overhead_bytes = 0
        self.sealed_bytes = 0
        self.dead = False  # nothing of it can be opened any more
        self.why: str | None = None

    @property
    def certain(self) -> bool:
        """Whether key and sequence number are right beyond doubt, so that even a cut record can be read with them."""
        protection = self.protection
        if protection is None or not (self.anchored or protection.proven):
            return False
        return not self.slack or not protection.needs_sequence

    @property
    def opens(self) -> bool:
        """Whether application data of this direction was opened."""
        protection = self.protection
        return self.opened or (protection is not None and protection.proven and protection.epoch != "handshake")

    def install(self, chain: list[Protection]) -> None:
        """Begins with the protections of a new handshake."""
        self.opened = self.opens
        self.protection = chain[0] if chain else None
        self.chain = chain[1:]
        self.out_of_keys = not chain
        self.skipping = bool(chain) and chain[0].epoch == "application" and isinstance(chain[0], Tls13Protection)

    def use(self, protection: Protection | None) -> None:
        """Puts a protection in force; those of the chain before it, or of another suite, fall away."""
        self.opened = self.opens
        if protection is not None and protection is not self.protection and protection in self.chain:
            after = self.chain[self.chain.index(protection) + 1 :]
            self.chain = [later for later in after if later.suite is protection.suite]
        self.protection = protection
        self.out_of_keys = protection is None

    def look_ahead(self, hopeless: bool) -> None:
        """Says what the next segment needs, if it is one record."""
        free = self.framer.idle and not (self.held or self.waiting or self.dead or hopeless)
        self.lone = self.protection if free else None

    def lose(self) -> None:
        """Bytes of this side are missing, or cannot be relied on."""
        self.gapped = True
        self.messages.gap()

    def advance(self, epoch: str) -> None:
        """Moves on to the chain's first protection of an epoch; without one the direction is out of keys."""
        self.slack = 0
        self.skipping = False
        now = self.protection
        fitting = (later for later in self.chain if later.epoch == epoch and (now is None or later.suite is now.suite))
        self.use(next(fitting, None))

    def fits(self, record: bytes, lost: int, before: bytes) -> bool:
        """Finds protection and sequence number that authenticate a whole record, and puts them in force."""
        if self.protection is None and _is_clear_landmark(record):
            return True
        self.trial_budget -= TRIAL_COST
        fresh = not self.opens
        window = self.slack + self._records_in(lost)
        cost = len(record) + TRIAL_COST
        for protection in self._candidates():
            mark = protection.mark()
            for records in range(min(window, SLACK_LIMIT) + 1):
                if self.trial_budget <= 0:
                    break
                self._seek(protection, mark, records, lost, before)
                here = protection.mark()
                if protection.open(record, 0, len(record)) is not None:
                    protection.restore(here)
                    self._settle(protection, records, fresh)
                    return True
                self.trial_budget -= cost
            protection.restore(mark)
        if self.trial_budget <= 0:
            self.framer.search.stopped = True
        return False

    def looks_right(self, start: bytes, lost: int, before: bytes) -> bool:
        """The same for a record of which only the start is seen: its plaintext must begin as HTTP does."""
        fresh = not self.opens
        window = min(self.slack + self._records_in(lost), PEEK_SLACK_LIMIT)
        for protection in self._candidates():
            body = start[HEADER_BYTES:][: PEEK_BYTES + protection.overhead]
            if protection.epoch == "handshake":
                continue
            mark = protection.mark()
            for records in range(window + 1):
                self.trial_budget -= TRIAL_COST
                if self.trial_budget <= 0:
                    protection.restore(mark)
                    self.framer.search.stopped = True
                    return False
                self._seek(protection, mark, records, lost, before)
                if _HTTP_START.match(protection.peek(body)):
                    self.anchored = True
                    self._settle(protection, records, fresh)
                    if not protection.needs_sequence:  # so its number may be another
                        self.slack = window
                    return True
            protection.restore(mark)
        return False

    def _seek(self, protection: Protection, mark: Mark, records: int, lost: int, before: bytes) -> None:
        """Goes on from a mark by as many records; those beyond the slack were in the bytes lost."""
        seen = min(records, self.slack)
        hidden = records - seen
        mark = mark._replace(sequence=mark.sequence + seen)
        protection.seek(mark, hidden, max(0, lost - HEADER_BYTES * hidden), before)

    def _candidates(self) -> list[Protection]:
        return self.chain if self.protection is None else [self.protection, *self.chain]

    def _settle(self, protection: Protection, leapt: int, fresh: bool) -> None:
        self.trial_budget = TRIAL_BYTES
        self.leapt = leapt
        self.fresh = fresh or protection is not self.protection
        if protection is not self.protection:
            self.use(protection)
        self.changed_cipher = True
        self.slack = 0
        self.skipping = False

    def _records_in(self, lost: int) -> int:
        """At most so many records can have been in `lost` bytes."""
        candidates = self._candidates()
        if not lost or not candidates:
            return 0
        return lost // (HEADER_BYTES + candidates[0].overhead + 1) + 1


def _is_clear_landmark(record: bytes) -> bool:
    """Whether an unprotected record is beyond doubt one: ChangeCipherSpec or an alert."""
    return (record[0] == 20 and record[3:] == b"\x00\x01\x01") or (
        record[0] == 21 and record[3:5] == b"\x00\x02" and record[5] in (1, 2)
    )
