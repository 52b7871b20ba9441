"""What became of each packet between the two points.

A packet is sent at the near point (the device's for the client's packets, the server's for the server's) and arrives at
the far one. First equal packets are paired, in order: equal in everything that a router keeps, then without the IP
identification and the window, which some boxes rewrite, then without acknowledgement and flags (altered). What is left
is judged by its bytes and not by its packets, since network cards cut and join packets (offload):

near point
    both            it arrived
    recut           its bytes arrived in packets cut otherwise
    repaired        it did not arrive, but its bytes did, in another packet
    not_captured    the peer acknowledged it, so it did arrive: the far capture lacks it
    lost            it did not arrive
    uncovered       the far capture was not running then

far point
    both, recut     as above
    not_captured    payload that the near capture lacks: nobody else has it, so it was sent
    made            a packet without payload that the near point never sent
    uncovered       the near capture was not running then

Through a proxy that ends TCP (`relayed`) packets are not paired, only bytes are; a FIN or RST there is its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from analyzer.pair.clocks import Clock
from analyzer.pair.lined import NO_ACK, Kind, Lined
from analyzer.pair.points import Point
from analyzer.pair.rows import NO_CHECKSUM, Flags, Ints
from dissectors.events import CLIENT, SERVER
from dissectors.net.evidence import ACK, FIN, RST, SYN

PENDING, BOTH, RECUT, REPAIRED, NOT_CAPTURED, LOST, UNCOVERED, MADE = range(8)
STATES = ("pending", "both", "recut", "repaired", "not_captured", "lost", "uncovered", "made")
TELLING_FLAGS = FIN | SYN | RST | ACK  # PSH may be set otherwise by offload
ARRIVED = (BOTH, RECUT, REPAIRED, NOT_CAPTURED)
PASSAGE_NS = 2_000_000_000  # longest that a packet is under way or held by a box
UNORDERED_NS = 60_000_000_000  # no packet is under way for longer, whatever the clocks' error
ALTERED_RST_NS = 2_000_000_000

Key = tuple[int, ...]


@dataclass(slots=True)
class Flow:
    """One direction of one connection."""

    side: int  # who sent
    near: Ints  # rows of the near point
    far: Ints  # rows of the far point
    near_state: Ints
    far_state: Ints
    pairs: list[tuple[int, int]] = field(default_factory=list)  # positions in `near` and `far`
    changed: Counter[str] = field(default_factory=Counter)  # what was rewritten, and in how many packets

    def count(self, state: int, *, far: bool = False) -> int:
        """How many packets have that state."""
        return int(np.count_nonzero((self.far_state if far else self.near_state) == state))


@dataclass(slots=True)
class Comparison:
    """One connection at both points. All times on the device's clock stand in `device_ns` and `server_ns`."""

    device: Lined
    server: Lined
    kind: Kind
    shifts: tuple[int, int]
    flows: tuple[Flow, Flow]
    device_ns: Ints
    server_ns: Ints  # on the device's clock

    def near(self, side: int) -> Lined:
        return self.device if side == CLIENT else self.server

    def far(self, side: int) -> Lined:
        return self.server if side == CLIENT else self.device

    def near_ns(self, side: int) -> Ints:
        return self.device_ns if side == CLIENT else self.server_ns

    def far_ns(self, side: int) -> Ints:
        return self.server_ns if side == CLIENT else self.device_ns


def clock_pairs(device: Lined, server: Lined, kind: Kind, side: int) -> list[tuple[int, int]]:
    """Rows (device's, server's) of which is sure, without clocks, that they are the same packet, or hold the same byte
    for the first time.
    """
    near, far = (device, server) if side == CLIENT else (server, device)
    rows = near.of(side), far.of(side)
    tell = _first_bytes if kind == "relayed" else _exact
    keys = [tell(lined, chosen) for lined, chosen in ((near, rows[0]), (far, rows[1]))]
    once = [{key: index for index, key in enumerate(found)} for found in keys]
    counts = [Counter(found) for found in keys]
    pairs = [
        (int(rows[0][index]), int(rows[1][once[1][key]]))
        for key, index in once[0].items()
        if key and counts[0][key] == 1 and counts[1].get(key) == 1
    ]
    return pairs if side == CLIENT else [(far_row, near_row) for near_row, far_row in pairs]


