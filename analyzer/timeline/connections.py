"""Connections → rows of `connections`. The Wireshark filter of a connection is made here, too."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import connections
from analyzer.timeline.columns import ints
from dissectors.events import Connection

if TYPE_CHECKING:
    import numpy.typing as npt


class Connections:
    """Rows arrive when connections end and leave in order of connection_id."""

    def __init__(self) -> None:
        self.builder = TableBuilder(connections.TABLE)
        self._ids = array("q")
        self._captures = array("q")
        self._missing = array("q")
        self._copies: dict[int, int] = {}  # row → the connection that it is a copy of
        self._inferred: set[int] = set()  # connection ids

    def add(self, c: Connection, sessions: int) -> None:
        """One ended connection, and how many sessions sent requests on it."""
        client, server, tls = c.client, c.server, c.tls
        rtts = (client.rtt_ns, server.rtt_ns)
        if c.duplicate_of is not None:
            self._copies[len(self._ids)] = c.duplicate_of
        self._ids.append(c.connection_id)
        self._captures.append(c.capture)
        self._missing.append(client.missing_bytes + server.missing_bytes)
        self.builder.append(
            (
                c.connection_id,
                None,  # the capture's name, see finish()
                c.start_ns,
                c.end_ns,
                client.ip,
                client.port,
                server.ip,
                server.port,
                client.frames,
                server.frames,
                client.payload_bytes,
                server.payload_bytes,
                client.missing_bytes + server.missing_bytes,
                client.retransmissions + server.retransmissions,
                client.keepalives + server.keepalives,
                None if rtts[0] is None or rtts[1] is None else (rtts[0] + rtts[1]) / 1e6,
                c.conn_state,
                c.history,
                tls and tls.version,
                tls and tls.cipher,
                tls and tls.sni,
                tls and tls.alpn,
                tls.resumed if tls else None,
                c.decryption,
                c.why_encrypted,
                "decoded" if sessions else "none",
                c.first_frame,
                c.last_frame,
                None,  # the display filter, see finish()
                c.duplicate_of,
                None if c.handshake_ns is None else c.handshake_ns / 1e6,
                sessions,
                tls and tls.client_random,
            )
        )

    def infer(self, connection_id: int) -> None:
        """Its shape tells that it carries Exchange ActiveSync."""
        self._inferred.add(connection_id)

    def missing_bytes(self, captures: int) -> list[int]:
        """TCP payload that each capture lacks."""
        known = (ints(self._captures) >= 0) & (ints(self._captures) < captures)
        weights = ints(self._missing)[known].astype(np.float64)
        return [int(n) for n in np.bincount(ints(self._captures)[known], weights=weights, minlength=captures)]

    def finish(self, capture_names: Sequence[str]) -> TableBuilder:
        names = np.array([*capture_names, None], dtype=object)
        numbers = ints(self._captures)
        self.builder.replace("capture", names[np.where(numbers < len(capture_names), numbers, -1)])
        if self._inferred:
            guessed = np.isin(ints(self._ids), sorted(self._inferred))
            evidence, sessions = self.builder.column("eas_evidence"), self.builder.column("sessions")
            self.builder.replace("eas_evidence", np.where(guessed, "inferred", evidence))
            self.builder.replace("sessions", np.where(guessed, 1, sessions))
        if self._copies:  # a copy carries what its original carries
            evidence = self.builder.column("eas_evidence")
            known = dict(zip(self._ids, evidence.tolist(), strict=True))
            for row, original in self._copies.items():
                evidence[row] = known.get(original, evidence[row])
            self.builder.replace("eas_evidence", evidence)
        self.builder.reorder(np.argsort(ints(self._ids), kind="stable"))
        self.builder.replace_later("display_filter", self._display_filters)
        return self.builder

    def _display_filters(self, rows: npt.NDArray[Any]) -> list[str]:
        ends = ("client_ip", "client_port", "server_ip", "server_port")
        return list(map(filter_of, *(self.builder.column(name)[rows].tolist() for name in ends)))


def display_filter(c: Connection) -> str:
    """A Wireshark display filter for the connection's addresses and ports."""
    return filter_of(c.client.ip, c.client.port, c.server.ip, c.server.port)


def filter_of(client_ip: str, client_port: int, server_ip: str, server_port: int) -> str:
    """The same, from the two ends.

    tcp.stream would be shorter but is not known: Wireshark numbers streams by its own rules. Repeated fields match
    either end.
    """
    field = "ipv6.addr" if ":" in client_ip else "ip.addr"
    return f"{field}=={client_ip} && tcp.port=={client_port} && {field}=={server_ip} && tcp.port=={server_port}"
