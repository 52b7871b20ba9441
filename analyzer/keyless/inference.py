"""Encrypted connections → the push waits in them: the whole way, in two steps.

`add` looks at each connection as it ends and keeps those that could be waiting; `waits` judges families when all of
them are known. Kept are exchanges (a few words each), not turns, of at most MAX_KEPT connections and exchanges; what
comes beyond is left alone and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from analyzer.keyless.exchanges import Exchange, notified, talk
from analyzer.keyless.family import Family, Heard
from analyzer.keyless.meanings import Meaning, Meanings
from analyzer.keyless.strangers import Stranger, by_address, by_talk
from analyzer.texts import endpoint
from analyzer.timeline.evidence import first_close
from dissectors.events import Anomaly, Connection

MAX_KEPT = 600_000  # exchanges, of half a kilobyte each; a connection counts as one, too

_Key: TypeAlias = tuple[str, str, int, str | None]  # client and server address, server port and name


class Inferred(NamedTuple):
    """A connection that carries push waits, as far as its shape tells."""

    connection: Connection  # without its turns
    exchanges: Sequence[Exchange]
    waits: Sequence[Meaning]  # in order of place
    server: str  # the name that it was asked for, else its address and port
    device: str  # the client's address: all that is known of it
    longest_s: float | None  # how long the longest wait of its family lasted that ran out


class Inference:
    """Give it every connection, then ask once."""

    def __init__(self) -> None:
        self._families: dict[_Key, list[Heard]] = {}
        self._kept = 0
        self.left_out = 0  # connections that were not looked at because there were too many
        self.strangers: dict[Stranger, int] = {}  # how many connections were something else

    def add(self, c: Connection) -> None:
        """One connection that has ended."""
        if not c.turns or c.duplicate_of is not None:
            return
        why = by_address(c)
        if why is None:
            said, c = talk(c), notified(c)
            close = first_close(c)
            closed_ns = None if close is None else close.time_ns
            why = None if closed_ns is None else by_talk(said, closed_ns)
        if why is not None:
            self.strangers[why] = self.strangers.get(why, 0) + 1
        elif self._kept + len(said.exchanges) >= MAX_KEPT:
            self.left_out += 1
        elif said.exchanges:
            self._kept += 1 + len(said.exchanges)
            key = (c.client.ip, c.server.ip, c.server.port, c.tls.sni if c.tls is not None else None)
            kept = c._replace(turns=())
            self._families.setdefault(key, []).append(Heard(kept, said, -1 if closed_ns is None else closed_ns))

    def anomalies(self) -> list[Anomaly]:
        """What was left out."""
        if not self.left_out:
            return []
        detail = f"{self.left_out} encrypted connections were not looked at for push waits: too many of them"
        return [Anomaly(code="inference_limit", frame=None, time_ns=None, detail=detail)]

    def waits(self, capture_end_ns: Sequence[int | None]) -> Iterator[Inferred]:
        """The connections with push waits, family by family; `capture_end_ns`: by `Connection.capture`."""
        for key in sorted(self._families, key=lambda key: (*key[:3], key[3] or "")):
            members = []
            for heard in self._families.pop(key):
                c = heard.connection
                if heard.until_ns < 0:
                    end_ns = capture_end_ns[c.capture] if c.capture < len(capture_end_ns) else None
                    heard.until_ns = max(c.end_ns, end_ns or 0)
                    why = by_talk(heard.talk, heard.until_ns)
                    if why is not None:
                        self.strangers[why] = self.strangers.get(why, 0) + 1
                        continue
                members.append(heard)
            if members:
                yield from _judged(key, Family(members))


def _judged(key: _Key, family: Family) -> Iterator[Inferred]:
    if not family.accepted:
        return
    meanings = Meanings(family)
    client, address, port, name = key
    for heard in family.members:
        found = meanings.of.get(heard.connection.connection_id)
        if found:
            server = name or endpoint(address, port)
            yield Inferred(heard.connection, heard.exchanges, found, server, client, meanings.longest_s)
