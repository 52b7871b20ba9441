"""Opening captures: plain, compressed, from a pipe, broken; and what is said when there is nothing to read."""

import bz2
import gzip
import io
import lzma
import os
import random
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzer.sources import Source, SourceError, open_source
from tests.support.places import ROOT, recording

HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)


def capture(frames: int, size: int = 100) -> bytes:
    """A pcap whose frames hold incompressible bytes."""
    chance = random.Random(frames)
    parts = [HEADER]
    for number in range(frames):
        parts.append(struct.pack("<IIII", 1_700_000_000 + number, 5, size, size) + chance.randbytes(size))
    return b"".join(parts)


def bodies(source: Source) -> list[bytes]:
    """Every frame's bytes, read to the end."""
    found = []
    with source:
        for frames in source.blocks():
            assert len(frames) > 0
            assert frames.first_frame == len(found) + 1
            for offset, captured in zip(frames.offset.tolist(), frames.captured.tolist(), strict=True):
                found.append(frames.data[offset : offset + captured].tobytes())
    assert source.reader.frames == len(found)
    return found


def codes(source: Source) -> list[str]:
    return [anomaly.code for anomaly in source.reader.anomalies]


def refused(path: Path) -> SourceError:
    with pytest.raises(SourceError) as caught:
        open_source(path)
    error = caught.value
    assert "\n" not in error.message + error.hint
    assert error.hint
    return error


@pytest.fixture
def packed(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(data: bytes) -> Path:
        path = tmp_path / "capture"  # no ending: the first bytes say what it is
        path.write_bytes(data)
        return path

    return write


ZSTD = zstandard.ZstdCompressor(write_checksum=True)  # as the zstd program does


def fast_xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=0)


def small_bzip2(data: bytes) -> bytes:
    return bz2.compress(data, 1)  # blocks of 100 kB: a smaller loss


Pack = Callable[[bytes], bytes]
PACKERS: list[Pack] = [bytes, gzip.compress, ZSTD.compress, fast_xz, small_bzip2]
COMPRESSORS = pytest.mark.parametrize("pack", PACKERS[1:], ids=["gzip", "zstd", "xz", "bzip2"])


@pytest.mark.parametrize("pack", PACKERS, ids=["plain", "gzip", "zstd", "xz", "bzip2"])
@pytest.mark.parametrize("block_bytes", [1, 1000, 16 << 20])
def test_all_frames_whatever_the_compression_and_block_size(
    packed: Callable[[bytes], Path], pack: Pack, block_bytes: int
) -> None:
    data = capture(300)
    source = open_source(packed(pack(data)), block_bytes=block_bytes)
    assert b"".join(bodies(source)) == b"".join(data[24 + n * 116 + 16 : 24 + (n + 1) * 116] for n in range(300))
    assert codes(source) == []
    assert source.size == source.position == len(pack(data))
    assert source.rewindable


def test_recordings_are_the_same_in_small_blocks() -> None:
    for name in ("a_healthy.srv.pcapng", "h_lossy.dev.pcap"):
        path = recording(name)
        assert bodies(open_source(path)) == bodies(open_source(path, block_bytes=3000))


def test_a_record_larger_than_the_block_grows_the_buffer(packed: Callable[[bytes], Path]) -> None:
    path = packed(capture(3) + capture(1, 200_000)[24:] + capture(3)[24:])
    assert [len(body) for body in bodies(open_source(path, block_bytes=4096))] == [100] * 3 + [200_000] + [100] * 3


@COMPRESSORS
def test_several_members_are_one_capture(packed: Callable[[bytes], Path], pack: Pack) -> None:
    data = capture(300)
    path = packed(pack(data[:10]) + pack(b"") + pack(data[10:999]) + pack(data[999:]))
    source = open_source(path)
    assert len(bodies(source)) == 300
    assert codes(source) == []


def test_zeros_after_the_end_are_padding(packed: Callable[[bytes], Path]) -> None:
    source = open_source(packed(gzip.compress(capture(300)) + bytes(100_000)))
    assert len(bodies(source)) == 300
    assert codes(source) == []


def test_zstd_may_begin_with_a_skippable_frame(packed: Callable[[bytes], Path]) -> None:
    skippable = struct.pack("<II", 0x184D2A50, 4) + b"pzst"
    source = open_source(packed(skippable + ZSTD.compress(capture(300))))
    assert len(bodies(source)) == 300
    assert codes(source) == []


@COMPRESSORS
def test_rubbish_after_the_end_is_told(packed: Callable[[bytes], Path], pack: Pack) -> None:
    source = open_source(packed(pack(capture(300)) + b"rubbish"))
    assert len(bodies(source)) == 300
    assert codes(source) == ["compressed_data_damaged"]