def compare(
    device: Lined, server: Lined, kind: Kind, shifts: tuple[int, int], clock: Clock, points: tuple[Point, Point]
) -> Comparison:
    """What became of each packet."""
    device_ns = device.rows.time_ns
    server_ns = clock.columns_to_device(server.rows.time_ns)
    flows = []
    for side in (CLIENT, SERVER):
        near, far = (device, server) if side == CLIENT else (server, device)
        near_ns, far_ns = (device_ns, server_ns) if side == CLIENT else (server_ns, device_ns)
        rows = near.of(side), far.of(side)
        flow = Flow(side, *rows, np.full(len(rows[0]), PENDING, np.int64), np.full(len(rows[1]), PENDING, np.int64))
        slack = min(clock.error_ns, UNORDERED_NS)
        if kind != "relayed":
            _pair_packets(flow, near, far, near_ns[rows[0]], far_ns[rows[1]], slack)
        _judge_far(flow, near, far, kind)
        _judge_near(flow, near, far, near_ns[rows[0]], far_ns[rows[1]], kind, slack)
        times = [near.rows.time_ns[rows[0]], far.rows.time_ns[rows[1]]]
        _uncover(flow, times, points if side == CLIENT else points[::-1], clock, side)
        flows.append(flow)
    return Comparison(device, server, kind, shifts, (flows[0], flows[1]), device_ns, server_ns)


# -- which packet is which ----------------------------------------------------------------------------------------


def _exact(lined: Lined, rows: Ints) -> list[Key]:
    own = lined.rows
    return _keys(
        lined.begin[rows], lined.acked[rows], own.flags[rows] & TELLING_FLAGS, own.length[rows], own.window[rows],
        own.ip_id[rows],
    )  # fmt: skip


def _plain(lined: Lined, rows: Ints) -> list[Key]:
    return _keys(lined.begin[rows], lined.acked[rows], lined.rows.flags[rows] & TELLING_FLAGS, lined.rows.length[rows])


def _loose(lined: Lined, rows: Ints) -> list[Key]:
    """What says something without acknowledgement: payload, SYN, FIN."""
    span = lined.end[rows] - lined.begin[rows]
    telling = lined.rows.flags[rows] & (FIN | SYN | RST)
    return [
        key if size and not key[2] & RST else ()
        for key, size in zip(_keys(lined.begin[rows], span, telling), span.tolist(), strict=True)
    ]


def _first_bytes(lined: Lined, rows: Ints) -> list[Key]:
    """The packets that bring a byte for the first time, by that byte."""
    found: list[Key] = []
    reached: int | None = None
    for begin, end, length in zip(lined.begin[rows], lined.end[rows], lined.rows.length[rows], strict=True):
        found.append((int(begin),) if length and reached in (None, begin) else ())
        reached = max(reached or int(end), int(end)) if length else reached
    return found


def _keys(*columns: Ints) -> list[Key]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _pair_packets(flow: Flow, near: Lined, far: Lined, near_ns: Ints, far_ns: Ints, slack: float) -> None:
    """Pairs equal packets, in order. Where more were sent than arrived, the latest before the arrival is taken."""
    tells: tuple[Callable[[Lined, Ints], list[Key]], ...] = (_exact, _plain, _loose)
    for tell in tells:
        sent = _by_key(tell(near, flow.near), flow.near_state)
        arrived = _by_key(tell(far, flow.far), flow.far_state)
        for key, indexes in arrived.items():
            queue = deque(sent.get(key, ()))
            spare = len(queue) - len(indexes)
            for index in indexes:
                longest = UNORDERED_NS if tell is _exact and far.rows.ip_id[flow.far[index]] > 0 else PASSAGE_NS
                while queue and near_ns[queue[0]] < far_ns[index] - slack - longest:
                    queue.popleft()
                    spare -= 1
                while spare > 0 and len(queue) > 1 and near_ns[queue[1]] <= far_ns[index]:
                    queue.popleft()
                    spare -= 1
                if not queue or near_ns[queue[0]] > far_ns[index] + slack:
                    continue
                one = queue.popleft()
                flow.near_state[one] = flow.far_state[index] = BOTH
                flow.pairs.append((one, index))
                _note_changes(flow, near, far, int(flow.near[one]), int(flow.far[index]))
    _pair_resets(flow, near, far, near_ns, far_ns, slack)


