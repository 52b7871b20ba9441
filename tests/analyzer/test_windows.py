"""Windows of a file are the same bytes, copied or mapped; what cannot be mapped is copied."""

import mmap
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from analyzer.sources import open_source
from analyzer.windows import Copied, Mapped
from tests.analyzer.test_sources import bodies, capture, codes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files are mapped on Linux only")


def test_mapped_and_copied_windows_hold_the_same(tmp_path: Path) -> None:
    chance = random.Random(5)
    data = chance.randbytes(100_000)
    path = tmp_path / "data"
    path.write_bytes(data)
    with path.open("rb", buffering=0) as one, path.open("rb", buffering=0) as other:
        copied, mapped = Copied(one, b"", 9000), Mapped(other, 9000)
        at, consumed, ended = 0, 0, False
        while not ended:
            needed = chance.choice((1, 5000, 30_000))
            window, ended = mapped.after(consumed, needed)
            twin, _ = copied.after(consumed, needed)
            at += consumed
            for found in (window.tobytes(), twin.tobytes()):
                assert found == data[at : at + len(found)]
                assert len(found) >= min(needed, len(data) - at)
            consumed = chance.randrange(min(len(window), len(twin)) + 1)
        assert at + len(window) == len(data)


def test_a_mapped_file_is_given_as_it_lies_in_the_page_cache(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(capture(3000))
    with open_source(path, block_bytes=50_000) as source:
        for frames in source.blocks():
            assert not frames.data.flags.writeable
            assert source.position <= path.stat().st_size
        assert source.position == path.stat().st_size


@pytest.mark.parametrize("after", [0, 1, 3])
def test_what_cannot_be_mapped_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """An old kernel, a file system that cannot map, a disk that fails."""
    path = tmp_path / "x.pcap"
    path.write_bytes(capture(3000))
    expected = bodies(open_source(path))
    calls: list[int] = []

    class Refused(mmap.mmap):
        def madvise(self, *args: Any) -> None:
            calls.append(1)
            if len(calls) > after:
                raise OSError(14, "Bad address")

    monkeypatch.setattr(mmap, "mmap", Refused)
    source = open_source(path, block_bytes=50_000)
    assert bodies(source) == expected
    assert len(calls) == after + 1, "and it is not tried again"
    assert codes(source) == []
    assert source.position == path.stat().st_size


WRITERS = {
    "cuts": "import os, sys; os.truncate(sys.argv[1], 1000)",
    "writes": "import sys; open(sys.argv[1], 'ab').write(b'x' * 100)",
}


@pytest.mark.parametrize("does", WRITERS)
def test_who_wants_to_change_the_file_waits_until_its_window_is_done(tmp_path: Path, does: str) -> None:
    path = tmp_path / "x.pcap"
    whole = capture(3000)
    path.write_bytes(whole)
    with open_source(path, block_bytes=50_000) as source:
        blocks = source.blocks()
        frames = next(blocks)
        with subprocess.Popen([sys.executable, "-c", WRITERS[does], path]) as writer:
            time.sleep(1)
            assert writer.poll() is None, "held back: the window is in use"
            assert path.stat().st_size == len(whole)
            assert frames.data.tobytes() == whole[:50_000]
            del frames
            after = next(blocks, None)
            assert writer.wait(20) == 0, "let go: the rest is copied"
        assert after is None or after.data.flags.writeable
        assert path.stat().st_size != len(whole)
        assert set(codes(source)) <= {"capture_truncated"}


def test_a_file_that_somebody_writes_to_is_copied(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(capture(3000))
    with path.open("r+b"), open_source(path, block_bytes=50_000) as source:
        assert all(frames.data.flags.writeable for frames in source.blocks())
        assert source.reader.frames == 3000
