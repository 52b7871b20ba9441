"""The built-in engine first, tshark for what it cannot open."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.support.compare import rows
from tests.support.places import SAMPLES

pytestmark = [
    pytest.mark.tshark,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed"),
]

WLAN = 105  # LINKTYPE_IEEE802_11
TO_SERVER, TO_DEVICE = b"\x08\x01\x00\x00", b"\x08\x02\x00\x00"  # data frames, to and from the access point
SNAP = b"\xaa\xaa\x03\x00\x00\x00"


def analyze(*captures: Path, engine: str, keys: Path | None = None) -> Any:
    from analyzer import analyze as run

    return run(list(captures), [] if keys is None else [keys], engine=engine)  # type: ignore[arg-type]


def over_wlan(source: Path, target: Path, *, every: int = 1) -> Path:
    """The Ethernet frames of a capture as 802.11 frames, which the built-in engine does not read."""
    data = source.read_bytes()
    out = bytearray(data[:20] + struct.pack("<I", WLAN))
    position, number = 24, 0
    while position + 16 <= len(data):
        seconds, fraction, size, _ = struct.unpack_from("<IIII", data, position)
        frame = data[position + 16 : position + 16 + size]
        addresses = frame[6:12] + frame[0:6] + frame[6:12]  # any three: nobody looks at them
        wlan = (TO_SERVER if number % 2 else TO_DEVICE) + addresses + b"\x00\x00" + SNAP + frame[12:]
        out += struct.pack("<IIII", seconds, fraction, len(wlan), len(wlan)) + wlan
        position += 16 + size
        number += 1
    target.write_bytes(bytes(out))
    return target


def test_a_link_type_that_is_not_read_is_read_by_tshark(tmp_path: Path) -> None:
    sample, keys = SAMPLES / "silent_firewall.pcap", SAMPLES / "silent_firewall.keys"
    capture = over_wlan(sample, tmp_path / "wlan.pcap")
    whole, found = analyze(sample, engine="builtin", keys=keys), analyze(capture, engine="auto", keys=keys)
    columns = ["start", "requested_s", "held_s", "outcome", "ping_status"]
    assert rows(found.heartbeats[columns]) == rows(whole.heartbeats[columns])
    assert [row["engine"] for row in rows(found.captures)] == ["both"]
    assert [row["opened_by_tshark"] for row in rows(found.captures)] == [len(found.connections)]
    assert "by tshark" in found.summary()


def test_nothing_is_offered_where_everything_could_be_opened() -> None:
    sample, keys = SAMPLES / "healthy.pcap", SAMPLES / "healthy.keys"
    found, alone = analyze(sample, engine="auto", keys=keys), analyze(sample, engine="builtin", keys=keys)
    for name in ("captures", "connections", "transactions", "heartbeats"):
        assert rows(found.table(name)) == rows(alone.table(name)), name


def test_without_tshark_what_was_not_opened_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from analyzer import AnalyzeError

    capture = over_wlan(SAMPLES / "healthy.pcap", tmp_path / "wlan.pcap")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AnalyzeError) as error:
        analyze(capture, engine="auto")
    assert any("802.11" in trouble.message for trouble in error.value.troubles)
    assert any("tshark is not installed" in trouble.message for trouble in error.value.troubles)


def test_the_tshark_engine_alone_gives_the_same_verdict() -> None:
    sample, keys = SAMPLES / "proxy_timeout.pcap", SAMPLES / "proxy_timeout.keys"
    one, other = (analyze(sample, engine=engine, keys=keys) for engine in ("builtin", "tshark"))
    assert one.verdict.headline == other.verdict.headline
    assert one.verdict.reasons == other.verdict.reasons


def test_tshark_cannot_be_given_a_pipe() -> None:
    from analyzer import AnalyzeError

    with pytest.raises(AnalyzeError, match="standard input"):
        analyze(Path("-"), engine="tshark")
