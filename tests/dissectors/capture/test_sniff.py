"""What files that are no captures are called."""

import gzip
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectors.capture import NotACapture, looks_like, open_capture

ETL = struct.pack("<I", 0x10000) + bytes(0x64) + struct.pack("<I", 0x10000) + b"\x02\0\0\x05"


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "empty"),
        (gzip.compress(b"x"), "gzip"),
        (b"\x28\xb5\x2f\xfd\x04\0", "zstd"),
        (b"CLIENT_RANDOM 0011 2233\n", "TLS key log"),
        (b"# made by a browser\r\nCLIENT_HANDSHAKE_TRAFFIC_SECRET 00 11\r\n", "TLS key log"),
        (b"-----BEGIN RSA PRIVATE KEY-----\nMII", "private key"),
        (b"-----BEGIN CERTIFICATE-----\nMII", "PEM"),
        (b"<!DOCTYPE html><html><head>", "HTML"),
        (b"\n<html><body>Not found", "HTML"),
        (b'<?xml version="1.0"?><pdml>', "XML"),
        (b'{"log": {"version": "1.2"', "JSON"),
        (b"No.,Time,Source\n1,0.0,10.0.0.1\n", "text"),
        ("Zeit;Größe".encode(), "text"),
        ("Zeit".encode("utf-16"), "UTF-16"),
        (b"snoop\0\0\0\0\0\0\2\0\0\0\4", "snoop"),
        (b"GMBU\0\2\1\0", "Network Monitor"),
        (ETL, "ETL"),
        (bytes(100), "zero bytes"),
        (bytes([7, 200, 1, 90] * 30), "unknown binary"),
        (b"x" + bytes(256) + b"ustar\x0000" + bytes(240), "tar archive"),
        (b"\x0a\x0d\x0d\x0a" + bytes(30), "damaged beginning"),
    ],
)
def test_named_in_words_a_person_knows(head: bytes, words: str) -> None:
    assert words in looks_like(head)
    with pytest.raises(NotACapture, match=words):
        open_capture(head)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_capture_or_named(head: bytes) -> None:
    magic = head[:4] in (bytes.fromhex(word) for word in ("d4c3b2a1", "a1b2c3d4", "0a0d0d0a"))
    if not magic:
        with pytest.raises(NotACapture, match="looks like "):
            open_capture(head)