def _by_key(keys: list[Key], states: Ints) -> dict[Key, list[int]]:
    """The packets that have no partner yet."""
    found: dict[Key, list[int]] = {}
    for index in np.flatnonzero(states == PENDING).tolist():
        if keys[index]:
            found.setdefault(keys[index], []).append(index)
    return found


def _pair_resets(flow: Flow, near: Lined, far: Lined, near_ns: Ints, far_ns: Ints, slack: float) -> None:
    """A RST that was passed on with other numbers: the sender's side did send one just before."""
    sent = [
        index
        for index in np.flatnonzero(flow.near_state == PENDING).tolist()
        if near.rows.flags[flow.near[index]] & RST
    ]
    for index in np.flatnonzero(flow.far_state == PENDING).tolist():
        if not far.rows.flags[flow.far[index]] & RST:
            continue
        early, late = far_ns[index] - slack - ALTERED_RST_NS, far_ns[index] + slack
        before = [number for number in sent if early <= near_ns[number] <= late]
        if before:
            sent.remove(before[-1])
            flow.near_state[before[-1]] = flow.far_state[index] = BOTH
            flow.pairs.append((before[-1], index))
            flow.changed["reset"] += 1


def _note_changes(flow: Flow, near: Lined, far: Lined, one: int, other: int) -> None:
    here, there = near.rows, far.rows
    if here.window[one] != there.window[other] and not here.flags[one] & RST:
        flow.changed["window"] += 1
    if here.ip_id[one] != there.ip_id[other] and min(here.ip_id[one], there.ip_id[other]) >= 0:
        flow.changed["ip_id"] += 1
    if near.acked[one] != far.acked[other]:
        flow.changed["acknowledgement"] += 1
    sums = here.checksum[one], there.checksum[other]
    if sums[0] != sums[1] and NO_CHECKSUM not in sums:
        flow.changed["payload"] += 1


# -- what is left -------------------------------------------------------------------------------------------------


class _Covered:
    """Stretches of bytes, joined."""

    def __init__(self, begins: Ints, ends: Ints) -> None:
        self._begins: list[int] = []
        self._ends: list[int] = []
        order = np.argsort(begins, kind="stable")
        for begin, end in zip(begins[order].tolist(), ends[order].tolist(), strict=True):
            if self._ends and begin <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            elif end > begin:
                self._begins.append(begin)
                self._ends.append(end)

    def has(self, begin: int, end: int) -> bool:
        """Whether all of these bytes are there."""
        place = bisect_right(self._begins, begin) - 1
        return place >= 0 and end <= self._ends[place]

    def touches(self, begin: int, end: int) -> bool:
        """Whether any of these bytes is there."""
        place = bisect_left(self._ends, begin + 1)
        return place < len(self._begins) and self._begins[place] < end


def _span(lined: Lined, rows: Ints) -> Flags:
    """Packets that take up sequence numbers, RSTs apart: they can be acknowledged, and are sent until they are."""
    found: Flags = (lined.end[rows] > lined.begin[rows]) & (lined.rows.flags[rows] & RST == 0)
    return found


def _judge_far(flow: Flow, near: Lined, far: Lined, kind: Kind) -> None:
    """What arrived without being the packet that was sent."""
    spanning = _span(near, flow.near)
    chosen = flow.near[spanning]
    sent = _Covered(near.begin[chosen], near.end[chosen])
    keys = _exact(far, flow.far)
    paired = {keys[index] for index in np.flatnonzero(flow.far_state == BOTH).tolist()}
    for index in np.flatnonzero(flow.far_state == PENDING).tolist():
        row = int(flow.far[index])
        begin, end = int(far.begin[row]), int(far.end[row])
        if keys[index] in paired:  # doubled on the way, or a copy that was left out at the near point only
            flow.far_state[index] = BOTH
        elif far.closing[row] and (kind == "relayed" or not far.rows.length[row] or far.rows.flags[row] & RST):
            flow.far_state[index] = MADE
        elif far.bare[row] or end <= begin:
            flow.far_state[index] = BOTH if kind == "relayed" else MADE
        elif sent.has(begin, end):
            flow.far_state[index] = RECUT
        else:
            flow.far_state[index] = NOT_CAPTURED


