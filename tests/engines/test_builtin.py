"""The built-in engine as a whole: the same tables from both TCP paths and from blocks of any size, and no bytes that
break it.
"""

import random
import warnings
from pathlib import Path
from typing import Any

import pytest

from analyzer.analysis import Analysis, analyze
from analyzer.trouble import AnalyzeError
from dissectors import native
from tests.dissectors.net import dialogues, wire
from tests.support.kernels import WAYS, compiled
from tests.support.places import RECORDINGS, SAMPLES

SAMPLE_CAPTURES = sorted(SAMPLES.glob("*.pcap*"))
RECORDED = sorted(RECORDINGS.glob("*.pcap*")) if RECORDINGS.is_dir() else []
BLOCKS = (64 << 10, 1 << 20, 16 << 20)


def keys_of(path: Path) -> list[Path]:
    keys = path.with_name(path.name.split(".", maxsplit=1)[0] + ".keys")
    return [keys] if keys.exists() else []


def content(path: Path, **how: Any) -> dict[str, list[dict[str, Any]]]:
    """Every table of a capture as plain rows."""
    return rows(analyze([path], keys_of(path), **how))


def rows(analysis: Analysis) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [{key: repr(value) for key, value in row.items()} for row in frame.to_dict("records")]
        for name, frame in analysis.tables().items()
    }


def unequal(wanted: dict[str, list[dict[str, Any]]], got: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Where two sets of tables differ, in words."""
    lines = []
    for name, rows in wanted.items():
        if len(rows) != len(got[name]):
            lines.append(f"{name}: {len(rows)} rows, not {len(got[name])}")
        for number, (one, other) in enumerate(zip(rows, got[name], strict=False)):
            lines += [f"{name}[{number}].{key}: {one[key]} / {other[key]}" for key in one if one[key] != other[key]]
    return lines


def agree(path: Path) -> None:
    with compiled(False):
        wanted = content(path, columnar=False)
    assert wanted["connections"]
    for way in WAYS:
        for block_bytes in BLOCKS:
            with compiled(way):
                found = content(path, block_bytes=block_bytes)
            assert unequal(wanted, found) == [], (way, block_bytes)


@pytest.mark.parametrize("name", ["silent_firewall", "hanging_sync"])
def test_a_sample_gives_the_same_tables_from_both_paths_and_any_blocks(name: str) -> None:
    (path,) = SAMPLES.glob(f"{name}.pcap*")
    agree(path)


@pytest.mark.slow
@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in [*SAMPLE_CAPTURES, *RECORDED]])
def test_every_recording_gives_the_same_tables_from_both_paths_and_any_blocks(path: Path) -> None:
    agree(path)


@pytest.mark.parametrize("keep", [34, 54, 60, 66, 90])
def test_a_capture_with_hardly_any_payload_is_read(tmp_path: Path, keep: int) -> None:
    """Snap lengths that end in the IP header, after the TCP header, in its options, in the first record."""
    frames = dialogues.capture(2, wild=0.0)
    cut = [
        wire.Frame(f.data[:keep], f.time_ns, f.original or len(f.data), wire.ETHERNET)
        for f in frames
        if f.link_type == wire.ETHERNET
    ]
    path = tmp_path / "cut.pcap"
    path.write_bytes(wire.pcap(cut))
    assert cut
    with compiled(False):
        wanted = content(path, columnar=False)
    for way in WAYS:
        with compiled(way):
            assert unequal(wanted, content(path)) == [], way


# Where a connection is seen on two legs and the first one's hello comes late, the block decides which leg is read.
TWO_LEGS = ("i_twopoint.fw-any.pcap", "i_twopoint.merged.pcapng")


def mutated(data: bytes, rng: random.Random, changes: int) -> bytes:
    """A capture with some bytes changed; mostly in headers, which are short and come often."""
    out = bytearray(data)
    for _ in range(changes):
        at = rng.randrange(24, len(out))
        out[at] = rng.choice((0, 1, 255, 0x7F, 0x80, rng.randrange(256)))
    return bytes(out)


def headers_mutated(data: bytes, rng: random.Random, share: float) -> bytes:
    """The same, aimed: one of the first 70 bytes behind a record header, so that the records stay where they are."""
    out, position = bytearray(data), 24
    while position + 16 < len(out):
        size = min(int.from_bytes(out[position + 8 : position + 12], "little"), len(out) - position - 16)
        if rng.random() < share and size:
            out[position + 16 + rng.randrange(min(70, size))] = rng.randrange(256)
        position += 16 + size
    return bytes(out)


def survives(path: Path, data: bytes, keys: list[Path], both: bool) -> None:
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            tables = rows(analyze([path], keys))
        except AnalyzeError:
            return
        with compiled(False):
            if native.enabled:
                assert unequal(rows(analyze([path], keys)), tables) == []
            if both:
                plain = analyze([path], keys, columnar=False).tables()
                assert {name: len(table) for name, table in tables.items()} == {
                    name: len(table) for name, table in plain.items()
                }


PLAIN_PCAPS = [path for path in SAMPLE_CAPTURES if path.suffix == ".pcap"]


@pytest.mark.parametrize("seed", range(6))
def test_mutated_captures_are_survived(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    source = rng.choice(PLAIN_PCAPS)
    data = source.read_bytes()[:60_000]
    change = headers_mutated(data, rng, 0.1) if seed % 2 else mutated(data, rng, 40)
    survives(tmp_path / "m.pcap", change, keys_of(source), both=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(300))
def test_many_mutated_captures_are_survived(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    source = rng.choice([path for path in (*PLAIN_PCAPS, *RECORDED) if path.name not in TWO_LEGS])
    data = source.read_bytes()[: rng.choice((5_000, 60_000, 400_000))]
    if seed % 3 == 0 or source.suffix != ".pcap":
        data = mutated(data, rng, rng.choice((1, 10, 300)))
    else:
        data = headers_mutated(data, rng, rng.choice((0.01, 0.1, 0.5)))
    survives(tmp_path / "m.pcap", data, keys_of(source), both=True)


@pytest.mark.parametrize("seed", range(10))
def test_random_bytes_behind_a_file_header_are_survived(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    frames = [
        wire.Frame(
            rng.randbytes(rng.randrange(120)),
            rng.randrange(1 << 61),
            rng.choice((None, 0, 1 << 31)),
            seed % 2 * 100 + 1,
        )
        for _ in range(300)
    ]
    survives(tmp_path / "r.pcap", wire.pcap(frames), [], both=True)
    survives(tmp_path / "r.pcap", wire.pcap([])[:24] + rng.randbytes(5000), [], both=True)
