"""How a connection ended, and what that means for the wait that was pending on it.

Theory
    A wait is an idle TCP connection. It can end in five ways: the server answers (not seen here); an endpoint closes;
    a box on the way closes in its name (RST); a box forgets the connection and says nothing; the capture ends. The
    third is told from the second by what the packet and its surroundings say (`attribution`). The fourth shows only
    when somebody speaks again, and to each side differently:

    - seen at the device: nothing, until the device's patience ends, after the interval. Then its FIN goes unanswered,
      or is answered by a RST from the box, which knows of no such connection. The device is the victim, and how long
      it waited says nothing but how patient it is.
    - seen at the server: the answer, when it is due, is retransmitted and never acknowledged, or it is answered by
      that RST.

    So a client that closes before its interval is over chose to (the user opened the app; its next request follows at
    once), and one that closes after it gave up on an answer that was overdue. Whether the path was dead then shows in
    what came back: packets of the server's own mean it was alive.

    That a dead path is an idle timer's work is said only where the same device, from the same address, gets through
    on a new connection while packets of the old one still vanish: the path carries packets, it only forgot this
    connection. From another address it has roamed. What many ends have in common, above all the same idle time, is
    judged in `attribution.together` when all ends are known.

    Through HTTP/2 a wait may be cancelled alone (RST_STREAM): the connection has not ended, and nobody is accused.

Each end leaves its evidence with frames. What it does not decide is unknown. Sources: RFC 9293 3.10.7.1 (a stack that
knows no connection answers with RST); recorded stories, see `samples/lab`.
"""

from __future__ import annotations

from typing import NamedTuple

from analyzer.timeline.attribution import gateway, reset, silence
from analyzer.timeline.attribution.weighing import OWN_ADDRESS, of_side
from analyzer.timeline.columns import NS, seconds
from analyzer.timeline.evidence import (
    Close,
    Ending,
    answered_unreadably,
    closed,
    died_before,
    first_close,
    reset_by_answer,
    says_unanswered,
    server_packet_after,
    unanswered,
)
from analyzer.timeline.history import History, Refusals
from analyzer.timeline.reading import CAPTURE_END, ERROR, REPLACED, TORN_DOWN, UNKNOWN, Wait
from dissectors.events import CLIENT, SERVER, Connection, Reset, StreamReset

REPLACED_WITHIN_S = 5.0  # a request so soon after the device dropped its wait is what it dropped it for
RECONNECTED_WITHIN_S = 60.0  # getting through on a new connection so soon after shows that the path was alive
REFUSED_WITHIN_S = 30.0  # connection attempts refused so soon after show that the server had stopped
STATE_LOST_WITHIN_S = 1.0  # a RST so soon after the request answers it
OVERLAP_S = 1.0  # the next request may begin before the old connection is closed

_CLOSED = {"fin": "FIN", "rst": "RST", "tls_close": "TLS close_notify"}


class Pending(NamedTuple):
    """A wait without answer, or whose answer did not get through, with the connection it was on."""

    wait: Wait
    connection: Connection | None  # None: the engine did not say how it ended
    overtaken: bool  # later requests were sent on the same connection
    idle_since_ns: int  # last HTTP data before the request
    stream_reset: StreamReset | None = None  # HTTP/2: it was cancelled alone
    streams: bool = False  # HTTP/2: other waits and requests share the connection


class Surroundings(NamedTuple):
    """What else is known when the pending waits are judged."""

    history: History
    refusals: Refusals
    sessions: list[int]  # provisional → joined number
    capture_end_ns: list[int | None]

    def end_of_capture(self, c: Connection) -> int:
        """When the capture that has this connection ended; at least its own last packet."""
        end_ns = self.capture_end_ns[c.capture] if c.capture < len(self.capture_end_ns) else None
        return max(c.end_ns, end_ns or 0)

    def open_s(self, pending: Pending) -> float:
        """How long a request without answer was open."""
        c = pending.connection
        if c is None:
            return 0.0
        close = first_close(c)
        return seconds(close.time_ns if close else self.end_of_capture(c), pending.wait.start_ns)


