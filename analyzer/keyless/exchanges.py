"""Turns of an encrypted connection → requests with their answers, as far as bytes and times show them.

Left out: the handshake; NewSessionTicket messages, which in TLS 1.3 look like application data and come right after the
client's Finished, often after its first request (RFC 8446 4.6.1); close_notify; small control messages that the server
sends at once and that answer nothing (100 Continue, HTTP/2 WINDOW_UPDATE). A first request that went out together with
the Finished is freed from it: in TLS 1.3 the length of that follows from the cipher's hash (RFC 8446 4.4.4).

What is said of an exchange that goes on after its answer began (`bursts`), or in which the client speaks while it waits
(`interrupted`), is for `strangers`: no push wait does that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analyzer.timeline.columns import NS
from dissectors.events import CLIENT, SERVER, Connection, Turn

SOON_S = 1.0  # what the server says so soon after a request may be tickets or control
CONTROL_BYTES = 48  # record, tag and a frame or a status line without headers
TICKETS_BYTES = 1400  # two tickets of 500 bytes; they fit into one packet
CLOSE_BYTES = 24  # TLS 1.3: an encrypted alert with its record header
PAUSE_S = 2.5  # longer than a retransmission takes
SMALL_BURST = 512

_HANDSHAKE = (20, 22)  # record types: change_cipher_spec, handshake
_ALERT = 21
_FINISHED = {"SHA256": 58, "SHA384": 74}  # bytes of a TLS 1.3 record with a Finished
_CHANGE = 6  # bytes of a change_cipher_spec record
_FINISHED_MAX = 100  # of TLS 1.2, all ciphers, with change_cipher_spec


class Exchange(NamedTuple):
    """One request, and what came back."""

    request_ns: int  # first byte
    sent_ns: int  # last byte
    first_frame: int
    request_frame: int  # of the last byte
    request_bytes: int
    answer_ns: int  # first byte; -1: no answer
    answer_end_ns: int
    answer_frame: int
    answer_last_frame: int
    answer_bytes: int
    quiet_since_ns: int  # the last thing that anybody said before the answer
    opening: bool  # the first of its connection: handshake messages may be counted in
    bursts: int = 0  # small pieces that the server sent after pauses, the answer's beginning apart
    interrupted: bool = False  # the client spoke again before any answer

    @property
    def held_s(self) -> float:
        """From the request to its answer; 0 without one."""
        return (self.answer_ns - self.sent_ns) / NS if self.answer_ns >= 0 else 0.0

    def silence_s(self, until_ns: int) -> float:
        """How long nobody spoke before the answer, or until then."""
        return ((self.answer_ns if self.answer_ns >= 0 else until_ns) - self.quiet_since_ns) / NS


class Talk(NamedTuple):
    """What is left of a connection."""

    exchanges: tuple[Exchange, ...]
    server_first: bool  # it spoke before the client's first request, and that was no ticket
    tickets_before: int  # bytes of tickets that came before the first request
    tickets_after: int  # and after it, where they stood apart; 0: none, or not known


def talk(c: Connection) -> Talk:
    """The exchanges of a connection that could not be read."""
    turns, opens = _spoken(c)
    found: list[Exchange] = []
    asked: Exchange | None = None
    before = tickets = 0  # bytes of the server before the first request, and after it
    for turn in turns:
        if turn.side == CLIENT:
            if asked is not None:
                if asked.answer_ns < 0 and asked.quiet_since_ns == asked.sent_ns and _goes_on(asked, turn):
                    asked = asked._replace(
                        sent_ns=turn.end_ns,
                        request_frame=turn.last_frame,
                        request_bytes=asked.request_bytes + turn.payload_bytes,
                        quiet_since_ns=turn.end_ns,
                    )
                    continue
                found.append(asked._replace(interrupted=True) if asked.answer_ns < 0 else asked)
            asked = _request(turn, opening=opens and not found)
        elif asked is None:
            before += turn.payload_bytes
        else:
            if _at_once(asked) and asked.answer_bytes <= (TICKETS_BYTES if asked.opening else CONTROL_BYTES):
                tickets = asked.answer_bytes if asked.opening else tickets
                asked = unanswered(asked)
            asked = _answered(asked, turn)
    if asked is not None:
        tiny = _at_once(asked) and asked.answer_bytes <= CONTROL_BYTES
        found.append(unanswered(asked) if tiny else asked)
    modern = c.tls is None or c.tls.version in (None, "TLS 1.3")
    early = before if opens and modern and before <= TICKETS_BYTES else 0
    return Talk(tuple(found), bool(before and opens and not modern), early, tickets)


def unanswered(asked: Exchange) -> Exchange:
    """What came at once was no answer."""
    return asked._replace(
        answer_ns=-1, answer_end_ns=-1, answer_frame=-1, answer_last_frame=-1, answer_bytes=0,
        quiet_since_ns=asked.answer_end_ns,
    )  # fmt: skip


def _spoken(c: Connection) -> tuple[list[Turn], bool]:
    """The turns with application data, the first request freed from the handshake; whether that is in the capture."""
    version, cipher = (c.tls.version, c.tls.cipher) if c.tls is not None else (None, None)
    turns = list(c.turns)
    begin = 0
    while begin < len(turns) and turns[begin].first_byte in _HANDSHAKE:
        begin += 1
    spoken = [turn for turn in turns[begin:] if turn.first_byte not in (_ALERT, *_HANDSHAKE)]
    if begin > 1 and turns[begin - 1].side == CLIENT:  # a request may have gone out with the Finished
        last = turns[begin - 1]
        left = last.payload_bytes - _handshake_bytes(version, cipher)
        if left > _FINISHED_MAX:
            spoken.insert(0, last._replace(payload_bytes=left))
    for side in (SERVER, CLIENT):
        close = _closing(spoken, side, c)
        if close >= 0:
            spoken = spoken[:close] if side == CLIENT else spoken[:close] + spoken[close + 1 :]
    return spoken, begin > 0


def _closing(turns: Sequence[Turn], side: int, c: Connection) -> int:
    """The place of the last thing that a side said, where that looks like a close_notify; else -1.

    In TLS 1.3 that is a record of 24 bytes, before an encrypted alert. The other side may say more; nobody heeds it.
    """
    last = max((place for place, turn in enumerate(turns) if turn.side == side), default=-1)
    if last < 0 or c.first_close is None:
        return -1
    return last if turns[last].first_byte == _ALERT or turns[last].payload_bytes <= CLOSE_BYTES else -1


def notified(c: Connection) -> Connection:
    """The connection with the close_notify of each side, as far as it shows."""
    if c.tls is None or c.first_close is None:
        return c
    times, frames = list(c.tls.close_notify_ns), list(c.tls.close_notify_frame)
    for side in (CLIENT, SERVER):
        place = _closing(c.turns, side, c)
        if place >= 0 and times[side] is None:
            times[side], frames[side] = c.turns[place].start_ns, c.turns[place].first_frame
    tls = c.tls._replace(close_notify_ns=(times[0], times[1]), close_notify_frame=(frames[0], frames[1]))
    return c._replace(tls=tls)


def _handshake_bytes(version: str | None, cipher: str | None) -> int:
    if version in (None, "TLS 1.3"):
        return _CHANGE + _FINISHED["SHA384" if cipher is not None and cipher.endswith("SHA384") else "SHA256"]
    return 51  # TLS 1.2, resumed: change_cipher_spec, and a Finished under AES-GCM; others are a few bytes longer


def _goes_on(asked: Exchange, turn: Turn) -> bool:
    """A request in two pieces: a body that followed its head a little later."""
    return (turn.start_ns - asked.sent_ns) / NS <= PAUSE_S


def _request(turn: Turn, *, opening: bool) -> Exchange:
    return Exchange(
        request_ns=turn.start_ns,
        sent_ns=turn.end_ns,
        first_frame=turn.first_frame,
        request_frame=turn.last_frame,
        request_bytes=turn.payload_bytes,
        answer_ns=-1,
        answer_end_ns=-1,
        answer_frame=-1,
        answer_last_frame=-1,
        answer_bytes=0,
        quiet_since_ns=turn.end_ns,
        opening=opening,
    )


def _answered(asked: Exchange, turn: Turn) -> Exchange:
    """The exchange, now that the server has said this."""
    if asked.answer_ns < 0:
        return asked._replace(
            answer_ns=turn.start_ns,
            answer_end_ns=turn.end_ns,
            answer_frame=turn.first_frame,
            answer_last_frame=turn.last_frame,
            answer_bytes=turn.payload_bytes,
        )
    pause_s = (turn.start_ns - asked.answer_end_ns) / NS
    return asked._replace(
        answer_end_ns=turn.end_ns,
        answer_last_frame=turn.last_frame,
        answer_bytes=asked.answer_bytes + turn.payload_bytes,
        bursts=asked.bursts + (pause_s > PAUSE_S and turn.payload_bytes <= SMALL_BURST),
    )


def _at_once(asked: Exchange) -> bool:
    """All that came so far came right after the request, and in one piece."""
    return (
        asked.answer_ns >= 0
        and (asked.answer_end_ns - asked.sent_ns) / NS < SOON_S
        and asked.quiet_since_ns == asked.sent_ns
    )
