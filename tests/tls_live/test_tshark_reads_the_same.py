"""The foreign truth: tshark, with the same key log, reads the same bytes; where it cannot, that is said and watched.

The other tests show that the analyzer reads what was sent. Here tshark does: equal to the same, equal to each other.
"""

import pytest

from tests.support.tls_recording.oracle import follow_tls
from tests.support.tls_recording.packets import packets, write_pcap
from tests.support.tls_recording.recorder import Recorder, Unavailable
from tests.tls_live.scenarios import everything

pytestmark = [pytest.mark.tshark, pytest.mark.slow]

Streams = list[tuple[bytes, bytes]]


def cannot(name: str) -> str | None:
    """Why tshark 4.0 does not read a scenario."""
    if everything()[name].suite.cipher.startswith("ARIA"):
        return "tshark knows ARIA suites by name only"
    if name.startswith("post-handshake authentication"):
        return "tshark takes the Finished of a post-handshake authentication for that of the handshake and changes keys"
    return None


NAMES = [
    pytest.param(
        name, id=name, marks=[pytest.mark.xfail(strict=True, reason=reason)] if (reason := cannot(name)) else []
    )
    for name in everything()
]


@pytest.fixture(scope="module")
def followed(recorder: Recorder) -> dict[str, Streams]:
    """By scenario what tshark reads of its connections: all of them in one capture, so that tshark runs once."""
    recordings = []
    for scenario in everything().values():
        try:
            recordings.append(recorder.record(scenario))
        except Unavailable:
            continue
    keys = recorder.directory / "all.keys"
    keys.write_bytes(b"".join(recording.keylog for recording in recordings))
    conversations = [packets(one) for recording in recordings for one in recording.conversations]
    capture = write_pcap(recorder.directory / "all.pcap", conversations)
    found = follow_tls(capture, range(len(conversations)), keylog=keys)
    streams = (found[number] for number in range(len(conversations)))
    return {recording.scenario.name: [next(streams) for _ in recording.conversations] for recording in recordings}


@pytest.mark.parametrize("name", NAMES)
def test_tshark_reads_what_was_sent(recorder: Recorder, followed: dict[str, Streams], name: str) -> None:
    if name not in followed:
        pytest.skip("this OpenSSL cannot record it")
    assert followed[name] == list(recorder.record(everything()[name]).sent)