def undelivered(wait: Wait, c: Connection) -> bool:
    """The answer was sent, and the capture shows that the client never acknowledged it."""
    since = c.server.unanswered_since_ns
    if wait.answer_ns < 0 or not c.server.unacked_bytes or since is None:
        return False
    if not wait.answer_ns <= since <= wait.answer_end_ns:
        return False
    return c.server.unanswered_retransmissions > 0 or reset_by_answer(wait, c) is not None


def without_wait(c: Connection, last_data_ns: int | None) -> Ending:
    """The end of a connection on which nothing was pending. `last_data_ns`: end of its last HTTP message."""
    close = first_close(c)
    if close is None:
        dead = unanswered(c)
        if dead is not None:
            side, since_ns = dead
            ending = Ending(time_ns=since_ns, mechanism="silent")
            says_unanswered(ending, c, side)
        else:
            ending = Ending(time_ns=c.end_ns, mechanism="silent" if c.evicted else "capture_end")
    else:
        ending = closed(c, close, thorough=False)
        if ending.ended_by in ("client", "server_side"):
            ending.cause = "endpoint_close"
    ending.idle_since_ns = last_data_ns
    return ending


def by_gateway(wait: Wait, signed: gateway.Signature) -> Ending:
    """The end of a wait that a gateway answered with an error page."""
    ending = Ending(
        time_ns=wait.answer_ns,
        mechanism="http_error",
        premature=True,
        idle_since_ns=wait.start_ns,
        wait_end_ns=wait.answer_ns,
        end_frame=wait.answer_frame,
        outcome=TORN_DOWN,
        timed=True,
    )
    ending.weigh(gateway.clues(wait.http_status, signed, (wait.request_frame, wait.answer_frame)))
    timeout = wait.http_status == 504 or (wait.http_status == 408 and ending.ended_by == "middlebox")
    ending.cause = "proxy_timeout" if timeout else "http_error"
    held = seconds(wait.answer_ns, wait.start_ns)
    ending.says("answered_after", f"the page came {held:.1f} s after the request", wait.answer_frame)
    return ending


def _cancelled(wait: Wait, cancel: StreamReset, requested_s: float | None) -> Ending:
    """An HTTP/2 stream was reset: the wait is over, its connection is not."""
    ending = Ending(time_ns=cancel.time_ns, mechanism="capture_end", premature=None, wait_end_ns=cancel.time_ns)
    ending.end_frame = cancel.frame
    by_device = cancel.side == CLIENT
    if not by_device:
        ending.outcome = ERROR
    elif requested_s is not None and seconds(cancel.time_ns, wait.start_ns) < requested_s:
        ending.outcome = REPLACED
    return ending


def with_wait(pending: Pending, requested_s: float | None, around: Surroundings) -> Ending:
    """The end of a connection while a wait was pending on it."""
    wait, c = pending.wait, pending.connection
    if pending.stream_reset is not None:
        return _cancelled(wait, pending.stream_reset, requested_s)
    if c is None or pending.overtaken:
        # In HTTP/1.1 its answer is missing from the capture.
        ending = Ending(time_ns=wait.start_ns, mechanism="capture_end", premature=None)
        if c is not None:
            ending.says("overtaken", "later requests were sent on the same connection", wait.request_frame)
        return ending
    close = first_close(c)
    if wait.answer_ns >= 0 and (close is None or close.side == CLIENT or close.time_ns >= wait.answer_ns):
        ending = _answer_lost(wait, c)
    elif wait.answer_ns < 0 and answered_unreadably(wait, c):
        ending = closed(c, close) if close else Ending(time_ns=around.end_of_capture(c), mechanism="capture_end")
        ending.premature, ending.ended_by, ending.grade = None, "unknown", "unknown"
        ending.says("capture_loss", "the server sent something during the wait that is not whole in the capture")
        return ending
    elif (dead := died_before(close, c)) is not None:
        ending = _request_lost(pending, c, close, *dead)
    elif close is None:
        ending = _no_close(wait, c, requested_s, around)
    elif close.side == SERVER:
        ending = _closed_by_server(pending, c, close, around)
    else:
        ending = _closed_by_client(wait, c, close, requested_s, around)
    if ending.wait_end_ns is None and ending.outcome != UNKNOWN:
        ending.wait_end_ns = ending.time_ns
    if ending.idle_since_ns is None and ending.mechanism != "capture_end":
        ending.idle_since_ns = wait.start_ns
        if pending.streams:  # others used the connection meanwhile
            ending.idle_since_ns = max(wait.start_ns, pending.idle_since_ns)
    if ending.premature and ending.mechanism == "silent":
        _explain_silence(ending, wait, c, around)
    return ending


