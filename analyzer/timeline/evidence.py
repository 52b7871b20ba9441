"""What the packets of a connection say about its end: who closed first, what went unanswered, and the end as it is put
together.

Facts and their wording only. What speaks for whom is in `attribution`, one kind of evidence a file; what follows for
the wait that was pending is in `endings`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypedDict

from analyzer.timeline.attribution import closing, reset, silence, stack
from analyzer.timeline.attribution.weighing import OWN_ADDRESS, Clue, EndedBy, Grade, Weights, of_side, weigh
from analyzer.timeline.columns import NS
from analyzer.timeline.reading import UNKNOWN, Wait
from dissectors.events import CLIENT, SERVER, Connection, PacketNote, Reset

RETRANSMITTED_ALONE = 2  # repeats without any answer from which on a path is taken for dead
UNANSWERED_BEFORE_S = 1.0  # packets that went unanswered for so long before a close are older than the close

_RST = 0x04

Mechanism = Literal["fin", "rst", "silent", "tls_close", "http_error", "capture_end"]


class Evidence(TypedDict):
    """One thing that a judgement rests on."""

    kind: str
    detail: str
    frames: list[int]


@dataclass(slots=True, kw_only=True)
class Ending:
    """The end of one connection, or of one wait that a gateway ended."""

    time_ns: int
    mechanism: Mechanism
    ended_by: EndedBy = "unknown"
    cause: str = "unknown"
    premature: bool | None = False
    idle_since_ns: int | None = None  # the last data that got through; None: not known
    grade: Grade = "unknown"
    evidence: list[Evidence] = field(default_factory=list)
    wait_end_ns: int | None = None
    end_frame: int | None = None  # the packet that ended it
    outcome: int = UNKNOWN  # of the wait
    timed: bool = False  # the end itself was seen to happen, and nothing that was sent brought it about
    named: int | None = None  # the side whose address the close carries
    reconnected: bool = False  # the same device got through on a new connection right after
    weights: list[Weights] = field(default_factory=list)

    def weigh(self, clues: Iterable[Clue]) -> None:
        """Take in what was seen, and judge anew who ended it."""
        for clue in clues:
            self.says(clue.kind, clue.detail, *clue.frames)
            self.weights.append(clue.weights)
        self.ended_by, self.grade = weigh(self.weights)

    def shows(self, kind: str) -> bool:
        """There is evidence of this kind."""
        return any(item["kind"] == kind for item in self.evidence)

    def says(self, kind: str, detail: str, *frames: int | None) -> None:
        self.evidence.append({"kind": kind, "detail": detail, "frames": [f for f in frames if f is not None]})


class Close(NamedTuple):
    """The first sign of closing: a TLS close_notify, FIN or RST."""

    side: int  # whose address it carries
    time_ns: int
    frame: int | None
    how: Literal["fin", "rst", "tls_close"]


_SIDES = ("client", "server")


def first_close(c: Connection) -> Close | None:
    """Who began to close. A close_notify is data to TCP, so what answers it (RST, in a dead path) is not the first."""
    close: Close | None = None
    if c.first_close is not None and c.first_close_ns is not None and c.first_close_side is not None:
        close = Close(c.first_close_side, c.first_close_ns, c.first_close_frame, c.first_close)
    if c.tls is not None:
        for side in (CLIENT, SERVER):
            notified_ns = c.tls.close_notify_ns[side]
            if notified_ns is not None and (close is None or notified_ns <= close.time_ns):
                close = Close(side, notified_ns, c.tls.close_notify_frame[side], "tls_close")
    return close


def closed(c: Connection, close: Close, *, thorough: bool = True) -> Ending:
    """The ending by its first sign, and who sent that by all that the packet and the connection say. Where nothing was
    pending (not `thorough`) the packet alone is asked: there are very many such ends, and nobody is hurt by them."""
    ending = Ending(time_ns=close.time_ns, mechanism=close.how, end_frame=close.frame, named=close.side)
    ending.weights.append(of_side(close.side, OWN_ADDRESS))
    if close.how == "rst":
        sent = next((r for r in c.resets if r.frame == close.frame), None)
        if sent is None:
            ending.weigh(())
        else:
            ending.weigh(reset.clues(sent, c) if thorough else filter(None, (stack.ttl(sent, c), stack.mac(sent, c))))
        ending.timed = sent is None or not reset.answers(sent, c)
    else:
        notified = closing.close_notify(close.side, close.frame, c)
        ending.weigh(closing.clues(close.side, close.frame, c) if thorough else filter(None, (notified,)))
        ending.timed = True
    return ending


def reset_by_answer(wait: Wait, c: Connection) -> Reset | None:
    """A RST in the client's name right after a packet of the server, from the answer on, that knows nothing of what was
    sent: one with ACK comes from a client that has received the answer and closed at once."""
    for sent in c.resets:
        if sent.side == CLIENT and sent.after_side == SERVER and sent.time_ns >= wait.answer_ns and not sent.has_ack:
            return sent
    return None


def answered_unreadably(wait: Wait, c: Connection) -> bool:
    """Data came from the server during the wait, but bytes are missing, so nobody can say whether it was the answer."""
    last_ns = c.server.last_data_ns
    if last_ns is None or last_ns <= wait.start_ns or not (c.server.missing_bytes or c.decryption == "partial"):
        return False
    notified_ns = c.tls.close_notify_ns[SERVER] if c.tls is not None else None
    return notified_ns is None or last_ns < notified_ns


def unanswered(c: Connection) -> tuple[int, int] | None:
    """The side that repeated its last bytes in vain, and when it first sent them."""
    for number, side in enumerate((c.client, c.server)):
        if side.unanswered_retransmissions >= RETRANSMITTED_ALONE and side.unanswered_since_ns is not None:
            return number, side.unanswered_since_ns
    return None


def died_before(close: Close | None, c: Connection) -> tuple[int, int] | None:
    """Packets went unanswered, and not only those that closed the connection."""
    dead = unanswered(c)
    if dead is None or close is None:
        return dead
    return dead if close.time_ns - dead[1] > UNANSWERED_BEFORE_S * NS else None


def server_packet_after(c: Connection, close_ns: int) -> PacketNote | None:
    """A packet of the server after the client's close that is no RST: the path was alive both ways."""
    for note in c.last_packets:
        if note.side == SERVER and note.time_ns > close_ns and not note.flags & _RST:
            return note
    return None


def says_unanswered(ending: Ending, c: Connection, number: int, *frames: int | None) -> None:
    """Packets of one side were never answered: the path carried nothing for this connection any more."""
    ending.weigh(silence.clues(number, c, tuple(frame for frame in frames if frame is not None)))
