"""What the samples say, by the analyzer's own engine: requests and answers with their bodies, and datagrams."""

from functools import cache

from analyzer.engines.builtin import BuiltinEngine
from analyzer.sources import open_source
from dissectors.events import Datagram, Request, Response, Transaction
from dissectors.tls import KeyLog
from tests.support.places import SAMPLES


@cache
def events(name: str) -> list[object]:
    keys = KeyLog()
    keylog = SAMPLES / f"{name}.keys"
    if keylog.exists():
        assert keys.add(keylog.read_bytes(), name) == []
    with open_source(SAMPLES / f"{name}.pcap") as source:
        return list(BuiltinEngine(source, keys).read())


def halves(name: str) -> list[Request | Response]:
    """Every request and answer."""
    pairs = [(event.request, event.response) for event in events(name) if isinstance(event, Transaction)]
    return [half for pair in pairs for half in pair if half is not None]


def datagrams(name: str) -> list[Datagram]:
    return [event for event in events(name) if isinstance(event, Datagram)]
