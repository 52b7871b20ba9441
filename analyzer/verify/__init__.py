"""Holds the built-in engine against the tshark engine: the same capture through both, and what they do not agree on.

seen.py      what an engine saw, and how things are matched that both saw
compare.py   what differs, kind by kind
judge.py     which engine to believe, and why
known.py     faults of tshark that are known: what they explain is no doubt
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analyzer.reading import NOTIFY_PORT
from analyzer.secrets import PASSWORD_VARIABLE, read_keys
from analyzer.trouble import PathLike, Trouble
from analyzer.verify.compare import compare
from analyzer.verify.known import recognised
from analyzer.verify.seen import TABLES, Difference, Engine, Seen
from dissectors.events import Anomaly, Connection, Datagram, Event, Transaction, Unreachable

if TYPE_CHECKING:
    from analyzer.engines.builtin import BuiltinEngine
    from analyzer.engines.tshark import TsharkEngine
    from dissectors.tls import KeyLog

__all__ = ["Difference", "Seen", "Verification", "by_builtin", "by_tshark", "compare", "gather", "verify"]


@dataclass(slots=True)
class Verification:
    """The outcome."""

    path: str
    builtin: Seen
    tshark: Seen
    differences: list[Difference]
    warnings: list[Trouble]

    @property
    def doubts(self) -> list[Difference]:
        """Differences that no known fault of tshark explains."""
        return [each for each in self.differences if not each.known]


def verify(
    path: PathLike,
    keylog: Sequence[PathLike] = (),
    *,
    rsa_keys: Sequence[PathLike] = (),
    notify_ports: Sequence[int] = (NOTIFY_PORT,),
) -> Verification:
    """Reads a capture with both engines. Raises SourceError when one of them cannot read it at all."""
    warnings: list[Trouble] = []
    keys = read_keys(keylog, rsa_keys, os.environ.get(PASSWORD_VARIABLE), warnings)
    theirs = by_tshark(path, keylog, rsa_keys=rsa_keys, notify_ports=notify_ports)
    ours = by_builtin(path, keys, notify_ports=notify_ports)
    return Verification(os.fspath(path), ours, theirs, recognised(compare(ours, theirs), ours, theirs), warnings)


def by_builtin(path: PathLike, keys: KeyLog, *, notify_ports: Sequence[int] = (NOTIFY_PORT,)) -> Seen:
    """What the built-in engine sees; a second time when the file held keys for connections before them."""
    from analyzer.engines.builtin import BuiltinEngine
    from analyzer.sources import open_source

    for last_pass in (False, True):
        with open_source(path) as source:
            engine = BuiltinEngine(source, keys, notify_ports=notify_ports)
            seen = gather("builtin", engine.read(), engine)
        if last_pass or not engine.keys_came_late:
            break
    return seen


def by_tshark(
    path: PathLike,
    keylog: Sequence[PathLike] = (),
    *,
    rsa_keys: Sequence[PathLike] = (),
    notify_ports: Sequence[int] = (NOTIFY_PORT,),
) -> Seen:
    """What the tshark engine sees."""
    from analyzer.engines.tshark import TsharkEngine

    engine = TsharkEngine(path, keylog, rsa_keys=rsa_keys, notify_ports=notify_ports)
    return gather("tshark", engine.read(), engine)


def gather(name: Engine, events: Iterable[Event], engine: BuiltinEngine | TsharkEngine) -> Seen:
    """An engine's events, and the tables that follow from them."""
    from analyzer.timeline import Timeline

    seen, timeline = Seen(name), Timeline()
    for event in events:
        timeline.add(event)
        if isinstance(event, Transaction):
            seen.transactions.append(event)
        elif isinstance(event, Connection):
            seen.connections.append(event)
        elif isinstance(event, Datagram):
            seen.datagrams.append(event)
        elif isinstance(event, Unreachable):
            seen.unreachables.append(event)
        elif isinstance(event, Anomaly):
            seen.anomalies.append(event)
    seen.facts = engine.facts()
    builders = timeline.finish([seen.facts])
    for table in (*(name for _, name in TABLES), "transactions"):
        records = builders[table].frame().to_dict("records")
        seen.rows[table] = [{str(name): value for name, value in row.items()} for row in records]
    return seen
