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

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar, Literal, NamedTuple

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
FEW = 1024  # connections; room for more is made when there are more
IDLE_LIMIT_NS = 2 * 3600 * 1_000_000_000  # longer than the longest heartbeat (59 min)
CLOSED_LIMIT_NS = 600 * 1_000_000_000  # an ended connection is forgotten after this silence

LETTERS = "SHADFR"  # Zeek's history: SYN, SYN+ACK, pure ACK, data, FIN, RST
MAC_UNKNOWN = -2
MAX_INT = np.iinfo(np.int64).max

# IP version; addresses as two signed 64-bit halves, an IPv4 address in the low one
ADDRESSES = (
    "version", "client_high", "client_low", "client_port", "server_high", "server_low", "server_port",
)  # fmt: skip


RING = ("frame", "ns", "side", "flags", "seq", "length", "ttl", "print", "duplicate")


class LastPackets:
    """The last TAIL packets of each connection, 32 bytes each: of all that is remembered of one they are most.

    Given and taken as rows with the fields of RING. Kept as four words: time; fingerprint; frame and length (2**20 at
    most, see `packets.MAX_SUPER_FRAME`); TTL, sequence number, flags, side, and whether it is a copy.
    """

    def __init__(self, capacity: int = 0) -> None:
        self.words = np.zeros((capacity, TAIL, 4), np.int64)

    def grow(self, capacity: int) -> None:
        """Room for so many connections, those so far included."""
        grown = np.zeros((capacity, TAIL, 4), np.int64)
        grown[: len(self.words)] = self.words
        self.words = grown

    def __setitem__(self, where: tuple[Ints | int, Ints | int], packets: Ints | tuple[int, ...]) -> None:
        rows = np.asarray(packets)
        frame, time_ns, side, flags, seq, length, ttl, fingerprint, duplicate = (rows[..., k] for k in range(len(RING)))
        words = np.empty((*rows.shape[:-1], 4), np.int64)
        words[..., 0], words[..., 1] = time_ns, fingerprint
        words[..., 2] = frame << 24 | length
        words[..., 3] = ttl << 42 | seq << 10 | flags << 2 | side << 1 | duplicate
        self.words[where] = words

    def __getitem__(self, where: tuple[Ints, Ints]) -> Ints:
        words = self.words[where]
        packets = np.empty((len(words), len(RING)), np.int64)
        for place, column in enumerate(_fields(*(words[:, k] for k in range(4)))):
            packets[:, place] = column
        return packets

    def of(self, slot: int, numbers: Iterable[int]) -> Iterator[tuple[int, ...]]:
        """Some packets of one connection, by their numbers in it."""
        kept = self.words[slot].tolist()
        return (_fields(*kept[number % TAIL]) for number in numbers)


def _fields(time_ns: Any, fingerprint: Any, place: Any, rest: Any) -> tuple[Any, ...]:
    """The fields of RING from the four words of a packet, or from columns of them."""
    flags, seq, ttl = rest >> 2 & 0xFF, rest >> 10 & 0xFFFFFFFF, rest >> 42
    return place >> 24, time_ns, rest >> 1 & 1, flags, seq, place & 0xFFFFFF, ttl, fingerprint, rest & 1