@COMPRESSORS
def test_what_was_readable_of_a_cut_file_is_given(packed: Callable[[bytes], Path], pack: Pack) -> None:
    data = pack(capture(10_000))
    source = open_source(packed(data[: len(data) // 2]))
    found = bodies(source)
    assert 3_000 < len(found) < 5_500
    assert codes(source)[0] == "compressed_data_damaged"
    assert set(codes(source)) <= {"compressed_data_damaged", "capture_truncated"}


@COMPRESSORS
def test_what_was_readable_before_flipped_bits_is_given(packed: Callable[[bytes], Path], pack: Pack) -> None:
    data = bytearray(pack(capture(10_000)))
    middle = len(data) // 2
    data[middle : middle + 2000] = bytes(2000)
    source = open_source(packed(bytes(data)))
    assert len(bodies(source)) > 3_000
    assert codes(source)[0] == "compressed_data_damaged"


def test_a_bomb_is_unpacked_in_small_pieces(packed: Callable[[bytes], Path]) -> None:
    """A quarter of a gigabyte in 8 kB, read at once; peak memory is measured in a process of its own."""
    start = b"\x28\xb5\x2f\xfd\x00\x58"  # RFC 8878 3.1.1: magic, no checksum and size, a window of 2 MiB
    block = struct.pack("<I", 128 << 10 << 3 | 1 << 1)[:3] + b"\xff"  # 128 KiB of one byte, not the last block
    last = struct.pack("<I", 1 << 3 | 1 << 1 | 1)[:3] + b"\xff"
    path = packed(ZSTD.compress(capture(2)) + start + block * 2000 + last)
    program = (
        "import sys\nfrom analyzer.sources import open_source\n"
        "with open_source(sys.argv[1], block_bytes=1 << 20) as source:\n"
        "    print(sum(len(frames) for frames in source.blocks()), source.reader.position)\n"
        "status = open('/proc/self/status').read()\n"  # ru_maxrss would be that of pytest, which started this
        "print(int(status.split('VmHWM:')[1].split()[0]) // 1024)\n"
    )
    run = subprocess.run([sys.executable, "-c", program, path], cwd=ROOT, check=True, capture_output=True, text=True)
    frames, unpacked, megabytes = map(int, run.stdout.split())
    assert (frames, unpacked) == (2, len(capture(2)) + 2000 * (128 << 10) + 1)
    assert megabytes < 200


def test_a_pipe_is_read_and_cannot_be_read_again(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(gzip.compress(capture(3000)),))
    writer.start()
    source = open_source(pipe)
    assert (source.size, source.rewindable) == (None, False)
    assert len(bodies(source)) == 3000
    writer.join()


def test_standard_input_is_read_and_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(capture(300)))
    monkeypatch.setattr(sys, "stdin", stdin)
    source = open_source("-")
    assert (source.name, source.rewindable) == ("standard input", False)
    assert len(bodies(source)) == 300
    assert not stdin.buffer.closed


def test_a_source_is_read_once(packed: Callable[[bytes], Path]) -> None:
    with open_source(packed(capture(3))) as source:
        assert len(list(source.blocks())) == 1
        with pytest.raises(ValueError, match="read once"):
            next(source.blocks())


def test_an_early_end_closes_the_file(packed: Callable[[bytes], Path]) -> None:
    with open_source(packed(capture(300)), block_bytes=1000) as source:
        assert len(next(source.blocks())) > 0
    assert source._file.closed


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"", "the file is empty", "stopped"),
        (b"CLIENT_RANDOM 00 11\n", "not a packet capture (looks like a TLS key log)", "--keylog"),
        (b"-----BEGIN RSA PRIVATE KEY-----\n", "not a packet capture (looks like a private key)", "--rsa-key"),
        (b"<html></html>", "not a packet capture (looks like a web page (HTML))", "pcap and pcapng"),
        (b"snoop\0\0\0\0\0\0\2", "not a packet capture (looks like a Solaris snoop capture)", "editcap"),
        (HEADER[:10], "not a packet capture (a pcap file that ends inside its file header, after 10 bytes)", "pcap"),
        (gzip.compress(b""), "the file is empty", "stopped"),
        (gzip.compress(b"hello"), "not a packet capture (looks like text)", "pcap"),
        (gzip.compress(HEADER)[:13], "gzip-compressed data, damaged: it ends in the middle", "again"),
    ],
)
def test_what_is_no_capture_is_refused_with_a_hint(
    packed: Callable[[bytes], Path], content: bytes, message: str, hint: str
) -> None:
    path = packed(content)
    error = refused(path)
    assert error.message == f"{path}: {message}"
    assert hint in error.hint


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.pcap").message.endswith("none.pcap: no such file")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path)
    assert error.message == f"{tmp_path}: is a directory"
    assert "*.pcap" in error.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_refused(packed: Callable[[bytes], Path]) -> None:
    path = packed(capture(1))
    path.chmod(0)
    assert "Permission denied" in refused(path).message


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    junk=st.binary(max_size=300), front=st.sampled_from([b"", HEADER, b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd", b"BZh9"])
)
def test_any_file_is_read_or_refused(packed: Callable[[bytes], Path], junk: bytes, front: bytes) -> None:
    path = packed(front + junk)
    try:
        source = open_source(path, block_bytes=50)
    except SourceError:
        refused(path)
    else:
        bodies(source)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file of Linux that fails when it is read")
def test_a_file_that_fails_when_it_is_read_is_refused() -> None:
    assert "reading failed: Input/output error" in refused(Path("/proc/self/mem")).message


def test_reading_that_fails_in_the_middle_gives_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        """A network disk that goes away after 20000 bytes."""

        def readinto(self, view: memoryview) -> int:  # type: ignore[override]
            if self.tell() > 20_000:
                raise OSError(5, "Input/output error")
            return super().readinto(view[:4096])

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Failing(capture(300))))
    source = open_source("-")
    assert len(bodies(source)) > 150
    assert codes(source) == ["read_failed", "capture_truncated"]
