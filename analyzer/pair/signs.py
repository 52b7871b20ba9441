"""What two points show of a connection's end: who closed, whose name was used for it, and what stopped arriving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analyzer.pair.lined import NO_ACK, Lined
from analyzer.pair.rows import Flags, Ints
from analyzer.pair.segments import ARRIVED, BOTH, LOST, MADE, NOT_CAPTURED, RECUT, REPAIRED, UNCOVERED, Comparison
from dissectors.events import CLIENT, SERVER
from dissectors.net.evidence import RST, SYN

Place = Literal["device", "server"]
Origin = Literal["endpoint", "between", "unknown"]

NAMES: tuple[Place, Place] = ("device", "server")  # by side, and by the point that is near to it
BURST_NS = 1_000_000_000  # packets that follow each other sooner belong together
MAX_SIGNS = 64  # closing packets of a connection that are looked at, at each point


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """A FIN or RST as one point shows it."""

    at: Place  # the capture
    side: int  # whose address it carries
    word: Literal["FIN", "RST"]
    origin: Origin  # endpoint: that side did send it; between: it did not
    sure: bool  # of one from between: more than the absence of one packet says so
    arrived: bool | None  # of one that was sent here: whether it was seen at the other point; None: cannot be known
    row: int
    frame: int
    time_ns: int  # device's clock
    ttl: int
    idle_ns: int | None  # since the last packet before it that was seen at both points
    quiet_ns: int | None  # the silence before the burst that it closes: a farewell is several packets
    trigger: int | None  # frame of the packet just before, when that came from the other side and did not get through


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """From some moment on, nothing of what a side sent arrived any more."""

    side: int
    frames: tuple[int, ...]  # in the capture near to it: what it sent in vain, acknowledgements and RSTs apart
    start_ns: int  # of the first one, device's clock
    end_ns: int  # of the last one
    word: str  # what the first one was
    closing: bool  # the first one was its FIN
    idle_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Payload of the server that was sent before the device closed, and had not arrived by then."""

    frame: int  # in the server's capture
    sent_ns: int  # device's clock
    ever: bool  # its bytes arrived in the end


@dataclass(frozen=True, slots=True, kw_only=True)
class Deaf:
    """Payload that reached a side's point again and again, and that this side did not answer with a single packet."""

    side: int  # who did not answer
    frames: tuple[int, ...]  # in the capture near to it
    since_ns: int  # device's clock
    idle_ns: int | None


@dataclass(slots=True)
class Signs:
    """All of it, in order of time at each point."""

    at_device: list[Close]
    at_server: list[Close]
    drops: list[Drop]  # by time
    missing: tuple[int, int]  # packets that the device's and the server's capture lack though they were there
    late: Late | None = None
    deaf: Deaf | None = None
    asked: int | None = None  # the server's frame with the device's last payload, when the server sent none after it

    def forged(self) -> list[Close]:
        """The closing packets that nobody at the ends has sent."""
        return [close for close in (*self.at_device, *self.at_server) if close.origin == "between"]


@dataclass(frozen=True, slots=True)
class Trust:
    """What both captures are worth."""

    error_ns: float = 0  # of the clocks
    missing: tuple[int, int] = (0, 0)  # packets that the device's and the server's capture lack, in all connections


def missing_of(comparison: Comparison) -> tuple[int, int]:
    """Packets that the device's and the server's capture lack though they were there."""
    up, down = comparison.flows
    return (
        up.count(NOT_CAPTURED, far=True) + down.count(NOT_CAPTURED),
        down.count(NOT_CAPTURED, far=True) + up.count(NOT_CAPTURED),
    )


def read_signs(comparison: Comparison, trust: Trust) -> Signs:
    """What the packets of one connection show."""
    passed = _passed(comparison)
    found = [_closes(comparison, point, passed[point], trust) for point in (CLIENT, SERVER)]
    drops = [drop for side in (CLIENT, SERVER) if (drop := _drop(comparison, side, passed[side])) is not None]
    drops.sort(key=lambda drop: drop.start_ns)
    return Signs(found[CLIENT], found[SERVER], drops, missing_of(comparison), *_others(comparison, found[CLIENT]))


def _others(comparison: Comparison, closes: list[Close]) -> tuple[Late | None, Deaf | None, int | None]:
    deaf = next((found for side in (CLIENT, SERVER) if (found := _deaf(comparison, side)) is not None), None)
    return _late(comparison, closes), deaf, _asked(comparison)


