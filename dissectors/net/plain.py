"""TCP connections packet by packet: the plain twin of `columns.py`, slow and easy to read. Tests demand that both say
the same.

The meaning of every fact stands in `evidence.py`. Payload goes through `Reassembly` always.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from dissectors.events import CLIENT, SERVER, Event, Reset
from dissectors.net.columns import MAX_OPEN_CONNECTIONS
from dissectors.net.evidence import (
    ACK,
    ADDRESSES,
    CLOSED_LIMIT_NS,
    DATA_TAIL,
    DUPLICATE_LAG,
    DUPLICATE_NO_ID_NS,
    DUPLICATE_NS,
    FIN,
    IDLE_LIMIT_NS,
    LETTERS,
    MAC_UNKNOWN,
    MAX_RESETS,
    MAX_STEP,
    REORDER_NS,
    RST,
    SYN,
    TAIL,
    Slots,
    Upper,
    format_mac,
)
from dissectors.net.handover import CAREFUL, NEW, SKIPPED, Stream
from dissectors.net.positions import signed
from dissectors.net.reassembly import Reassembly
from dissectors.net.segments import MASK32, Segments, client_is_source
from dissectors.net.turns import MAX_TURNS, TURN_GAP_NS


@dataclass(slots=True)
class _Half:
    """One side."""

    values: dict[str, int] = field(default_factory=lambda: dict(Slots.TWO))
    sent_data: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=DATA_TAIL))  # end position, time


@dataclass(slots=True)
class _Life:
    """One connection."""

    key: int
    client_key: int
    values: dict[str, int] = field(default_factory=lambda: dict(Slots.ONE))
    halves: tuple[_Half, _Half] = field(default_factory=lambda: (_Half(), _Half()))
    letters: list[int] = field(default_factory=list)
    resets: list[Reset] = field(default_factory=list)
    tail: deque[tuple[int, ...]] = field(default_factory=lambda: deque(maxlen=TAIL))
    turns: list[list[int]] = field(default_factory=list)
    beyond_syn: bool = False  # a packet that is no SYN was seen
    mode: int = NEW
    stream: Stream | None = None
    reassembly: Reassembly | None = None

    @property
    def ended(self) -> bool:
        seen = set(self.letters)
        fin, rst, both = LETTERS.index("F"), LETTERS.index("R"), len(LETTERS)
        return bool(seen & {rst, rst + both}) or {fin, fin + both} <= seen


class PlainConnections:
    """All TCP connections of one capture; the interface of `columns.Connections`."""

    def __init__(
        self,
        new_stream: Callable[[int], Stream],
        capture: int = 0,
        first_id: int = 1,
        max_open: int = MAX_OPEN_CONNECTIONS,
    ) -> None:
        self._new_stream = new_stream
        self._capture = capture
        self._max_open = max_open
        self._lives: dict[int, _Life] = {}
        self._now_ns = 0
        self.next_id = first_id

    def block(self, segments: Segments) -> list[Event]:
        """Takes the segments of one block; returns the events they bring."""
        events: list[Event] = []
        for index in np.argsort(segments.frame, kind="stable").tolist():
            self._packet(segments, index, events)
        for life in sorted(self._lives.values(), key=lambda life: life.values["connection_id"]):
            silence = self._now_ns - life.values["captured_ns"]
            if silence > IDLE_LIMIT_NS or (silence > CLOSED_LIMIT_NS and life.ended):
                self._end(life, silence, events)
        by_age = sorted(self._lives.values(), key=lambda life: life.values["captured_ns"])
        for life in by_age[: max(0, len(by_age) - self._max_open)]:
            self._end(life, 0, events, for_room=True)
        return events

    def finish(self) -> list[Event]:
        """The capture is over: ends every open connection, in order of their ids."""
        events: list[Event] = []
        for life in sorted(self._lives.values(), key=lambda life: life.values["connection_id"]):
            self._end(life, self._now_ns - life.values["captured_ns"], events)
        return events

    def _packet(self, s: Segments, i: int, events: list[Event]) -> None:
        time_ns = int(s.time_ns[i])
        self._now_ns = time_ns
        key = (int(s.source_key[i]) + int(s.destination_key[i])) & 0xFFFFFFFFFFFFFFFF
        life = self._lives.get(key)
        if life is not None and self._begins_anew(life, s, i):
            self._end(life, time_ns - life.values["captured_ns"], events)
            life = None
        if life is None:
            life = self._open(s, i, key)
        side = CLIENT if int(s.source_key[i]) == life.client_key else SERVER
        print_, flags, length = int(s.fingerprint[i]), int(s.flags[i]), int(s.length[i])
        limit = DUPLICATE_NS if int(s.ip_id[i]) > 0 else DUPLICATE_NO_ID_NS
        recent = list(life.tail)[-DUPLICATE_LAG:]
        copy = any(past[7] == print_ and time_ns - past[1] <= limit for past in recent)
        life.tail.append(
            (int(s.frame[i]), time_ns, side, flags, int(s.seq[i]), length, int(s.ttl[i]), print_, int(copy))
        )
        life.values["captured"] += 1
        life.values["captured_ns"] = time_ns
        life.beyond_syn |= not flags & SYN
        if copy:
            life.halves[side].values["duplicates"] += 1
            return
        self._facts(life, side, s, i)
        if life.stream is not None:
            events.extend(life.stream.take_events())

    def _begins_anew(self, life: _Life, s: Segments, i: int) -> bool:
        silence = int(s.time_ns[i]) - life.values["captured_ns"]
        if silence > IDLE_LIMIT_NS or (silence > CLOSED_LIMIT_NS and life.ended):
            return True
        if int(s.flags[i]) & (SYN | ACK) != SYN:
            return False
        side = CLIENT if int(s.source_key[i]) == life.client_key else SERVER
        isn = life.halves[side].values["isn"]
        if isn >= 0:
            return isn != int(s.seq[i])
        return life.beyond_syn

    def _open(self, s: Segments, i: int, key: int) -> _Life:
        source, destination, version = int(s.source_port[i]), int(s.destination_port[i]), int(s.version[i])
        near, far = (
            (*s.source[i].view(np.int64).tolist(), source),
            (*s.destination[i].view(np.int64).tolist(), destination),
        )
        outward = client_is_source(int(s.flags[i]), source, destination)
        client_key = int(s.source_key[i]) if outward else int(s.destination_key[i])
        life = _Life(key, client_key)
        life.values.update(zip(ADDRESSES, (version, *near, *far) if outward else (version, *far, *near), strict=True))
        life.values.update(connection_id=self.next_id, start_ns=int(s.time_ns[i]), first_frame=int(s.frame[i]))
        self.next_id += 1
        self._lives[key] = life
        return life

    def _facts(self, life: _Life, side: int, s: Segments, i: int) -> None:
        mine, theirs = life.halves[side].values, life.halves[1 - side].values
        one = life.values
        seq, ack, length, captured = int(s.seq[i]), int(s.ack[i]), int(s.length[i]), int(s.captured[i])
        time_ns, frame, ttl, mac = int(s.time_ns[i]), int(s.frame[i]), int(s.ttl[i]), int(s.mac[i])
        flags = int(s.flags[i])
        syn, fin, rst, has_ack = bool(flags & SYN), bool(flags & FIN), bool(flags & RST), bool(flags & ACK)
        span = length + syn + fin

        if mine["base"] < 0 and not rst:
            mine["base"] = (seq + syn) & MASK32
            mine["isn"] = seq
            mine["next"] = -int(syn)
        prior = mine["next"]
        step = signed(seq - mine["base"] - prior)
        position = prior + step
        usable = not rst and abs(step) <= MAX_STEP
        fin_before = mine["fin_ns"] >= 0
        keepalive = usable and length <= 1 and not syn and not fin and position == prior - 1 and not fin_before
        is_data = usable and length > 0 and not keepalive
        begin = position + syn
        again = is_data and begin < prior and mine["last_ns"] >= 0 and time_ns - mine["last_ns"] > REORDER_NS
        new = max(0, begin + length - max(begin, prior)) if is_data else 0
        if usable and span:
            mine["next"] = max(prior, position + span)
        acked = 0
        if has_ack and not rst and theirs["base"] >= 0:
            acked_step = signed(ack - theirs["base"] - theirs["next"])
            if abs(acked_step) <= MAX_STEP:
                acked = theirs["next"] + acked_step
                theirs["acked"] = max(theirs["acked"], acked)

        mine["frames"] += 1
        mine["sent"] += length if is_data else 0
        mine["missing"] += min(length - captured, new)
        mine["retransmissions"] += again
        mine["keepalives"] += keepalive
        mine["zero_windows"] += int(s.window[i]) == 0 and not rst and not syn
        theirs["repeats"] = 0
        mine["repeats"] += again
        if not rst:
            mine["ttl_min"], mine["ttl_max"] = min(mine["ttl_min"], ttl), max(mine["ttl_max"], ttl)
            if mine["mac"] == MAC_UNKNOWN:
                mine["mac"] = mac
            mine["macs_differ"] |= mac != mine["mac"]
        if mine["first_ns"] < 0:
            mine["first_ns"] = time_ns
        if new:
            mine["last_data_ns"], mine["last_data_frame"] = time_ns, frame
            mine["data_segments"] += 1
            life.halves[side].sent_data.append((position + span, time_ns))
        if fin and not fin_before:
            mine["fin_ns"], mine["fin_frame"] = time_ns, frame
        if (
            has_ack
            and not rst
            and one["last_side"] != side
            and one["expected_ack"] == ack
            and one["packets"]
            and time_ns >= one["end_ns"]
        ):
            mine["rtt_ns"] = min(mine["rtt_ns"], time_ns - one["end_ns"])
        self._handshake(one, side, time_ns, syn, has_ack, rst)
        if rst and len(life.resets) < MAX_RESETS:
            seen = one["packets"] > 0
            life.resets.append(
                Reset(
                    side=side,
                    frame=frame,
                    time_ns=time_ns,
                    has_ack=has_ack,
                    ttl=ttl,
                    mac=format_mac(mac),
                    window=int(s.window[i]),
                    payload_bytes=length,
                    after_frame=one["last_frame"] if seen else None,
                    after_side=one["last_side"] if seen else None,
                    after_ns=time_ns - one["end_ns"] if seen else None,
                )
            )
        shown = (
            syn and not has_ack,
            syn and has_ack,
            has_ack and not length and not (syn or fin or rst),
            is_data,
            fin,
            rst,
        )
        for code, present in enumerate(shown):
            letter = code + side * len(LETTERS)
            if present and letter not in life.letters:
                life.letters.append(letter)
                if LETTERS[code] in "FR" and not one["close_kind"]:
                    one.update(close_kind=code - 3, close_side=side, close_ns=time_ns, close_frame=frame)
        mine["last_ns"], mine["last_frame"] = time_ns, frame
        one.update(end_ns=time_ns, last_frame=frame, last_side=side, packets=one["packets"] + 1)
        one["expected_ack"] = (seq + span) & MASK32 if span and not rst else -1
        payload = s.data[int(s.start[i]) : int(s.start[i]) + captured].tobytes() if is_data else None
        self._payload(life, side, begin, payload, length, frame, time_ns, acked)
        if new:
            self._turn(life.turns, side, time_ns, frame, new, payload)

    @staticmethod
    def _handshake(one: dict[str, int], side: int, time_ns: int, syn: bool, has_ack: bool, rst: bool) -> None:
        if syn and not has_ack and side == CLIENT and one["syn_ns"] < 0:
            one["syn_ns"] = time_ns
        elif syn and has_ack and side == SERVER and one["synack_ns"] < 0:
            one["synack_ns"] = time_ns
        elif (
            one["synack_ns"] >= 0
            and one["syn_ns"] >= 0
            and one["handshake_ns"] < 0
            and side == CLIENT
            and has_ack
            and not syn
            and not rst
        ):
            one["handshake_ns"] = max(0, time_ns - one["syn_ns"])

    def _payload(
        self, life: _Life, side: int, begin: int, data: bytes | None, length: int, frame: int, time_ns: int, acked: int
    ) -> None:
        if life.mode == SKIPPED or (data is None and life.reassembly is None):
            return
        if life.reassembly is None:
            life.stream = self._new_stream(life.values["connection_id"])
            life.reassembly = Reassembly(life.stream, (0, 0))
            life.reassembly.acked = [half.values["acked"] for half in life.halves]
            life.mode = CAREFUL
        assert life.stream is not None
        if data is not None:
            life.reassembly.segment(side, begin, data, length, frame, time_ns)
        if life.stream.wanted:
            life.reassembly.acknowledged(1 - side, acked, time_ns)
        if not life.stream.wanted:
            life.mode = SKIPPED
            self._count_missing(life)

    @staticmethod
    def _turn(turns: list[list[int]], side: int, time_ns: int, frame: int, new: int, payload: bytes | None) -> None:
        """Notes new payload: in the last turn, or as one of its own (`turns.py`)."""
        last = turns[-1] if turns else None
        if last is not None and last[0] == side and time_ns - last[2] <= TURN_GAP_NS:
            last[2], last[4] = time_ns, frame
            last[5] += new
            last[6] += 1
        elif len(turns) < MAX_TURNS:
            turns.append([side, time_ns, time_ns, frame, frame, new, 1, payload[0] if payload else -1])

    @staticmethod
    def _count_missing(life: _Life) -> None:
        if life.reassembly is not None:
            for half, missing in zip(life.halves, life.reassembly.missing, strict=True):
                half.values["missing"] += missing
        life.reassembly = None

    def _end(self, life: _Life, silence: int, events: list[Event], *, for_room: bool = False) -> None:
        del self._lives[life.key]
        if life.reassembly is not None:
            life.reassembly.close()
        self._count_missing(life)
        upper = Upper()
        if life.stream is not None:
            client, server = (half.values["fin_ns"] >= 0 for half in life.halves)
            upper = life.stream.close(life.values["end_ns"], (client, server))
            events.extend(life.stream.take_events())
        slots = Slots()
        (slot,) = slots.take(1).tolist()
        life.values.update(
            history=sum(code << (4 * place) for place, code in enumerate(life.letters)),
            history_length=len(life.letters),
        )
        for name, value in life.values.items():
            slots.one[name][slot] = value
        for side, half in enumerate(life.halves):
            for name, value in half.values.items():
                slots.two[name][slot, side] = value
            half_sent = list(half.sent_data)
            for place, (end, time_ns) in enumerate(half_sent):
                slots.segments[slot, side, place] = end, time_ns
        for place, packet in enumerate(life.tail, life.values["captured"] - len(life.tail)):
            slots.packets[slot, place % TAIL] = packet
        slots.resets[slot] = life.resets
        evicted = for_room or (silence > IDLE_LIMIT_NS and not life.ended)
        turns = life.turns if life.stream is not None and life.stream.unread else []
        events += slots.connections([slot], self._capture, [upper], [turns], [evicted])