def _judge_near(flow: Flow, near: Lined, far: Lined, near_ns: Ints, far_ns: Ints, kind: Kind, slack: float) -> None:
    """What was sent and did not arrive as it was."""
    arrived_rows = flow.far[_span(far, flow.far)]
    arrived = _Covered(far.begin[arrived_rows], far.end[arrived_rows])
    cut = np.flatnonzero(flow.far_state == RECUT)
    recut = _Covered(far.begin[flow.far[cut]], far.end[flow.far[cut]])
    recut_ns = far_ns[cut]
    acked = max(_acknowledged(lined, 1 - flow.side) for lined in (near, far))
    keepalive = _keepalives(flow, near)
    for index in np.flatnonzero(flow.near_state == PENDING).tolist():
        row = int(flow.near[index])
        begin, end = int(near.begin[row]), int(near.end[row])
        if near.bare[row] or near.rows.flags[row] & RST or keepalive[index]:
            flow.near_state[index] = BOTH if kind == "relayed" and not near.closing[row] else LOST
        elif kind == "relayed" and near.closing[row] and not near.rows.length[row]:
            flow.near_state[index] = LOST  # what a proxy makes of it is its own
        elif recut.touches(begin, end) and arrived.has(begin, end) and _soon(recut_ns, near_ns[index], slack):
            flow.near_state[index] = RECUT
        elif arrived.has(begin, end):
            flow.near_state[index] = RECUT if kind == "relayed" else REPAIRED
        elif kind != "relayed" and end <= acked:
            flow.near_state[index] = NOT_CAPTURED
        else:
            flow.near_state[index] = LOST


def _acknowledged(lined: Lined, side: int) -> int:
    """How far a side has acknowledged; RSTs may carry any number."""
    answers = (lined.rows.side == side) & (lined.rows.flags & RST == 0)
    return int(lined.acked[answers].max(initial=NO_ACK))


def _keepalives(flow: Flow, near: Lined) -> Flags:
    """Packets of at most one byte that was sent before."""
    ends = near.end[flow.near]
    reached = np.maximum.accumulate(np.where(_span(near, flow.near), ends, -1))
    before = np.concatenate([[-1], reached[:-1]]) if len(ends) else reached
    small = (near.rows.length[flow.near] <= 1) & ~near.closing[flow.near]
    found: Flags = small & (near.rows.flags[flow.near] & SYN == 0) & (ends <= before)
    return found


def _soon(times: Ints, sent_ns: int, slack: float) -> bool:
    return bool(((times >= sent_ns - slack) & (times <= sent_ns + slack + PASSAGE_NS)).any())


def _uncover(flow: Flow, times: list[Ints], points: tuple[Point, ...], clock: Clock, side: int) -> None:
    """Nothing is said of what the other capture cannot show, because it was not running."""
    for place, states, absent in ((0, flow.near_state, (LOST,)), (1, flow.far_state, (MADE, NOT_CAPTURED))):
        other = points[1 - place]
        here_is_device = (side == CLIENT) == (place == 0)
        for index in np.flatnonzero(np.isin(states, absent)).tolist():
            time_ns = float(times[place][index])
            on_device = time_ns if here_is_device else clock.to_device(time_ns)
            there = _to_server(clock, on_device) if here_is_device else on_device
            if not other.covers(there):
                states[index] = UNCOVERED


def _to_server(clock: Clock, device_ns: float) -> float:
    return device_ns + clock.offset_ns + clock.drift * (device_ns - clock.reference_ns)


def hops(comparison: Comparison, side: int) -> int | None:
    """How many routers a side's packets passed between the points, by their TTL; None: not known, or not always so."""
    flow = comparison.flows[side]
    near, far = comparison.near(side).rows, comparison.far(side).rows
    steps = Counter(int(near.ttl[flow.near[one]] - far.ttl[flow.far[other]]) for one, other in flow.pairs)
    return next(iter(steps)) if len(steps) == 1 else None
