"""What the packets of a connection say about its end: who closed first, whose RST it is, what went unanswered.

Facts and their wording only; what follows from them is in `endings`. A RST is foreign when it was not sent by the
stack whose address it carries: its TTL (or hop limit) lies outside the range of that sender's other packets, or its
link-layer address is another one. An equal TTL proves nothing. One hop of difference counts: a box next door answers
with the full 64 (sample c_fw_rst), and the range already holds what load-shared paths vary by.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypedDict

from analyzer.timeline.columns import NS
from analyzer.timeline.reading import UNKNOWN, Wait
from dissectors.events import CLIENT, SERVER, Connection, PacketNote, Reset, Side

RETRANSMITTED_ALONE = 2  # repeats without any answer from which on a path is taken for dead
UNANSWERED_BEFORE_S = 1.0  # packets that went unanswered for so long before a close are older than the close

_RST = 0x04

Mechanism = Literal["fin", "rst", "silent", "tls_close", "http_error", "capture_end"]
EndedBy = Literal["client", "server_side", "middlebox", "path", "unknown"]
Grade = Literal["proven", "likely", "possible", "unknown"]


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


def closed(c: Connection, close: Close) -> Ending:
    """The ending by its first sign, and who sent that unless the packet itself says otherwise."""
    ending = Ending(
        time_ns=close.time_ns,
        mechanism=close.how,
        ended_by="client" if close.side == CLIENT else "server_side",
        grade="likely",
        end_frame=close.frame,
    )
    if close.how == "tls_close":
        ending.says("close_notify", f"TLS close_notify of the {_SIDES[close.side]}", close.frame)
    for reset in c.resets:
        if reset.frame == close.frame and foreign(ending, reset, c.client if close.side == CLIENT else c.server):
            ending.ended_by = "middlebox"
    return ending


def foreign(ending: Ending, reset: Reset, side: Side) -> bool:
    """The RST was not sent by the stack whose address it carries: it differs from all of that sender's other
    packets."""
    named = _SIDES[reset.side]
    if side.ttl_min is not None and side.ttl_max is not None and not side.ttl_min <= reset.ttl <= side.ttl_max:
        usual = str(side.ttl_min) if side.ttl_min == side.ttl_max else f"{side.ttl_min} to {side.ttl_max}"
        ending.says("rst_ttl_differs", f"the RST has TTL {reset.ttl}, the {named}'s other packets {usual}", reset.frame)
        return True
    if None not in (reset.mac, side.mac) and not side.macs_differ and reset.mac != side.mac:
        ending.says(
            "rst_mac_differs", f"the RST comes from another device than the {named}'s other packets", reset.frame
        )
        return True
    return False


def reset_by_answer(wait: Wait, c: Connection) -> Reset | None:
    """A RST in the client's name right after a packet of the server, from the answer on."""
    for reset in c.resets:
        if reset.side == CLIENT and reset.after_side == SERVER and reset.time_ns >= wait.answer_ns:
            return reset
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
    side = c.client if number == CLIENT else c.server
    times = side.unanswered_retransmissions
    detail = f"packets of the {_SIDES[number]} were repeated {times} times and never acknowledged"
    ending.says("unanswered_retransmissions", detail, *(frames or (side.last_data_frame,)))