class Slots:
    """Arrays of the open connections, a row each: `one` value, one a side in `two`, and rings of the last packets.

    Shapes: one (n,), two (n, 2), data_ring (n, 2, DATA_TAIL), by name; all int64. The ring of packets is packed.
    """

    ONE: ClassVar[tuple[tuple[str, int], ...]] = (
        *((name, 0) for name in ADDRESSES), ("connection_id", 0), ("client_key", 0), ("captured", 0), ("packets", 0),
        ("start_ns", 0), ("end_ns", 0), ("first_frame", 0), ("last_frame", 0), ("last_side", 0), ("expected_ack", -1),
        ("syn_ns", -1), ("synack_ns", -1), ("handshake_ns", -1), ("seen", 0), ("history", 0), ("history_length", 0),
        ("close_kind", 0), ("close_side", -1), ("close_ns", -1), ("close_frame", -1), ("mode", 0), ("captured_ns", 0),
        ("unread", 1),
    )  # fmt: skip
    TWO: ClassVar[tuple[tuple[str, int], ...]] = (
        ("frames", 0), ("sent", 0), ("missing", 0), ("retransmissions", 0), ("duplicates", 0), ("keepalives", 0),
        ("zero_windows", 0), ("ttl_min", MAX_INT), ("ttl_max", -1), ("mac", MAC_UNKNOWN), ("macs_differ", 0),
        ("first_ns", -1), ("last_ns", -1), ("last_frame", -1), ("last_data_ns", -1), ("last_data_frame", -1),
        ("fin_ns", -1), ("fin_frame", -1), ("rtt_ns", MAX_INT), ("base", -1), ("isn", -1), ("next", 0), ("acked", 0),
        ("repeats", 0), ("data_segments", 0), ("delivered", 0),
    )  # fmt: skip
    RING: ClassVar[tuple[str, ...]] = RING
    DATA_RING: ClassVar[tuple[str, ...]] = ("end", "ns")

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.capacity = 0
        self.resets: dict[int, list[Reset]] = {}
        self._free: list[int] = []
        # The packets of one connection stand together, and so do its data segments; the rest stands column by column.
        self._one = np.zeros((len(self.ONE), 0), np.int64)
        self._two = np.zeros((len(self.TWO), 0, 2), np.int64)
        self.packets = LastPackets()
        self.segments = np.zeros((0, 2, DATA_TAIL, len(self.DATA_RING)), np.int64)
        self.one: dict[str, Ints] = {}  # views into these arrays
        self.two: dict[str, Ints] = {}
        self._grow()

    def take(self, count: int) -> Ints:
        """Clean rows for new connections."""
        while len(self._free) < count:
            self._grow()
        taken = np.array(self._free[len(self._free) - count :], np.int64)
        del self._free[len(self._free) - count :]
        self._one[:, taken] = _ONE_DEFAULTS
        self._two[:, taken] = _TWO_DEFAULTS
        return taken

    def release(self, slots: list[int]) -> None:
        """The connections have ended."""
        if self.resets:
            for slot in slots:
                self.resets.pop(slot, None)
        self._free += slots
        if len(self._free) == self.capacity > FEW:  # at the end of a capture its waits are still to be judged
            self._clear()

    @property
    def memory(self) -> tuple[Ints, Ints, Ints, Ints]:
        """The arrays themselves: (ONE, n), (TWO, n, 2), (n, TAIL, 4), (n, 2, DATA_TAIL, 2)."""
        return self._one, self._two, self.packets.words, self.segments

    def sides(self, slots: Ints) -> tuple[Ints, dict[str, Ints]]:
        """A copy of what is known of both sides of some connections, to work on: an array, and its rows by name. Side s
        of connection k stands at 2k + s.
        """
        copy = np.take(self._two, slots, axis=1).reshape(len(self.TWO), -1)
        return copy, dict(zip(self.two, copy, strict=True))

    def put_sides(self, slots: Ints, copy: Ints) -> None:
        """Takes such an array back."""
        self._two[:, slots] = copy.reshape(len(self.TWO), -1, 2)

    def _grow(self) -> None:
        old, new = self.capacity, max(FEW, self.capacity * 2)
        self.packets.grow(new)
        for name, axis in (("_one", 1), ("_two", 1), ("segments", 0)):
            before = getattr(self, name)
            grown = np.zeros((*before.shape[:axis], new, *before.shape[axis + 1 :]), np.int64)
            grown[(slice(None),) * axis + (slice(old),)] = before
            setattr(self, name, grown)
        self.one = dict(zip([name for name, _ in self.ONE], self._one, strict=True))
        self.two = dict(zip([name for name, _ in self.TWO], self._two, strict=True))
        self._free.extend(range(new - 1, old - 1, -1))
        self.capacity = new

    def connections(
        self,
        slots: list[int],
        capture: int,
        uppers: Iterable["Upper"],
        turns: Iterable[list[list[int]]],
        evicted: Iterable[bool],
    ) -> Iterator[Connection]:
        """The events of connections that have ended."""
        ones = self._one[:, slots].T.tolist()
        clients, servers = (self._two[:, slots, side].T.tolist() for side in (CLIENT, SERVER))
        for slot, one, client, server, upper, turn, gone in zip(
            slots, ones, clients, servers, uppers, turns, evicted, strict=True
        ):
            yield self._connection(slot, one, client, server, capture, upper, turn, gone)

    def _connection(
        self,
        slot: int,
        one: list[int],
        client: list[int],
        server: list[int],
        capture: int,
        upper: "Upper",
        turns: list[list[int]],
        evicted: bool,
    ) -> Connection:
        (
            version, client_high, client_low, client_port, server_high, server_low, server_port, connection_id, _,
            captured, _, start_ns, end_ns, first_frame, last_frame, _, _, _, _, handshake_ns, _, packed, letters,
            close_kind, close_side, close_ns, close_frame, _, _, _,
        ) = one  # fmt: skip
        client_ip, server_ip = (
            address_text(version, client_high, client_low),
            address_text(version, server_high, server_low),
        )
        history = _history(packed, letters)
        closed = close_kind > 0
        connection = Connection(
            connection_id=connection_id,
            capture=capture,
            start_ns=start_ns,
            end_ns=end_ns,
            first_frame=first_frame,
            last_frame=last_frame,
            client=self._side(slot, CLIENT, client, server, client_ip, client_port),
            server=self._side(slot, SERVER, server, client, server_ip, server_port),
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
            ring = self.segments[slot, side, :data_segments].tolist()
            since = min((ns for end, ns in ring if end > max(0, acked)), default=None)
        observed = ttl_max >= 0
        if last_data_frame == last_frame:  # mostly: connections wait for the end of the capture, and numbers take room
            last_data_frame, last_data_ns = last_frame, last_ns
        values = (
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
        return tuple.__new__(Side, values)  # a quarter of the time of calling the class

    def _last_packets(self, slot: int, captured: int, isns: tuple[int, int]) -> tuple[PacketNote, ...]:
        """The last packets, oldest first, copies of a packet left out."""
        notes = []
        packets = self.packets.of(slot, range(max(0, captured - TAIL), captured))
        for frame, time_ns, side, flags, seq, length, ttl, _, duplicate in packets:
            if not duplicate:
                isn = isns[side]
                relative = (seq - isn) & 0xFFFFFFFF if isn >= 0 else 0
                notes.append(tuple.__new__(PacketNote, (side, frame, time_ns, flags, relative, length, ttl)))
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


_ONE_DEFAULTS = np.array([[default] for _, default in Slots.ONE], np.int64)
_TWO_DEFAULTS = np.array([[[default]] for _, default in Slots.TWO], np.int64)
_ISN = [name for name, _ in Slots.TWO].index("isn")
_FRAMES = [name for name, _ in Slots.TWO].index("frames")
_LETTER_OF_CODE = LETTERS + LETTERS.lower()
_EIGHT = ":%x:%x:%x:%x:%x:%x:%x:%x:"  # `ipaddress` takes three times as long
_ZEROS = [f":{':'.join('0' * count)}:" for count in range(8, 1, -1)]
_CLOSES: tuple[Literal["fin", "rst"] | None, ...] = (None, "fin", "rst")


def flipped(connection: Connection) -> Connection:
    """The same connection with client and server exchanged."""

    def turn(side: int | None) -> int | None:
        return None if side is None else 1 - side

    history = connection.history.swapcase()
    return connection._replace(
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


@lru_cache(maxsize=1024)
def _history(packed: int, letters: int) -> str:
    """The letters, four bits each, the first one lowest."""
    return "".join([_LETTER_OF_CODE[(packed >> shift) & 15] for shift in range(0, 4 * letters, 4)])


@lru_cache(maxsize=4096)
def address_text(version: int, high: int, low: int) -> str:
    """The text of an address, from its halves; an IPv4 address stands in the low one."""
    if version == 4:
        return f"{low >> 24}.{low >> 16 & 255}.{low >> 8 & 255}.{low & 255}"
    text = _EIGHT % (
        high >> 48 & 0xFFFF, high >> 32 & 0xFFFF, high >> 16 & 0xFFFF, high & 0xFFFF,
        low >> 48 & 0xFFFF, low >> 32 & 0xFFFF, low >> 16 & 0xFFFF, low & 0xFFFF,
    )  # fmt: skip
    for zeros in _ZEROS:  # the longest run, of equally long ones the first (RFC 5952 4.2)
        at = text.find(zeros)
        if at >= 0:
            return f"{text[1:at]}::{text[at + len(zeros) : -1]}"
    return text[1:-1]