# --- the cases --------------------------------------------------------------------------------------------------------


def _answer_lost(wait: Wait, c: Connection) -> Ending:
    """Seen at the server's side of a dead path: the answer never gets through."""
    answer_ns = wait.answer_ns
    ending = Ending(time_ns=answer_ns, mechanism="silent", premature=True, outcome=TORN_DOWN)
    ending.end_frame = wait.answer_frame
    sent = reset_by_answer(wait, c)
    if sent is None:
        says_unanswered(ending, c, SERVER, wait.answer_frame)
        return ending
    ending.mechanism = "rst"
    ending.time_ns, ending.wait_end_ns, ending.end_frame = sent.time_ns, answer_ns, sent.frame
    ending.says("answer_reset", "the answer was not acknowledged but answered with RST", wait.answer_frame, sent.frame)
    ending.weights.append(of_side(CLIENT, OWN_ADDRESS))
    ending.weigh(reset.clues(sent, c))
    if ending.ended_by == "middlebox":
        ending.cause = "idle_timeout"
    else:  # the device was there and knew nothing of it, or a box with its TTL said so: the two look alike
        ending.ended_by, ending.grade = "unknown", "unknown"
    return ending


def _request_lost(pending: Pending, c: Connection, close: Close | None, side: int, since_ns: int) -> Ending:
    """Packets went unanswered before anybody closed: the request itself, or something sent during the wait."""
    wait = pending.wait
    ending = Ending(time_ns=since_ns, mechanism="silent", premature=True, outcome=TORN_DOWN)
    ending.wait_end_ns = close.time_ns if close else c.end_ns
    ending.end_frame = close.frame if close else None
    if since_ns <= wait.start_ns:
        ending.idle_since_ns = pending.idle_since_ns if pending.idle_since_ns >= 0 else None
    says_unanswered(ending, c, side, wait.request_frame)
    return ending


def _closed_by_server(pending: Pending, c: Connection, close: Close, around: Surroundings) -> Ending:
    wait = pending.wait
    ending = closed(c, close)
    held = seconds(close.time_ns, wait.start_ns)
    ending.premature, ending.outcome = True, TORN_DOWN
    ending.says(
        "closed_while_waiting",
        f"{_CLOSED[close.how]} in the server's name {held:.1f} s after the request, without an answer",
        wait.request_frame,
        close.frame,
    )
    if ending.shows("state_lost"):
        if held <= STATE_LOST_WITHIN_S and pending.idle_since_ns >= 0:
            ending.idle_since_ns = pending.idle_since_ns  # the request itself met the RST: it died before
        if ending.ended_by == "middlebox":
            ending.cause = "idle_timeout"
    if ending.ended_by == "server_side":
        refused = around.refusals.after((c.server.ip, c.server.port), close.time_ns, REFUSED_WITHIN_S)
        if refused:
            ending.cause, ending.grade = "server_stop", "likely"
            ending.says("refused_after", f"the server then refused {len(refused)} new connections", *refused[:10])
    return ending


