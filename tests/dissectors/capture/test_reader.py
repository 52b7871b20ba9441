"""The recordings against tshark: every frame's number, time and lengths, whole and in random blocks."""

import random
import subprocess

import pytest

from tests.dissectors.capture.feeding import read
from tests.support.places import RECORDINGS, recording

NAMES = sorted(path.name for path in RECORDINGS.glob("*.pcap*")) or ["none"]


def tshark(name: str) -> list[tuple[int, int, int, int]]:
    """Frame number, time in nanoseconds, captured length, length on the wire."""
    fields = ("frame.number", "frame.time_epoch", "frame.cap_len", "frame.len")
    command = [
        "tshark",
        "-n",
        "-r",
        str(recording(name)),
        "-T",
        "fields",
        *(word for f in fields for word in ("-e", f)),
    ]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    rows = []
    for line in lines:
        number, time, captured, original = line.split("\t")
        seconds, part = time.split(".")
        rows.append((int(number), int(seconds) * 10**9 + int(part.ljust(9, "0")), int(captured), int(original)))
    return rows


@pytest.mark.tshark
@pytest.mark.parametrize("name", NAMES)
def test_recordings_are_read_as_tshark_reads_them(name: str) -> None:
    data = recording(name).read_bytes()
    rows, reader = read(data)
    assert [(number, time_ns, len(body), original) for number, body, original, time_ns, _, _ in rows] == tshark(name)
    assert reader.anomalies == []


@pytest.mark.parametrize("name", NAMES)
def test_recordings_in_random_blocks_are_the_same(name: str) -> None:
    data = recording(name).read_bytes()
    whole, reader = read(data)
    chance = random.Random(name)
    cuts = tuple(chance.randrange(len(data)) for _ in range(50))
    again, other = read(data, plain=True, cuts=cuts)
    assert again == whole
    assert (other.interfaces, other.secrets, other.comments) == (reader.interfaces, reader.secrets, reader.comments)


def test_embedded_keys_are_those_of_the_key_log() -> None:
    _, reader = read(recording("g_tls13.dev-dsb.pcapng").read_bytes())
    kept = set(recording("g_tls13.keys").read_text().splitlines())
    embedded = [line for blob in reader.secrets for line in blob.decode().splitlines()]
    assert embedded
    assert set(embedded) <= kept
