"""What is remembered of each open connection, and how it becomes a `Connection` event.

`Slots` holds the memory of all open connections as numpy arrays, one row a connection, two where a value exists per
side, so that a block of packets updates all of them at once (`columns.py`). `plain.py` keeps the same facts by
name in plain objects and puts them into a row only at the end. Rows of ended connections are used again.

Meanings that both paths share, packet by packet, duplicates of a captured packet left out:
- duplicate: the same packet captured again: equal in all that `fingerprint` covers to one of the DUPLICATE_LAG packets
  of the connection before it, and at most DUPLICATE_NS later (DUPLICATE_NO_ID_NS where the IP identification cannot
  tell a copy from a new packet);
- position: sequence number counted from the side's first payload byte (SYN: -1); a step of more than MAX_STEP is out of
  window and ignored;
- span: payload plus SYN plus FIN; next: the highest position that packets with span reached;
- keep-alive: at most one byte, no SYN, FIN or RST, at next - 1, no FIN sent before (RFC 9293 3.8.4);
- data: payload that is neither keep-alive nor carried by a RST, in window;
- sent: all data, whole packets; missing: what `Reassembly` gave up, cut frames, and at least what next says beyond
  sent;
- retransmission: data that begins below next, and not within REORDER_NS of that side's packet before it (then it is
  reordering);
- rtt: from a packet with span to the very next packet when that comes from the other side, acknowledges exactly it and
  is no earlier;
- silence: time since the last captured packet, copies included;
- unanswered retransmissions: those of a side since the last packet of the other side.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv6Address
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from dissectors.events import CLIENT, SERVER, Connection, Decryption, GoAway, PacketNote, Reset, Side, TlsFacts
from dissectors.net.rows import Ints
from dissectors.net.turns import told

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

MAX_STEP = 1 << 30
REORDER_NS = 3_000_000  # Wireshark's figure for out-of-order against retransmission
DUPLICATE_LAG = 3
DUPLICATE_NS = 1_000_000_000
DUPLICATE_NO_ID_NS = 1_000_000
TAIL = 12  # last packets kept
DATA_TAIL = 8  # last data segments kept per side
WAIT_NS = 10_000_000_000  # what lived for less held no wait
MAX_RESETS = 16
IDLE_LIMIT_NS = 2 * 3600 * 1_000_000_000  # longer than the longest heartbeat (59 min)
CLOSED_LIMIT_NS = 600 * 1_000_000_000  # an ended connection is forgotten after this silence

LETTERS = "SHADFR"  # Zeek's history: SYN, SYN+ACK, pure ACK, data, FIN, RST
MAC_UNKNOWN = -2
MAX_INT = np.iinfo(np.int64).max


@dataclass(slots=True)
class Slots:
    """Arrays of the open connections. Shapes: one(n), two(n, 2), rings(n, TAIL) and (n, 2, DATA_TAIL)."""

    capacity: int = 0
    free: list[int] = field(default_factory=list)
    resets: dict[int, list[Reset]] = field(default_factory=dict)
    addresses: dict[int, tuple[int, bytes, int, bytes, int]] = field(
        default_factory=dict
    )  # version, client ip, port, server ip, port
    one: dict[str, Ints] = field(default_factory=dict)  # views into the arrays below
    two: dict[str, Ints] = field(default_factory=dict)
    ring: dict[str, Ints] = field(default_factory=dict)
    data_ring: dict[str, Ints] = field(default_factory=dict)
    _arrays: dict[str, Ints] = field(default_factory=dict)

    ONE: ClassVar[tuple[tuple[str, int], ...]] = (
        ("connection_id", 0), ("client_key", 0), ("captured", 0), ("packets", 0), ("start_ns", 0), ("end_ns", 0),
        ("first_frame", 0), ("last_frame", 0), ("last_side", 0), ("expected_ack", -1), ("syn_ns", -1),
        ("synack_ns", -1), ("handshake_ns", -1), ("seen", 0), ("history", 0), ("history_length", 0), ("close_kind", 0),
        ("close_side", -1), ("close_ns", -1), ("close_frame", -1), ("mode", 0), ("captured_ns", 0), ("unread", 1),
    )  # fmt: skip
    TWO: ClassVar[tuple[tuple[str, int], ...]] = (
        ("frames", 0), ("sent", 0), ("missing", 0), ("retransmissions", 0), ("duplicates", 0), ("keepalives", 0),
        ("zero_windows", 0), ("ttl_min", MAX_INT), ("ttl_max", -1), ("mac", MAC_UNKNOWN), ("macs_differ", 0),
        ("first_ns", -1), ("last_ns", -1), ("last_frame", -1), ("last_data_ns", -1), ("last_data_frame", -1),
        ("fin_ns", -1), ("fin_frame", -1), ("rtt_ns", MAX_INT), ("base", -1), ("isn", -1), ("next", 0), ("acked", 0),
        ("repeats", 0), ("data_segments", 0), ("delivered", 0),
    )  # fmt: skip
    RING: ClassVar[tuple[str, ...]] = ("frame", "ns", "side", "flags", "seq", "length", "ttl", "print", "duplicate")
    DATA_RING: ClassVar[tuple[str, ...]] = ("end", "ns")

    def take(self) -> int:
        """A clean row for a new connection."""
        if not self.free:
            self._grow()
        slot = self.free.pop()
        self._arrays["one"][:, slot] = _ONE_DEFAULTS
        self._arrays["two"][:, slot] = _TWO_DEFAULTS
        return slot

    def release(self, slot: int) -> None:
        self.resets.pop(slot, None)
        self.addresses.pop(slot, None)
        self.free.append(slot)

    def _grow(self) -> None:
        old, new = self.capacity, max(1024, self.capacity * 2)
        for kind, views, names, shape in (
            ("one", self.one, [name for name, _ in self.ONE], ()),
            ("two", self.two, [name for name, _ in self.TWO], (2,)),
            ("ring", self.ring, self.RING, (TAIL,)),
            ("data_ring", self.data_ring, self.DATA_RING, (2, DATA_TAIL)),
        ):
            grown = np.zeros((len(names), new, *shape), np.int64)
            if old:
                grown[:, :old] = self._arrays[kind]
            self._arrays[kind] = grown
            views.update(zip(names, grown, strict=True))
        self.free.extend(range(new - 1, old - 1, -1))
        self.capacity = new

    def connection(
        self, slot: int, capture: int, upper: "Upper", turns: Iterable[list[int]], evicted: bool
    ) -> Connection:
        """The event of a connection that has ended."""
        (
            connection_id, _, captured, _, start_ns, end_ns, first_frame, last_frame, _, _, _, _, handshake_ns, _,
            packed, letters, close_kind, close_side, close_ns, close_frame, _, _, _,
        ) = self._arrays["one"][:, slot].tolist()  # fmt: skip
        client, server = self._arrays["two"][:, slot].T.tolist()
        version, client_ip, client_port, server_ip, server_port = self.addresses[slot]
        history = "".join([_LETTER_OF_CODE[(packed >> shift) & 15] for shift in range(0, 4 * letters, 4)])
        closed = close_kind > 0
        connection = Connection(
            connection_id=connection_id,
            capture=capture,
            start_ns=start_ns,
            end_ns=end_ns,
            first_frame=first_frame,
            last_frame=last_frame,
            client=self._side(slot, CLIENT, client, server, _address(version, client_ip), client_port),
            server=self._side(slot, SERVER, server, client, _address(version, server_ip), server_port),
            handshake_ns=handshake_ns if handshake_ns >= 0 else None,
            from_start="S" in history,
            conn_state=conn_state(history),
            history=history,
            first_close=_CLOSES[close_kind],
            first_close_side=close_side if closed else None,
            first_close_ns=close_ns if closed else None,
            first_close_frame=close_frame if closed else None,
            resets=tuple(self.resets[slot]) if slot in self.resets else (),
            last_packets=self._last_packets(slot, captured, (client[_ISN], server[_ISN]))
            if upper.keep_packets or end_ns - start_ns >= WAIT_NS
            else (),
            evicted=evicted,
            tls=upper.tls,
            decryption=upper.decryption,
            why_encrypted=upper.why_encrypted,
            turns=told(turns, end_ns - start_ns, closed) if turns else (),
            duplicate_of=upper.duplicate_of,
            goaway=upper.goaway,
        )
        return flipped(connection) if upper.flipped else connection

    def _side(self, slot: int, side: int, facts: list[int], others: list[int], ip: str, port: int) -> Side:
        (
            frames, sent, missing, retransmissions, duplicates, keepalives, zero_windows, ttl_min, ttl_max, mac,
            macs_differ, first_ns, last_ns, last_frame, last_data_ns, last_data_frame, fin_ns, fin_frame, rtt_ns, _, _,
            reached, acked, repeats, data_segments, _,
        ) = facts  # fmt: skip
        data_end = max(0, reached - (fin_ns >= 0))
        missing = max(missing, data_end - sent)
        unacked = max(0, data_end - max(0, acked)) if others[_FRAMES] else 0
        since = None
        if unacked:
            ring = zip(
                self.data_ring["end"][slot, side].tolist(), self.data_ring["ns"][slot, side].tolist(), strict=True
            )
            since = min((ns for end, ns in list(ring)[:data_segments] if end > max(0, acked)), default=None)
        observed = ttl_max >= 0
        return Side(
            ip, port, frames, data_end - missing, missing, retransmissions, duplicates, keepalives, zero_windows,
            ttl_min if observed else None, ttl_max if observed else None, format_mac(mac), bool(macs_differ),
            first_ns if first_ns >= 0 else None,
            last_ns if last_ns >= 0 else None,
            last_frame if last_frame >= 0 else None,
            last_data_ns if last_data_ns >= 0 else None,
            last_data_frame if last_data_frame >= 0 else None,
            fin_ns if fin_ns >= 0 else None,
            fin_frame if fin_frame >= 0 else None,
            None if rtt_ns == MAX_INT else rtt_ns, unacked, repeats, since,
        )  # fmt: skip

    def _last_packets(self, slot: int, captured: int, isns: tuple[int, int]) -> tuple[PacketNote, ...]:
        """The last packets, oldest first, copies of a packet left out."""
        packets = self._arrays["ring"][:, slot].T.tolist()
        notes = []
        for number in range(max(0, captured - TAIL), captured):
            frame, time_ns, side, flags, seq, length, ttl, _, duplicate = packets[number % TAIL]
            if not duplicate:
                isn = isns[side]
                notes.append(
                    PacketNote(side, frame, time_ns, flags, (seq - isn) & 0xFFFFFFFF if isn >= 0 else 0, length, ttl)
                )
        return tuple(notes)


class Upper(NamedTuple):
    """What only the layers above TCP know of a connection when it ends."""

    tls: TlsFacts | None = None
    decryption: Decryption = "not_http"
    why_encrypted: str | None = None
    duplicate_of: int | None = None
    keep_packets: bool = False  # of a short connection, too
    goaway: GoAway | None = None
    flipped: bool = False  # what looked like the server is the client


_ONE_DEFAULTS = np.array([default for _, default in Slots.ONE], np.int64)
_TWO_DEFAULTS = np.array([[default] for _, default in Slots.TWO], np.int64)
_ISN = [name for name, _ in Slots.TWO].index("isn")
_FRAMES = [name for name, _ in Slots.TWO].index("frames")
_LETTER_OF_CODE = LETTERS + LETTERS.lower()
_CLOSES: tuple[Literal["fin", "rst"] | None, ...] = (None, "fin", "rst")


def flipped(connection: Connection) -> Connection:
    """The same connection with client and server exchanged."""

    def turn(side: int | None) -> int | None:
        return None if side is None else 1 - side

    history = connection.history.swapcase()
    return replace(
        connection,
        client=connection.server,
        server=connection.client,
        first_close_side=turn(connection.first_close_side),
        resets=tuple(
            replace(reset, side=1 - reset.side, after_side=turn(reset.after_side)) for reset in connection.resets
        ),
        last_packets=tuple(packet._replace(side=1 - packet.side) for packet in connection.last_packets),
        history=history,
        conn_state=conn_state(history),
        turns=tuple(turn_._replace(side=1 - turn_.side) for turn_ in connection.turns),
    )


@lru_cache(maxsize=1024)
def conn_state(history: str) -> str:
    """Zeek's connection state from its history letters (Zeek, conn.log `conn_state`)."""
    first = {letter: index for index, letter in enumerate(history)}
    never = len(history)
    if "S" not in history:
        if "h" in history and "r" in history:
            return "RSTRH"
        return "SHR" if "h" in history and "f" in history else "OTH"
    client_rst, server_rst = first.get("R", never), first.get("r", never)
    if "h" not in history:
        if server_rst < never:
            return "REJ" if client_rst > server_rst else "RSTOS0"
        if client_rst < never:
            return "RSTOS0"
        return "SH" if "F" in history else "S0" if not set(history) & set("adf") else "OTH"
    if min(client_rst, server_rst) < never:
        return "RSTO" if client_rst < server_rst else "RSTR"
    if "F" in history and "f" in history:
        return "SF"
    if "F" in history:
        return "S2"
    return "S3" if "f" in history else "S1"


@lru_cache(maxsize=4096)
def format_mac(number: int) -> str | None:
    """`02:00:00:00:00:01` from a 48-bit number; None when the link type has no address."""
    return ":".join(f"{(number >> shift) & 255:02x}" for shift in range(40, -8, -8)) if number >= 0 else None


@lru_cache(maxsize=4096)
def _address(version: int, packed: bytes) -> str:
    return ".".join(map(str, packed)) if version == 4 else str(IPv6Address(packed))