def _closed_by_client(
    wait: Wait, c: Connection, close: Close, requested_s: float | None, around: Surroundings
) -> Ending:
    close_ns = close.time_ns
    held = seconds(close_ns, wait.start_ns)
    ending = closed(c, close)
    ending.outcome = TORN_DOWN
    if ending.ended_by == "middlebox":
        ending.premature = True
        return ending
    if ending.ended_by == "unknown":  # whether the client chose that is not known, then
        ending.premature = None
        return ending
    if requested_s is None:
        ending.premature = None
        ending.says("interval_unknown", f"the client closed after {held:.1f} s; the interval is not in the capture")
        return ending
    if held < requested_s:
        session = around.sessions[wait.session]
        after = close_ns - int(OVERLAP_S * NS)
        later = around.history.next_request(session, after, REPLACED_WITHIN_S + OVERLAP_S, wait.connection_id)
        ending.cause = "endpoint_close"
        ending.says(
            "closed_before_due",
            f"the client closed after {held:.1f} of {requested_s:.0f} s",
            wait.request_frame,
            close.frame,
        )
        if later is not None:
            ending.cause, ending.outcome = "replaced", REPLACED
            ending.says("next_request", "the same device then sent another request", later.frame)
        return ending
    ending.premature = True
    ending.says(
        "gave_up",
        f"the client gave up {held - requested_s:.1f} s after the answer was due ({held:.1f} of {requested_s:.0f} s)",
        wait.request_frame,
        close.frame,
    )
    ending.weigh(filter(None, (silence.answered_probes(c, wait.start_ns),)))
    alive = server_packet_after(c, close_ns)
    if alive is not None:
        ending.says(
            "path_alive", "the server's side answered the close: it was there and had not answered", alive.frame
        )
        return ending
    ending.mechanism, ending.timed = "silent", False
    ending.weights.clear()  # the client is the victim
    answered = next((r for r in c.resets if r.side == SERVER and r.time_ns >= close_ns), None)
    if answered is not None:
        _who_answered(ending, answered, c)
    elif c.client.unanswered_retransmissions:
        says_unanswered(ending, c, CLIENT, close.frame)
    else:
        ending.ended_by, ending.grade = "path", "possible"
    return ending


def _who_answered(ending: Ending, answered: Reset, c: Connection) -> None:
    """A RST in the server's name answered the client's close."""
    ending.weights.append(of_side(SERVER, OWN_ADDRESS))
    ending.weigh(reset.clues(answered, c))
    if ending.ended_by == "middlebox":
        ending.cause = "idle_timeout"


def _no_close(wait: Wait, c: Connection, requested_s: float | None, around: Surroundings) -> Ending:
    ending = Ending(time_ns=around.end_of_capture(c), mechanism="capture_end")
    ending.premature = None
    ending.wait_end_ns = ending.time_ns
    overdue_s = seconds(ending.time_ns, wait.start_ns) - (requested_s if requested_s is not None else float("inf"))
    if c.evicted:
        ending.mechanism, ending.wait_end_ns = "silent", None
        ending.says("evicted", "nothing was seen for so long that the connection was given up", wait.request_frame)
    elif overdue_s > RECONNECTED_WITHIN_S:
        ending.says("overdue", f"the answer was {overdue_s:.0f} s overdue when the capture ended", wait.request_frame)
    else:
        ending.outcome = CAPTURE_END
    return ending


def _explain_silence(ending: Ending, wait: Wait, c: Connection, around: Surroundings) -> None:
    """Silence on one connection, while the device is heard on another: from where, and when?"""
    if ending.cause != "unknown":
        return
    gone_ns = ending.wait_end_ns if ending.wait_end_ns is not None else ending.time_ns
    until_s = seconds(gone_ns, wait.start_ns) + RECONNECTED_WITHIN_S
    session = around.sessions[wait.session]
    for later in around.history.heard(session, wait.start_ns, until_s, wait.connection_id):
        if later.client_ip != c.client.ip:
            ending.cause, ending.grade = "roamed", "possible"
            when = f"{seconds(later.time_ns, wait.start_ns):.1f} s after this wait began"
            ending.says("address_changed", f"the same device got through from another address {when}", later.frame)
            return
        if later.time_ns >= gone_ns:
            break
    else:
        return
    delay = seconds(later.time_ns, gone_ns)
    detail = f"the same device got through on a new connection {delay:.1f} s later"
    ending.reconnected = True
    still = [n.frame for n in c.last_packets if n.time_ns > later.time_ns]
    if still and c.resets == ():
        ending.cause, ending.grade = "idle_timeout", "likely"
        detail += ", while packets of this one still went unanswered: only this one was forgotten"
    ending.says("reconnected", detail, later.frame, *still[:2])