def _deaf(comparison: Comparison, side: int) -> Deaf | None:
    """Whether a side did not answer what arrived at its own point, more than once."""
    lined, times = comparison.near(side), comparison.near_ns(side)
    if comparison.kind == "relayed" or not len(lined):
        return None
    own = np.flatnonzero(lined.rows.side == side)
    last = int(own[-1]) if len(own) else -1
    acked = int(lined.acked[own].max(initial=NO_ACK))
    after = np.arange(last + 1, len(lined))
    asking = after[(lined.rows.length[after] > 0) & (lined.end[after] > acked) & ~lined.closing[after]]
    if len(asking) <= 1 or times[asking[-1]] - times[asking[0]] < BURST_NS:
        return None
    frames = tuple(lined.rows.frame[asking].tolist())
    before = int(times[asking[0]] - times[asking[0] - 1]) if asking[0] else None
    return Deaf(side=side, frames=frames, since_ns=int(times[asking[0]]), idle_ns=before)


def _late(comparison: Comparison, closes: list[Close]) -> Late | None:
    """Of the packets that a device did not wait for any longer, the first that the path lost."""
    own = next((close for close in closes if close.side == CLIENT), None)
    if own is None or comparison.kind == "relayed":
        return None
    flow, lined, times = comparison.flows[SERVER], comparison.server, comparison.server_ns
    for row, state in zip(flow.near.tolist(), flow.near_state.tolist(), strict=True):
        if lined.rows.length[row] and state in (REPAIRED, LOST) and times[row] + BURST_NS < own.time_ns:
            end = int(lined.end[row])
            arrived = flow.far[comparison.device.end[flow.far] >= end]
            seen = comparison.device_ns[arrived[comparison.device.rows.length[arrived] > 0]]
            if not len(seen) or seen.min() > own.time_ns:
                return Late(frame=int(lined.rows.frame[row]), sent_ns=int(times[row]), ever=bool(len(seen)))
    return None


def _asked(comparison: Comparison) -> int | None:
    """The last request is one that the server had and did not answer, as far as payload tells."""
    rows = comparison.server.rows
    data = np.flatnonzero((rows.length > 1) & (rows.flags & RST == 0))
    ours = data[rows.side[data] == CLIENT]
    theirs = data[rows.side[data] == SERVER]
    closing = np.flatnonzero(comparison.server.closing & (rows.side == CLIENT))
    if len(closing):  # what belongs to the farewell asks for nothing
        farewell = comparison.server_ns[closing[0]] - BURST_NS
        ours = ours[comparison.server_ns[ours] < farewell]
        theirs = theirs[comparison.server_ns[theirs] < farewell]
    if not len(ours) or (len(theirs) and theirs[-1] > ours[-1]):
        return None
    return int(rows.frame[ours[-1]])


def state_of(comparison: Comparison, point: int) -> Ints:
    """The state of each row of a point."""
    lined = comparison.near(point)
    states = np.zeros(len(lined), np.int64)
    for flow in comparison.flows:
        if flow.side == point:
            states[flow.near] = flow.near_state
        else:
            states[flow.far] = flow.far_state
    return states


def _passed(comparison: Comparison) -> tuple[Flags, ...]:
    """Which rows of each point were seen at the other one, too."""
    return tuple(np.isin(state_of(comparison, point), (BOTH, RECUT, NOT_CAPTURED)) for point in (CLIENT, SERVER))


def _idle(times: Ints, passed: Flags, row: int) -> int | None:
    before = np.flatnonzero(passed[:row])
    return int(times[row] - times[before[-1]]) if len(before) else None


def _quiet(times: Ints, row: int) -> int | None:
    """The last silence of more than BURST_NS before it."""
    silences = np.diff(times[: row + 1])
    long = np.flatnonzero(silences > BURST_NS)
    return int(silences[long[-1]]) if len(long) and times[row] - times[long[-1] + 1] <= BURST_NS else None


def _closes(comparison: Comparison, point: int, passed: Flags, trust: Trust) -> list[Close]:
    lined, times = comparison.near(point), comparison.near_ns(point)
    states = state_of(comparison, point)
    found = []
    for row in np.flatnonzero(lined.closing)[:MAX_SIGNS].tolist():
        side, state = int(lined.rows.side[row]), int(states[row])
        origin: Origin = "endpoint"
        arrived: bool | None = None
        sure = True
        if _answers_unseen(lined, row):
            origin = "unknown"
        elif side == point:
            arrived = None if state == UNCOVERED else state in ARRIVED
        elif state == MADE:
            origin, sure = _origin(comparison, point, row, trust)
        elif state == UNCOVERED:
            origin = "unknown"
        found.append(
            Close(
                at=NAMES[point],
                side=side,
                word="RST" if lined.rows.flags[row] & RST else "FIN",
                origin=origin,
                sure=sure,
                arrived=arrived,
                row=row,
                frame=int(lined.rows.frame[row]),
                time_ns=int(times[row]),
                ttl=int(lined.rows.ttl[row]),
                idle_ns=_idle(times, passed, row),
                quiet_ns=_quiet(times, row),
                trigger=_trigger(comparison, point, row) if origin == "between" else None,
            )
        )
    return found


