"""What one side of a TCP connection sent, gathered packet by packet, and which packet brought which byte.

Written for this engine alone: the meanings are those of `dissectors.events` and `dissectors.net.evidence`, the code is
not. What tshark itself says is taken from tshark: which segments are retransmissions and keep-alives, and how long an
acknowledgement took. What it does not say is counted here: frames, hop limits, addresses, holes, what was never
acknowledged.
"""

from bisect import bisect_left, bisect_right, insort

from analyzer.engines.tshark.packets import Packet, Tcp
from dissectors.events import Side

FIN, SYN, RST, ACK = 1, 2, 4, 16
MAX_STEP = 1 << 30  # a sequence number further away is not of this connection
REORDER_NS = 3_000_000
MAX_CARRIERS = 4096  # packets remembered for the bytes of messages that have not ended
MAX_LATEST = 8  # data segments looked at for what was never acknowledged


class Half:
    """One side of a connection."""

    __slots__ = (
        "_carriers",
        "_held",
        "_latest",
        "acked",
        "base",
        "duplicates",
        "fin",
        "fin_seen",
        "first_ns",
        "frames",
        "fresh_bytes",
        "ip",
        "isn",
        "keepalives",
        "last",
        "last_data",
        "mac",
        "macs_differ",
        "next",
        "port",
        "repeats",
        "retransmissions",
        "rtt_ns",
        "ttl_max",
        "ttl_min",
        "zero_windows",
    )

    def __init__(self, ip: str, port: int) -> None:
        self.ip, self.port = ip, port
        self.frames = self.retransmissions = self.duplicates = self.keepalives = self.zero_windows = self.repeats = 0
        self.fresh_bytes = 0
        self.ttl_min: int | None = None
        self.ttl_max: int | None = None
        self.mac: str | None = None
        self.macs_differ = False
        self.first_ns: int | None = None
        self.last: tuple[int, int] | None = None  # time, frame
        self.last_data: tuple[int, int] | None = None
        self.fin: tuple[int, int] | None = None
        self.rtt_ns: int | None = None
        self.isn: int | None = None  # sequence number of its first packet
        self.base = 0  # sequence number of its first payload byte
        self.next = 0  # the highest position that was sent, SYN and FIN included
        self.acked = 0  # the highest position that the other side acknowledged
        self.fin_seen = False
        self._held: list[tuple[int, int]] = []  # position ranges of payload in the capture, apart and in order
        self._carriers: list[tuple[int, int, int, int]] = []  # begin, end, frame, time of segments with new payload
        self._latest: list[tuple[int, int]] = []  # end and time of the last segments with new payload

    def position(self, seq: int) -> int | None:
        """Where a sequence number lies, from the first payload byte; None when it is out of the window."""
        if self.isn is None:
            return None
        step = ((seq - self.base - self.next + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
        return self.next + step if abs(step) <= MAX_STEP else None

    def take(self, packet: Packet, tcp: Tcp) -> tuple[int, int] | None:
        """One packet of this side; returns the range of payload that it brought, new or not.

        `fresh_bytes` then says how much of it lies beyond all before it.
        """
        self.fresh_bytes = 0
        syn, fin, rst = bool(tcp.flags & SYN), bool(tcp.flags & FIN), bool(tcp.flags & RST)
        if self.isn is None and not rst:
            self.isn, self.base = tcp.seq, (tcp.seq + syn) & 0xFFFFFFFF
            self.next = -int(syn)
        prior, before = self.next, self.last
        begin = None if rst else self.position(tcp.seq)
        self.frames += 1
        self.first_ns = packet.time_ns if self.first_ns is None else self.first_ns
        self.last = (packet.time_ns, packet.frame)
        self.zero_windows += not tcp.window and not rst and not syn
        if not rst:
            self._link(packet)
        brought = None
        if begin is not None:
            begin += syn
            keepalive = tcp.keepalive and not self.fin_seen
            self.keepalives += keepalive
            if tcp.length and not keepalive:
                end = begin + tcp.length
                late = begin < prior and before is not None and packet.time_ns - before[0] > REORDER_NS
                repeated = late and (tcp.retransmission or begin < prior)
                self.retransmissions += repeated
                self.repeats += repeated
                captured = max(0, tcp.length - (packet.length - packet.captured))
                self.fresh_bytes = max(0, end - max(begin, prior))
                if end > prior:
                    self.last_data = (packet.time_ns, packet.frame)
                    self._latest = [*self._latest[1 - MAX_LATEST :], (end + fin, packet.time_ns)]
                self._carry(begin, begin + captured, packet)
                brought = (begin, end)
            if tcp.length or syn or fin:
                self.next = max(prior, begin + tcp.length + fin)
        if fin and not rst and not self.fin_seen:
            self.fin_seen, self.fin = True, (packet.time_ns, packet.frame)
        return brought

    def acknowledged(self, ack: int) -> None:
        """The other side acknowledged everything before this sequence number."""
        position = self.position(ack)
        if position is not None:
            self.acked = max(self.acked, position)

    def answered(self, tcp: Tcp) -> None:
        """tshark says how long this side's packet came after what it acknowledges."""
        if tcp.ack_rtt_ns is not None and not tcp.flags & RST:
            self.rtt_ns = tcp.ack_rtt_ns if self.rtt_ns is None else min(self.rtt_ns, tcp.ack_rtt_ns)

    def contiguous(self, position: int) -> int:
        """The end of the captured bytes that begin at or before `position`."""
        place = bisect_right(self._held, (position, 1 << 62)) - 1
        return self._held[place][1] if place >= 0 and self._held[place][1] >= position else position

    def carrier(self, position: int) -> tuple[int, int] | None:
        """Frame and time of the packet that first brought the byte at `position`."""
        place = bisect_right(self._carriers, (position, 1 << 62)) - 1
        while place >= 0:
            begin, end, frame, time_ns = self._carriers[place]
            if begin <= position < end:
                return frame, time_ns
            if end <= position:
                return None
            place -= 1
        return None

    def forget(self, position: int) -> None:
        """Nobody will ask for bytes before `position` again."""
        keep = bisect_left(self._carriers, (position,))
        if keep > 64:
            del self._carriers[: keep - 1]

    def side(self, other: "Half") -> Side:
        """The facts, when the connection has ended."""
        sent = max(0, self.next - self.fin_seen)
        held = sum(end - begin for begin, end in self._held)
        unacked = max(0, sent - max(0, self.acked)) if other.frames else 0
        since = min((time_ns for end, time_ns in self._latest if end > max(0, self.acked)), default=None)
        return Side(
            ip=self.ip,
            port=self.port,
            frames=self.frames,
            payload_bytes=held,
            missing_bytes=max(0, sent - held),
            retransmissions=self.retransmissions,
            duplicate_frames=self.duplicates,
            keepalives=self.keepalives,
            zero_windows=self.zero_windows,
            ttl_min=self.ttl_min,
            ttl_max=self.ttl_max,
            mac=self.mac,
            macs_differ=self.macs_differ,
            first_ns=self.first_ns,
            last_ns=self.last[0] if self.last else None,
            last_frame=self.last[1] if self.last else None,
            last_data_ns=self.last_data[0] if self.last_data else None,
            last_data_frame=self.last_data[1] if self.last_data else None,
            fin_ns=self.fin[0] if self.fin else None,
            fin_frame=self.fin[1] if self.fin else None,
            rtt_ns=self.rtt_ns,
            unacked_bytes=unacked,
            unanswered_retransmissions=self.repeats,
            unanswered_since_ns=since if unacked else None,
        )

    def _link(self, packet: Packet) -> None:
        """Hop limit and link-layer address, of packets other than RST."""
        self.ttl_min = packet.ttl if self.ttl_min is None else min(self.ttl_min, packet.ttl)
        self.ttl_max = packet.ttl if self.ttl_max is None else max(self.ttl_max, packet.ttl)
        if self.frames == 1 or self.mac is None:
            self.mac = packet.mac
        self.macs_differ |= packet.mac != self.mac

    def _carry(self, begin: int, end: int, packet: Packet) -> None:
        """Notes the captured range; what of it is new has this packet for its carrier."""
        if end <= begin:
            return
        fresh = self._fresh(begin, end)
        for start, stop in fresh:
            insort(self._carriers, (start, stop, packet.frame, packet.time_ns))
        if len(self._carriers) > MAX_CARRIERS:
            del self._carriers[: len(self._carriers) - MAX_CARRIERS]
        held = self._held
        if held and held[-1][1] == begin:  # nearly always
            held[-1] = (held[-1][0], end)
        elif fresh:
            first = bisect_left(held, (begin,))
            if first and held[first - 1][1] >= begin:
                first -= 1
            last = first
            while last < len(held) and held[last][0] <= end:
                begin, end = min(begin, held[last][0]), max(end, held[last][1])
                last += 1
            held[first:last] = [(begin, end)]

    def _fresh(self, begin: int, end: int) -> list[tuple[int, int]]:
        """The parts of a range that are not held yet."""
        held = self._held
        if not held or begin >= held[-1][1]:
            return [(begin, end)]
        place = max(0, bisect_right(held, (begin, 1 << 62)) - 1)
        parts = []
        while begin < end and place < len(held):
            low, high = held[place]
            if begin < low:
                parts.append((begin, min(end, low)))
            begin = max(begin, high)
            place += 1
        if begin < end:
            parts.append((begin, end))
        return parts
