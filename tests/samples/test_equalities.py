"""The same capture read in different ways gives the same tables (CONVENTIONS 25)."""

import gzip
import io
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.compare import rows
from tests.support.places import SAMPLES

TABLES = ("connections", "transactions", "sessions", "heartbeats", "teardowns", "sync_sizes", "anomalies", "captures")
OF_THE_FILE = {"capture", "bytes", "engine"}  # columns that name the file, not what is in it
STORIES = ("silent_firewall", "hanging_sync", "new_connection_each")


def tables(name: str, path: Path | None = None, **options: Any) -> dict[str, list[dict[str, Any]]]:
    from analyzer.analysis import analyze

    analysis = analyze([path or SAMPLES / f"{name}.pcap"], keylog=[SAMPLES / f"{name}.keys"], **options)
    return {
        table: [
            {column: value for column, value in row.items() if column not in OF_THE_FILE}
            for row in rows(getattr(analysis, table))
        ]
        for table in TABLES
    }


@pytest.fixture(scope="module", params=STORIES)
def story(request: pytest.FixtureRequest) -> tuple[str, dict[str, list[dict[str, Any]]]]:
    """A sample and its tables as they come by default."""
    name = str(request.param)
    whole = tables(name)
    assert whole["transactions"], "an empty table would equal everything"
    return name, whole


@pytest.mark.parametrize("block_bytes", [4096, 65_521, 1 << 20])
def test_any_block_size_gives_the_same_tables(story: tuple[str, Any], block_bytes: int) -> None:
    name, whole = story
    assert tables(name, block_bytes=block_bytes) == whole


def test_plain_packet_path_gives_the_same_tables_as_the_columns(story: tuple[str, Any]) -> None:
    name, whole = story
    assert tables(name, columnar=False) == whole


def test_gzip_gives_the_same_tables(story: tuple[str, Any], tmp_path: Path) -> None:
    name, whole = story
    packed = tmp_path / f"{name}.pcap.gz"
    packed.write_bytes(gzip.compress((SAMPLES / f"{name}.pcap").read_bytes()))
    assert tables(name, packed) == whole


def test_zstandard_gives_the_same_tables(story: tuple[str, Any], tmp_path: Path) -> None:
    import zstandard

    name, whole = story
    packed = tmp_path / f"{name}.pcap.zst"
    packed.write_bytes(zstandard.compress((SAMPLES / f"{name}.pcap").read_bytes()))
    assert tables(name, packed) == whole


def test_standard_input_gives_the_same_tables(story: tuple[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    name, whole = story
    with (SAMPLES / f"{name}.pcap").open("rb") as capture:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(capture))
        assert tables(name, Path("-")) == whole


def test_keys_inside_the_capture_give_the_same_tables_as_a_key_log(story: tuple[str, Any], tmp_path: Path) -> None:
    """The pcap rewritten as pcapng with its key log in a Decryption Secrets Block."""
    name, whole = story
    capture, keys = (SAMPLES / f"{name}.pcap").read_bytes(), (SAMPLES / f"{name}.keys").read_bytes()
    path = tmp_path / f"{name}.pcapng"
    path.write_bytes(with_secrets(capture, keys))
    from analyzer.analysis import analyze

    analysis = analyze([path])
    for table in ("transactions", "heartbeats", "teardowns", "sync_sizes"):
        found = [{c: v for c, v in row.items() if c not in OF_THE_FILE} for row in rows(getattr(analysis, table))]
        assert found == whole[table]


def with_secrets(pcap: bytes, keys: bytes) -> bytes:
    """A microsecond little-endian pcap as pcapng: section, secrets, one interface, one block a frame."""

    def block(kind: int, body: bytes) -> bytes:
        body += b"\0" * (-len(body) % 4)
        size = (len(body) + 12).to_bytes(4, "little")
        return kind.to_bytes(4, "little") + size + body + size

    def words(*values: int) -> bytes:
        return b"".join(value.to_bytes(4, "little") for value in values)

    assert pcap[:4] == b"\xd4\xc3\xb2\xa1"
    out = [
        block(0x0A0D0D0A, words(0x1A2B3C4D, 1) + b"\xff" * 8),  # byte order, version 1.0, length unknown
        block(0x0000000A, b"KSLT" + words(len(keys)) + keys),  # secrets of type "TLSK", written little-endian
        block(0x00000001, pcap[20:24] + words(0)),  # link type of the pcap, no snap length
    ]
    at = 24
    while at < len(pcap):
        seconds, micros, captured, length = (int.from_bytes(pcap[at + i : at + i + 4], "little") for i in (0, 4, 8, 12))
        stamp = seconds * 1_000_000 + micros
        head = words(0, stamp >> 32, stamp & 0xFFFF_FFFF, captured, length)
        out.append(block(0x00000006, head + pcap[at + 16 : at + 16 + captured]))
        at += 16 + captured
    return b"".join(out)