def _answers_unseen(lined: Lined, row: int) -> bool:
    """Whether it acknowledges what this capture does not have: perhaps the other side's FIN."""
    other = np.flatnonzero(lined.rows.side[:row] != lined.rows.side[row])
    return len(other) > 0 and lined.acked[row] > lined.end[other].max()


def _origin(comparison: Comparison, point: int, row: int, trust: Trust) -> tuple[Origin, bool]:
    """Whether a FIN or RST is from between, that arrived in the name of a side whose own capture does not have it; and
    whether that is sure.

    A capture may have lost the one packet that matters. So something else must say the same: the side goes on as if
    nothing had happened; the packet has another TTL than all others of that side; both sides were told so; there are
    several of them; or it answers a packet that never reached that side. Else nothing is said. A FIN is from between
    only when the side goes on with the very bytes that it ends.
    """
    if comparison.kind == "relayed":
        return "between", not any(trust.missing)  # what carries a side's name there is the proxy's own
    side = int(comparison.near(point).rows.side[row])
    lined, times = comparison.near(point), comparison.near_ns(point)
    own, own_ns = comparison.near(side), comparison.near_ns(side)
    later = (own.rows.side == side) & (own_ns > times[row] + trust.error_ns) & (own.rows.flags & RST == 0)
    if lined.rows.flags[row] & RST == 0:
        went_on = later & (own.rows.length > 0) & (own.end > lined.end[row])
        return ("between", True) if went_on.any() else ("unknown", False)
    usual = lined.rows.ttl[(lined.rows.side == side) & ~lined.closing]
    other_ttl = len(usual) > 0 and not (usual == lined.rows.ttl[row]).any()
    if not (later.any() or other_ttl or _forged_resets(comparison) > 1 or _trigger(comparison, point, row)):
        return "unknown", False
    return "between", bool(later.any()) or _is_witness(comparison, side, trust)


def _forged_resets(comparison: Comparison) -> int:
    """How many RSTs neither capture shows where they should have been sent."""
    return sum(
        int(np.count_nonzero((flow.far_state == MADE) & (comparison.far(flow.side).rows.flags[flow.far] & RST > 0)))
        for flow in comparison.flows
    )


def _is_witness(comparison: Comparison, side: int, trust: Trust) -> bool:
    """Whether a side's own capture can show what that side never sent: it must have all else that it did send."""
    flow, far = comparison.flows[side], comparison.far(side)
    bare = (flow.far_state == MADE) & far.bare[flow.far]
    return not trust.missing[side] and not bare.any()


def _trigger(comparison: Comparison, point: int, row: int) -> int | None:
    """The packet right before, when the point's own side sent it and it never got through."""
    rows, states = comparison.near(point).rows, state_of(comparison, point)
    if row == 0 or rows.side[row - 1] != point or states[row - 1] != LOST:
        return None
    return int(rows.frame[row - 1])


def _drop(comparison: Comparison, side: int, passed: Flags) -> Drop | None:
    """What a side sent in vain at the end: packets that ask for an answer, so payload, FIN and keep-alives."""
    flow, lined, times = comparison.flows[side], comparison.near(side), comparison.near_ns(side)
    if comparison.kind == "relayed":
        return None
    got = np.flatnonzero(np.isin(flow.near_state, ARRIVED))
    after = int(got[-1]) + 1 if len(got) else 0
    telling = [
        int(row)
        for row, state in zip(flow.near[after:], flow.near_state[after:], strict=True)
        if state == LOST and not lined.bare[row] and not lined.rows.flags[row] & RST
    ]
    if not telling or _answered(comparison, side, int(times[telling[0]])):
        return None
    first = telling[0]
    return Drop(
        side=side,
        frames=tuple(int(lined.rows.frame[row]) for row in telling),
        start_ns=int(times[first]),
        end_ns=int(times[telling[-1]]),
        word=_word(comparison, side, first),
        closing=bool(lined.closing[first]) and not lined.rows.length[first],
        idle_ns=_idle(times, passed, first),
    )


def _answered(comparison: Comparison, side: int, since_ns: int) -> bool:
    """Whether the other side went on acknowledging in packets that its own capture lacks: then that capture is lame."""
    flow, near, times = comparison.flows[1 - side], comparison.near(side), comparison.near_ns(side)
    unknown = flow.far[flow.far_state == MADE]
    return bool((near.bare[unknown] & (times[unknown] > since_ns)).any())


def _word(comparison: Comparison, side: int, row: int) -> str:
    lined = comparison.near(side)
    if lined.rows.flags[row] & SYN:
        return "SYN"
    if lined.closing[row] and not lined.rows.length[row]:
        return "FIN"
    sent = lined.end[: row + 1][lined.rows.side[: row + 1] == side][:-1]
    if lined.rows.length[row] <= 1 and len(sent) and lined.end[row] <= sent.max():
        return "keep-alive"
    return "data"
