"""Foreign truth: what tshark says of the same captures. Where it means something else by a word, the difference is
computed, not waved through.
"""

import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from tests.dissectors.net import drive
from tests.dissectors.net.test_twins import RECORDED, SAMPLE_CAPTURES, block_of

FIELDS = (
    *(
        "tcp.stream",
        "frame.number",
        "tcp.len",
        "tcp.flags.syn",
        "ip.id",
        "tcp.srcport",
        "tcp.seq_raw",
        "frame.time_epoch",
    ),
    *("tcp.analysis.retransmission", "tcp.analysis.keep_alive", "tcp.analysis.initial_rtt", "tcp.flags.reset"),
)
pytestmark = pytest.mark.tshark


@dataclass
class Foreign:
    """One stream in tshark's words."""

    frames: list[int] = field(default_factory=list)
    repeated: int = 0  # retransmissions with payload that are no copies of a packet
    keepalives: int = 0
    initial_rtt_s: float | None = None
    refused: bool = False
    syn_times: list[float] = field(default_factory=list)
    seen: set[tuple[str, ...]] = field(default_factory=set)


def tshark(path: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["tshark", "-n", "-r", str(path), *arguments], capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


@cache
def streams(path: Path) -> dict[int, Foreign]:
    """By number; tshark takes a packet that the capturing host's network duplicated for a retransmission, its
    identification tells.
    """
    found: dict[int, Foreign] = defaultdict(Foreign)
    for line in tshark(
        path, "-Y", "tcp and not icmp", "-T", "fields", *(part for name in FIELDS for part in ("-e", name))
    ).splitlines():
        stream, frame, length, syn, ip_id, port, seq, time, repeated, keepalive, rtt, reset = line.split("\t")
        each = found[int(stream)]
        packet = (ip_id, port, seq, length)
        each.frames.append(int(frame))
        each.repeated += bool(repeated) and int(length) > 0 and packet not in each.seen
        each.keepalives += bool(keepalive)
        each.initial_rtt_s = float(rtt) if rtt else each.initial_rtt_s
        each.refused |= reset == "1" and len(each.frames) == 2
        if syn == "1":
            each.syn_times.append(float(time))
        each.seen.add(packet)
    return dict(found)


@cache
def ours(path: Path) -> drive.Result:
    return drive.run(iter([block_of(path)]))


SAMPLES_AND_RECORDINGS = [
    *(pytest.param(path, id=path.name) for path in SAMPLE_CAPTURES[:2]),
    *(pytest.param(path, id=path.name, marks=pytest.mark.slow) for path in [*SAMPLE_CAPTURES[2:], *RECORDED]),
]


@pytest.mark.parametrize("path", SAMPLES_AND_RECORDINGS)
def test_connections_and_their_packets_are_those_of_tshark(path: Path) -> None:
    theirs = sorted(streams(path).values(), key=lambda each: each.frames[0])
    connections, _ = ours(path)
    assert [each.first_frame for each in connections] == [each.frames[0] for each in theirs]
    assert [
        each.last_frame for each in connections if not each.client.duplicate_frames + each.server.duplicate_frames
    ] == [
        each.frames[-1]
        for each, same in zip(theirs, connections, strict=True)
        if not same.client.duplicate_frames + same.server.duplicate_frames
    ]
    for mine, other in zip(connections, theirs, strict=True):
        both = (mine.client, mine.server)
        assert sum(side.frames + side.duplicate_frames for side in both) == len(other.frames)
        assert sum(side.retransmissions for side in both) == other.repeated  # tshark's own count has SYNs and FINs, too
        assert sum(side.keepalives for side in both) == other.keepalives
        if mine.handshake_ns is None:
            assert other.initial_rtt_s is None or other.refused, "for tshark a refusal completes the handshake"
        else:
            assert other.initial_rtt_s is not None
            again_s = max(other.syn_times) - min(other.syn_times)  # tshark counts from the last copy of the SYN
            assert (
                -2e-6
                < mine.handshake_ns / 1e9 - other.initial_rtt_s
                < 2e-6 + (again_s if len(other.syn_times) > 2 else 0)
            )


@pytest.mark.parametrize("path", SAMPLES_AND_RECORDINGS)
def test_the_bytes_are_those_that_tshark_follows(path: Path) -> None:
    connections, recorders = ours(path)
    numbers = {each.frames[0]: number for number, each in streams(path).items()}
    compared = 0
    for connection in connections:
        if (
            connection.client.missing_bytes
            or connection.server.missing_bytes
            or connection.connection_id not in recorders
        ):
            continue  # tshark shows holes in words of its own
        followed = tshark(path, "-q", "-z", f"follow,tcp,raw,{numbers[connection.first_frame]}").splitlines()
        lines = [line for line in followed if line and set(line.strip()) <= set("0123456789abcdef") and line.strip()]
        near = bytes.fromhex("".join(line for line in lines if not line.startswith("\t")))
        far = bytes.fromhex("".join(line.strip() for line in lines if line.startswith("\t")))
        assert (near, far) == (recorders[connection.connection_id].text(0), recorders[connection.connection_id].text(1))
        compared += 1
    assert compared or "snap" in path.name
