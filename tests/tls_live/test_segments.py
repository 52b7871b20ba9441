"""The same bytes in other segments: records across segments, many records in one, turns of a side run together."""

from pathlib import Path

import pytest

from tests.support.tls_recording.packets import packets, resegment, write_pcap
from tests.tls_live.conftest import Record
from tests.tls_live.reading import bodies, connections, events, keys_from, true_bodies, write
from tests.tls_live.scenarios import by_name, marked

NAMES = [
    f"{what}, {name}"
    for what in ("large", "small fragments")
    for name in ("1.3 gcm", "1.2 chacha", "1.2 cbc", "1.0 rsa cbc")
] + ["key update, 1.3 gcm", "renegotiation for a certificate, 1.2 rsa cbc", "early data long, 1.3 gcm"]


@pytest.mark.parametrize("name", marked(NAMES))
@pytest.mark.parametrize("mss", [100, 536, 8960, 60000])
def test_segments_of_any_size_give_the_same_transactions(record: Record, name: str, mss: int, tmp_path: Path) -> None:
    recording = record(by_name(name))
    found = events(write(tmp_path / "capture.pcap", recording, mss=mss), keys_from(recording.keylog))
    assert bodies(found) == true_bodies(recording)


@pytest.mark.parametrize("name", marked(NAMES))
def test_turns_of_one_side_in_one_segment_give_the_same_transactions(record: Record, name: str, tmp_path: Path) -> None:
    recording = record(by_name(name))
    joined = [packets(resegment(one, 1000), 60000) for one in recording.conversations]
    found = events(write_pcap(tmp_path / "capture.pcap", joined), keys_from(recording.keylog))
    assert bodies(found) == true_bodies(recording)
    assert {one.decryption for one in connections(found)} == {"decrypted"}
