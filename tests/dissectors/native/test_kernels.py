"""The compiled kernels say what numpy says; where they are not there, everything is said all the same."""

import os
import random
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dissectors import native
from dissectors.capture import Frames, open_capture
from dissectors.net import columns
from dissectors.net.packets import PacketDecoder
from dissectors.net.segments import Segments
from tests.dissectors.net import drive, wire
from tests.dissectors.net.wire import Frame, ethernet, ipv4, ipv6, tcp, udp
from tests.support.kernels import compiled
from tests.support.places import SAMPLES

needs_kernels = pytest.mark.skipif(not native.enabled, reason=f"the kernels are {native.state}")
A, B = "192.0.2.1", "198.51.100.2"
C, D = "2001:db8::1", "2001:db8:ffff::2"


def test_kernels_are_built_where_they_can_be(tmp_path: Path) -> None:
    if native.state == "off":
        pytest.skip("switched off by DIRECTPUSH_PURE")
    compiler = shutil.which("cc") or pytest.skip("there is no C compiler")
    source = tmp_path / "probe.c"
    source.write_text("#include <Python.h>\n")
    command = [compiler, "-c", f"-I{sysconfig.get_path('include')}", str(source), "-o", str(tmp_path / "probe.o")]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("the C compiler does not work, or Python's headers are not there")
    assert native.state == "compiled", "install again: pip install --editable ."


def state_of(script: str, **environment: str) -> str:
    """What `native.state` is in a fresh process that ran some lines before."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys, types\n{script}\nfrom dissectors import native\nprint(native.state)"],
        env={**os.environ, "DIRECTPUSH_PURE": "0", **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_kernels_that_are_not_wanted_absent_or_of_other_sources_are_not_used() -> None:
    assert state_of("", DIRECTPUSH_PURE="1") == "off"
    assert state_of("sys.modules['dissectors.native.facts'] = None") == "absent"
    old = "sys.modules['dissectors.native.{}'] = types.SimpleNamespace(REVISION=0)\n"
    assert state_of("".join(old.format(name) for name in ("chains", "facts", "segments"))) == "stale"


# -- segments ----------------------------------------------------------------------------------------------------------


def unequal(block: Frames) -> tuple[list[str], int]:
    """The columns of a block that differ, compiled and not; and how many segments there are."""
    found: list[Segments] = []
    for way in (True, False):
        with compiled(way):
            whole = drive.decoded(PacketDecoder(), block)
        found.append(whole.take(np.argsort(whole.frame, kind="stable")))
    one, other = found
    return [
        field.name
        for field in fields(Segments)
        if not np.array_equal(getattr(one, field.name), getattr(other, field.name))
    ], len(one)


def frames_on_every_edge() -> list[bytes]:
    """Frames of which some are plain, some are not, and some are nothing; each also cut wherever it can be."""
    hello = tcp(40000, 443, 0xFFFFFFF0, 7, payload=b"hello, world")
    options = tcp(40000, 443, 1, 2, options=bytes(40), payload=b"x")
    short, long, longest = bytearray(hello), bytearray(hello), bytearray(hello)
    short[12], long[12], longest[12] = 0x40, 0x90, 0xF0
    packets = [
        ipv4(A, B, hello, ip_id=9),
        ipv4(A, B, hello, ip_id=0),
        ipv4(A, B, options, options=bytes(40)),
        *(ipv4(A, B, bytes(bad)) for bad in (short, long, longest)),
        *(ipv4(A, B, hello, total=total) for total in (0, 19, 20, 39, 40, 41, 65535)),
        ipv4(A, B, hello, more=True),
        ipv4(A, B, hello, offset=8),
        ipv4(A, B, hello, version=5),
        *(ipv4(A, B, hello, protocol=protocol) for protocol in (1, 2, 4, 17, 41, 47, 50, 58)),
        *(ipv4(A, B, udp(near, far, b"NOTIFY"), protocol=17) for near, far in ((1, 2), (2883, 9), (9, 4789))),
        *(ipv4(A, B, udp(1, 2, bytes(size)), protocol=17) for size in range(6)),
        ipv6(C, D, hello),
        ipv6(D, C, options),
        *(ipv6(C, D, hello, length=length) for length in (0, 19, 20, 65535)),
        *(ipv6(C, D, b"\x06\0" + bytes(6) + hello, protocol=protocol) for protocol in (0, 43, 60)),
        ipv6(C, D, udp(53, 5353, b"x" * 20), protocol=17),
    ]
    tags = [[(0x8100, 7)] * count for count in range(6)] + [[(0x88A8, 1), (0x8100, 2)], [(0x9100, 1), (0x9200, 2)]]
    framed = [ethernet(packet) for packet in packets] + [ethernet(packets[0], tags=tag) for tag in tags]
    framed += [ethernet(packets[0], kind=kind) for kind in (0, 46, 0x0806, 0x8864, 0x86DD, 0x88CC)]
    framed += [ethernet(b"\x11\0\0\x01\0\x22\0\x21" + packets[0], kind=0x8864)]
    return framed + [frame[:size] for frame in framed[::3] for size in range(len(frame))]


@needs_kernels
def test_segments_are_the_same_on_every_edge() -> None:
    frames = [Frame(frame) for frame in frames_on_every_edge()]
    different, count = unequal(wire.columns(frames))
    assert different == []
    assert count > 20
    for frame in frames:  # alone, at the very end of the data
        assert unequal(wire.columns([frame]))[0] == []


@needs_kernels
@pytest.mark.parametrize("seed", range(20))
def test_segments_are_the_same_in_mangled_captures(seed: int) -> None:
    """Bytes of headers are changed, so that one connection is read by the kernel and by numpy in the same block."""
    chance = random.Random(seed)
    path = chance.choice(sorted(path for path in SAMPLES.glob("*.pcap") if path.stat().st_size < 1 << 20))
    data = np.fromfile(path, np.uint8)
    block, _ = open_capture(data[:1024].tobytes()).parse(data, last=True)
    for _ in range(len(block) // 4):
        number = chance.randrange(len(block))
        size = int(block.captured[number])
        if size:
            data[int(block.offset[number]) + chance.randrange(min(70, size))] = chance.choice(
                (0, 0xFF, chance.randrange(256))
            )
    different, count = unequal(block)
    assert different == []
    assert count > 10


@needs_kernels
def test_kernel_does_the_work_for_ethernet() -> None:
    frames = [Frame(ethernet(ipv4(A, B, tcp(1, 2, 3)))), Frame(ethernet(ipv4(A, B, tcp(1, 2, 3), more=True)))]
    block = wire.columns(frames)
    room = Segments.room(block.data, 2)
    none = np.zeros(1 << 16, np.uint8)
    factors = np.ones(4, np.uint64)
    count, rest = native.segments.plain(block, room, 0, 0, none, 0, factors, factors)
    assert (count, rest.tolist()) == (1, [1])


# -- grouping ----------------------------------------------------------------------------------------------------------


def groups(keys: NDArray[np.uint64], way: bool) -> set[tuple[int, ...]]:
    """Each group's places."""
    with compiled(way):
        order, begins = columns._grouped(keys)
    bounds = [*begins.tolist(), len(order)]
    return {tuple(order[low:high].tolist()) for low, high in pairwise(bounds)}


