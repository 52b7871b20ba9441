"""What the product makes of a recording: the TLS dissector alone, the engine, the whole program."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyzer.engines.builtin import BuiltinEngine
from analyzer.sources import open_source
from dissectors.events import CLIENT, SERVER, Connection, Event, Transaction
from dissectors.tls import KeyLog, Piece, TlsConnection
from tests.dissectors.tls.dialogue import WHOLE, feed, plaintext
from tests.support.tls_recording.packets import Packet, packets, write_pcap
from tests.support.tls_recording.recorder import Recording


@dataclass
class Read:
    """One conversation as the TLS dissector read it."""

    connection: TlsConnection
    pieces: list[Piece]

    @property
    def plaintext(self) -> tuple[bytes, bytes]:
        return plaintext(self.pieces)

    @property
    def verdict(self) -> tuple[str, str | None]:
        return self.connection.decryption, self.connection.why_encrypted


def keys_from(keylog: bytes = b"", rsa_key: Path | None = None) -> KeyLog:
    """The secrets, every line of them understood."""
    keys = KeyLog()
    if keylog:
        assert keys.add(keylog, "keys") == []
    if rsa_key is not None:
        assert keys.add_private_key(rsa_key.read_bytes(), rsa_key.name) == []
    return keys


def read(recording: Recording, keys: KeyLog | None = None, split: str = WHOLE) -> list[Read]:
    """Each conversation through the TLS dissector, one after the other as in a capture, with the same keys."""
    keys = keys_from(recording.keylog) if keys is None else keys
    found = []
    for conversation in recording.conversations:
        connection = TlsConnection(keys)
        pieces = feed(connection, conversation.turns(), split)
        found.append(Read(connection, pieces + connection.close()))
    return found


def events(capture: Path, keys: KeyLog) -> list[Event]:
    """Everything that the built-in engine yields."""
    with open_source(capture) as source:
        return list(BuiltinEngine(source, keys).read())


def bodies(found: Iterable[Event]) -> list[tuple[bytes | None, bytes | None]]:
    """Request and response body of each HTTP exchange, in order of connection and number."""
    exchanges = sorted((e for e in found if isinstance(e, Transaction)), key=lambda e: (e.connection_id, e.number))
    return [(e.request and e.request.body, e.response and e.response.body) for e in exchanges]


def connections(found: Iterable[Event]) -> list[Connection]:
    """The connections, in order."""
    return sorted((e for e in found if isinstance(e, Connection)), key=lambda e: e.connection_id)


def true_bodies(recording: Recording) -> list[tuple[bytes, bytes]]:
    """The bodies that the scenario's applications sent, in order."""
    return [
        pair
        for sent in recording.sent
        for pair in zip(_bodies(sent[CLIENT], b"POST /"), _bodies(sent[SERVER], b"HTTP/1.1 "), strict=True)
    ]


def _bodies(stream: bytes, begin: bytes) -> list[bytes]:
    """Bodies of messages that hold nothing but digits, so that their heads are easily told."""
    return [message.partition(b"\r\n\r\n")[2] for message in stream.split(begin)[1:]]


def write(path: Path, recording: Recording, lost: Sequence[Packet] = (), mss: int = 1448) -> Path:
    """The recording as a capture file, each of its conversations a connection."""
    made = [packets(conversation, mss) for conversation in recording.conversations]
    return write_pcap(path, [[packet for packet in one if packet not in lost] for one in made])
