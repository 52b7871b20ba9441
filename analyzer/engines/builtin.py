"""The built-in engine: capture file → frames → packets → connections → TLS → HTTP → events, with nothing but our own
dissectors.

`read` runs one open source to its end. Memory is the open connections and one block; an event is yielded as soon as it
is whole.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

import numpy as np

from analyzer.sources import Source
from analyzer.timeline.facts import CaptureFacts
from dissectors.capture import NOT_A_PACKET, Frames
from dissectors.events import Anomaly, Connection, Datagram, Event, Unreachable
from dissectors.net.columns import Connections
from dissectors.net.datagrams import FIRST_WORD, datagrams, wanted
from dissectors.net.icmp import unreachables
from dissectors.net.links.names import link_type_name
from dissectors.net.packets import PacketDecoder, link_types
from dissectors.net.plain import PlainConnections
from dissectors.net.segments import Collected, Segments
from dissectors.net.tunnels import TUNNEL_PORTS
from dissectors.stream import ConnectionStream, Shared
from dissectors.tls import KeyLog

NOTIFY_PORT = 2883
PIECE_FRAMES = 12_288
"""How many frames are decoded at once: their headers and columns fit the processor's second cache."""
Progress = Callable[[int], None]  # called with the number of bytes of the file read so far


class BuiltinEngine:
    """Reads one capture."""

    def __init__(
        self,
        source: Source,
        keylog: KeyLog,
        *,
        capture: int = 0,
        first_connection_id: int = 1,
        notify_ports: Collection[int] = (NOTIFY_PORT,),
        columnar: bool = True,
    ) -> None:
        """`columnar=False` follows TCP packet by packet: slow, the same events."""
        self._source = source
        self._capture = capture
        self._ports = notify_ports
        self._shared = Shared(keylog, capture)
        tracker = Connections if columnar else PlainConnections
        self._connections = tracker(lambda number: ConnectionStream(number, self._shared), capture, first_connection_id)
        self._packets = PacketDecoder(lambda header: wanted(header, notify_ports))
        self._udp_ports = np.zeros(1 << 16, np.uint8)
        self._udp_ports[[port for port in (*notify_ports, *TUNNEL_PORTS) if 0 <= port < 1 << 16]] = 1
        self._truncated_frames = 0
        self._bad_headers = 0
        self._missing_bytes = 0
        self._complete = True
        self._link_types: set[int] = set()
        self._learned = 0  # embedded secrets taken over so far
        self.remarks: list[str] = []  # odd lines of embedded key logs, in words

    def read(self, progress: Progress | None = None) -> Iterator[Event]:
        """Every event of the capture."""
        source = self._source
        for frames in source.blocks():
            self._learn()
            if len(frames):
                self._truncated_frames += int((frames.captured < frames.original).sum())
                self._link_types.update(link_types(frames))
                found, others = self._decode(frames)
                del frames  # its columns would take room until the next block
                yield from others
                yield from self._noted(self._connections.block(found.pop()))
            yield from self._anomalies()
            if progress is not None:
                progress(source.position)
        self._learn()
        yield from self._anomalies()
        yield from self._noted(self._connections.finish())
        yield from self._leftovers()

    @property
    def next_connection_id(self) -> int:
        """The first id that this capture did not use."""
        return self._connections.next_id

    @property
    def keys_came_late(self) -> bool:
        """A key that the file itself holds came after its connection had been given up: reading again with it would
        open more.
        """
        return any(random in self._shared.keylog for random in self._shared.keyless_randoms)

    @property
    def unread_links(self) -> str | None:
        """The frames whose link type is not read here, in words."""
        found = [
            f"{count:,} frames of link type {number} ({link_type_name(number)})"
            for number, count in sorted(self._packets.skipped_link_types.items())
            if number != NOT_A_PACKET
        ]
        return f"{', '.join(found)} cannot be read" if found else None

    @property
    def nothing_read(self) -> bool:
        """There are frames, and all are of link types that are not read here."""
        return 0 < self._source.reader.frames == sum(self._packets.skipped_link_types.values())

    def facts(self) -> CaptureFacts:
        """What is known of the file as a whole, after `read`."""
        reader = self._source.reader
        return CaptureFacts(
            name=self._source.name,
            engine="builtin",
            frames=reader.frames,
            bytes=reader.position,
            start_ns=reader.first_ns,
            end_ns=reader.last_ns,
            link_types=tuple(link_type_name(number) for number in sorted(self._link_types)),
            secrets=sum(blob.count(b"\n") + (not blob.endswith(b"\n")) for blob in reader.secrets),
            truncated_frames=self._truncated_frames,
            missing_bytes=self._missing_bytes,
            complete=self._complete,
        )

    def _learn(self) -> None:
        """Takes over the key logs that are embedded in the file."""
        blobs = self._source.reader.secrets
        for blob in blobs[self._learned :]:
            self.remarks += self._shared.keylog.add(blob, f"{self._source.name} (embedded secrets)")
        self._learned = len(blobs)

    def _decode(self, frames: Frames) -> tuple[list[Segments], list[Datagram | Unreachable]]:
        """The TCP segments of a block, in a list to take them from (nobody else holds them), and what else matters."""
        collected = Collected(frames.data, len(frames))  # a frame holds one TCP packet at most, even with tunnels
        notices: list[Datagram] = []
        errors: list[Unreachable] = []
        for piece, begin in frames.pieces(PIECE_FRAMES):
            rest = collected.add_plain(piece, begin, self._udp_ports, FIRST_WORD)
            if not (isinstance(rest, slice) or len(rest)):
                continue
            tcp, udp, icmp = self._packets.decode_apart(piece, rest)
            collected.add(tcp, begin, len(piece.data))
            for packets in udp:
                notices += datagrams(packets, self._ports, self._capture)
            for packets in icmp:
                errors += unreachables(packets, self._capture)
        found, bad = collected.whole()
        self._bad_headers += bad
        return [found], [*notices, *errors]

    def _noted(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Connection):
                self._missing_bytes += event.client.missing_bytes + event.server.missing_bytes
            yield event

    def _anomalies(self) -> Iterator[Event]:
        found = self._source.reader.anomalies
        for anomaly in found:
            self._complete = self._complete and anomaly.code not in _BROKEN_OFF
            yield replace(anomaly, capture=self._capture)
        found.clear()

    def _leftovers(self) -> Iterator[Event]:
        """What was passed over without being understood, counted."""
        packets = self._packets
        for link_type, count in sorted(packets.skipped_link_types.items()):
            if link_type == NOT_A_PACKET:
                continue  # a journal entry or the like
            yield self._count("link_type_not_read", f"{count} frames of {link_type_name(link_type)} were not read")
        for code, count, words in (
            (
                "ip_header_cut",
                packets.cut_headers,
                "packets were cut or cannot be right before their TCP or UDP header ends",
            ),
            ("tcp_header_wrong", self._bad_headers, "TCP headers have a length that cannot be right"),
            (
                "ip_fragment_dropped",
                packets.fragments.dropped,
                "IP fragments overlapped, came too late or found no room",
            ),
        ):
            if count:
                yield self._count(code, f"{count} {words}")

    def _count(self, code: str, detail: str) -> Anomaly:
        return Anomaly(code=code, frame=None, time_ns=None, detail=detail, capture=self._capture)


_BROKEN_OFF = ("capture_truncated", "compressed_data_damaged")