@needs_kernels
@pytest.mark.parametrize("bits", [0, 1, 8, 64])
def test_groups_are_the_same(bits: int) -> None:
    chance = random.Random(bits)
    for count in (1, 2, 63, 64, 65, 3000):
        few = [chance.getrandbits(64) for _ in range(20)]
        keys = [chance.choice(few) if bits == 8 else chance.getrandbits(bits) if bits else 5 for _ in range(count)]
        words = np.array(keys, np.uint64)
        assert groups(words, True) == groups(words, False)


@needs_kernels
@pytest.mark.parametrize("shift", [0, 16, 32, 44])
def test_keys_that_are_alike_are_told_apart(shift: int) -> None:
    words = (np.arange(4000, dtype=np.uint64) % np.uint64(1000)) << np.uint64(shift)
    assert groups(words, True) == groups(words, False)
    assert len(groups(words, True)) == 1000


# -- chains ------------------------------------------------------------------------------------------------------------


@needs_kernels
def test_impossible_records_are_refused() -> None:
    data, lanes = np.zeros(100, np.uint8), np.zeros(1, np.int64)
    for length_at, overhead, header in ((13, 0, 16), (-1, 0, 16), (8, -1, 16)):
        with pytest.raises(ValueError, match="record"):
            native.chains.step_all(data, lanes, length_at, overhead, header, False)


@needs_kernels
def test_lane_stands_still_on_nothing() -> None:
    """A length of zero, or one that is less than the header, ends the lane behind that record."""
    data = np.zeros(1000, np.uint8)
    data[4:8] = (12, 0, 0, 0)
    found = native.chains.step_all(data, np.array([0], np.int64), 4, 0, 12, False)
    assert found.tolist() == [0, 12]
