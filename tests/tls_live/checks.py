"""What must hold for every recording, whatever it shows."""

import re
from pathlib import Path

from dissectors.events import CLIENT, SERVER
from dissectors.tls import KeyLog
from tests.dissectors.tls.dialogue import BYTES, RANDOM, outcome
from tests.support.tls_recording.identity import HOST
from tests.support.tls_recording.recorder import Recording
from tests.support.tls_recording.suites import VERSIONS
from tests.tls_live.reading import bodies, connections, events, keys_from, read, true_bodies, write

SMALL = 40_000  # bytes of a recording that may be fed byte by byte


def check_all_is_read(recording: Recording, keys: KeyLog | None = None) -> None:
    """Both sides' plaintext is what the applications sent, byte for byte; nothing is left over and nothing is odd."""
    suite = recording.scenario.suite
    for number, (found, sent) in enumerate(zip(read(recording, keys), recording.sent, strict=True)):
        connection = found.connection
        assert (number, found.verdict) == (number, ("decrypted", None))
        assert found.plaintext == sent
        assert connection.anomalies == []
        facts = connection.facts()
        assert (facts.version, facts.cipher, facts.sni) == (VERSIONS[suite.version], suite.iana, HOST)
        assert facts.resumed == says_resumed(recording.printed[number])
        for side in (CLIENT, SERVER):
            wire = len(recording.conversations[number].stream(side))
            opened = sum(piece.wire_bytes for piece in found.pieces if piece.side == side)
            assert wire == connection.overhead_bytes[side] + opened + connection.sealed_bytes[side]


def says_resumed(printed: str) -> bool:
    """s_client's own word on its handshake."""
    found = re.search(r"^(New|Reused), ", printed, re.MULTILINE)
    assert found
    return found[1] == "Reused"


def check_any_split_is_the_same(recording: Recording, *, byte_by_byte: bool) -> None:
    """TCP may cut the bytes as it likes."""
    wanted = [outcome(found.connection, found.pieces) for found in read(recording)]
    assert [outcome(found.connection, found.pieces) for found in read(recording, split=RANDOM)] == wanted
    size = sum(len(note.data) for conversation in recording.conversations for note in conversation.notes)
    if byte_by_byte and size < SMALL:
        assert [outcome(found.connection, found.pieces) for found in read(recording, split=BYTES)] == wanted


def check_transactions(recording: Recording, directory: Path, keys: KeyLog | None = None) -> None:
    """Through the whole engine, from the capture file: each HTTP exchange with both bodies."""
    capture = write(directory / "capture.pcap", recording)
    found = events(capture, keys_from(recording.keylog) if keys is None else keys)
    assert bodies(found) == true_bodies(recording)
    assert [one.decryption for one in connections(found)] == ["decrypted"] * len(recording.conversations)
